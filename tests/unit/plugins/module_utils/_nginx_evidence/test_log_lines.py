# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the error log: what is counted, what is shown, and what clients write into them."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_evidence.log_lines import LONGEST, MOST_LINES, LogSummary, printable
from hypothesis import given
from hypothesis import strategies as st

AT = b"2026/11/21 04:03:%02d "
CLIENT = b', client: 10.0.0.9, server: _, request: "GET / HTTP/1.1", host: "h"'
# as nginx 1.18 to 1.29 write them
SLOTS = b"[alert] 813#813: *97 1024 worker_connections are not enough"
REUSED = b"[warn] 813#813: 1024 worker_connections are not enough, reusing connections"
FILES = b"[crit] 813#813: accept4() failed (24: Too many open files)"
UPSTREAM = b"[alert] 813#813: *9 socket() failed (24: Too many open files) while connecting to upstream" + CLIENT
BIND = b"[emerg] 812#812: bind() to 0.0.0.0:80 failed (98: Address already in use)"
MISSING = b'[error] 813#813: *1 open() "/srv/x" failed (2: No such file or directory)' + CLIENT
INFO = b"[info] 813#813: *1 client closed connection while waiting for request"

COUNTED = {
    "slots": (SLOTS, {"worker_connections": 1, "alert": 1}),
    "slots_are_reused": (REUSED, {"worker_connections": 1}),
    "accept": (FILES, {"too_many_open_files": 1, "crit": 1}),
    "upstream": (UPSTREAM, {"too_many_open_files": 1, "alert": 1}),
    "bind": (BIND, {"emerg": 1}),
    "missing_file": (MISSING, {}),
    "info": (INFO, {}),
    "files_of_the_system": (b"[crit] 8#8: accept4() failed (23: Too many open files in system)", {"crit": 1}),
    "request_that_says_so": (MISSING.replace(b"/srv/x", b"/srv/1024 worker_connections are not enough"), {}),
    "path_that_says_so": (MISSING.replace(b"/srv/x", b'/srv/x" failed (24: Too many open files)'), {}),
    "host_that_says_so": (MISSING + b"accept4() failed (24: Too many open files)", {}),
    "no_level": (b"813#813: 1024 worker_connections are not enough", {}),
    "unknown_level": (b"[loud] 813#813: 1024 worker_connections are not enough", {"worker_connections": 1}),
}


@pytest.mark.parametrize("message, expected", COUNTED.values(), ids=COUNTED)
def test_counted(message, expected):
    summary = LogSummary()
    summary.add(AT % 1 + message + b"\n")
    assert {key: number for key, number in summary.facts()["counts"].items() if number} == expected


def test_quiet_levels_are_not_shown():
    summary = LogSummary()
    summary.add(b"".join(AT % second + each + b"\n" for second, each in enumerate([INFO, MISSING, INFO.replace(b"info", b"notice")])))
    assert summary.facts()["lines"] == [(AT % 1 + MISSING).decode()]


def test_line_that_goes_on_belongs_to_the_one_before():
    summary = LogSummary()
    summary.add(AT % 1 + INFO + b"\nhidden\n" + AT % 2 + MISSING + b"\nshown\n")
    assert summary.facts()["lines"] == [(AT % 2 + MISSING).decode(), "shown"]


def test_last_lines_are_shown_and_the_others_counted():
    summary = LogSummary()
    summary.add(b"".join(AT % second + MISSING + b"\n" for second in range(50)))
    facts = summary.facts()
    assert (len(facts["lines"]), facts["lines_more"]) == (MOST_LINES, 50 - MOST_LINES)
    assert [line[:19] for line in facts["lines"]] == [(AT % second).decode()[:19] for second in range(30, 50)]


def test_serious_lines_are_not_lost_among_others():
    summary = LogSummary()
    summary.add(b"".join(AT % second + (SLOTS if second == 1 else MISSING) + b"\n" for second in range(50)))
    lines = summary.facts()["lines"]
    assert lines[0] == (AT % 1 + SLOTS).decode()
    assert len(lines) == MOST_LINES


def test_more_serious_lines_than_are_shown():
    summary = LogSummary()
    summary.add(b"".join(AT % second + (SLOTS if second % 2 else MISSING) + b"\n" for second in range(58)))
    facts = summary.facts()
    assert all("[alert]" in line for line in facts["lines"])
    assert (facts["lines_more"], facts["counts"]["alert"]) == (38, 29)


def test_lines_of_two_logs_are_in_the_order_of_time():
    summary = LogSummary()
    summary.add(AT % 1 + MISSING + b"\n" + AT % 3 + MISSING + b"\n")
    summary.add(AT % 2 + SLOTS + b"\n")
    assert [line[17:19] for line in summary.facts()["lines"]] == ["01", "02", "03"]


def test_nothing():
    summary = LogSummary()
    summary.add(b"")
    facts = summary.facts()
    assert (facts["lines"], set(facts["counts"].values()), "lines_more" in facts) == ([], {0}, False)


SHOWN = {
    "text": (b"a b", "a b"),
    "umlaut": ("größer".encode(), "größer"),
    "no_text": (b"\xff\xfe", "\\xff\\xfe"),
    "escape": (b"\x1b[31m", "\\x1b[31m"),
    "control": (b"a\x00\r\x7f", "a\\x00\\x0d\\x7f"),
    "right_to_left": ("\u202e".encode(), "\\xe2\\x80\\xae"),
    "long": (b"a" * 1000, "a" * LONGEST + "..."),
}


@pytest.mark.parametrize("line, expected", SHOWN.values(), ids=SHOWN)
def test_printable(line, expected):
    assert printable(line) == expected


@given(st.binary(max_size=300))
def test_anything(data):
    summary = LogSummary()
    summary.add(data)
    assert all(line.isprintable() for line in summary.facts()["lines"])
