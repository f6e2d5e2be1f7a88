# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second main file that leads to the new bytes, where the old ones cannot be covered.

Only the includes on the way to an edited file are replaced, each on its own lines, so that nginx's errors keep their line
numbers. ``pid`` becomes /dev/null: a test makes the file that it names, and leaves it empty.
"""

import re
from typing import Dict, List, NamedTuple

from .tree import DATA_BLOCKS, parse

PID = b"pid /dev/null;"
PATTERN = re.compile(rb"[*?\[\\]")


class Include(NamedTuple):
    """One include directive that takes effect: where it is in its file, and the files that it stands for, in order."""

    start: int
    end: int
    paths: List[str]


def includes_of(data, path, expand):
    """Return the Includes of a file's bytes. ``expand(directive)`` gives the paths that one stands for. Raises ConfigError."""
    directives = parse(data, path, frozenset())
    found = []
    for directive in directives:
        is_data = directive.parent >= 0 and directives[directive.parent].name in DATA_BLOCKS
        if directive.name == b"include" and not directive.is_block and not is_data:
            found.append(Include(directive.start, directive.end, expand(directive)))
    return found


def on_the_way(main, includes, edited):
    """Return the files that need a shadow so that ``main`` leads to all of ``edited``. ``includes`` is {path: [Include]}."""
    above: Dict[str, List[str]] = {}
    for path, found in includes.items():
        for include in found:
            for inner in include.paths:
                above.setdefault(inner, []).append(path)
    wanted, todo = {main}, list(edited)
    while todo:
        path = todo.pop()
        if path not in wanted:
            wanted.add(path)
            todo += above.get(path, ())
    return wanted


def shadow(data, includes, names):
    """Return the bytes of a shadow: every include of a file that has a shadow too leads there. ``names`` is {path: name of its shadow}."""
    parts, position = [], 0
    for include in includes:
        if any(path in names for path in include.paths):
            text = b" ".join(b"include %s;" % _quoted(names.get(path, path)) for path in include.paths)
            parts += [data[position : include.start], _on_as_many_lines(text, data[include.start : include.end])]
            position = include.end
    return b"".join(parts) + data[position:]


def find_pid(data, path):
    """Return the pid Directive outside of all blocks, or ``None``."""
    return next((found for found in parse(data, path, {b"pid"}) if found.name == b"pid" and found.parent < 0), None) if b"pid" in data else None


def without_pid(data, path):
    """Return the bytes with another pid file, on the same lines; ``None`` when they name none."""
    found = find_pid(data, path)
    if found is None:
        return None
    return data[: found.start] + _on_as_many_lines(PID, data[found.start : found.end]) + data[found.end :]


def _on_as_many_lines(text, replaced):
    return text + b"\n" * replaced.count(b"\n")


def _quoted(path):
    """Return a path as one argument that nginx does not take for a pattern."""
    raw = PATTERN.sub(lambda match: b"\\" + match.group(), path.encode("utf-8", "surrogateescape"))
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
