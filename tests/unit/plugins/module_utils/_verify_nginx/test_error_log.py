# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error logs, whatever the time zone of the nginx that wrote them."""

from calendar import timegm
from time import gmtime, strftime

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._verify_nginx.error_log import deaths, emergencies_since
from hypothesis import given
from hypothesis import strategies as st

NOON = timegm((2026, 11, 21, 12, 0, 0))
PIDS = {7, None}


def line(seconds, text, level="emerg", pid=7):
    return ("%s [%s] %d#%d: %s\n" % (strftime("%Y/%m/%d %H:%M:%S", gmtime(seconds)), level, pid, pid, text)).encode()


LOG = line(NOON, "old") + line(NOON + 5, "five") + line(NOON + 5, "notice", "notice") + line(NOON + 6, "six") + line(NOON + 6, "other", pid=8)
# situation: (text, time of the last write, since, is_after, sentences)
LOGS = {
    "all": (LOG, NOON + 6.3, NOON, False, ["old", "five", "six"]),
    "since_a_moment": (LOG, NOON + 6.3, NOON + 0.9, True, ["five", "six"]),
    "in_the_second_of_the_moment": (LOG, NOON + 6.3, NOON + 5.9, False, ["five", "six"]),
    "after_the_second_of_the_moment": (LOG, NOON + 6.3, NOON + 5.1, True, ["six"]),
    "nothing_new": (LOG, NOON + 6.3, NOON + 7, False, []),
    "empty": (b"", NOON, NOON, False, []),
    "no_line_of_nginx": (b"Traceback\n[emerg] 7#7: x\n", NOON, NOON, False, []),
    "first_line_cut": (b":00 [emerg] 7#7: cut\n" + line(NOON, "whole"), NOON, NOON, False, ["whole"]),
    "last_line_cut": (line(NOON, "a") + line(NOON, "b")[:-2], NOON, NOON, False, ["a"]),
    "same_sentence_twice": (line(NOON, "a") + line(NOON + 1, "a"), NOON + 1, NOON, False, ["a"]),
    "no_such_date": (b"2026/13/99 12:00:00 [emerg] 7#7: x\n", NOON, NOON + 10**9, False, []),
    "bytes_that_are_no_text": (line(NOON, "x").replace(b"x", b"\xff"), NOON, NOON, False, ["\\xff"]),
    "written_to_without_a_stamp_later": (LOG + b"more\n", NOON + 60, NOON + 6, False, ["six"]),
    "touched_days_later": (LOG, NOON + 10 * 86400, NOON + 5, False, ["five", "six"]),
}  # fmt: skip


@pytest.mark.parametrize("text, written_at, since, is_after, sentences", LOGS.values(), ids=LOGS)
def test_log(text, written_at, since, is_after, sentences):
    assert emergencies_since(text, written_at, PIDS, since, is_after) == sentences


def test_workers_that_died():
    log = (
        line(NOON, "worker process 9 exited on signal 9", "alert")
        + line(NOON + 1, "worker process 10 exited with fatal code 2 and cannot be respawned", "alert")
        + line(NOON + 2, "worker process 11 exited with code 0", "notice")
        + line(NOON + 3, "worker process 12 exited on signal 9", "alert", pid=8)
        + line(NOON + 4, "1024 worker_connections are not enough", "alert")
    )
    assert deaths(log, NOON + 4.2, PIDS) == [NOON, NOON + 1]


@given(st.integers(-48, 56), st.floats(0, 60), st.integers(0, 8), st.booleans())
def test_the_zone_makes_no_difference(quarters, delay, since, is_after):
    zone = quarters * 900
    text = line(NOON + zone, "zero") + line(NOON + 4 + zone, "four") + line(NOON + 8 + zone, "eight", "notice")
    expected = [name for name, second in (("zero", 0), ("four", 4)) if second >= since + is_after]
    assert emergencies_since(text, NOON + 8 + delay, PIDS, NOON + since, is_after) == expected
