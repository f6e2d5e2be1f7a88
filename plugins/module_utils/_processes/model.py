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
    """Return the Stat of a process. The name is in parentheses and may hold any character, parentheses included."""
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 2 :].split()
    # The field after the start must have begun, or the start itself may be cut.
    if opening < 0 or closing < opening or len(fields) < 21:
        raise AnswerError("a process's stat line is cut short (%d bytes)" % len(data))
    return Stat(data[opening + 1 : closing].decode("utf-8", "backslashreplace"), int(fields[1]), int(fields[19]))
