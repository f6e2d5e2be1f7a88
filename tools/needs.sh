#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the programs that the tests call: by itself as root on the Debian family; elsewhere it says what to install.
set -eu

# program, package on the Debian family, package on the RHEL family
NEEDS='
git      git         git
ip       iproute2    iproute
ss       iproute2    iproute
strace   strace      strace
unshare  util-linux  util-linux
'

missing() { # missing COLUMN: that column of each program that is not on PATH
    echo "$NEEDS" | while read -r program debian rhel; do
        [ -n "$program" ] || continue
        command -v "$program" >/dev/null || eval "echo \$$1"
    done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

PATH=$PATH:/usr/sbin:/sbin
[ -n "$(missing program)" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    packages=$(missing debian)
    echo "Installing $packages ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages
    exit 0
fi
if command -v dnf >/dev/null; then
    echo "The tests need $(missing program); run as root: dnf install $(missing rhel)" >&2
elif command -v apt-get >/dev/null; then
    echo "The tests need $(missing program); run as root: apt-get install $(missing debian)" >&2
else
    echo "The tests need $(missing program); install them with your package manager" >&2
fi
exit 1
