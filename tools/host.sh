#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A test host: a container that boots systemd, with a network namespace of its own and nothing to reach it by but sshd on a pipe.
#   tools/host.sh up NAME SUITE PUBLIC_KEY [--sys-admin] [--read-only-sysctls]    returns when it has booted
#   tools/host.sh restart NAME ...
#   tools/host.sh down NAME ...
# It may set its own net.*. Everything else below /proc/sys belongs to the machine and is read-only before the first process
# of the host starts: systemd alone would raise fs.nr_open and fs.file-max.
set -eu
here=$(dirname "$0")

engine() {
    "$here/engine.sh" "$@"
}

up() {
    name=$1 suite=$2 key=$3
    writable='unmask=/proc/sys' capabilities=SYS_PTRACE
    shift 3
    for option; do
        case $option in
            --sys-admin) capabilities=SYS_PTRACE,SYS_ADMIN,NET_ADMIN ;; # mounts, and network namespaces of its own
            --read-only-sysctls) writable='mask=/nonexistent' ;;
            *) echo "tools/host.sh knows no option $option" >&2; exit 2 ;;
        esac
    done
    image=$("$here/images.sh" "$suite")
    down "$name"
    engine create --name "$name" --hostname "$name" --network=none --systemd=always --security-opt "$writable" --cap-add="$capabilities" \
        "$image" /sbin/init SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 >/dev/null
    start "$name"
    engine exec -i "$name" sh -c 'umask 077; cat >/home/netops/.ssh/authorized_keys; chown netops: /home/netops/.ssh/authorized_keys' <"$key"
}

start() {
    attempt=0
    until launch "$1"; do # podman tidies up after a stop when that has returned, and may take along what was made since
        attempt=$((attempt + 1))
        [ "$attempt" -lt 5 ] || { echo "The test host $1 did not start" >&2; return 1; }
        sleep 1
    done
    booted "$1"
}

launch() {
    engine init "$1" >/dev/null || return 1 # made, with all its namespaces and mounts, but not yet running
    protect "$(engine inspect --format '{{.State.Pid}}' "$1")" || return 1
    engine start "$1" >/dev/null
}

inside() { # inside PID COMMAND ...
    pid=$1
    shift
    nsenter --mount="/proc/$pid/ns/mnt" --root="/proc/$pid/root" -- "$@"
}

protect() { # without root the engine has a user namespace, and the kernel itself refuses
    [ "$(id -u)" = 0 ] || return 0
    for folder in /proc/sys/*; do
        [ "$folder" != /proc/sys/net ] || continue
        inside "$1" mount --bind "$folder" "$folder" || return 1
        inside "$1" mount -o remount,bind,ro "$folder" || return 1
    done
}

booted() {
    attempt=0
    until state=$(engine exec "$1" systemctl is-system-running --wait 2>/dev/null); do
        attempt=$((attempt + 1))
        if [ "$state" = degraded ] || [ "$attempt" = 20 ]; then break; fi
        sleep 0.25
    done
    [ "$state" = running ] && return
    echo "The test host $1 did not boot: ${state:-no answer}" >&2
    engine exec "$1" systemctl --no-pager --no-legend --failed >&2 || engine logs "$1" >&2
    return 1
}

restart() {
    for name; do
        engine stop -t 10 "$name" >/dev/null
        start "$name"
    done
}

down() {
    for name; do
        engine rm --force --time 0 --ignore "$name" >/dev/null
    done
}

case ${1:-} in
    up | restart | down) "$@" ;;
    *) sed -n '4,6s/^#   //p' "$0" >&2; exit 2 ;;
esac
