#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Unpacks programs of Debian releases into .cache/KIND/SUITE, for the tests that run them: the loaders of sysctl.d, nginx, or the
# servers whose backlogs are compared with the table of programs (80 MB to download).
# Nothing is installed: the packages and all that they need are downloaded by apt, with its signatures, and unpacked into a directory.
#   tools/releases.sh loaders bullseye trixie
#   tools/releases.sh nginx trixie
#   tools/releases.sh programs trixie
set -eu
cd "$(dirname "$0")/.."
kind=$1
shift
case $kind in
    loaders) packages='procps systemd' ;;
    nginx) packages='nginx-light libnginx-mod-mail libnginx-mod-stream' ;;
    programs)
        packages='apache2-bin haproxy lighttpd mariadb-server-core memcached openssh-server pgbouncer php-fpm prometheus-node-exporter puma
            rsyslog unbound unicorn uwsgi-core'
        ;;
    *) echo "There is no $kind here; name loaders, nginx or programs" >&2 && exit 1 ;;
esac
cache=$PWD/.cache/$kind
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
mkdir -p "$cache"

not_had() {
    echo "The $kind of Debian $1 are not had: $2" >&2
    return 1
}

download() { # download WORK SUITE
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/root"
    : >"$1/status"
    echo "deb [signed-by=$keys] $mirror $2 main" >"$1/sources.list"
    cat >"$1/apt.conf" <<EOF
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "";
EOF
    APT_CONFIG=$1/apt.conf apt-get -qq update || return
    # shellcheck disable=SC2086
    APT_CONFIG=$1/apt.conf apt-get -qq install -y --download-only --no-install-recommends $packages
}

fetch() { # fetch SUITE
    [ ! -d "$cache/$1" ] || return 0
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        not_had "$1" 'there is no apt-get'
        return
    fi
    [ -e "$keys" ] || { not_had "$1" "there is no $keys"; return; }
    work=$(mktemp -d "$cache/$1.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM HUP
    download "$work" "$1" >"$work/log" 2>&1 || { not_had "$1" "$(tail -n 1 "$work/log")"; return; }
    for package in "$work"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$work/root"
    done
    # As after installation on a merged /usr, which newer packages take for granted.
    for folder in bin sbin lib lib64; do
        [ -e "$work/root/$folder" ] || [ ! -e "$work/root/usr/$folder" ] || ln -s "usr/$folder" "$work/root/$folder"
    done
    mv "$work/root" "$cache/$1"
    rm -rf "$work"
}

if command -v flock >/dev/null; then # one at a time: the tests run side by side
    exec 9>"$cache/.lock"
    flock 9
fi
failed=0
for suite; do
    fetch "$suite" || failed=1
done
exit $failed
