#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# podman, or the program that TEST_ENGINE names, with the settings that this machine needs for the test hosts.
#   tools/engine.sh ps --all
set -eu
image=$(dirname "$0")/../molecule/image

may_raise_limits() { # CAP_SYS_RESOURCE is bit 24 of the effective capabilities: the lowest bit of the seventh digit from the end
    case $(sed -n 's/^CapEff:.*\(.\)......$/\1/p' /proc/self/status) in [13579bdf]) return 0 ;; *) return 1 ;; esac
}

if [ "$(id -u)" = 0 ] && [ -z "${CONTAINERS_CONF:-}" ]; then
    if ! may_raise_limits || [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
        CONTAINERS_CONF=$(cd "$image" && pwd)/containers.conf
        export CONTAINERS_CONF
    fi
fi
exec "${TEST_ENGINE:-podman}" "$@"
