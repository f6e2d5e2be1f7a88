# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same problem in many namespaces is one entry."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems

# calls of add(), entries
SITUATIONS = {
    "none": ([], []),
    "of_no_namespace": ([("a", "x")], [{"code": "a", "message": "x", "count": 1}]),
    "of_one_namespace": ([("a", "x", 7)], [{"code": "a", "message": "x", "count": 1, "netns": 7}]),
    "twice_in_one_namespace": ([("a", "x", 7), ("a", "x", 7)], [{"code": "a", "message": "x", "count": 2, "netns": 7}]),
    "in_many_namespaces": ([("a", "x", n) for n in range(200)], [{"code": "a", "message": "x", "count": 200}]),
    "other_message": ([("a", "x", 7), ("a", "y", 7)], [
        {"code": "a", "message": "x", "count": 1, "netns": 7}, {"code": "a", "message": "y", "count": 1, "netns": 7},
    ]),
    "order_of_first_appearance": ([("b", "x"), ("a", "x"), ("b", "x")], [{"code": "b", "message": "x", "count": 2}, {"code": "a", "message": "x", "count": 1}]),
}  # fmt: skip


@pytest.mark.parametrize("calls, entries", SITUATIONS.values(), ids=SITUATIONS)
def test_entries(calls, entries):
    problems = Problems()
    for call in calls:
        problems.add(*call)
    assert problems.as_list() == entries


PARTIAL = {"none": ([], False), "known_limit_of_the_kernel": ([False], False), "one_makes_it_partial": ([False, True, False], True)}


@pytest.mark.parametrize("flags, partial", PARTIAL.values(), ids=PARTIAL)
def test_partial(flags, partial):
    problems = Problems()
    for flag in flags:
        problems.add("a", "x", partial=flag)
    assert problems.partial is partial
