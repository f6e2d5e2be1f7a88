#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the programs that the tests call: by itself as root on the Debian family; elsewhere it says what to install.
set -eu

# program, package on the Debian family, package on the RHEL family (-: not packaged there; the summary says what went untested)
NEEDS='
git         git         git
ip          iproute2    iproute
ss          iproute2    iproute
shellcheck  shellcheck  -
strace      strace      strace
unshare     util-linux  util-linux
'

missing() { # missing COLUMN: 1 for the programs that are not on PATH, 2 and 3 for their packages
    echo "$NEEDS" | while read -r program packages; do
        [ -n "$program" ] || continue
        command -v "$program" >/dev/null && continue
        case $packages in *-) command -v apt-get >/dev/null || continue ;; esac
        echo "$program $packages" | awk -v column="$1" '{ print $column }'
    done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

PATH=$PATH:/usr/sbin:/sbin
[ -n "$(missing 1)" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    packages=$(missing 2)
    echo "Installing $packages ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
    exit 0
fi
if command -v dnf >/dev/null; then
    echo "The tests need $(missing 1); run as root: dnf install $(missing 3)" >&2
elif command -v apt-get >/dev/null; then
    echo "The tests need $(missing 1); run as root: apt-get install $(missing 2)" >&2
else
    echo "The tests need $(missing 1); install them with your package manager" >&2
fi
exit 1
