# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module of a made-up host answers."""

import copy
import json

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
    "processes": [{"pid": 812, "name": "nginx", "started_at": "2026-11-20T20:22:42Z"}],
}
NAMESPACE = {
    "netns": 4026531840,
    "names": {"host": True, "own": True},
    "sysctls": {"net.core.somaxconn": 4096, "net.ipv4.tcp_syncookies": 1, "net.ipv4.tcp_abort_on_overflow": 0},
    "counters": {"TcpExt": {"ListenOverflows": 0}},
}
FACTS = {
    "schema": 1,
    "kernel": "6.18.44",
    "boot_id": "3b0c8f0e",
    "collected_at": "2026-11-20T21:22:42Z",
    "collected_by": {"version": "0.1.0", "uid": 0, "capabilities": []},
    "complete": True,
    "gather_subset": ["sockets"],
    "scope": "all",
    "problems": [],
}
CRITICAL = {"accept_queue_length": 512, "accept_queue_full": True}
WARNING = {"drops": 6000}


def result(**changes):
    listener = {**copy.deepcopy(LISTENER), **changes}
    return {"changed": False, "ansible_facts": {"listen_queue": {**FACTS, "namespaces": [{**NAMESPACE, "listeners": [listener]}]}}}


def saved(audit, **hosts):
    folder = audit.folder / "saved"
    folder.mkdir()
    for name, each in hosts.items():
        (folder / (name + ".json")).write_text(json.dumps(each))
    return str(folder)
