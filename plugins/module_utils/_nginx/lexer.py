# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's tokens, without loss: the tokens of any input, also of a broken one, join to exactly that input.

The rules are those of ngx_conf_read_token (nginx src/core/ngx_conf_file.c): space is blank, tab, CR and LF alone; a word ends at
space, `;` or `{`, but not at a `{` behind `$`; quotes and `#` mean something only where a word could begin; a backslash keeps the
next byte, whatever it is, from meaning anything. Lua code is a token of its own (lua-nginx-module, ngx_http_lua_directive.c).
"""

import re
from typing import Any, Iterator, NamedTuple, Tuple

# Kinds of tokens. Those of the last line say where nginx gives up, and reach to the end of the data.
SPACE, COMMENT, WORD, END, OPEN, CLOSE, LUA = "space", "comment", "word", "end", "open", "close", "lua"
UNEXPECTED = "unexpected"  # starts with a byte that may not stand right behind a closing quote
UNCLOSED = "unclosed"  # a quote without its partner
TOO_LONG = "too long"
UNCLOSED_LUA = "unclosed lua"  # starts with the last `{` or long bracket that was opened

BUFFER = 4096  # NGX_CONF_BUFFER, bytes: a token must fit in, together with what shows that it ended
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # nothing special to nginx: it is a part of the first word


class Token(NamedTuple):
    """data[start:end]"""

    kind: str
    start: int
    end: int


# No repetition is followed by something that can fail, so nothing is tried twice. Its bounds cut no valid token: the buffer is smaller.
_TOKEN: Any = re.compile(  # a match of it is never None: any byte begins a token
    rb"""
    (?P<space> [ \t\r\n]+ )
  | (?P<comment> \# [^\n]* )
  | (?P<end> ; )
  | (?P<open> \{ )
  | (?P<close> \} )
  | (?P<quoted> " [^"\\]{0,4096} (?: \\. [^"\\]{0,4096} ){0,2048} " | ' [^'\\]{0,4096} (?: \\. [^'\\]{0,4096} ){0,2048} ' )
  | (?P<unclosed> ["'] .* )
  | (?P<word> [^ \t\r\n;{\\$]* (?: (?: \\.? | \$\{* ) [^ \t\r\n;{\\$]* ){0,4096} )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"""\\(["'\\trn])""")
_ESCAPED = {b"t": b"\t", b"r": b"\r", b"n": b"\n"}

# What can hide a brace in Lua code. A string ends in the line where it begins, or the quote means nothing.
_LUA = re.compile(rb"""[{}"'] | (?:--)? \[ (?P<level> =* ) \[ | -- [^\n]*""", re.VERBOSE)
_LUA_STRING = {
    b'"': re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*){0,4096}"'),
    b"'": re.compile(rb"'[^'\\\n]*(?:\\[^\n][^'\\\n]*){0,4096}'"),
}


def lex(data: bytes, start: int = 0) -> Iterator[Token]:
    """The tokens from `start` on, a place where a directive may begin. Their bytes join to data[start:], whatever it is."""
    name, position, size = None, start, len(data)
    while position < size:
        match = _TOKEN.match(data, position)
        kind, end = match.lastgroup, match.end()
        if end - position > BUFFER - 4 and kind != SPACE and _is_too_long(data, position, end):
            yield Token(TOO_LONG, position, size)
            return
        if kind == "quoted":
            yield Token(WORD, position, end)
            if data[end : end + 1] not in b" \t\r\n;{)":  # the end of the data, which is no byte at all, is in there, too
                yield Token(UNEXPECTED, end, size)
                return
        else:
            yield Token(kind, position, end)
        if kind == OPEN and name is not None and is_lua(name):
            for token in _lua_tokens(data, end):
                yield token
                end = token.end
        if kind in (OPEN, END, CLOSE):
            name = None
        elif name is None and kind in ("quoted", WORD):
            name = value(data[position:end])
        position = end


def value(raw: bytes) -> bytes:
    """What nginx makes of a word: without its quotes, escapes resolved. A backslash stays when what follows has no need of it."""
    if raw[:1] in (b'"', b"'"):
        raw = raw[1:-1]
    return _ESCAPE.sub(_resolve, raw) if b"\\" in raw else raw


def is_lua(name: bytes) -> bool:
    """Whether the block of a directive holds Lua code; `name` is without quotes."""
    return name.endswith(b"_by_lua_block")


def lua_end(data: bytes, start: int) -> Tuple[int, int]:
    """Where the `}` is that ends the Lua code which begins at `start`, and -1; or the end of the data, and what was opened last."""
    depth, opened, position, hopeless = 1, start, start, {}
    while True:
        match = _LUA.search(data, position)
        if not match:
            return len(data), opened
        what, at, position = match.group(), match.start(), match.end()
        if what == b"{":
            depth, opened = depth + 1, at
        elif what == b"}":
            depth -= 1
            if not depth:
                return at, -1
        elif what in _LUA_STRING:
            position = _string_end(data, at, what, hopeless)
        elif match.group("level") is not None:
            bracket = b"]" + match.group("level") + b"]"
            closing = data.find(bracket, position)
            if closing < 0:
                return len(data), at
            position = closing + len(bracket)


def _string_end(data, start, quote, hopeless):
    """Behind the string, or behind the quote when it has no partner in its line; then no other quote of that kind has one (`hopeless`)."""
    if start >= hopeless.get(quote, 0):
        match = _LUA_STRING[quote].match(data, start)
        if match:
            return match.end()
        line_end = data.find(b"\n", start)
        hopeless[quote] = len(data) if line_end < 0 else line_end
    return start + 1


def _lua_tokens(data, start):
    end, opened = lua_end(data, start)
    known = end if opened < 0 else opened
    if start < known:
        yield Token(LUA, start, known)
    if known < end:
        yield Token(UNCLOSED_LUA, known, end)


def _resolve(escape):
    byte = escape.group(1)
    return _ESCAPED.get(byte, byte)


def is_open_quote(data: bytes, start: int) -> bool:
    """Whether a word that is too long begins with a quote and the buffer is full before its partner comes."""
    return _TOKEN.match(data, start, start + 1 + BUFFER).lastgroup == UNCLOSED


def _is_too_long(data, start, end):
    """The buffer holds a word without its opening quote, but with the byte that ends it and, when that is a space, one more."""
    first = start + (data[start] in b"\"'")
    needed = end - first
    if data[start : start + 1] != b"#" and data[end : end + 1] in (b" ", b"\t", b"\r", b"\n"):
        needed += 1
    return needed >= BUFFER and len(data) - first > BUFFER
