# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a queue stood still."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._diagnosis.stall import StallSeries
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener
from hypothesis import given
from hypothesis import strategies as st

# lengths at seconds 0, 1, 2 ...: longest stall, arrivals that were seen
ROWS = {
    "one_read": ([5], 0.0, 0),
    "always_empty": ([0, 0, 0], 0.0, 0),
    "always_full": ([129, 129, 129], 2.0, 0),
    "grows_and_stays": ([0, 2, 7, 7], 2.0, 7),
    "gets_shorter": ([3, 2, 1, 0], 0.0, 0),
    "begins_anew_when_it_gets_shorter": ([3, 4, 2, 2, 2, 3], 3.0, 2),
    "begins_anew_when_it_was_empty": ([1, 1, 0, 1, 1, 1], 2.0, 1),
    "longest_is_not_the_last": ([1, 1, 1, 1, 0, 1, 1], 3.0, 1),
    "comes_and_goes": ([0, 5, 0, 5, 0, 5], 0.0, 15),
    "at_the_end": ([0, 0, 1], 0.0, 1),
}


@pytest.mark.parametrize("lengths, stall, arrivals", ROWS.values(), ids=ROWS)
def test_stall(lengths, stall, arrivals):
    series = StallSeries()
    for second, length in enumerate(lengths):
        series.add(listener(accept_queue_length=length), float(second))
    summary = series.summary()
    assert (summary["longest_stall"], summary["arrivals_seen"]) == (stall, arrivals)
    assert (summary["reads"], summary["max"]) == (len(lengths), max(lengths))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_stall_is_the_longest_run(lengths):
    series = StallSeries()
    for second, length in enumerate(lengths):
        series.add(listener(accept_queue_length=length), float(second))
    runs = [
        last - first
        for first in range(len(lengths))
        for last in range(first, len(lengths))
        if all(lengths[first : last + 1]) and lengths[first : last + 1] == sorted(lengths[first : last + 1])
    ]
    assert series.summary()["longest_stall"] == max(runs, default=0)
