# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of sysctl.d files: what each loader reads in a line, and edits that leave every other byte alone."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.conf_file import (
    PROCPS,
    PROCPS_3,
    SYSTEMD,
    settings,
    values_of,
    with_values,
    without_keys,
)
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.values import same
from hypothesis import given
from hypothesis import strategies as st

KEY = "net/core/somaxconn"
# situation: (bytes, what systemd-sysctl, procps 4.0 and procps 3.3 read of the key: a list of values, None for an exclusion)
LINES = {
    "plain": (b"net.core.somaxconn = 5\n", ["5"], ["5"], ["5"]),
    "no_blanks": (b"net.core.somaxconn=5", ["5"], ["5"], ["5"]),
    "slashes": (b"net/core/somaxconn = 5\n", ["5"], ["5"], ["5"]),
    "second_separator_is_literal": (b"net.core/somaxconn = 5\n", [], [], []),
    "tabs_around": (b"\tnet.core.somaxconn\t=\t5\t\n", ["5"], ["5"], ["5"]),
    "carriage_return_at_the_end": (b"net.core.somaxconn = 5\r\n", ["5"], ["5"], ["5"]),
    "carriage_return_ends_a_line": (b"#\rnet.core.somaxconn = 5\n", ["5"], [], []),
    "carriage_return_in_front": (b"\rnet.core.somaxconn = 5\n", ["5"], ["5"], []),
    "nul_ends_a_line": (b"net.core.somaxconn = 5\0net.core.somaxconn = 6\n", ["5", "6"], ["5"], ["5"]),
    "no_newline_at_the_end": (b"# x\nnet.core.somaxconn = 5", ["5"], ["5"], ["5"]),
    "comments": (b"# net.core.somaxconn = 5\n  ; net.core.somaxconn = 5\n", [], [], []),
    "comment_after_the_value_belongs_to_it": (b"net.core.somaxconn = 5 # why\n", ["5 # why"], ["5 # why"], ["5 # why"]),
    "equals_sign_in_the_value": (b"net.core.somaxconn = = 5\n", ["= 5"], ["= 5"], ["= 5"]),
    "empty_value": (b"net.core.somaxconn =\n", [""], [""], []),
    "vertical_tab_at_the_end": (b"net.core.somaxconn = 5\v\n", ["5\v"], ["5"], ["5\v"]),
    "no_assignment": (b"net.core.somaxconn\n", [], [], []),
    "errors_ignored": (b"-net.core.somaxconn = 5\n", ["5"], ["5"], ["5"]),
    "blank_after_the_dash": (b"- net.core.somaxconn = 5\n", ["5"], [], []),
    "two_dashes": (b"--net.core.somaxconn = 5\n", [], ["5"], []),
    "exclusion": (b"-net.core.somaxconn\n", [None], [None], []),
    "byte_order_mark": (b"\xef\xbb\xbfnet.core.somaxconn = 5\n", [], [], []),
    "doubled_separators": (b"net//core/./somaxconn = 5\n", ["5"], ["5"], ["5"]),
    "slash_at_the_end": (b"net/core/somaxconn/ = 5\n", ["5"], [], []),
    "not_utf8": (b"net.core.somaxconn = \xff\n", ["\\xff"], ["\\xff"], ["\\xff"]),
    "several": (b"net.core.somaxconn = 5\nx=1\nnet/core/somaxconn=6\n", ["5", "6"], ["5", "6"], ["5", "6"]),
    "nothing": (b"", [], [], []),
}


@pytest.mark.parametrize("data, systemd, procps, procps_3", LINES.values(), ids=LINES)
def test_values_that_each_loader_reads(data, systemd, procps, procps_3):
    for loader, expected in ((SYSTEMD, systemd), (PROCPS, procps), (PROCPS_3, procps_3)):
        assert [setting.value for setting in settings(data, loader) if setting.path == KEY] == expected, loader


def test_lines_are_numbered_as_an_editor_shows_them():
    data = b"# one\r\nnet.core.somaxconn = 5\r\n\n# x\rnet.core.somaxconn = 6\nnet.core.somaxconn = 7\n"
    assert [setting.line for setting in settings(data, SYSTEMD)] == [2, 4, 5]


def test_systemd_stops_at_a_line_that_is_too_long():
    data = b"net.core.somaxconn = 5\n#" + b"x" * (1 << 20) + b"\nnet.core.somaxconn = 6\n"
    assert [setting.value for setting in settings(data, SYSTEMD)] == ["5"]
    assert [setting.value for setting in settings(data, PROCPS)] == ["5", "6"]


# situation: (bytes, values, bytes afterwards)
EDITS = {
    "empty_file": (b"", {"net.core.somaxconn": "7"}, b"net.core.somaxconn = 7\n"),
    "value_of_a_line": (b"# a\nnet.core.somaxconn=5\nx = 1\n", {"net.core.somaxconn": "7"}, b"# a\nnet.core.somaxconn=7\nx = 1\n"),
    "spelling_and_blanks_stay": (b" net/core/somaxconn\t=\t5 \r\n", {"net.core.somaxconn": "7"}, b" net/core/somaxconn\t=\t7 \r\n"),
    "last_of_several": (b"net.core.somaxconn=5\nnet.core.somaxconn=6\n", {"net.core.somaxconn": "7"}, b"net.core.somaxconn=5\nnet.core.somaxconn=7\n"),
    "already_so": (b"net.core.somaxconn   =  7\n", {"net.core.somaxconn": "7"}, b"net.core.somaxconn   =  7\n"),
    "the_kernel_reads_no_further": (b"net.core.somaxconn=7 = \n", {"net.core.somaxconn": "7"}, b"net.core.somaxconn=7 = \n"),
    "no_newline_at_the_end": (b"x = 1", {"net.core.somaxconn": "7"}, b"x = 1\nnet.core.somaxconn = 7\n"),
    "no_newline_and_the_key_is_there": (b"net.core.somaxconn = 5", {"net.core.somaxconn": "7"}, b"net.core.somaxconn = 7"),
    "exclusion_becomes_an_assignment": (b"-net.core.somaxconn\n", {"net.core.somaxconn": "7"}, b"net.core.somaxconn = 7\n"),
    "errors_ignored_stays": (b"-net.core.somaxconn = 5\n", {"net.core.somaxconn": "7"}, b"-net.core.somaxconn = 7\n"),
    "empty_value": (b"net.core.somaxconn =\n", {"net.core.somaxconn": "7"}, b"net.core.somaxconn =7\n"),
    "comment_is_no_line_of_the_key": (b"#net.core.somaxconn=5\n", {"net.core.somaxconn": "7"}, b"#net.core.somaxconn=5\nnet.core.somaxconn = 7\n"),
    "pattern_stays": (b"net.core.soma* = 5\n", {"net.core.somaxconn": "7"}, b"net.core.soma* = 5\nnet.core.somaxconn = 7\n"),
    "bytes_that_are_no_text_stay": (b"# \xff\xfe\nnet.core.somaxconn=5\n", {"net.core.somaxconn": "7"}, b"# \xff\xfe\nnet.core.somaxconn=7\n"),
    "two_keys": (b"x=1\n", {"x": "2", "net.core.somaxconn": "7"}, b"x=2\nnet.core.somaxconn = 7\n"),
    "lone_carriage_return": (b"# a\rnet.core.somaxconn=5\r# b\n", {"net.core.somaxconn": "7"}, b"# a\rnet.core.somaxconn=7\r# b\n"),
    "nul_in_a_comment": (b"# a\0b\nnet.core.somaxconn=5\n", {"net.core.somaxconn": "7"}, b"# a\0b\nnet.core.somaxconn=7\n"),
    "nul_ends_a_line": (b"net.core.somaxconn=5\0net.core.somaxconn=6\0x=1", {"net.core.somaxconn": "7"}, b"net.core.somaxconn=5\0net.core.somaxconn=7\0x=1"),
    "form_feed_ends_no_line": (b"# a\fnet.core.somaxconn=5\n", {"net.core.somaxconn": "7"}, b"# a\fnet.core.somaxconn=5\nnet.core.somaxconn = 7\n"),
}  # fmt: skip


@pytest.mark.parametrize("data, values, expected", EDITS.values(), ids=EDITS)
def test_edit_changes_the_value_and_nothing_else(data, values, expected):
    assert with_values(data, values) == expected
    assert with_values(expected, values) == expected


REMOVALS = {
    "one_line": (b"# a\nnet.core.somaxconn=5\nx = 1\n", ["net.core.somaxconn"], b"# a\nx = 1\n"),
    "each_spelling": (b"net/core/somaxconn=5\n-net.core.somaxconn\nx=1\n", ["net.core.somaxconn"], b"x=1\n"),
    "absent": (b"x=1", ["net.core.somaxconn"], b"x=1"),
    "last_line_without_newline": (b"x=1\nnet.core.somaxconn=5", ["net.core.somaxconn"], b"x=1\n"),
    "pattern_stays": (b"net.core.* = 5\n", ["net.core.somaxconn"], b"net.core.* = 5\n"),
}


@pytest.mark.parametrize("data, keys, expected", REMOVALS.values(), ids=REMOVALS)
def test_removal_takes_the_lines_and_nothing_else(data, keys, expected):
    assert without_keys(data, keys) == expected


WORDS = [b"net.core.somaxconn", b"net/core/somaxconn", b"x", b"=", b" = ", b"5", b"7", b"-", b"#", b"\n", b"\r\n", b"\r", b"\0", b"\t", b"*", b"\xff"]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join))
def test_after_an_edit_the_file_sets_the_value_and_all_others_as_before(data):
    edited = with_values(data, {"net.core.somaxconn": "7"})
    assert same(KEY, values_of(edited)[KEY], "7")
    others = [setting for setting in settings(data, SYSTEMD) if setting.path != KEY]
    assert [setting[:3] for setting in settings(edited, SYSTEMD) if setting.path != KEY] == [setting[:3] for setting in others]
    assert with_values(edited, {"net.core.somaxconn": "7"}) == edited


@given(st.binary(max_size=40))
def test_any_bytes_can_be_read_and_removing_nothing_changes_nothing(data):
    for loader in (SYSTEMD, PROCPS, PROCPS_3):
        assert isinstance(settings(data, loader), list)
    assert without_keys(data, ["net.core.no_such_key"]) == data
