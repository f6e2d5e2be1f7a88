# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of processes and threads: stat lines of all kinds, and what many reads say."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._workers.sleep import parse_sleep
from ansible_collections.netops.listen_queue.plugins.module_utils._workers.task import StateSeries, Task, most_telling, parse_task
from hypothesis import given
from hypothesis import strategies as st

# Debian 12, kernel 6.18: an nginx worker
LINE = (
    b"813 (nginx) S 812 812 812 0 -1 4194624 1022 0 3 0 41 12 0 0 20 0 1 0 10240 69136384 1650 18446744073709551615 "
    b"94086713155584 94086713937485 140733486093168 0 0 0 0 1073745920 402745863 1 0 0 17 1 0 0 0 0 0 94086714202416 94086714301040 "
    b"94086741057536 140733486101218 140733486101248 140733486101248 140733486104549 0\n"
)
ROWS = {
    "worker": (LINE, Task("nginx", "S", 812, 53, 1, 10240)),
    "parentheses": (LINE.replace(b"(nginx)", b"(a) R 1 (b)"), Task("a) R 1 (b", "S", 812, 53, 1, 10240)),
    "newline": (LINE.replace(b"(nginx)", b"(a\nb)"), Task("a\nb", "S", 812, 53, 1, 10240)),
    "empty_name": (LINE.replace(b"(nginx)", b"()"), Task("", "S", 812, 53, 1, 10240)),
    "name_is_no_text": (LINE.replace(b"(nginx)", b"(\xff)"), Task("\\xff", "S", 812, 53, 1, 10240)),
    "empty": (b"", None),
    "no_parentheses": (LINE.replace(b"(", b"").replace(b")", b""), None),
    "no_number": (LINE.replace(b" 812 812 812", b" x 812 812"), None),
}


@pytest.mark.parametrize("data, expected", ROWS.values(), ids=ROWS)
def test_task(data, expected):
    assert parse_task(data) == expected


def test_cut_at_every_byte():
    whole, start = parse_task(LINE), LINE.index(b"10240") + len(b"10240 ")
    for cut in range(len(LINE)):
        assert parse_task(LINE[:cut]) == (whole if cut > start else None)


@given(st.binary(max_size=60))
def test_any_name(name):
    task = parse_task(LINE.replace(b"nginx", name))
    assert task[1:] == ("S", 812, 53, 1, 10240)


TELLING = {"blocked": ("SRTD", "D"), "stopped": ("SRT", "T"), "traced": ("SRt", "t"), "runs": ("SZR", "R"), "ended": ("Z", "Z"), "new_letter": ("q", "q")}


@pytest.mark.parametrize("states, expected", TELLING.values(), ids=TELLING)
def test_most_telling(states, expected):
    assert most_telling(list(states)) == expected


def test_series():
    series = StateSeries()
    for states in ("SSS", "SDS", "DDT", "R"):
        series.add(list(states))
    assert (series.reads, series.last, series.blocked, series.shares()) == (4, "R", 3, {"D": 0.5, "R": 0.25, "S": 0.25})


SLEEPS = {
    "function": (b"rpc_wait_bit_killable", b"0 0x3 0x7f\n", "rpc_wait_bit_killable"),
    "runs": (b"0", b"running\n", None),
    "no_symbols": (b"0", b"230 0x0 0x0 0x7ffe 0x7ffe 0x0 0x0 0x7ffe 0x7fa0\n", "syscall 230"),
    "not_in_a_system_call": (b"0", b"-1 0x7ffe 0x7fa0\n", None),
    "may_not_look": (b"0", None, None),
    "ended": (None, None, None),
    "empty": (b"", b"", None),
    "no_text": (b"\xff", None, "\\xff"),
}


@pytest.mark.parametrize("wchan, syscall, expected", SLEEPS.values(), ids=SLEEPS)
def test_sleep(wchan, syscall, expected):
    assert parse_sleep(wchan, syscall) == expected
