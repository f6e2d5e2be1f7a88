# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters tell that a SYN queue of the namespace was full: whose was it?"""

import copy

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.diagnosis import add_diagnosis
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.host import host_rows

THRESHOLDS = merged_thresholds({})
LISTENER = {
    "family": "inet",
    "local_address": "0.0.0.0",
    "local_port": 80,
    "accept_queue_length": 0,
    "accept_queue_limit": 16,
    "syn_queue_length": 0,
    "drops": 0,
    "workers": [],
    "sample": {"reads": 30, "max": 0, "mean": 0, "share_half_full": 0, "share_full": 0, "drops": {"delta": 0, "per_second": 0}, "longest_stall": 0},
}
MOVED, STILL = {"delta": 150, "per_second": 100.0}, {"delta": 0, "per_second": 0.0}


def facts(lengths, cookies=1, **counters):
    """Facts of a namespace with one listener for each length of a SYN queue, on the ports 80, 81 and so on."""
    names = ("ListenDrops", "ListenOverflows", "TCPReqQFullDrop", "TCPReqQFullDoCookies", "SyncookiesSent", "SyncookiesRecv")
    return {
        "schema": 1,
        "sample": {"seconds": 1.5},
        "workers": [],
        "cgroups": [],
        "pressure": {},
        "softnet": {},
        "kernel_log": {"syn_flooding": []},
        "namespaces": [
            {
                "netns": 1,
                "names": {"host": True},
                "sysctls": {"net.ipv4.tcp_syncookies": cookies, "net.ipv4.tcp_max_syn_backlog": 2048, "net.core.somaxconn": 4096},
                "counters_sample": {"TcpExt": {name: counters.get(name, STILL) for name in names}, "Tcp": {"PassiveOpens": MOVED}},
                "listeners": [{**copy.deepcopy(LISTENER), "local_port": 80 + place, "syn_queue_length": length} for place, length in enumerate(lengths)],
            }
        ],
    }


def syn_queues_full(given):
    rows = host_rows("web1", given, THRESHOLDS)
    add_diagnosis(rows, given, THRESHOLDS)
    return [row["listener"]["syn_queue_full"] for row in rows.listeners]


@pytest.mark.parametrize(
    ("lengths", "counters", "expected"),
    [
        ([0], {}, [False]),
        ([17, 0], {"TCPReqQFullDoCookies": MOVED}, [True, False]),
        ([2], {"TCPReqQFullDoCookies": MOVED}, [True]),
        ([2, 0], {"TCPReqQFullDoCookies": MOVED}, [None, None]),
        ([17, 0], {}, [False, False]),
    ],
    ids=["nothing", "the long one", "drained already, but the only one", "drained already, one of two", "long, but never full"],
)
def test_whose_syn_queue_was_full(lengths, counters, expected):
    assert syn_queues_full(facts(lengths, **counters)) == expected
