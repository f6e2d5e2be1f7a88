# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts in numbers."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._probe.latency import PERCENTILES, Attempt, percentile, summary
from hypothesis import given
from hypothesis import strategies as st

RANKS = {
    "one_value": ([5], 99, 5),
    "half_of_two": ([1, 2], 50, 1),
    "more_than_half_of_two": ([1, 2], 51, 2),
    "hundred_values": (list(range(1, 101)), 99, 99),
    "hundred_and_one": (list(range(1, 102)), 99, 100),
    "all": ([1, 2, 3], 100, 3),
    "none": ([1, 2, 3], 0, 1),
}


@pytest.mark.parametrize("ordered, percent, value", RANKS.values(), ids=RANKS)
def test_percentile(ordered, percent, value):
    assert percentile(ordered, percent) == value


@given(st.lists(st.floats(0, 10), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)


def test_summary_of_all_outcomes():
    attempts = [
        Attempt("connected", 0.5), Attempt("connected", 0.25), Attempt("timeouts", 9), Attempt("refused", 0.1), Attempt("resets", 0.2),
        Attempt("errors", 0, "Network is unreachable"), Attempt("errors", 0, "Network is unreachable"),
    ]  # fmt: skip
    assert summary(attempts) == {
        "attempts": 7, "connected": 2, "timeouts": 1, "refused": 1, "resets": 1, "errors": 2, "reasons": ["Network is unreachable"],
        "latency": {"min": 0.25, "mean": 0.375, "max": 0.5, "p50": 0.25, "p90": 0.5, "p95": 0.5, "p99": 0.5},
    }  # fmt: skip


def test_without_a_connection_there_is_no_latency():
    assert summary([Attempt("timeouts", 0.9)])["latency"] is None
    assert set(summary([Attempt("connected", 0.9)])["latency"]) == {"min", "mean", "max", *("p%d" % percent for percent in PERCENTILES)}
