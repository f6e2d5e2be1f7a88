# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lexer against nginx: both refuse a text with the same words in the same line, or both read the same words.

What nginx reads is in its messages: `unknown directive "NAME"`, with the line where the directive ends, and, for `user`, the
argument that is no user.
"""

import random
import re
import subprocess

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse
from nginx_server import program

HEAD = b"pid %s/nginx.pid; error_log stderr; events {}\n"
# Refusals of those who know what a directive means. All others come from reading tokens, and must be ours, too.
MEANING = re.compile(
    r'unknown directive|invalid number of arguments|getpwnam|is not allowed here|has no opening "\{"|"\w+" directive is duplicate'
    r'|invalid parameter|invalid value|directive "(env|user)" is not terminated'
)


class Nginx:
    """Tests texts with `nginx -t` in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "nginx.conf"
        self.head = HEAD % str(folder).encode()

    def complaint(self, text):
        """(what nginx says, line), or None when it accepts the text, which begins in line 2."""
        self.path.write_bytes(self.head + text)
        command = [program(), "-t", "-p", str(self.folder), "-c", str(self.path)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False)
        said = re.search(rb"\[emerg\] (?:\d+#\d+: )?(.*) in %s:(\d+)\n" % re.escape(str(self.path).encode()), done.stdout, re.DOTALL)
        assert (done.returncode == 0) == (said is None), done.stdout
        return said and (said.group(1).decode("latin-1"), int(said.group(2)))

    def difference(self, text):
        """None, or what nginx and we say about a text. It must have at most one directive that nginx does not know."""
        theirs = self.complaint(text)
        data = self.head + text
        try:
            directives = parse(data, str(self.path))
        except ConfigError as error:
            place, ours = str(error)[len(str(self.path)) + 1 :].split(": ", 1)
            agreed = theirs is not None and (theirs == (ours, int(place)) or (MEANING.match(theirs[0]) and theirs[1] <= int(place)))
            return None if agreed else (text, theirs, str(error))
        if theirs is None:
            return None
        said, line = theirs
        unknown = re.fullmatch(r'unknown directive "(.*)"', said, re.DOTALL)
        if unknown:
            first = next(each for each in directives if each.name not in (b"pid", b"error_log", b"events", b"env", b"user"))
            same = first.name.split(b"\0")[0] == unknown.group(1).encode("latin-1") and 1 + data.count(b"\n", 0, first.end) == line
            return None if same else (text, theirs, first)
        return None if MEANING.match(said) else (text, theirs, directives)


WORDS = {
    "plain": b"a", "quoted": b'"a b"', "single_quoted": b"'a b'", "empty": b'""', "other_quote": b"\"a'b\"", "escaped_quote": b'"a\\"b"',
    "escaped_in_plain": b"a\\\"b\\'c", "escaped_space": b"a\\ b", "escaped_end": b"a\\;b", "escaped_brace": b"a\\{b", "escaped_newline": b"a\\\nb",
    "escapes": b"\\t\\r\\n\\\\\\x\\$", "quoted_escapes": b'"\\t\\r\\n\\\\\\x\\$"', "escape_first": b"\\#a", "variable": b"$a",
    "variable_in_braces": b"${a}b", "braces_behind_a_dollar": b"${{{a", "dollar_at_the_end": b"a$", "two_dollars": b"$${a}",
    "escaped_dollar": b"\\${a}", "dollar_and_escaped_brace": b"$\\{a", "variable_in_quotes": b'"${a}{"', "brace_inside": b"a{b",
    "closing_brace_inside": b"a}b", "closing_brace_first": b"}a", "hash_inside": b"a#b", "hash_first": b"#a", "quote_inside": b"a\"b'c",
    "glued": b'"a"b', "glued_quotes": b'"a""b"', "parenthesis": b'"a")b', "parentheses": b'("a")', "quoted_parenthesis": b'"a")"b"',
    "brace_behind_quote": b'"a"}', "hash_behind_quote": b'"a"#b', "newline_in_quotes": b'"a\nb"', "nothing": b"", "vertical_tab": b"a\x0bb",
    "form_feed": b"a\x0cb", "nul": b"a\0b", "not_utf8": b"caf\xe9\xff", "byte_order_mark": b"\xef\xbb\xbfa", "carriage_return": b"a\rb",
    "open_quote": b'"a', "escaped_end_of_quote": b'"a\\"', "comment_behind": b"a # b; {\n", "comment_in_front": b" # b; {\n a", "lone_brace": b"{",
    "lone_closing_brace": b"}", "lone_backslash": b"\\", "semicolons": b"a;;",
}  # fmt: skip
FRAMES = {
    "name": (b"", b" x;\n"),
    "name_alone": (b"", b";"),
    "name_of_a_block": (b"\n", b" x {\n}\n"),
    "argument": (b"user ", b";\nzz 1;\n"),
    "second_argument": (b"user a ", b"\n;zz\n1;\n"),
    "last": (b"env a;\n  ", b""),
    "behind_a_block": (b"zz {\n} ", b";\n"),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_words(tmp_path, frame):
    asked = Nginx(tmp_path)
    before, behind = FRAMES[frame]
    assert [each for each in (asked.difference(before + word + behind) for word in WORDS.values()) if each] == []


def test_values_of_an_argument(tmp_path):
    """The value of a word, as nginx's complaint about a user of that name has it."""
    asked, wrong, compared = Nginx(tmp_path), [], 0
    for word in WORDS.values():
        text = b"user " + word + b";"
        theirs = asked.complaint(text)
        named = theirs and re.match(r'getpwnam\("(.*)"\) failed', theirs[0], re.DOTALL)
        if named and word != WORDS["semicolons"]:  # nginx stops before it sees the second
            compared += 1
            value = parse(text, "file")[0].args[0]
            if value.split(b"\0")[0] != named.group(1).encode("latin-1"):
                wrong.append((word, theirs, value))
    assert wrong == []
    assert compared > 30


def test_longest_words(tmp_path):
    asked, wrong = Nginx(tmp_path), []
    for length in (4092, 4093, 4094, 4095, 4096, 4097, 8192, 12289):
        for opening, closing in ((b"", b";\n#"), (b"", b" ;\n#"), (b"", b"\n;\n#"), (b'"', b'";\n#'), (b"'", b"' ;\n#"), (b'"', b'"b;\n#'), (b'"', b"")):
            wrong.append(asked.difference(b"zz " + opening + b"n" * length + closing))
        for closing in (b"", b"\n", b"\nzz;\n"):
            wrong.append(asked.difference(b"#" + b"n" * (length - 1) + closing))
        wrong.append(asked.difference(b"zz" + b" " * length + b"a;"))
        wrong.append(asked.difference(b"zz " + b"\\;" * (length // 2) + b";#\n"))
    assert [each for each in wrong if each] == []


ENDS = {
    "open_block": b"zz {\n\n",
    "closed_twice": b"env a;\n}\n}\n",
    "open_word": b"env a;\nenv",
    "no_end": b"env a;\n\nenv a\n",
    "only_comment": b"# }",
    "nothing": b"",
    "only_cr": b"\r\r# env\renv a;\r;",
    "map_with_block": b"http {\n map $a $b {\n a b;\n c {\n d e; } } }",
    "types_with_block": b"http { types { a { b c; } } }",
    "geo_with_block": b"http {\n geo $a {\n b { } } }",
    "listen_without_end": b"http {\n server {\n listen 80\n location / { } } }",
    "server_name_without_end": b"http {\n server {\n server_name a\n location / { } } }",
    "include_without_end": b"http {\n include a\n server { } }",
    "if_in_parentheses": b'http { server { listen 127.0.0.1:1; if ($http_a = "b"){ return 200; } if ($http_a = "b") { return 200 "}"; } } }',
}


@pytest.mark.parametrize("situation", ENDS)
def test_ends(tmp_path, situation):
    assert Nginx(tmp_path).difference(ENDS[situation]) is None


PIECES = [bytes([byte]) for byte in b" \t\r\n;{}#$\\\"')a"] + [b"${", b'" ', b" '", b"\\ ", b";\nenv ", b";\nenv a;", b" #", b"\nzz ", b'"a"']


@pytest.mark.parametrize("seed", range(4))
def test_random_texts(tmp_path, seed):
    asked, random_ = Nginx(tmp_path), random.Random(seed)
    texts = [
        b"env " + b"".join(random_.choices(PIECES, k=random_.choice((3, 6, 12)))) + random_.choice((b"", b";", b";\nzz;", b'";\nzz;')) for _each in range(150)
    ]
    assert [each for each in map(asked.difference, texts) if each] == []
