# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second main file that leads to new bytes: the same lines, other includes, no pid file."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.shadow import Include, find_pid, includes_of, on_the_way, shadow, without_pid

INCLUDES = {
    "none": (b"http { server { listen 80; } }", []),
    "plain": (b"include a;", [(b"include a;", "a")]),
    "in_a_block": (b"http { include a; server { include 'b c'; } }", [(b"include a;", "a"), (b"include 'b c';", "b c")]),
    "over_lines": (b"include\n # why\n a\n;", [(b"include\n # why\n a\n;", "a")]),
    "data": (b"types { include a; } http { map $a $b { include b; default c; } geo $d { include e; } }", []),
    "comment_and_string": (b"# include a;\nlog_format x 'include a;';", []),
    "lua": (b"http { init_by_lua_block { include = 1; } include a; }", [(b"include a;", "a")]),
}


@pytest.mark.parametrize("data, found", INCLUDES.values(), ids=INCLUDES)
def test_includes_of_a_file(data, found):
    includes = includes_of(data, "x", lambda directive: [directive.args[0].decode()])
    assert [(data[include.start : include.end], *include.paths) for include in includes] == found


def graph(**files):
    return {path: [Include(0, 0, inner.split())] for path, inner in files.items()}


WAYS = {
    "main_alone": (graph(), ["m"], "m"),
    "included_file": (graph(m="a b"), ["b"], "mb"),
    "chain": (graph(m="a", a="b", b="c"), ["c"], "mabc"),
    "two_ways": (graph(m="a b", a="c", b="c"), ["c"], "mabc"),
    "beside_the_way": (graph(m="a b", a="c d", b="e"), ["d"], "mad"),
    "circle": (graph(m="a", a="b", b="a"), ["b"], "mab"),
    "two_edited": (graph(m="a b c"), ["a", "c"], "mac"),
    "nothing_edited": (graph(m="a"), [], "m"),
}


@pytest.mark.parametrize("includes, edited, wanted", WAYS.values(), ids=WAYS)
def test_files_on_the_way(includes, edited, wanted):
    assert on_the_way("m", includes, edited) == set(wanted)


def replaced(data, paths, names):
    includes = includes_of(data, "x", lambda directive: paths[directive.args[0].decode()])
    return shadow(data, includes, names)


SHADOWS = {
    "include_of_something_else_stays": (b"include a;  include b;", {"a": ["/a"], "b": ["/b"]}, b'include a;  include "/S";'),
    "pattern_becomes_a_list": (b"x y; include *; # z", {"*": ["/1", "/b", "/2"]}, b'x y; include "/1"; include "/S"; include "/2"; # z'),
    "lines_stay": (b"include\n\n b\n;\nz;", {"b": ["/b"]}, b'include "/S";\n\n\n\nz;'),
    "names_with_signs": (b"include *;", {"*": ["/a*[b]?", '/q"\\', "/b"]}, b'include "/a\\\\*\\\\[b]\\\\?"; include "/q\\"\\\\\\\\"; include "/S";'),
    "not_utf8": (b"include *;", {"*": ["/\udcff", "/b"]}, b'include "/\xff"; include "/S";'),
}


@pytest.mark.parametrize("data, paths, result", SHADOWS.values(), ids=SHADOWS)
def test_shadow_leads_to_the_new_file(data, paths, result):
    found = replaced(data, paths, {"/b": "/S"})
    assert found == result
    assert found.count(b"\n") == data.count(b"\n")


PIDS = {
    "absent": (b"events {}", None),
    "present": (b"user x; pid /run/x; events {}", b"user x; pid /dev/null; events {}"),
    "over_lines": (b"pid\n'/run/x'\n;events {}", b"pid /dev/null;\n\nevents {}"),
    "in_a_block": (b"http { server { pid x; } }", None),
    "in_a_comment": (b"# pid x;\n", None),
    "part_of_a_word": (b"rapid x; stupid_pid y;", None),
}


@pytest.mark.parametrize("data, result", PIDS.values(), ids=PIDS)
def test_pid_file_is_replaced(data, result):
    assert without_pid(data, "x") == result
    assert (find_pid(data, "x") is None) == (result is None)
