#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the programs that the tests call: by itself as root on the Debian family; elsewhere it says what to install.
#   tools/needs.sh             what the tests on this machine call
#   tools/needs.sh molecule    what makes and runs the hosts of Molecule's scenarios
set -eu

# program or file, package on the Debian family, package on the RHEL family (-: not there; the summary says what went untested)
NEEDS='
chattr      e2fsprogs       e2fsprogs
chromium    chromium        -
chromium-browser -          chromium
git         git             git
ip          iproute2        iproute
iptables    iptables        iptables-nft
nginx       nginx-light     nginx
openssl     openssl         openssl
redis-server redis-server   redis
ss          iproute2        iproute
ssh         openssh-client  openssh-clients
shellcheck  shellcheck      -
strace      strace          strace
sysctl      procps          procps-ng
unshare     util-linux      util-linux
/usr/share/fonts/truetype/dejavu fonts-dejavu-core -
/usr/lib/nginx/modules/ngx_mail_module.so     libnginx-mod-mail    -
/usr/lib/nginx/modules/ngx_stream_module.so   libnginx-mod-stream  -
/usr/lib64/nginx/modules/ngx_mail_module.so   -                    nginx-mod-mail
/usr/lib64/nginx/modules/ngx_stream_module.so -                    nginx-mod-stream
'
[ "${1:-}" != molecule ] || NEEDS='
nsenter     util-linux      util-linux
podman      podman          podman
runc        runc            -
ssh         openssh-client  openssh-clients
'
[ "${1:-}" != molecule ] || [ -n "${TEST_BASE:-}" ] || NEEDS="$NEEDS
debootstrap debootstrap     debootstrap
/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring debian-keyring
"

missing() { # missing programs|apt|dnf: the programs that are not on PATH, or their packages
    echo "$NEEDS" | while read -r program apt dnf; do
        [ -n "$program" ] || continue
        case $program in /*) [ -e "$program" ] && continue ;; *) command -v "$program" >/dev/null && continue ;; esac
        if command -v apt-get >/dev/null; then [ "$apt" != - ] || continue; else [ "$dnf" != - ] || continue; fi
        case $1 in programs) echo "$program" ;; apt) echo "$apt" ;; dnf) echo "$dnf" ;; esac
    done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

PATH=$PATH:/usr/sbin:/sbin
[ -n "$(missing programs)" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    packages=''
    for package in $(missing apt); do # Ubuntu has some of them only as a snap
        if apt-cache show "$package" >/dev/null 2>&1; then packages="$packages $package"; else echo "No package $package here: what needs it is not tested"; fi
    done
    [ -n "$packages" ] || exit 0
    echo "Installing$packages ..."
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
    exit 0
fi
if command -v dnf >/dev/null; then
    echo "The tests need $(missing programs); run as root: dnf install $(missing dnf)" >&2
elif command -v apt-get >/dev/null; then
    echo "The tests need $(missing programs); run as root: apt-get install $(missing apt)" >&2
else
    echo "The tests need $(missing programs); install them with your package manager" >&2
fi
exit 1
