# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patterns of nginx's include, component by component, as glob(3) reads them without flags.

nginx runs in the C locale (it never calls setlocale), so a character is a byte and the order is that of bytes. A leading
dot is matched by nothing but a dot; a backslash takes the meaning from the next character. Collating symbols and equivalence
classes (``[[.a.]]``, ``[[=a=]]``) are not modelled: such a set matches nothing.
"""

import re

SPECIAL = b"*?["
# POSIX character classes in the C locale
CLASSES = {
    b"alpha": b"a-zA-Z",
    b"digit": b"0-9",
    b"alnum": b"a-zA-Z0-9",
    b"upper": b"A-Z",
    b"lower": b"a-z",
    b"space": b" \\t-\\r",
    b"blank": b" \\t",
    b"punct": b"!-/:-@\\[-`{-~",
    b"xdigit": b"0-9a-fA-F",
}
_CLASS = re.compile(rb"\[:([a-z]+):\]")


def is_pattern(path):
    """Whether nginx takes a path for a pattern: src/core/ngx_conf_file.c ngx_conf_include() looks for these bytes anywhere."""
    return any(byte in SPECIAL for byte in path)


def matcher(component):
    """Return a function that tells whether a name (bytes) matches; ``None`` for a component that is a plain name."""
    segments, position, is_magic = [[]], 0, False  # what stands between stars: patterns of one byte each
    while position < len(component):
        byte = component[position : position + 1]
        if byte == b"*":
            is_magic = True
            segments.append([])
        elif byte == b"[" and _set_end(component, position):
            is_magic = True
            end = _set_end(component, position)
            segments[-1].append(_set(component[position + 1 : end]))
            position = end
        else:
            is_magic = is_magic or byte == b"?"
            if byte == b"\\" and position + 1 < len(component):
                position += 1
            segments[-1].append(b"." if byte == b"?" else re.escape(component[position : position + 1]))
        position += 1
    if not is_magic:
        return None
    is_dotted = component.startswith((b".", b"\\."))
    compiled = [(re.compile(b"".join(segment), re.DOTALL), len(segment)) for segment in segments]
    return lambda name: (is_dotted or not name.startswith(b".")) and _matches(compiled, name)


def _matches(segments, name):
    """Each segment has one length, so the leftmost place that follows the one before is as good as any: no way back is needed."""
    position = 0
    for number, (pattern, _length) in enumerate(segments[:-1]):
        match = pattern.search(name, position) if number else pattern.match(name)
        if not match:
            return False
        position = match.end()
    pattern, length = segments[-1]
    start = len(name) - length if len(segments) > 1 else 0
    return start >= position and pattern.fullmatch(name, start) is not None


def plain(component):
    """Return the name that a component without magic stands for."""
    return re.sub(rb"\\(.)", rb"\1", component, flags=re.DOTALL)


def _set_end(component, start):
    """The position of the ``]`` that closes the set, or 0. Right after the opening it is a member."""
    position = start + 1
    if component[position : position + 1] in (b"!", b"^"):
        position += 1
    first = position
    while position < len(component):
        byte = component[position : position + 1]
        if byte == b"]" and position > first:
            return position
        known = _CLASS.match(component, position)
        position = known.end() if known else position + (2 if byte == b"\\" else 1)
    return 0


def _set(members):
    if b"[." in members or b"[=" in members:
        return rb"(?!)"
    negated = members[:1] in (b"!", b"^")
    parts, position = [], 1 if negated else 0
    while position < len(members):
        known = _CLASS.match(members, position)
        if known:
            parts.append(CLASSES.get(known.group(1), b""))
            position = known.end()
            continue
        low, position = _member(members, position)
        high = low
        if members[position : position + 1] == b"-" and position + 1 < len(members):
            high, position = _member(members, position + 1)
        if low <= high:
            parts.append(re.escape(low) + b"-" + re.escape(high))
    inside = b"".join(parts)
    if not inside:
        return b"." if negated else rb"(?!)"
    return b"[" + (b"^" if negated else b"") + inside + b"]"


def _member(members, position):
    if members[position : position + 1] == b"\\" and position + 1 < len(members):
        position += 1
    return members[position : position + 1], position + 1
