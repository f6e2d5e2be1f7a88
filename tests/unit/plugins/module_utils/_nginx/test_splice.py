# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing one directive: the bytes of the parameter change, and no others."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.splice import (
    Edit,
    Wish,
    apply_edits,
    changed_args,
    checked,
    parameter_edits,
)
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse
from hypothesis import given
from hypothesis import strategies as st

SET, REMOVE, KEEP = Wish(1000, None), Wish(0, None), Wish(None, None)
SHARE, UNSHARE, BOTH, NEITHER = Wish(None, True), Wish(None, False), Wish(1000, True), Wish(0, False)

# situation: (before, wish, after)
CHANGES = {
    "added": (b"listen 80;", SET, b"listen 80 backlog=1000;"),
    "added behind others": (b"listen 80 ssl default_server;", SET, b"listen 80 ssl default_server backlog=1000;"),
    "added before the space in front of the semicolon": (b"listen 80  ;", SET, b"listen 80 backlog=1000  ;"),
    "added before a comment": (b"listen 80 # why\n;", SET, b"listen 80 backlog=1000 # why\n;"),
    "added in five lines": (b"listen\n 80 # a\n\tssl # b;\n # c\n;", SET, b"listen\n 80 # a\n\tssl backlog=1000 # b;\n # c\n;"),
    "added with CRLF": (b"listen 80\r\n;\r\n", SET, b"listen 80 backlog=1000\r\n;\r\n"),
    "added behind quotes": (b"listen '80';", SET, b"listen '80' backlog=1000;"),
    "added behind an escape": (b"listen unix:/a\\ b;", SET, b"listen unix:/a\\ b backlog=1000;"),
    "added to a quoted directive": (b'"listen" 80;', SET, b'"listen" 80 backlog=1000;'),
    "changed": (b"listen 80 backlog=511;", SET, b"listen 80 backlog=1000;"),
    "changed between others": (b"listen 80 ssl  backlog=511\treuseport;", SET, b"listen 80 ssl  backlog=1000\treuseport;"),
    "changed in quotes": (b'listen 80 "backlog=511";', SET, b'listen 80 "backlog=1000";'),
    "changed in single quotes": (b"listen 80 'backlog=511';", SET, b"listen 80 'backlog=1000';"),
    "changed with an escape inside": (b'listen 80 "back\\log=511";', KEEP, b'listen 80 "back\\log=511";'),
    "changed, the last of two": (b"listen 80 backlog=1 backlog=2;", SET, b"listen 80 backlog=1 backlog=1000;"),
    "right already": (b"listen 80 backlog=1000;", SET, b"listen 80 backlog=1000;"),
    "right already, with zeros": (b"listen 80 backlog=001000;", SET, b"listen 80 backlog=001000;"),
    "right already, the last of two": (b"listen 80 backlog=1 backlog=1000;", SET, b"listen 80 backlog=1 backlog=1000;"),
    "wrong number": (b"listen 80 backlog=4k;", SET, b"listen 80 backlog=1000;"),
    "removed": (b"listen 80 backlog=511;", REMOVE, b"listen 80;"),
    "removed between others": (b"listen 80 ssl  backlog=511\treuseport;", REMOVE, b"listen 80 ssl\treuseport;"),
    "removed with its line": (b"listen 80\r\n  backlog=511\r\n  ssl;", REMOVE, b"listen 80\r\n  ssl;"),
    "removed behind a comment": (b"listen 80 # why\n  backlog=511;", REMOVE, b"listen 80 # why\n;"),
    "removed behind two comments": (b"listen 80 # a\n # b\n\n backlog=511 ssl;", REMOVE, b"listen 80 # a\n # b\n ssl;"),
    "removed both": (b"listen 80 backlog=1 ssl backlog=2;", REMOVE, b"listen 80 ssl;"),
    "removed in quotes": (b"listen 80 'backlog=511' ssl;", REMOVE, b"listen 80 ssl;"),
    "nothing to remove": (b"listen 80 ssl;", REMOVE, b"listen 80 ssl;"),
    "reuseport added": (b"listen 80;", SHARE, b"listen 80 reuseport;"),
    "reuseport there": (b"listen 80 reuseport ssl;", SHARE, b"listen 80 reuseport ssl;"),
    "reuseport removed": (b"listen 80 reuseport ssl;", UNSHARE, b"listen 80 ssl;"),
    "reuseport in quotes removed": (b'listen 80 "reuseport";', UNSHARE, b"listen 80;"),
    "both added": (b"listen 80;", BOTH, b"listen 80 backlog=1000 reuseport;"),
    "one changed, one added": (b"listen 80 backlog=5;", BOTH, b"listen 80 backlog=1000 reuseport;"),
    "both removed": (b"listen 80 backlog=5 reuseport;", NEITHER, b"listen 80;"),
    "one removed, one added": (b"listen 80 # c\n backlog=5;", Wish(0, True), b"listen 80 # c\n reuseport;"),
    "one added, one removed": (b"listen 80 reuseport ssl;", Wish(7, False), b"listen 80 ssl backlog=7;"),
    "the address looks like it": (b"listen backlog=5;", SET, b"listen backlog=5 backlog=1000;"),
}
FRAMES = {
    "alone": (b"", b""),
    "in a server": (b"http { server {\n    ", b"\n    listen 81 backlog=5; server_name x;\n}}"),
    "on one line with others": (b"http{server{listen 79;", b"listen 81 backlog=5;}}"),
    "between bytes that are no text": (b"http { server { # caf\xe9\r\n\t", b' # \xff\x00\r\n add_header x "\\"; listen 9;"; } }\r'),
    "no newline at the end": (b"events{}\nhttp{server{", b"}}"),
}


def listens(data):
    return [directive for directive in parse(data, "F") if directive.name == b"listen"]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("before, wish, after", CHANGES.values(), ids=CHANGES)
def test_change(before, wish, after, frame):
    head, tail = frame
    data = head + before + tail
    directive = next(one for one in listens(data) if one.start == len(head))
    edits = parameter_edits("F", data, directive, wish)
    assert apply_edits(data, edits) == head + after + tail
    args = directive.args[:1] + changed_args(directive.args[1:], wish)
    assert checked("F", data, edits, {directive.start: args}) == head + after + tail
    again = next(one for one in listens(head + after + tail) if one.start == len(head))
    assert again.args == args
    assert parameter_edits("F", head + after + tail, again, wish) == []
    assert changed_args(args[1:], wish) == args[1:]


WORDS = st.sampled_from(
    [
        b"ssl",
        b"reuseport",
        b"'reuseport'",
        b"backlog=5",
        b'"backlog=1000"',
        b"'backlog=77'",
        b"backlog=0",
        b"rcvbuf=64k",
        b"a\\;b",
        b"${x}",
        b"caf\xe9",
        b"x#no",
    ]
)
GAPS = st.sampled_from([b" ", b"\t", b"\n", b"\r\n", b"  \n\t ", b" # listen 9;\n", b"\n# {\r\n# }\r\n\t"])
BETWEEN = st.sampled_from(
    [b"", b" ", b"\r\n", b"# listen 80;\n", b"add_header x '\\'} listen 4;';", b'location / { return 200 "};"; }', b"server_name caf\xe9;"]
)
WISHES = st.builds(Wish, st.sampled_from([None, 0, 1, 77, 1000, 2**31 - 1]), st.sampled_from([None, True, False]))


@st.composite
def servers(draw):
    """Bytes of a configuration with several listens, and the number of the one to change."""
    parts, count = [b"http {"], draw(st.integers(1, 4))
    for number in range(count):
        words = [b"listen", draw(st.sampled_from([b"80", b"'80'", b'"[::]:80"', b"unix:/x"])), *draw(st.lists(WORDS, max_size=4))]
        parts += [draw(BETWEEN), b"server{", draw(BETWEEN)]
        parts += [word + draw(GAPS) for word in words] if number % 2 else [b" ".join(words)]
        parts += [b";", draw(BETWEEN), b"}"]
    return b"".join([*parts, b"}"]), draw(st.integers(0, count - 1))


@given(servers(), WISHES)
def test_only_the_parameter_changes(drawn, wish):
    data, number = drawn
    directive = listens(data)[number]
    edits = parameter_edits("F", data, directive, wish)
    after = apply_edits(data, edits)
    for edit in edits:
        assert directive.start < edit.start <= edit.end < directive.end
        removed = data[edit.start : edit.end].strip(b" \t\r\n")
        assert removed.strip(b"\"'") in (b"", b"reuseport") or removed.strip(b"\"'").startswith(b"backlog=") or removed.isdigit()
    assert after[: directive.start] == data[: directive.start]
    assert after[len(after) - (len(data) - directive.end) :] == data[directive.end :]
    expected = [one.args for one in listens(data)]
    expected[number] = directive.args[:1] + changed_args(directive.args[1:], wish)
    assert [one.args for one in listens(after)] == expected
    assert checked("F", data, edits, {directive.start: expected[number]}) == after
    assert parameter_edits("F", after, listens(after)[number], wish) == []


SAFE = b"http { server { listen 80; } }"
UNSAFE = {
    "another directive too": [Edit("F", 16, 25, b"listen 81")],
    "one more directive": [Edit("F", 25, 25, b" backlog=7; listen 81")],
    "one directive less": [Edit("F", 16, 26, b"")],
    "another place": [Edit("F", 25, 25, b" backlog=7; } server { server_name x")],
    "not what was intended": [Edit("F", 25, 25, b" backlog=8")],
    "nothing at all": [],
}


@pytest.mark.parametrize("edits", UNSAFE.values(), ids=UNSAFE)
def test_self_check(edits):
    with pytest.raises(ConfigError) as caught:
        checked("F", SAFE, edits, {16: (b"80", b"backlog=7")})
    assert str(caught.value) == "F:1: this listen is written in a way that cannot be changed safely; nothing was changed, edit it by hand"


def test_self_check_of_a_broken_result():
    with pytest.raises(ConfigError) as caught:
        checked("F", SAFE, [Edit("F", 25, 25, b" 'backlog=7")], {16: (b"80", b"backlog=7")})
    assert str(caught.value).startswith("F:1: ")


@pytest.mark.parametrize("edits", [[Edit("F", 3, 9, b"")], [Edit("F", 0, 2, b""), Edit("F", 1, 3, b"")], [Edit("F", 2, 1, b"")]])
def test_edits_must_fit(edits):
    with pytest.raises(ValueError, match="edits overlap or leave the file"):
        apply_edits(b"abcde", edits)
