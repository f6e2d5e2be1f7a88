# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from hosts, made harmless for a terminal and for Markdown. Pure.

Host names, process names, socket paths and units come from machines that may be hostile: they can hold escape sequences, line
breaks, text direction marks, pipes and backquotes. Nothing here is ever evaluated, so Jinja in them stays text.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import Any

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~#!$])")
_AUTOLINK = re.compile(r"(?i)(:)(//)|\b(www)(\.)")


def visible(value: Any) -> str:
    """One line without control, direction or other invisible characters: those are written as \\x1b, \\u202e."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return "\\x%02x" % code if code < 0x100 else "\\u%04x" % code if code < 0x10000 else "\\U%08x" % code


def width(text: str) -> int:
    """Columns `text` takes in a terminal: East Asian wide characters two; combining marks, and Hangul that joins what is before it, none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in ("Mn", "Me") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clipped(text: str, columns: int) -> str:
    """`text` in at most `columns` columns, with ... where it was cut."""
    return text if width(text) <= columns else text[: _fitting(text, columns - 3)] + "..."


def _fitting(text: str, columns: int) -> int:
    """How many characters of `text` fit in `columns` columns."""
    for index, each in enumerate(text):
        columns -= _columns(each)
        if columns < 0:
            return index
    return len(text)


def wrapped(text: Any, columns: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Visible text in lines of at most `columns` columns."""
    shown = visible(text)
    hanging = indent if hanging is None else hanging
    if not shown.isascii():
        return _wrapped_wide(shown.split(), columns, indent, hanging)
    return textwrap.wrap(shown, columns, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False) or [indent.rstrip()]


def _wrapped_wide(words: list[str], columns: int, indent: str, hanging: str) -> list[str]:
    """What textwrap does, by columns in place of characters; a word that is longer than a line is broken."""
    lines, line, empty = [], indent, True
    for word in words:
        rest = word
        while rest:
            joined = line + ("" if empty else " ") + rest
            if width(joined) <= columns:
                line, empty, rest = joined, False, ""
                continue
            room = _fitting(rest, columns - width(line) - (not empty)) if width(hanging + rest) > columns else 0
            if room or empty:
                line += ("" if empty else " ") + rest[: max(room, 1)]
                rest = rest[max(room, 1) :]
            lines.append(line)
            line, empty = hanging, True
    return [*lines, line] if not empty or not lines else lines


def aligned(cells: list[list[str]], columns: int) -> list[str]:
    """Columns padded to the widest cell; the widest column gives way when the line would be too long."""
    cells = [[clipped(cell, columns) for cell in row] for row in cells]  # a host may say megabytes
    widths = [max(width(row[index]) for row in cells) for index in range(len(cells[0]))]
    while sum(widths) + 2 * len(widths) > columns and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for row in cells:
        short = [clipped(cell, size) for cell, size in zip(row, widths, strict=True)]
        lines.append(("  " + "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(short, widths, strict=True))).rstrip())
    return lines


def markdown(value: Any) -> str:
    """Visible text that Markdown shows as it is: no emphasis, links, HTML, tables or headings come of it."""
    escaped = _MARKDOWN.sub(r"\\\1", visible(value))
    return _AUTOLINK.sub(lambda match: "\\:" + match[2] if match[1] else match[3] + "\\.", escaped)


def code(value: Any) -> str:
    """Visible text as a Markdown code span, also inside a table."""
    text = visible(value)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or text.startswith(" ") or text.endswith(" ") or not text else ""
    return fence + pad + text.replace("|", "\\|") + pad + fence


def plural(number: int, word: str) -> str:
    return "%d %s%s" % (number, word, "" if number == 1 else "s")
