# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts to start from: a healthy host with one listener of nginx, changed by each test where it matters.

Each call makes new records; the value "absent" leaves a key out.
"""

import copy

LISTENER = {
    "family": "inet",
    "local_address": "0.0.0.0",
    "local_port": 80,
    "accept_queue_length": 0,
    "accept_queue_limit": 511,
    "accept_queue_full": False,
    "drops": 0,
    "limited_by": "unknown",
    "at_cap": False,
    "stale_limit": None,
    "processes": [{"pid": 812, "name": "nginx", "unit": "nginx.service", "started_at": "2026-11-20T20:22:42Z"}],
}
NAMESPACE = {
    "netns": 4026531840,
    "names": {"host": True, "own": True},
    "sysctls": {"net.core.somaxconn": 4096, "net.ipv4.tcp_syncookies": 1, "net.ipv4.tcp_abort_on_overflow": 0},
    "counters": {"TcpExt": {"ListenOverflows": 0, "ListenDrops": 100000000}},
}
FACTS = {
    "schema": 1,
    "kernel": "6.18.44",
    "boot_id": "3b0c8f0e-0000-0000-0000-000000000000",
    "collected_at": "2026-11-20T21:22:42Z",
    "collected_by": {"version": "0.1.0", "uid": 0, "capabilities": []},
    "complete": True,
    "gather_subset": ["sockets"],
    "scope": "all",
    "problems": [],
}


def listener(**changes):
    return _changed(LISTENER, changes)


def namespace(*listeners, **changes):
    return _changed({**NAMESPACE, "listeners": list(listeners)}, changes)


def facts(*namespaces, **changes):
    return _changed({**FACTS, "namespaces": list(namespaces)}, changes)


def _changed(record, changes):
    return copy.deepcopy({key: value for key, value in {**record, **changes}.items() if value != "absent"})
