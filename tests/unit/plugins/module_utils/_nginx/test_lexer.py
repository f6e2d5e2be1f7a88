# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: nothing is lost, whatever the input is; words have nginx's values; Lua code ends where the Lua module says."""

from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx import lexer
from hypothesis import given
from hypothesis import strategies as st

FILES = sorted((Path(__file__).parent / "fixtures").glob("*.conf*"))
FRAGMENTS = [bytes([byte]) for byte in b" \t\r\n;{}#$\\\"')a-[]=\0\xff"] + [b"${", b"listen 80;", b"x_by_lua_block {", b"--[[", b"]]", b"[=["]


def name_of(path):
    return path.name.partition(".")[0]


def joined(data, start=0):
    return b"".join(data[token.start : token.end] for token in lexer.lex(data, start))


def kinds(data):
    return [token.kind for token in lexer.lex(data)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_tokens_of_a_file_join_to_the_file_wherever_it_is_cut(path):
    data = path.read_bytes()
    assert joined(data) == data
    for cut in range(min(len(data), 1500)):
        assert joined(data[:cut]) == data[:cut]


@given(st.binary())
def test_tokens_of_any_bytes_join_to_these_bytes(data):
    assert joined(data) == data


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join), st.integers(0, 60))
def test_tokens_of_things_like_configurations_join_to_them_from_any_start(data, start):
    assert joined(data, start) == data[start:]
    ends = [token.end for token in lexer.lex(data, start)]
    assert ends == sorted(set(ends)), "no token is empty"


KINDS = {
    "nothing": (b"", ""),
    "simple_directive": (b"listen 80;", "word space word end"),
    "no_space_where_none_is_needed": (b"http{}", "word open close"),
    "comment_behind_a_word_needs_a_space": (b"a#b #c\n;", "word space comment space end"),
    "cr_ends_no_comment": (b"#a\rb\n", "comment space"),
    "vertical_tab_is_no_space": (b"a\x0bb", "word"),
    "variable_in_braces": (b"${a}{", "word open"),
    "more_braces_behind_a_dollar": (b"${{{a {", "word space open"),
    "brace_at_the_end_of_a_word": (b"a{b}c;", "word open word end"),
    "closing_brace_alone": (b"a }", "word space close"),
    "quote_inside_a_word": (b'a"b c"d;', "word space word end"),
    "parenthesis_behind_a_quote_begins_a_word": (b'("a") {', "word space open"),
    "parenthesis_behind_a_quoted_word": (b'"a") {', "word word space open"),
    "letter_behind_a_quote": (b'"a"b;', "word unexpected"),
    "brace_behind_a_quote": (b'"a"};', "word unexpected"),
    "hash_behind_a_quote": (b'"a"# b\n;', "word unexpected"),
    "quote_behind_a_quote": (b'"a""b";', "word unexpected"),
    "end_behind_a_quote": (b'"a"', "word"),
    "quote_without_partner": (b"a 'b;\n", "word space unclosed"),
    "escaped_partner": (b"'a\\'", "unclosed"),
    "escaped_backslash_before_the_partner": (b"'a\\\\' ", "word space"),
    "the_other_quote_is_no_partner": (b"\"a' b\" '\" c';", "word space word end"),
    "escaped_space_is_part_of_the_word": (b"a\\ b\\;c\\{d\\\ne;", "word end"),
    "escape_at_the_beginning": (b"\\#a \\;;", "word space word end"),
    "backslash_at_the_end": (b"a\\", "word"),
    "escaped_dollar_makes_no_variable": (b"\\${", "word open"),
    "variable_needs_the_brace_at_once": (b"$a{", "word open"),
    "lua": (b'x_by_lua_block { "}" } y;', "word space open lua close space word end"),
    "lua_with_a_quoted_name": (b'"x_by_lua_block" $a {}', "word space word space open close"),
    "lua_as_an_argument": (b"a x_by_lua_block { '}'; }", "word space word space open space word end space close"),
    "lua_without_a_block": (b"x_by_lua_block a; b {", "word space word end space word space open"),
    "lua_without_an_end": (b"x_by_lua_block { {a", "word space open lua unclosed lua"),
    "two_words_of_lua": (b"x_by_lua_block{a}x_by_lua_block{}", "word open lua close word open close"),
}


@pytest.mark.parametrize("data, expected", KINDS.values(), ids=KINDS)
def test_kinds(data, expected):
    found = kinds(data)
    assert " ".join(found) == expected
    assert joined(data) == data


VALUES = {
    "plain": (b"a", b"a"),
    "quotes_are_taken_off": (b'"a b"', b"a b"),
    "empty": (b"''", b""),
    "quote_inside_stays": (b'a"b"', b'a"b"'),
    "escaped_quotes": (b'"\\"\\\'"', b"\"'"),
    "escaped_quotes_in_a_plain_word": (b"a\\\"b\\'", b"a\"b'"),
    "letters_that_mean_something": (b"\\t\\r\\n", b"\t\r\n"),
    "backslash": (b"\\\\n", b"\\n"),
    "backslash_before_something_else_stays": (b"\\.\\ \\;\\$\\x", b"\\.\\ \\;\\$\\x"),
    "no_text_at_all": (b"\xff\\\xff\0", b"\xff\\\xff\0"),
}


@pytest.mark.parametrize("raw, expected", VALUES.values(), ids=VALUES)
def test_value(raw, expected):
    assert lexer.value(raw) == expected


# What the module says (lua-nginx-module 0.10.23 with nginx 1.22.1): the offset of the `}` that ends the code, counted from its end.
LUA = {
    "nothing": (b"", b"}"),
    "braces": (b" a = { b = {} } ", b"}"),
    "brace_in_double_quotes": (b' a = "}" ', b"}"),
    "brace_in_single_quotes": (b" a = '{' ", b"}"),
    "escaped_quote": (b'a = "\\"}" ', b"}"),
    "escaped_backslash_before_the_quote": (b"a = '\\\\' ", b"}"),
    "comment": (b"-- don't } \"\n", b"}"),
    "long_comment": (b'--[[ } \n " ]] ', b"}"),
    "long_comment_with_level": (b"--[==[ ]] } ]==] ", b"}"),
    "line_comment_in_a_long_comment": (b"--[[\n-- }\n]]", b"}"),
    "long_bracket_in_a_line_comment": (b"-- [[ }\n", b"}"),
    "half_of_a_long_bracket_in_a_comment": (b"--[=x } \n", b"}"),
    "long_string": (b"a = [[ } ]] ", b"}"),
    "long_string_with_level": (b"a = [=[ ]] } ]=] ", b"}"),
    "long_string_knows_no_escapes": (b"a = [[ \\]] ", b"}"),
    "half_of_a_long_bracket": (b"a=[==b[[}]]", b"}"),
    "index_of_an_index": (b"a = b[c[1]] ", b"}"),
    "long_bracket_in_quotes": (b'a = "[["', b"}"),
    "string_in_an_index": (b'["a}"]', b"}"),
    "minus": (b"-", b"}"),
    "string_ends_in_its_line": (b'a = "b', b"} \n c = '"),
    "string_over_two_lines_hides_nothing": (b'a = "b\n ', b"} \""),
    "escaped_end_of_line_hides_nothing": (b'a = "\\\n', b'}"'),
    "apostrophe": (b"it's", b"}"),
    "second_quote_that_is_escaped": (b"\" \\\"", b"}"),
    "hash_is_no_comment": (b"a = #b", b"}"),
    "very_long_comment": (b"--" + b"}" * 5000 + b"\n", b"}"),
}  # fmt: skip


@pytest.mark.parametrize("code, behind", LUA.values(), ids=LUA)
def test_end_of_lua_code(code, behind):
    assert lexer.lua_end(b"{" + code + behind, 1) == (1 + len(code), -1)


OPEN_LUA = {
    "block": (b" a ", 0),
    "inner_brace": (b" { } {", 5),
    "long_string": (b" a = [[ ", 5),
    "long_string_of_another_level": (b" a = [=[ ]] }", 5),
    "long_comment": (b" --[[ } ", 1),
    "line_comment": (b" -- }", 0),
}


@pytest.mark.parametrize("code, opened", OPEN_LUA.values(), ids=OPEN_LUA)
def test_lua_code_without_an_end(code, opened):
    assert lexer.lua_end(code, 0) == (len(code), opened)


# nginx 1.22.1: the longest that is read, with what stands behind it, and with one byte more.
LONGEST = {
    "word_before_the_end": (b"", b"n", 4095, b";\n#"),
    "word_before_a_space": (b"", b"n", 4094, b" ;\n#"),
    "quoted_word_before_the_end": (b'"', b"n", 4094, b'";\n#'),
    "quoted_word_before_a_space": (b"'", b"n", 4093, b"' ;\n#"),
    "comment": (b"#", b"n", 4094, b"\n#"),
    "comment_at_the_end_of_the_file": (b"#", b"n", 4095, b""),
    "escapes": (b"", b"\\;", 2047, b";\n#"),
    "variables": (b"", b"$", 4095, b";\n#"),
}


@pytest.mark.parametrize("opening, unit, count, closing", LONGEST.values(), ids=LONGEST)
def test_longest_token(opening, unit, count, closing):
    longest, too_long = (opening + unit * number + closing for number in (count, count + 1))
    assert lexer.TOO_LONG not in kinds(longest)
    assert kinds(too_long)[-1] == lexer.TOO_LONG
    assert joined(longest) == longest
    assert joined(too_long) == too_long


LARGE = {
    "line_of_a_megabyte": b"a b " * (1 << 18),
    "word_of_a_megabyte": b"a" * (1 << 20),
    "dollars": b"$" * (1 << 20),
    "escapes": b"\\a" * (1 << 19),
    "escapes_in_quotes": b'"' + b"\\a" * (1 << 19),
    "quotes": b'"' * (1 << 20),
    "braces": b"{" * (1 << 17) + b"}" * (1 << 17),
    "lua_quotes_that_are_escaped": b"x_by_lua_block {" + b"\\\"\\'" * (1 << 17),
    "lua_brackets": b"x_by_lua_block {" + b"[=" * (1 << 18),
    "lua_minus": b"x_by_lua_block {" + b"-" * (1 << 20),
}


@pytest.mark.parametrize("data", LARGE.values(), ids=LARGE)
def test_large_and_hostile_inputs_come_to_an_end(data):
    assert joined(data) == data
