# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/proc/<pid>/stat and status, with names chosen to confuse."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.capabilities import CAPABILITIES, capability_names
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.model import Stat, parse_stat
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import stat_line

REAL = (
    b"812 (nginx) S 810 812 812 0 -1 4194368 1021 0 3 0 12 5 0 0 20 0 1 0 2467 11403264 1536 18446744073709551615 "
    b"1 1 0 0 0 0 0 1073746048 402745863 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)
NAMES = {
    "plain": (b"nginx", "nginx"),
    "parentheses": (b"a) b (c", "a) b (c"),
    "looks_like_the_rest": (b"x) S 1 2 3", "x) S 1 2 3"),
    "only_parentheses": (b")(", ")("),
    "empty": (b"", ""),
    "blanks": (b"  ", "  "),
    "newline": (b"a\nb", "a\nb"),
    "kernel_thread": (b"kworker/0:1-ev", "kworker/0:1-ev"),
    "title": (b"tmux: server", "tmux: server"),
    "not_utf8": (b"caf\xe9", "caf\\xe9"),
    "utf8": ("café".encode(), "café"),
}


def test_real_line():
    assert parse_stat(REAL) == Stat("nginx", 810, 2467)


@pytest.mark.parametrize("raw, name", NAMES.values(), ids=NAMES)
def test_name(raw, name):
    assert parse_stat(stat_line(7, raw, 42, 99)) == Stat(name, 42, 99)


def test_line_cut_before_the_start_is_an_error():
    data = stat_line(7, b"a) b (c", 42, 99)
    start = data.index(b" 99 ")
    for cut in range(start + 1):
        with pytest.raises(AnswerError, match=rf"^a process's stat line is cut short \({cut} bytes\)$"):
            parse_stat(data[:cut])


@pytest.mark.parametrize("data", [b"", b"7", b"7 nginx S 1", b"7 )nginx( S " + b"1 " * 30])
def test_line_without_a_name_is_an_error(data):
    with pytest.raises(AnswerError):
        parse_stat(data)


ALL = [name for _bit, name in CAPABILITIES]
STATUS = {
    "root": (b"Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n", ALL),
    "user": (b"CapEff:\t0000000000000000\n", []),
    "net_admin": (b"CapPrm:\tffff\nCapEff:\t0000000000001000\n", ["CAP_NET_ADMIN"]),
    "container": (b"CapEff:\t00000000a80425fb\n", ["CAP_DAC_OVERRIDE"]),
    "ptrace_and_admin": (b"CapEff:\t0000000000280000\n", ["CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]),
    "no_line": (b"Name:\tx\n", None),
    "nothing": (b"", None),
    "name_with_that_text": (b"Name:\tCapEff:\n", None),
}


@pytest.mark.parametrize("status, names", STATUS.values(), ids=STATUS)
def test_capabilities(status, names):
    assert capability_names(status) == names
