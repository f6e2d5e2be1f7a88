# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directives of one file: fixtures named by trouble, and the same answer from the lexer, a slow reference, crossplane and a generator."""

from pathlib import Path

import crossplane
import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import argument_spans, parse
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx import reference
from hypothesis import given
from hypothesis import strategies as st

FILES = sorted((Path(__file__).parent / "fixtures").glob("*.conf*"))  # those that are no proper text end in .bin
WANTED = (b"server", b"listen", b"server_name")


def name_of(path):
    return path.name.partition(".")[0]


PATHS = {name_of(path): path for path in FILES}


def fixture(name):
    return PATHS[name].read_bytes()


def answer(data, wanted=None):
    """The directives, or the text of the error."""
    try:
        return parse(data, "/etc/nginx/nginx.conf", wanted)
    except ConfigError as error:
        return str(error)


def context(directives, directive):
    """The names of the blocks around a directive, the outermost first."""
    names = []
    while directive.parent >= 0:
        directive = directives[directive.parent]
        names.insert(0, directive.name.decode())
    return "/".join(names)


def selected(directives, wanted):
    """What parse() should give for `wanted`, chosen from all directives."""
    kept = set()
    for place, directive in enumerate(directives):
        number = place if directive.name in wanted or directive.name == b"include" else -1
        while number >= 0 and number not in kept:
            kept.add(number)
            number = directives[number].parent
    places = {number: place for place, number in enumerate(sorted(kept))}
    return [directives[number]._replace(parent=places.get(directives[number].parent, -1)) for number in sorted(kept)]


# Number of all directives, and each `listen`: line, arguments, blocks around it.
LISTENS = {
    "messy": (15, [(5, [b"80"], "http/server"), (7, [b"[::]:80", b"ipv6only=on"], "http/server"), (10, [b"127.0.0.1:81", b"backlog=100"], "http/server")]),
    "crlf": (4, [(4, [b"80", b"backlog=64"], "http/server")]),
    "lone_cr": (4, [(1, [b"80"], "http/server"), (2, [b"82"], "http/server")]),
    "no_final_newline": (2, [(2, [b"80"], "server")]),
    "non_utf8": (5, [(4, [b"80"], "http/server")]),
    "nul": (4, [(2, [b"80\0"], "server"), (5, [b"82"], "server")]),
    "control_characters": (4, [(4, [b"81\x0b82", b"backlog=1"], "server")]),
    "lua": (9, [(13, [b"80"], "http/server"), (19, [b"81"], "http/server")]),
    "five_line_listen": (
        3,
        [(2, [b"127.0.0.1:80", b"default_server", b"backlog=511", b"reuseport#no", b"comment"], "server"), (8, [b"81"], "server")],
    ),
    "one_line_many_directives": (
        14,
        [(1, [b"80"], "http/server"), (1, [b"81", b"backlog=9"], "http/server"), (1, [b"82"], "http/server"), (1, [b"83", b"udp"], "stream/server")],
    ),
    "quoted_listen": (
        8,
        [
            (2, [b"80", b"backlog=77"], "server"),
            (6, [b"unix:/run/a b;{}#.sock", b'x"y', b"x'y", b"\\", b"\t", b"\n", b"\\;", b"\\ z"], "server"),
            (7, [b"a", b")b"], "server"),
            (8, [b"", b'$"q'], "server"),
        ],
    ),
    "listen_in_map": (
        22,
        [
            (2, [b"1"], "http/map"), (2, [b"2"], "http/map"), (3, [b"3"], "http/types"), (4, [b"4"], "http/geo"),
            (6, [b"6"], "http/charset_map"), (7, [b"80"], "http/server"),
        ],
    ),
    "listen_in_string": (9, [(6, [b"80"], "http/server")]),
    "dollar_brace": (12, [(6, [b"80"], "http/server"), (11, [b"81"], "http/server")]),
    "hash_in_word": (6, [(6, [b"80"], "server"), (8, [b"81", b"#"], "server")]),
    "long_words": (205, [(5, [b"80"], "server"), (206, [b"81", b"backlog=1"], "server")]),
    "empty": (0, []),
    "only_comments": (0, []),
}  # fmt: skip
ERRORS = {
    "bom": "1: the file begins with a byte order mark, which nginx takes for a part of the first word; save it without",
    "broken_missing_brace": '6: unexpected end of file, expecting "}"',
    "broken_extra_brace": '4: unexpected "}"',
    "broken_missing_semicolon": '3: unexpected "}"',
    "broken_listen_with_block": '3: directive "listen" is not terminated by ";"',
    "broken_open_quote": '5: unexpected end of file, expecting ";" or "}"',
    "broken_open_quote_long": '2: too long parameter, probably missing terminating """ character',
    "broken_glued_quote": '2: unexpected "8"',
    "broken_lone_semicolon": '2: unexpected ";"',
    "broken_block_in_map": '2: unexpected "{"',
    "broken_open_lua": '6: unexpected end of file, expecting "}"',
    "broken_long_bracket": "3: unexpected end of file, expecting terminating characters for lua code block",
    "broken_cut_in_word": '3: unexpected end of file, expecting ";" or "}"',
}


def test_every_fixture_has_an_expected_answer():
    assert set(PATHS) == {*LISTENS, *ERRORS}


@pytest.mark.parametrize("name", LISTENS)
def test_listens_of_a_file(name):
    number, expected = LISTENS[name]
    directives = answer(fixture(name))
    listens = [(found.line, list(found.args), context(directives, found)) for found in directives if found.name == b"listen"]
    assert (len(directives), listens) == (number, expected)


@pytest.mark.parametrize("name", ERRORS)
def test_error_names_file_and_line(name):
    assert answer(fixture(name)) == answer(fixture(name), WANTED) == "/etc/nginx/nginx.conf:" + ERRORS[name]


def check_spans(data, directives):
    for directive in directives:
        spans = argument_spans(data, directive)
        alone = data[directive.start : directive.end] + (b"}" if directive.is_block else b"")
        assert answer(alone)[0][:2] == directive[:2], "a directive is complete in itself"
        assert len(spans) == 1 + len(directive.args)
        assert spans[0][0] == directive.start
        assert spans[-1][1] < directive.end
        assert directive.line == data.count(b"\n", 0, directive.start) + 1
        for (start, end), value in zip(spans, (directive.name, *directive.args), strict=True):
            assert answer(data[start:end] + b";")[0].name == value


@pytest.mark.parametrize("name", LISTENS)
def test_spans_hold_the_arguments_with_their_quotes(name):
    data = fixture(name)
    check_spans(data, answer(data))


def test_spans_of_a_listen_with_comments_between_its_arguments():
    data = fixture("five_line_listen")
    listen = answer(data, [b"listen"])[1]
    words = [data[start:end] for start, end in argument_spans(data, listen)]
    assert words == [b"listen", b"127.0.0.1:80", b"default_server", b'"backlog=511"', b"reuseport#no", b"comment"]


def check_wanted(data):
    whole = answer(data)
    for wanted in ((), (b"listen",), WANTED, (b"http", b"a", b"x")):
        assert answer(data, wanted) == (whole if isinstance(whole, str) else selected(whole, wanted))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_wanted_directives_are_those_of_the_whole_file_wherever_it_is_cut(path):
    data = path.read_bytes()
    for cut in (*range(min(len(data), 1500)), *range(1500, len(data), 250), len(data)):  # a long file is long by repeating itself
        check_wanted(data[:cut])


FRAGMENTS = [bytes([byte]) for byte in b" \t\r\n;{}#$\\\"')a\x0b\xff"] + [
    b"${", b"a b;", b"x {", b'" ', b' "', b" #", b"\\ ", b"c 'd' e;", b"listen ", b"map ", b'log "a$b" ${c};', b"a ~ \\.x {a b;}", b"listen 80;",
    b"n" * 4093, b"${{" + b"n" * 390,
]  # fmt: skip


def refer(data):
    """The answer of the reference."""
    try:
        return reference.read(data)
    except reference.Refused as refused:
        text, line = refused.args
        return f"/etc/nginx/nginx.conf:{line}: {text}"


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join), st.booleans())
def test_the_same_answer_as_the_reference(data, is_closed):
    if is_closed:
        data += b";" + b"}" * data.count(b"{")
    found = answer(data)
    assert (found if isinstance(found, str) else [(*each[:2], *each[3:]) for each in found]) == refer(data)
    check_wanted(data)


@given(st.binary())
def test_any_bytes_have_directives_or_an_error(data):
    if not data.startswith(b"\xef\xbb\xbf"):
        found = answer(data)
        assert (found if isinstance(found, str) else [(*each[:2], *each[3:]) for each in found]) == refer(data)
        check_wanted(data)


CROSSPLANE_CANNOT = {
    "control_characters": "takes a vertical tab for a space",
    "lone_cr": "ends a line and a comment there",
    "lua": "knows Lua blocks only by an extension",
    "listen_in_map": "reads charset_map as any block",
    "dollar_brace": "wants the brace behind a dollar to be closed",
    "quoted_listen": "keeps backslashes",
}


@pytest.mark.parametrize("name", [name for name in LISTENS if name not in CROSSPLANE_CANNOT])
def test_the_same_listens_as_crossplane(name):
    parsed = crossplane.parse(str(PATHS[name]), single=True, comments=False, check_ctx=False, check_args=False)
    assert parsed["errors"] == []
    theirs, blocks = [], [parsed["config"][0]["parsed"]]
    for items in blocks:
        block = [each for each in items if each["directive"] != "#"]  # a comment between arguments
        theirs += [(each["line"], each["directive"], each["args"] if each["directive"] == "listen" else None) for each in block]
        blocks += [each["block"] for each in block if "block" in each]
    ours = [
        (each.line, each.name.decode(errors="replace"), [word.decode() for word in each.args] if each.name == b"listen" else None)
        for each in answer(fixture(name))
    ]
    assert sorted(ours, key=str) == sorted(theirs, key=str)


WORDS = st.lists(st.sampled_from([bytes([byte]) for byte in b"ab1.$-/{};#\"'\\ \t\r\n)\0\xff"] + [b"${"]), max_size=5).map(b"".join)
NAMES = st.sampled_from([b"server", b"location", b"if", b"listen2", b"include2"]) | WORDS
GAPS = st.sampled_from([b" ", b"\t", b"\n", b"\r\n", b"   ", b" # { ; \" '\n", b"\n#\r\n  "])
LEAVES = st.tuples(NAMES | st.sampled_from([b"listen", b"include", b"server_name"]), st.lists(WORDS, max_size=3), st.none())
TREES = st.lists(st.recursive(LEAVES, lambda inner: st.tuples(NAMES, st.lists(WORDS, max_size=2), st.lists(inner, max_size=4)), max_leaves=12), max_size=4)


def spelled(word, draw):
    """One of the ways to write a word."""
    escaped = word.replace(b"\\", b"\\\\")
    ways = [b'"' + escaped.replace(b'"', b'\\"') + b'"', b"'" + escaped.replace(b"'", b"\\'") + b"'"]
    if word and word[:1] not in b"#}" and not set(word) & set(b" ;{"):
        plain = escaped.replace(b'"', b'\\"').replace(b"'", b"\\'")
        ways.append(plain.replace(b"\t", b"\\t").replace(b"\r", b"\\r").replace(b"\n", b"\\n"))
    return draw(st.sampled_from(ways))


def written(directives, draw):
    """A tree as a configuration with any spacing and quoting."""
    text = b""
    for name, args, inner in directives:
        text += draw(GAPS | st.just(b"")) + spelled(name, draw)
        text += b"".join(draw(GAPS) + spelled(word, draw) for word in args) + draw(GAPS | st.just(b""))
        text += b" " if inner is not None and text.endswith(b"$") else b""
        text += b";" if inner is None else b"{" + written(inner, draw) + draw(GAPS | st.just(b"")) + b"}"
    return text


def flat(directives, parent=-1, found=None):
    found = [] if found is None else found
    for name, args, inner in directives:
        found.append((name, tuple(args), parent, inner is not None))
        if inner is not None:
            flat(inner, len(found) - 1, found)
    return found


@given(st.data())
def test_a_tree_that_is_written_in_any_way_is_read_again(data):
    made = data.draw(TREES)
    text = written(made, data.draw)
    directives = answer(text)
    assert [(each.name, each.args, each.parent, each.is_block) for each in directives] == flat(made)
    check_spans(text, directives)
    check_wanted(text)


DEPTH = 100_000


def test_deep_nesting():
    data = b"a{" * DEPTH + b"listen 80;" + b"}" * DEPTH
    assert [(each.name, each.parent) for each in answer(data, [b"listen"])[-2:]] == [(b"a", DEPTH - 2), (b"listen", DEPTH - 1)]
    assert answer(data[:-1]) == '/etc/nginx/nginx.conf:1: unexpected end of file, expecting "}"'
    assert answer(data + b"}") == '/etc/nginx/nginx.conf:1: unexpected "}"'


LARGE = {
    "entries_of_a_map": (b"map $a $b {\n" + b"  ~^/x\\.y$ 'z';\n" * 50_000 + b"}\nlisten 80;", 50_003),
    "directives": (b"http {\n" + b"    set $a b;\n" * 50_000 + b"}\nlisten 80;", 50_003),
    "small_blocks": (b"a { b c; } " * 100_000 + b"\n" * 50_001 + b"listen 80;", 50_002),
    "argument_list": (b"a" + b" b" * 500_000 + b"\n" * 50_001 + b";listen 80;", 50_002),
    "spaces": (b" " * 1_000_000 + b"\n" * 50_001 + b"listen 80;", 50_002),
    "comments": (b"# { listen 1;\n" * 50_001 + b"listen 80;", 50_002),
    "blocks_that_are_nearly_small": (b"a { " + b"b ${c} 'd';" * 100 + b" e { f g; } }\n" * 1 + b"\n" * 50_000 + b"listen 80;", 50_002),
}


@pytest.mark.parametrize("data, line", LARGE.values(), ids=LARGE)
def test_large_files(data, line):
    listen = answer(data, [b"listen"])[-1]
    assert (listen.line, listen.args, listen.end) == (line, (b"80",), len(data))
