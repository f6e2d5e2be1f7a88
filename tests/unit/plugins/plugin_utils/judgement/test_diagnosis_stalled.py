# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing was accepted: what the connections of a whole namespace and a worker's CPU time can tell about one listener."""

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.diagnosis import add_diagnosis
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.host import host_rows

THRESHOLDS = merged_thresholds({})
SLEPT, WORKED = 0.0, 0.4  # share of one CPU
LONGEST = 17


def nothing_accepted(opens, cpu, listeners, family="inet"):
    """What is said of the first of so many listeners, while so many connections were made in the namespace."""
    place = {"path": "/run/a.sock"} if family == "unix" else {"local_address": "0.0.0.0", "local_port": 80}
    sample = {"reads": 30, "max": LONGEST, "mean": 17, "share_half_full": 1, "share_full": 1, "longest_stall": 1.5}
    row = {"family": family, **place, "accept_queue_length": LONGEST, "accept_queue_limit": 16, "workers": [7], "sample": sample}
    given = {
        "schema": 1,
        "sample": {"seconds": 1.5},
        "workers": [{"pid": 7, "name": "shop", "states": {"S": 1.0}, "threads": 1, "cpu": cpu}],
        "cgroups": [],
        "pressure": {},
        "softnet": {},
        "kernel_log": None,
        "namespaces": [
            {
                "netns": 1,
                "names": {"host": True},
                "sysctls": {},
                "counters_sample": {"Tcp": {"PassiveOpens": {"delta": opens, "per_second": opens and opens / 1.5}}, "TcpExt": {}},
                "listeners": [row, *({**row, "local_port": 81 + number} for number in range(listeners - 1))],
            }
        ],
    }
    rows = host_rows("web1", given, THRESHOLDS)
    add_diagnosis(rows, given, THRESHOLDS)
    return rows.listeners[0]["listener"]["nothing_accepted"]


@pytest.mark.parametrize(
    ("opens", "cpu", "listeners", "expected"),
    [
        (LONGEST, SLEPT, 1, True),
        (LONGEST, WORKED, 3, True),
        (LONGEST + 2, SLEPT, 1, False),
        (LONGEST + 2, WORKED, 1, False),
        (LONGEST + 2, SLEPT, 3, True),
        (LONGEST + 2, WORKED, 3, False),
        (None, SLEPT, 1, True),
        (None, WORKED, 1, None),
        (LONGEST + 2, None, 3, None),
    ],
    ids=[
        "no more than wait",
        "no more than wait, whatever it computes",
        "more came, and it is the only listener",
        "more came, and it worked",
        "more came, perhaps for the others, and it slept",
        "more came, perhaps for the others, and it worked",
        "unknown, and it slept",
        "unknown, and it worked",
        "more came, and its CPU time is unknown",
    ],
)
def test_nothing_was_accepted(opens, cpu, listeners, expected):
    assert nothing_accepted(opens, cpu, listeners) is expected


@pytest.mark.parametrize(("cpu", "expected"), [(SLEPT, True), (WORKED, False), (None, None)], ids=["slept", "worked", "unknown"])
def test_no_counter_tells_about_a_unix_socket(cpu, expected):
    assert nothing_accepted(500, cpu, 1, "unix") is expected
