# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes as records, and the text of /proc/<pid>/stat and /proc/<pid>/status."""

from typing import NamedTuple

from .._errors import AnswerError


class Stat(NamedTuple):
    """Of /proc/<pid>/stat: command name, parent, and start in clock ticks since boot (proc(5), fields 2, 4 and 22)."""

    name: str
    parent: int
    start_ticks: int


# include/uapi/linux/capability.h: the capabilities on which the completeness of an answer depends
CAPABILITIES = ((1, "CAP_DAC_OVERRIDE"), (2, "CAP_DAC_READ_SEARCH"), (12, "CAP_NET_ADMIN"), (19, "CAP_SYS_PTRACE"), (21, "CAP_SYS_ADMIN"))


def parse_stat(data):
    """Return the Stat of a process. The name is in parentheses and may hold any character, parentheses included."""
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 2:].split()
    if opening < 0 or closing < opening or len(fields) < 20:
        raise AnswerError("a process's stat line is cut short (%d bytes)" % len(data))
    return Stat(data[opening + 1:closing].decode("utf-8", "backslashreplace"), int(fields[1]), int(fields[19]))


def capability_names(status):
    """Return the names of those effective CAPABILITIES that a status file shows, or ``None`` when it has no CapEff line."""
    for line in status.split(b"\n"):
        if line.startswith(b"CapEff:"):
            mask = int(line.split()[1], 16)
            return [name for bit, name in CAPABILITIES if mask >> bit & 1]
    return None
