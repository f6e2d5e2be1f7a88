#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the images of the test hosts and prints their names: Debian and Ubuntu with systemd, sshd and nginx.
#   tools/images.sh trixie noble
# An image is made once (a minute or two) and kept by the engine until what it is made from changes. Interrupt it at any time.
#   TEST_ENGINE    podman
#   TEST_BASE      an image to start from, SUITE standing for the suite (docker.io/library/debian:SUITE); without it debootstrap as root
#   DEBIAN_MIRROR  UBUNTU_MIRROR
set -eu
cd "$(dirname "$0")/.."
recipe=molecule/image
debian_mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
ubuntu_mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg
ubuntu_keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
ubuntu_keys_package=pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
ubuntu_keys_sha256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8
work=''

cannot() {
    echo "The test hosts of $suite cannot be made: $1" >&2
    exit 1
}

undo() {
    [ -n "$work" ] || return 0
    umount "$work/root/proc" 2>/dev/null || true
    rm -rf "$work"
}

name_of() { # name_of SUITE: one made from something else is another image
    echo "localhost/netops-listen-queue/$1:$({ cat "$recipe"/packages "$recipe"/setup.sh "$recipe"/Containerfile; printf %s "${TEST_BASE:-}"; } |
        cksum | cut -d' ' -f1)"
}

ubuntu_keyring() { # Debian has no package with the keys of Ubuntu
    [ ! -e "$ubuntu_keys" ] || return 0
    ubuntu_keys=$work/keys/usr/share/keyrings/ubuntu-archive-keyring.gpg
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(sys.argv[1], sys.argv[2])' "$ubuntu_mirror/$ubuntu_keys_package" "$work/keys.deb" ||
        cannot "the keys of Ubuntu could not be loaded from $ubuntu_mirror; set UBUNTU_MIRROR"
    echo "$ubuntu_keys_sha256  $work/keys.deb" | sha256sum -c --quiet - || cannot "the keys that $ubuntu_mirror delivers are not those of Ubuntu"
    dpkg-deb -x "$work/keys.deb" "$work/keys"
}

bootstrap() { # bootstrap IMAGE: from the packages of the distribution
    [ "$(id -u)" = 0 ] || cannot 'debootstrap needs root; run as root, or set TEST_BASE to an image with the distribution'
    command -v debootstrap >/dev/null || cannot 'debootstrap is missing; install it, or set TEST_BASE to an image with the distribution'
    mkdir -p ".cache/packages/$suite"
    work=$(mktemp -d "$PWD/.cache/image.XXXXXX")
    case $suite in # debootstrap knows all releases of Ubuntu by the script of an old one
        jammy | noble | plucky | questing) ubuntu_keyring && set -- "$1" "$ubuntu_keys" main,universe "$ubuntu_mirror" gutsy ;;
        *) set -- "$1" "$debian_keys" main "$debian_mirror" sid ;;
    esac
    [ -e "$2" ] || cannot "$2 is missing; install the package debian-archive-keyring"
    debootstrap --variant=minbase --cache-dir="$PWD/.cache/packages/$suite" --keyring="$2" --components="$3" \
        --include="$(paste -sd, "$recipe/packages")" "$suite" "$work/root" "$4" "$5" >"$work/log" 2>&1 ||
        cannot "debootstrap ended with: $(tail -n 1 "$work/log")"
    cp "$recipe/setup.sh" "$work/root/tmp/setup.sh"
    chroot "$work/root" sh /tmp/setup.sh >"$work/log" 2>&1 || cannot "setup.sh ended with: $(tail -n 1 "$work/log")"
    rm -f "$work/root/tmp/setup.sh"
    tar -C "$work/root" --one-file-system -cf - . |
        tools/engine.sh import --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' - "$1" >"$work/log" 2>&1 ||
        cannot "the import ended with: $(tail -n 1 "$work/log")"
    undo
    work=''
}

build() { # build IMAGE: from an image of the distribution
    base=$(echo "$TEST_BASE" | sed "s#SUITE#$suite#")
    tools/engine.sh build --network=host --build-arg BASE="$base" -t "$1" -f "$recipe/Containerfile" "$recipe" >&2 ||
        cannot "building on $base failed"
}

forget_older() { # forget_older IMAGE: one that a host still uses stays
    for older in $(tools/engine.sh image ls --quiet --filter "reference=${1%:*}" --filter "before=$1"); do
        tools/engine.sh image rm "$older" >/dev/null 2>&1 || true
    done
}

lock() { # one image at a time in one checkout; the kernel lets go when the last holder ends
    command -v flock >/dev/null || return 0
    mkdir -p .cache
    exec 9>.cache/images.lock
    flock 9
}

is_made() { # is_made IMAGE
    tools/engine.sh image inspect "$1" >/dev/null 2>&1
}

make_image() { # make_image IMAGE PLACE
    echo "[$2] Making the image of $suite, which takes a minute or two ..." >&2
    started=$(date +%s)
    if [ -n "${TEST_BASE:-}" ]; then build "$1"; else bootstrap "$1"; fi
    forget_older "$1"
    echo "[$2] Made $1 in $(($(date +%s) - started)) s" >&2
}

trap undo EXIT
trap 'exit 130' INT TERM HUP
number=0
for suite; do
    number=$((number + 1))
    image=$(name_of "$suite")
    if ! is_made "$image"; then
        lock
        if ! is_made "$image"; then make_image "$image" "$number/$#"; fi # not ||, under which a failure would not end it
    fi
    echo "$image"
done
