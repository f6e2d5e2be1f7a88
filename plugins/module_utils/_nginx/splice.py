# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the parameters of listen directives: which bytes, and proof that nothing else changed."""

from typing import NamedTuple, Optional

from .._errors import ConfigError
from .address import atoi
from .parameters import c_int

SPACE = b" \t\r\n"
SELF_CHECK = "%s:%d: this listen is written in a way that cannot be changed safely; nothing was changed, edit it by hand"


class Edit(NamedTuple):
    """Replace ``data[start:end]`` of a file; an empty ``replacement`` removes, start == end inserts."""

    path: str
    start: int
    end: int
    replacement: bytes


class Wish(NamedTuple):
    """What to make of a directive's parameters: a number for ``backlog`` or 0 to remove it, True for ``reuseport`` or False to
    remove it, None to leave one as it is."""

    backlog: Optional[int]
    reuseport: Optional[bool]


def changed_args(args, wish):
    """Return the parameters (bytes, without the address) as they are to be. Of its own answer it changes nothing."""
    kept = [arg for index, arg in enumerate(args) if index not in _removed(args, wish)]
    last = _outdated(kept, wish)
    if last is not None:
        kept[last] = b"backlog=%d" % wish.backlog
    return tuple(kept + _added(args, wish))


def _removed(args, wish):
    """The indices of the parameters to remove."""
    return [index for index, arg in enumerate(args) if (wish.backlog == 0 and arg.startswith(b"backlog=")) or (wish.reuseport is False and arg == b"reuseport")]


def _outdated(args, wish):
    """The index of the backlog to change: the last one, which nginx takes; None when there is none or it says the right number."""
    last = max([index for index, arg in enumerate(args) if arg.startswith(b"backlog=")], default=None)
    if not wish.backlog or last is None or c_int(atoi(args[last][8:])) == wish.backlog:
        return None
    return last


def _added(args, wish):
    added = [b"backlog=%d" % wish.backlog] if wish.backlog and not any(arg.startswith(b"backlog=") for arg in args) else []
    return added + ([b"reuseport"] if wish.reuseport and b"reuseport" not in args else [])


def parameter_edits(path, data, directive, wish):
    """Return the Edits of ``data`` that give the directive the wished parameters: the fewest bytes that do it.

    A parameter that is there keeps its place and its quotes. A new one goes right behind the last argument. A removed one
    takes the space in front of it along, but for the newline that ends a comment there.
    """
    from .tree import argument_spans

    spans = argument_spans(data, directive)[1:]  # the address and the parameters
    args = directive.args[1:]
    edits = [_removal(path, data, spans[index][1], spans[index + 1]) for index in _removed(args, wish)]
    last = _outdated(args, wish)
    if last is not None:
        edits.append(_replacement(path, data, spans[last + 1], b"%d" % wish.backlog))
    added = b"".join(b" " + word for word in _added(args, wish))
    if added:
        edits.append(Edit(path, spans[-1][1], spans[-1][1], added))
    return edits


def _replacement(path, data, span, number):
    """The digits alone: no escape of nginx's can stand for a letter, so the name is there as it is, at most behind a quote."""
    start, end = span
    quotes = 1 if data[start : start + 1] in (b'"', b"'") else 0
    return Edit(path, start + quotes + len(b"backlog="), end - quotes, number)


def _removal(path, data, previous_end, span):
    gap = data[previous_end : span[0]]
    start = previous_end + len(gap.rstrip(SPACE))
    if gap.strip(SPACE):  # a comment, which must not swallow what follows
        start = data.index(b"\n", start) + 1
    return Edit(path, start, span[1], b"")


def apply_edits(data, edits):
    """Return the bytes after the edits of one file, which must not overlap."""
    parts, position = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= len(data):
            raise ValueError("edits overlap or leave the file")
        parts += [data[position : edit.start], edit.replacement]
        position = edit.end
    return b"".join(parts) + data[position:]


def checked(path, data, edits, expected):
    """Return the bytes after the edits of one file, proven: a parser finds in them what was intended and nothing else changed.

    ``expected`` is {start of a directive in data: its arguments afterwards}. Raises ConfigError.
    """
    from .tree import parse

    after = apply_edits(data, edits)
    wanted = frozenset((b"listen", b"server_name"))
    old_list, new_list = parse(data, path, wanted), parse(after, path, wanted)
    lines = [old.line for old in old_list if old.start in expected]
    pairs = list(zip(old_list, new_list))
    for old, new in pairs:
        intended = old._replace(args=expected.get(old.start, old.args))
        if (new.name, new.args, new.parent, new.is_block) != (intended.name, intended.args, intended.parent, intended.is_block):
            raise ConfigError(SELF_CHECK % (path, old.line))
    if len(old_list) != len(new_list) or len(lines) != len(expected):
        raise ConfigError(SELF_CHECK % (path, lines[0] if lines else 1))
    return after
