# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workers and error logs tell of a reload."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._reload.outcome import (
    WorkerSeen,
    emergencies,
    is_about_bind,
    is_applied,
    is_final,
    reasons,
)


def workers(**pids):
    """p7=1 is pid 7 that started at tick 1; p7=-1 is shutting down."""
    return {int(pid[1:]): WorkerSeen(abs(start), start < 0) for pid, start in pids.items()}


BEFORE = {"p1": 1, "p2": 1}
SEEN = {
    "nothing_happened": (BEFORE, BEFORE, False),
    "new_beside_old": (BEFORE, {**BEFORE, "p3": 2, "p4": 2}, True),
    "first_new_one": (BEFORE, {**BEFORE, "p3": 2}, True),
    "old_ones_end": (BEFORE, {"p1": -1, "p2": -1, "p3": 2, "p4": 2}, True),
    "old_ones_ended": (BEFORE, {"p3": 2, "p4": 2}, True),
    "one_old_ended_one_ends": (BEFORE, {"p2": -1, "p3": 2}, True),
    "old_ones_end_and_none_is_new": (BEFORE, {"p1": -1, "p2": -1}, False),
    "all_ended": (BEFORE, {}, False),
    "crashed_worker": (BEFORE, {"p1": 1}, False),
    "crashed_worker_was_replaced": (BEFORE, {"p1": 1, "p3": 2}, False),
    "crashed_worker_was_replaced_under_its_pid": (BEFORE, {"p1": 1, "p2": 2}, False),
    "old_one_hangs": (BEFORE, {"p1": 1, "p3": 2, "p4": 2}, True),
    "ends_since_an_earlier_reload": ({**BEFORE, "p9": -1}, {**BEFORE, "p9": -1}, False),
    "crash_beside_one_that_ends_since_an_earlier_reload": ({**BEFORE, "p9": -1}, {"p1": 1, "p9": -1, "p3": 2}, False),
    "single_worker": ({"p1": 1}, {"p1": 1, "p2": 2}, True),
    "there_was_none": ({}, {"p1": 1}, True),
    "there_is_none": ({}, {}, False),
}  # fmt: skip


@pytest.mark.parametrize("before, now, applied", SEEN.values(), ids=SEEN)
def test_applied(before, now, applied):
    assert is_applied(workers(**before), workers(**now)) is applied


BIND = "bind() to 0.0.0.0:80 failed (98: Address already in use)"
LOG = (
    b"2026/11/21 01:08:22 [emerg] 5#5: " + BIND.encode() + b"\n"
    b"2026/11/21 01:08:22 [notice] 5#5: try again to bind() after 500ms\n"
    b"2026/11/21 01:08:22 [emerg] 5#5: " + BIND.encode() + b"\n"
    b"2026/11/21 01:08:22 [emerg] 6#6: of another nginx\n"
    b"2026/11/21 01:08:22 [alert] 5#5: \xff\n"
    b"2026/11/21 01:08:25 [emerg] 5#5: still could not bind()\n"
)


def test_sentences_of_the_log():
    assert emergencies(LOG, {5, 7}) == [BIND, "\\xff", "still could not bind()"]
    assert emergencies(b"", {5}) == []
    for end in range(len(LOG)):
        assert set(emergencies(LOG[:end], {5})) - {""} <= {BIND[:length] for length in range(len(BIND) + 1)} | {
            "\\xff",
            *("still could not bind()"[:n] for n in range(23)),
        }


SAID = {
    "nothing": ([], False, False, []),
    "bind_is_tried_again": ([BIND], False, True, [BIND]),
    "gave_up": ([BIND, "still could not bind()"], True, True, [BIND]),
    "something_else": (['unknown directive "x" in /n:1'], True, False, ['unknown directive "x" in /n:1']),
    "both": ([BIND, "open() failed"], True, True, [BIND, "open() failed"]),
    "gave_up_and_the_rest_was_not_seen": (["still could not bind()"], True, False, ["still could not bind()"]),
}


@pytest.mark.parametrize("sentences, final, about_bind, why", SAID.values(), ids=SAID)
def test_what_the_log_means(sentences, final, about_bind, why):
    assert (is_final(sentences), is_about_bind(sentences), reasons(sentences)) == (final, about_bind, why)
