# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bytes of one file to its directives.

nginx asks what a directive means only when it is complete, and so do we: what stands in a block of DATA_BLOCKS is data that looks like
directives, and a `listen` there is known by its parent.

Most of a large configuration is directives that nobody asked for. One pattern (_pattern) steps over many of them in one match, as long
as they are written plainly; where it finds nothing, the tokens of the lexer decide, and only they find errors.
"""

import functools
import re
from typing import Iterable, List, NamedTuple, Optional, Tuple

from .._errors import ConfigError
from . import lexer
from .model import Directive

DATA_BLOCKS = frozenset((b"charset_map", b"geo", b"map", b"split_clients", b"types"))
NEVER_BLOCKS = frozenset((b"include", b"listen", b"server_name"))

# What the pattern takes for a directive: a name without quotes and escapes, and not of Lua code; behind it variables, escapes of anything
# but space, short words in quotes, and comments. A quote, `#` or `}` that does not begin a word is an ordinary byte of it. The bounds keep
# every word below lexer.BUFFER, and there is only one way to match anything, so nothing is tried twice.
_NAME = rb"""[^ \t\r\n\v\f;{}"'#\\$]{1,400} (?=[ \t\r\n;{]) (?<!_by_lua_block)"""
_PLAIN = rb"""[^\v\f;{}"'#\\$]{0,400}"""
_SPECIAL = rb"""(?:
    \$ \{{0,9} (?!\{)
  | \\ [^ \t\r\n]
  | (?<![ \t\r\n]) ["'#}]
  | (?<=[ \t\r\n]) (?: (?: "[^"\\]{0,400}" | '[^'\\]{0,400}' ) (?=[ \t\r\n;{)]) | \#[^\n]{0,400}(?=\n) )
)"""
_ARGUMENTS = _PLAIN + rb"(?:" + _SPECIAL + _PLAIN + rb"){0,8}"
_GAP = rb"[ \t\r\n]+ (?![ \t\r\n]) | \#[^\n]{0,4000}(?![^\n])"
_SIMPLE, _BLOCK, _CLOSE = 2, 3, 4  # groups of the pattern; the first is the name

_NOT_PLAIN = re.compile(rb"""["'#\\\v\f]""")


class _Found(NamedTuple):
    kind: Optional[int]  # _SIMPLE, _BLOCK, _CLOSE, or None at the end of the data
    name: bytes
    start: int
    end: int


def parse(data: bytes, path: str, wanted: Optional[Iterable[bytes]] = None) -> List[Directive]:
    """The directives of a file in their order: all, or those named in `wanted`, every `include`, and the blocks around these.

    Raises ConfigError, "PATH:LINE: " and what nginx would say, when the file cannot be read to its end.
    """
    names = None if wanted is None else frozenset(wanted) | {b"include"}
    tree = _Tree(data, path, names)
    if data.startswith(lexer.BYTE_ORDER_MARK):
        raise _error(data, path, 0, "the file begins with a byte order mark, which nginx takes for a part of the first word; save it without")
    position, size = 0, len(data)
    while position < size:
        match = tree.match(data, position)
        kind, end = match.lastindex, match.end()
        if kind is not None:
            position = tree.take(kind, match.group(1), match.start(1), end)
        elif end > position:
            position = end
        else:
            position = tree.take(*_read(data, path, position))
    tree.finish()
    return tree.directives


def argument_spans(data: bytes, directive: Directive) -> List[Tuple[int, int]]:
    """Where the name and each argument of a directive are in `data`, (start, end) with their quotes."""
    spans = []
    for token in lexer.lex(data, directive.start):
        if token.kind == lexer.WORD:
            spans.append((token.start, token.end))
        elif token.kind not in (lexer.SPACE, lexer.COMMENT):
            break
    return spans


class _Tree:
    """Takes what is found in a file, one after the other, and keeps the wanted directives in `directives`."""

    def __init__(self, data, path, wanted):
        self.data, self.path, self.wanted = data, path, wanted
        self.directives = []
        self.match = _pattern(wanted, False).match  # of the pattern that fits where we are
        self._open = []  # (name, start, end) of each open block
        self._kept = []  # the index in `directives` of each open block that is there: the outermost ones
        self._line, self._counted = 1, 0  # the line of that offset

    def take(self, kind, name, start, end):
        """Returns where to read on."""
        if kind == _SIMPLE:
            if self.wanted is None or name in self.wanted:
                self._keep_open_blocks()
                self._keep(start, end, False)
        elif kind == _BLOCK:
            return self._begin(name, start, end)
        elif kind == _CLOSE:
            if not self._open:
                raise _error(self.data, self.path, end - 1, 'unexpected "}"')
            if self._open.pop()[0] in DATA_BLOCKS:
                self.match = _pattern(self.wanted, False).match
            del self._kept[len(self._open) :]
        return end

    def finish(self):
        if self._open:
            raise _error(self.data, self.path, len(self.data), 'unexpected end of file, expecting "}"')

    def _begin(self, name, start, end):
        if self._open and self._open[-1][0] in DATA_BLOCKS:
            raise _error(self.data, self.path, end - 1, 'unexpected "{"')
        if name in NEVER_BLOCKS:
            raise _error(self.data, self.path, end - 1, 'directive "%s" is not terminated by ";"' % name.decode())
        self._open.append((name, start, end))
        if name in DATA_BLOCKS:
            self.match = _pattern(self.wanted, True).match
        if self.wanted is None or name in self.wanted:
            self._keep_open_blocks()
        return _behind_lua(self.data, self.path, end) if lexer.is_lua(name) else end

    def _keep_open_blocks(self):
        while len(self._kept) < len(self._open):
            _name, start, end = self._open[len(self._kept)]
            self._keep(start, end, True)
            self._kept.append(len(self.directives) - 1)

    def _keep(self, start, end, is_block):
        self._line += self.data.count(b"\n", self._counted, start)
        self._counted = start
        words = _words(self.data[start : end - 1])
        parent = self._kept[-1] if self._kept else -1
        self.directives.append(Directive(words[0], tuple(words[1:]), self._line, start, end, parent, is_block))


@functools.lru_cache(maxsize=None)
def _pattern(wanted, in_data):
    """Steps over what is not wanted, then takes one directive or `}`. Never fails: what it takes may be empty.

    Outside data it steps over a block in which there are only a few directives that are not wanted, too.
    """
    skipped = _GAP
    if wanted is not None:
        names = b"|".join(re.escape(name) for name in sorted(wanted | NEVER_BLOCKS))
        directive = rb"(?!(?:" + names + rb")[ \t\r\n;{])" + _NAME + _ARGUMENTS
        block = rb"" if in_data else rb"| \{ (?:" + _GAP + rb"|" + directive + rb";){0,64} \}"
        skipped += rb"|" + directive + rb"(?: ;" + block + rb")"
    taken = rb"(" + _NAME + rb")" + _ARGUMENTS + rb"(?: (;) | (\{) ) | (\})"
    return re.compile(rb"(?:" + skipped + rb"){0,64} (?:" + taken + rb")?", re.VERBOSE)


def _words(raw):
    """The values of the words in `raw`, which is a directive without its end."""
    if _NOT_PLAIN.search(raw):
        return [lexer.value(raw[token.start : token.end]) for token in lexer.lex(raw) if token.kind == lexer.WORD]
    return raw.split()


def _read(data, path, position):
    """Read one directive, or `}`, token by token. Raises ConfigError where nginx gives up."""
    name, start = b"", -1
    for token in lexer.lex(data, position):
        kind = token.kind
        if kind == lexer.WORD:
            if start < 0:
                name, start = lexer.value(data[token.start : token.end]), token.start
        elif kind in (lexer.END, lexer.OPEN, lexer.CLOSE):
            if (start < 0) != (kind == lexer.CLOSE):
                raise _error(data, path, token.start, 'unexpected "%s"' % data[token.start : token.end].decode())
            return _Found({lexer.END: _SIMPLE, lexer.OPEN: _BLOCK, lexer.CLOSE: _CLOSE}[kind], name, start, token.end)
        elif kind not in (lexer.SPACE, lexer.COMMENT):
            raise _explain(data, path, token)
    if start >= 0:
        raise _error(data, path, len(data), 'unexpected end of file, expecting ";" or "}"')
    return _Found(None, b"", len(data), len(data))


def _behind_lua(data, path, start):
    """Where the `}` is that ends the Lua code."""
    end, opened = lexer.lua_end(data, start)
    if opened < 0:
        return end
    raise _error(data, path, opened, "unexpected end of file, expecting terminating characters for lua code block")


def _explain(data, path, token):
    """The error for a token at which nginx gives up."""
    if token.kind == lexer.UNEXPECTED:
        return _error(data, path, token.start, 'unexpected "%s"' % _text(data[token.start : token.start + 1]))
    if token.kind == lexer.UNCLOSED:
        return _error(data, path, token.end, 'unexpected end of file, expecting ";" or "}"')
    if lexer.is_open_quote(data, token.start):
        return _error(data, path, token.start, 'too long parameter, probably missing terminating "%s" character' % chr(data[token.start]))
    beginning = data[token.start : token.start + 11].lstrip(b"\"'")[:10]
    return _error(data, path, token.start, 'too long parameter "%s..." started' % _text(beginning))


def _text(raw):
    return raw.decode("utf-8", "backslashreplace")


def _error(data, path, position, text):
    return ConfigError("%s:%d: %s" % (path, data.count(b"\n", 0, position) + 1, text))
