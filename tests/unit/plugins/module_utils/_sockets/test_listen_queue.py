# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accept queue's model against what was measured on Linux 6.18."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import listen_queue
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener
from hypothesis import given
from hypothesis import strategies as st

# listen(backlog) under somaxconn gives this limit, and the queue holds so many connections before a SYN is dropped
MEASURED = {
    "backlog_0_holds_one": (0, 4096, 0, 1),
    "backlog_1": (1, 4096, 1, 2),
    "backlog_5": (5, 4096, 5, 6),
    "backlog_128": (128, 4096, 128, 129),
    "backlog_511_of_nginx": (511, 4096, 511, 512),
    "capped_by_somaxconn": (1000, 128, 128, 129),
    "after_somaxconn_was_raised": (1000, 2000, 1000, 1001),
    "after_somaxconn_was_lowered": (1000, 50, 50, 51),
    "shrunk_with_40_waiting": (5, 4096, 5, 6),
    "somaxconn_of_the_sockets_namespace": (5000, 777, 777, 778),
    "minus_1_is_the_largest": (-1, 4096, 4096, 4097),
    "70000": (70000, 4096, 4096, 4097),
    "largest_int": (2**31 - 1, 4096, 4096, 4097),
    "smallest_int": (-(2**31), 4096, 4096, 4097),
    "somaxconn_0": (128, 0, 0, 1),
}


@pytest.mark.parametrize("backlog, somaxconn, limit, held", MEASURED.values(), ids=MEASURED)
def test_measured(backlog, somaxconn, limit, held):
    assert listen_queue.granted_limit(backlog, somaxconn) == limit
    assert not listen_queue.accept_queue_full(held - 1, limit)
    assert listen_queue.accept_queue_full(held, limit)


FULL = {"empty": (0, 128, False), "at_the_limit": (128, 128, False), "one_above": (129, 128, True), "shrunk": (40, 5, True), "limit_0": (1, 0, True)}


@pytest.mark.parametrize("length, limit, full", FULL.values(), ids=FULL)
def test_full(length, limit, full):
    assert listen_queue.accept_queue_full(length, limit) is full


LIMITED_BY = {
    "request_unknown": (None, 128, "unknown"),
    "request_unknown_limit_0": (None, 0, "unknown"),
    "as_requested": (511, 511, "backlog"),
    "requested_0": (0, 0, "backlog"),
    "capped": (1000, 128, "somaxconn"),
    "capped_to_0": (1000, 0, "somaxconn"),
    "minus_1_capped": (-1, 4096, "somaxconn"),
    "minus_1_under_the_largest_somaxconn": (-1, 0xFFFFFFFF, "backlog"),
    "limit_above_the_request": (128, 511, "unknown"),
}


@pytest.mark.parametrize("requested, limit, answer", LIMITED_BY.values(), ids=LIMITED_BY)
def test_limited_by(requested, limit, answer):
    assert listen_queue.limited_by(requested, limit) == answer


AT_CAP = {"equal": (4096, 4096, True), "below": (511, 4096, False), "above": (4096, 128, False), "somaxconn_unknown": (128, None, None), "zero": (0, 0, True)}


@pytest.mark.parametrize("limit, somaxconn, answer", AT_CAP.values(), ids=AT_CAP)
def test_at_cap(limit, somaxconn, answer):
    assert listen_queue.at_cap(limit, somaxconn) is answer


STALE = {
    "somaxconn_unknown": (None, 128, None, None),
    "somaxconn_unknown_request_known": (511, 128, None, None),
    "above_somaxconn": (None, 1000, 50, True),
    "above_somaxconn_request_known": (1000, 1000, 50, True),
    "equals_somaxconn": (None, 4096, 4096, False),
    "equals_somaxconn_request_known": (5000, 4096, 4096, False),
    "below_somaxconn": (None, 128, 4096, None),
    "below_and_as_requested": (128, 128, 4096, False),
    "somaxconn_was_raised": (1000, 128, 2000, True),
    "minus_1_and_somaxconn_was_raised": (-1, 128, 2000, True),
    "minus_1_at_somaxconn": (-1, 4096, 4096, False),
    "request_is_not_the_sockets": (64, 128, 4096, True),
}


@pytest.mark.parametrize("requested, limit, somaxconn, answer", STALE.values(), ids=STALE)
def test_stale_limit(requested, limit, somaxconn, answer):
    assert listen_queue.stale_limit(requested, limit, somaxconn) is answer


NUMBERS = st.integers(0, 2**31 - 1)


@given(st.integers(-(2**31), 2**31 - 1), NUMBERS, NUMBERS)
def test_answers_without_the_request_never_contradict_those_with_it(requested, then, now):
    limit = listen_queue.granted_limit(requested, then)
    with_request = listen_queue.stale_limit(requested, limit, now)
    assert listen_queue.stale_limit(None, limit, now) in (None, with_request)
    assert with_request == (listen_queue.granted_limit(requested, now) != limit)
    assert listen_queue.limited_by(requested, limit) == ("somaxconn" if limit == then < requested % 2**32 else "backlog")


def test_endpoint_is_what_a_reuseport_group_shares():
    assert listen_queue.endpoint(listener("inet6", "::1", 80, interface=3, inode=9)) == ("inet6", "::1", 80, 3)
