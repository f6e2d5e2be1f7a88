# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second reading of nginx's token rules: byte by byte, slow, and without any pattern, to compare the lexer with.

It follows the states of ngx_conf_read_token (src/core/ngx_conf_file.c, nginx 1.22); tests/integration/nginx/test_tokens.py holds
the lexer against nginx itself. Lua code is not known here.
"""

BUFFER = 4096
SPACES = b" \t\r\n"


class Refused(Exception):
    """(text, line)"""


class Reader:
    """Reads the words of one directive after the other."""

    def __init__(self, data):
        self.data, self.position, self.line = data, 0, 1
        self.begin()

    def begin(self):
        """Forget the last directive."""
        self.words, self.first = [], None
        self.raw = self.quote = None  # of the word we are in
        self.start, self.start_line = self.position, self.line
        self.is_escaped = self.is_variable = self.is_comment = self.is_behind_quote = False

    def directive(self):
        """Returns (words, start of the first word, terminator), the terminator being b";", b"{", b"}" or b"" at the end of the data."""
        self.begin()
        terminator = None
        while terminator is None:
            if self.position >= len(self.data):
                if self.words or self.raw is not None:
                    raise Refused('unexpected end of file, expecting ";" or "}"', self.line)
                return self.words, self.first, b""
            if self.position - self.start >= BUFFER:
                raise self.too_long()
            byte = self.data[self.position : self.position + 1]
            self.position += 1
            self.line += byte == b"\n"
            terminator = self.between_words(byte) if self.raw is None else self.in_word(byte)
        return self.words, self.first, terminator

    def between_words(self, byte):
        if self.is_comment:
            if byte == b"\n":
                self.is_comment, self.start = False, self.position - 1
            return None
        if self.is_behind_quote:
            if byte in (b";", b"{"):
                return byte
            if byte not in SPACES and byte != b")":
                raise Refused('unexpected "%s"' % byte.decode("utf-8", "backslashreplace"), self.line)
            self.is_behind_quote = False
            if byte != b")":
                return None
        self.start, self.start_line = self.position - 1, self.line
        if byte in (b";", b"{", b"}"):
            if bool(self.words) == (byte == b"}"):
                raise Refused('unexpected "%s"' % byte.decode(), self.line)
            return byte
        self.is_comment = byte == b"#"
        if byte not in SPACES and not self.is_comment:
            self.begin_word(byte)
        return None

    def begin_word(self, byte):
        self.first = self.start if self.first is None else self.first
        self.raw, self.is_escaped, self.is_variable = byte, byte == b"\\", byte == b"$"
        if byte in (b'"', b"'"):
            self.raw, self.quote, self.start = b"", byte, self.start + 1

    def in_word(self, byte):
        if self.is_escaped:
            self.raw, self.is_escaped = self.raw + byte, False
        elif byte == b"{" and self.is_variable:
            self.raw += byte
        elif byte == self.quote or (self.quote is None and byte in (b" ", b"\t", b"\r", b"\n", b";", b"{")):
            self.words.append(resolved(self.raw))
            self.is_behind_quote, self.raw, self.quote, self.is_variable = self.quote is not None, None, None, False
            return byte if byte in (b";", b"{") else None
        else:
            self.raw += byte
            self.is_variable, self.is_escaped = byte == b"$", byte == b"\\"
        return None

    def too_long(self):
        if self.quote:
            return Refused('too long parameter, probably missing terminating "%s" character' % self.quote.decode(), self.start_line)
        beginning = self.data[self.start : self.start + 10].decode("utf-8", "backslashreplace")
        return Refused('too long parameter "%s..." started' % beginning, self.start_line)


def resolved(raw):
    """The word with its escapes resolved."""
    made, position = b"", 0
    while position < len(raw):
        pair = raw[position : position + 2]
        if pair in (b'\\"', b"\\'", b"\\\\"):
            made, position = made + pair[1:], position + 2
        elif pair in (b"\\t", b"\\r", b"\\n"):
            made, position = made + {b"t": b"\t", b"r": b"\r", b"n": b"\n"}[pair[1:]], position + 2
        else:
            made, position = made + pair[:1], position + 1
    return made


def read(data):
    """[(name, args, start, end, index of the enclosing block or -1, is_block)] of all directives. Raises Refused."""
    reader, found, blocks = Reader(data), [], []
    while True:
        words, start, terminator = reader.directive()
        if terminator == b"":
            if blocks:
                raise Refused('unexpected end of file, expecting "}"', reader.line)
            return found
        if terminator == b"}":
            if not blocks:
                raise Refused('unexpected "}"', reader.line)
            blocks.pop()
            continue
        if terminator == b"{" and blocks and found[blocks[-1]][0] in (b"charset_map", b"geo", b"map", b"split_clients", b"types"):
            raise Refused('unexpected "{"', reader.line)
        if terminator == b"{" and words[0] in (b"include", b"listen", b"server_name"):
            raise Refused('directive "%s" is not terminated by ";"' % words[0].decode(), reader.line)
        found.append((words[0], tuple(words[1:]), start, reader.position, blocks[-1] if blocks else -1, terminator == b"{"))
        if terminator == b"{":
            blocks.append(len(found) - 1)
