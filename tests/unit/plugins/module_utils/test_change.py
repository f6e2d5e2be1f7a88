# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: their diff shows what changes and nothing beside it, their inverse takes them back."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import (
    Change,
    Effect,
    FileState,
    FileTarget,
    Plan,
    changed_lines,
)
from hypothesis import example, given
from hypothesis import strategies as st


def file_change(before, after, path="/etc/nginx/nginx.conf", **values):
    states = [None if data is None else FileState(data, 0o644, 0, 0) for data in (before, after)]
    if values:
        states[1] = states[1]._replace(**values)
    return Change("file", FileTarget("/", path), *states)


LINES = {
    "same": (b"a\nb\n", b"a\nb\n", []),
    "one_line": (
        b"server {\n  listen 80;\n  password x;\n}\n", b"server {\n  listen 80 backlog=9;\n  password x;\n}\n",
        [(2, "  listen 80;\n", "  listen 80 backlog=9;\n")],
    ),
    "two_neighbours": (b"a\nb\nc\n", b"A\nB\nc\n", [(1, "a\nb\n", "A\nB\n")]),
    "two_places": (b"a\nb\nc\n", b"A\nb\nC\n", [(1, "a\n", "A\n"), (3, "c\n", "C\n")]),
    "no_final_newline": (b"a\nb", b"a\nB", [(2, "b", "B")]),
    "crlf": (b"a\r\nb\r\n", b"a\r\nB\r\n", [(2, "b\r\n", "B\r\n")]),
    "line_added": (b"a\nc\n", b"a\nb\nc\n", [(2, "", "b\n")]),
    "line_removed": (b"a\nb\nc\n", b"a\nc\n", [(2, "b\n", "")]),
    "neighbours_on_the_line": (
        b'server { listen 80; auth "secret"; root /x; }\n', b'server { listen 80 backlog=9; auth "secret"; root /x; }\n',
        [(1, "... listen 80; ...\n", "... listen 80 backlog=9; ...\n")],
    ),
    "neighbours_before_the_change": (b'auth "secret"; listen 80;\n', b'auth "secret"; listen 81;\n', [(1, "... listen 80;\n", "... listen 81;\n")]),
    "comment_behind_the_change": (b"\tlisten 80; # secret\r\n", b"\tlisten 81; # secret\r\n", [(1, "listen 80; ...\n", "listen 81; ...\n")]),
    "two_changes_on_a_line": (
        b"listen 1; listen 2; auth secret;\n", b"listen 1 backlog=5; listen 2 backlog=5; auth secret;\n",
        [(1, "listen 1; listen 2; ...\n", "listen 1 backlog=5; listen 2 backlog=5; ...\n")],
    ),
    "unchanged_between_two_changes_on_a_line": (
        b"listen 1; auth secret; listen 2;\n", b"listen 1 backlog=5; auth secret; listen 2 backlog=5;\n",
        [(1, "listen 1; ... listen 2;\n", "listen 1 backlog=5; ... listen 2 backlog=5;\n")],
    ),
    "statement_of_two_lines_becomes_one": (
        b"a;\nauth secret; listen 1\n  backlog=5; auth secret;\n", b"a;\nauth secret; listen 1; auth secret;\n",
        [(2, "... listen 1\n  backlog=5; ...\n", "... listen 1; ...\n")],
    ),
    "statement_added_on_a_line": (b"auth secret; a;\n", b"auth secret; b; a;\n", [(1, "...\n", "... b; ...\n")]),
    "not_utf8": (b"\xff\n", b"\xfe\n", [(1, "\\xff\n", "\\xfe\n")]),
    "nothing_to_all": (b"", b"a\n", [(1, "", "a\n")]),
}  # fmt: skip


@pytest.mark.parametrize("before, after, shown", LINES.values(), ids=LINES)
def test_diff_shows_changed_lines_alone(before, after, shown):
    diff = Plan((file_change(before, after),)).diff()
    header = "/etc/nginx/nginx.conf:%d"
    assert diff == [{"before_header": header % line, "after_header": header % line, "before": old, "after": new} for line, old, new in shown]


OTHERS = {
    "file_made": (file_change(None, b"a\n"), "/etc/nginx/nginx.conf", "", "a\n"),
    "file_removed": (file_change(b"a\n", None), "/etc/nginx/nginx.conf", "a\n", ""),
    "mode": (file_change(b"a\n", b"a\n", mode=0o600), "/etc/nginx/nginx.conf", "mode 0644, uid 0, gid 0\n", "mode 0600, uid 0, gid 0\n"),
    "folder_made": (Change("folder", FileTarget("/", "/etc/sysctl.d"), None, 0o755), "/etc/sysctl.d", "", "mode 0755\n"),
    "sysctl": (Change("sysctl", "net.core.somaxconn", "128", "4096"), "net.core.somaxconn", "128\n", "4096\n"),
    "socket": (Change("socket", "0.0.0.0:80", 128, 1000), "0.0.0.0:80", "128\n", "1000\n"),
}


@pytest.mark.parametrize("change, name, before, after", OTHERS.values(), ids=OTHERS)
def test_diff_of_other_changes(change, name, before, after):
    assert Plan((change,)).diff() == [{"before_header": name, "after_header": name, "before": before, "after": after}]


def test_long_file_with_an_added_line():
    before = b"".join(b"line %d\n" % number for number in range(9000))
    assert changed_lines(before, before.replace(b"line 4000\n", b"line 4000\nnew\n")) == [(4002, b"", b"new\n")]


SECRETS = st.sampled_from([b"auth secret;", b"location /secret {", b"}", b"# secret\n;", b"\n"])
LISTENS = st.sampled_from([(b"listen 1;", b"listen 1 backlog=5;"), (b"listen 1\n backlog=5;", b"listen 1;"), (b"listen 1\n;", b"listen 1 reuseport\n;")])


@example([b"# secret\n;", (b"listen 1\n backlog=5;", b"listen 1;"), b"# secret\n;", (b"listen 1;", b"listen 1 backlog=5;"), b"# secret\n;"])
@given(st.lists(st.one_of(SECRETS, LISTENS)))
def test_statements_that_stay_are_not_shown(parts):
    before, after = (b" ".join(part if isinstance(part, bytes) else part[index] for part in parts) for index in (0, 1))
    assert "secret" not in str(Plan((file_change(before, after),)).diff())


@given(st.lists(st.sampled_from([b"a", b"b; c;", b"{ d }", b"", b"\r"])), st.lists(st.sampled_from([b"a", b"e;", b"f"])))
def test_differences_appear_exactly_when_there_are_some(old, new):
    before, after = b"\n".join(old), b"\n".join(new)
    assert bool(changed_lines(before, after)) == (before != after)


def test_inverse_is_in_reverse_order_and_keeps_effects():
    one, two = Change("sysctl", "net.core.somaxconn", "128", "4096"), file_change(b"a", b"b")
    plan = Plan((one, two), (Effect("nginx_reload", 7),))
    assert plan.inverse() == Plan((two._replace(before=two.after, after=two.before), one._replace(before="4096", after="128")), plan.effects)
    assert plan.inverse().inverse() == plan
    assert not plan.is_empty
    assert Plan(()).is_empty


SAME = {
    "itself": ({}, True), "other_bytes": ({"data": b"b"}, False), "other_mode": ({"mode": 0o600}, False), "other_owner": ({"uid": 1}, False),
    "other_group": ({"gid": 1}, False), "other_label": ({"xattrs": (("security.selinux", b"x"),)}, True),
}  # fmt: skip


@pytest.mark.parametrize("values, is_same", SAME.values(), ids=SAME)
def test_same_state(values, is_same):
    state = FileState(b"a", 0o644, 0, 0)
    assert state.is_same(state._replace(**values)) is is_same
    assert not state.is_same(None)
    assert state.digest == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
