# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes as records, and the text of /proc/<pid>/stat."""

from typing import NamedTuple

from .._errors import AnswerError


class Stat(NamedTuple):
    """Of /proc/<pid>/stat: command name, parent, and start in clock ticks since boot (proc(5), fields 2, 4 and 22)."""

    name: str
    parent: int
    start_ticks: int


def parse_stat(data):
    """Return the Stat of a process. Raises AnswerError."""
    name, fields = stat_fields(data)
    if name is None:
        raise AnswerError("a process's stat line is cut short (%d bytes)" % len(data))
    return Stat(name, int(fields[1]), int(fields[19]))


def stat_fields(data):
    """Return the command name in a stat line, and the fields from the third one on, as bytes; ``(None, [])`` when the line is cut short.

    The name is in parentheses and may hold any character, parentheses included.
    """
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 2 :].split()
    # The field after the start must have begun, or the start itself may be cut.
    if opening < 0 or closing < opening or len(fields) < 21:
        return None, []
    return data[opening + 1 : closing].decode("utf-8", "backslashreplace"), fields
