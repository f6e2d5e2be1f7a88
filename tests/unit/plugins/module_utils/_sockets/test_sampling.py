# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of a window: queues read many times, counters at its ends."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.sampling import QueueSeries, change, counter_changes
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener
from hypothesis import given
from hypothesis import strategies as st


def series(lengths, limit, drops=None):
    made = QueueSeries()
    for index, length in enumerate(lengths):
        made.add(listener(accept_queue_length=length, accept_queue_limit=limit, drops=drops[index] if drops else 0), 100.0 + index)
    return made.summary()


# lengths, limit: reads, max, mean, share of reads half full, share full
QUEUES = {
    "idle": ([0, 0, 0, 0], 128, (4, 0, 0.0, 0.0, 0.0)),
    "one_read": ([3], 128, (1, 3, 3.0, 0.0, 0.0)),
    "burst_between_the_ends": ([0, 129, 0, 0], 128, (4, 129, 32.25, 0.25, 0.25)),
    "exactly_half": ([64, 63], 128, (2, 64, 63.5, 0.5, 0.0)),
    "at_the_limit_is_not_full": ([128, 129], 128, (2, 129, 128.5, 1.0, 0.5)),
    "odd_limit": ([2, 3], 5, (2, 3, 2.5, 0.5, 0.0)),
    "limit_0_empty": ([0, 0], 0, (2, 0, 0.0, 0.0, 0.0)),
    "limit_0_holding_one": ([0, 1], 0, (2, 1, 0.5, 0.5, 0.5)),
    "limit_1": ([0, 1, 2], 1, (3, 2, 1.0, 0.667, 0.333)),
    "shrunk_under_40_waiting": ([40], 5, (1, 40, 40.0, 1.0, 1.0)),
    "rounding": ([1, 0, 0], 128, (3, 1, 0.33, 0.0, 0.0)),
}


@pytest.mark.parametrize("lengths, limit, expected", QUEUES.values(), ids=QUEUES)
def test_queue(lengths, limit, expected):
    found = series(lengths, limit)
    assert (found["reads"], found["max"], found["mean"], found["share_half_full"], found["share_full"]) == expected


DROPS = {
    "none": ([5, 5, 5], {"delta": 0, "per_second": 0.0}),
    "three_in_two_seconds": ([5, 6, 8], {"delta": 3, "per_second": 1.5}),
    "one_read_has_no_rate": ([5], {"delta": 0, "per_second": None}),
    "went_down": ([8, 9, 0], {"delta": "reset", "per_second": None}),
    "unknown_at_first": ([None, 6, 8], {"delta": None, "per_second": None}),
}


@pytest.mark.parametrize("drops, expected", DROPS.values(), ids=DROPS)
def test_drops_of_a_listener(drops, expected):
    assert series([0] * len(drops), 128, drops)["drops"] == expected


def test_unix_listener_has_no_drops():
    made = QueueSeries()
    made.add(unix_listener(accept_queue_length=2), 0.0)
    assert made.summary() == {"reads": 1, "max": 2, "mean": 2.0, "share_half_full": 0.0, "share_full": 0.0}


def test_limit_that_changes_in_the_window_counts_as_it_was():
    made = QueueSeries()
    for limit in (128, 5, 128):
        made.add(listener(accept_queue_length=6, accept_queue_limit=limit), 0.0)
    assert (made.summary()["share_half_full"], made.summary()["share_full"]) == (0.333, 0.333)


CHANGES = {
    "grew": (10, 13, 2.0, 3, 1.5),
    "same": (10, 10, 2.0, 0, 0.0),
    "from_0": (0, 7, 0.5, 7, 14.0),
    "no_time_passed": (10, 13, 0.0, 3, None),
    "namespace_restarted": (10, 3, 2.0, "reset", None),
    "wrapped_at_32_bits": (2**32 - 1, 1, 2.0, "reset", None),
    "wrapped_at_64_bits": (2**64 - 1, 0, 2.0, "reset", None),
    "unknown_before": (None, 3, 2.0, None, None),
    "unknown_after": (3, None, 2.0, None, None),
    "unknown_both": (None, None, 2.0, None, None),
    "rate_is_rounded": (0, 1, 3.0, 1, 0.333),
}


@pytest.mark.parametrize("before, after, seconds, delta, rate", CHANGES.values(), ids=CHANGES)
def test_change(before, after, seconds, delta, rate):
    assert change(before, after, seconds) == {"delta": delta, "per_second": rate}


@given(st.integers(0, 2**64), st.integers(0, 2**64), st.floats(0.001, 3600))
def test_delta_and_rate_are_never_negative(before, after, seconds):
    found = change(before, after, seconds)
    assert found["delta"] == "reset" or found["delta"] >= 0
    assert (found["per_second"] is None) == (found["delta"] == "reset")


def test_changes_of_all_counters():
    before = {"TcpExt": {"ListenDrops": 1, "Gone": 5}, "Tcp": {"PassiveOpens": 9}}
    after = {"TcpExt": {"ListenDrops": 5, "New": 2}, "Tcp": {"PassiveOpens": 1}, "Ip": {"InReceives": 4}}
    unknown = {"delta": None, "per_second": None}
    assert counter_changes(before, after, 2.0) == {
        "TcpExt": {"ListenDrops": {"delta": 4, "per_second": 2.0}, "New": unknown},
        "Tcp": {"PassiveOpens": {"delta": "reset", "per_second": None}},
        "Ip": {"InReceives": unknown},
    }
