# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of processes and threads: /proc/<pid>/stat, and what many reads of it say (proc(5))."""

from typing import NamedTuple

from .._processes.model import stat_fields

# From the most telling to the least: waits for a device, a file system or another process (D), stopped (T, t: by a debugger),
# runs or wants to (R), sleeps; the rest have ended or are not user's processes.
TELLING = "DTtRSIPKWZXx"
BLOCKED = "DTt"


class Task(NamedTuple):
    """Of a stat file: fields 2, 3, 4, 14 and 15, 20, and 22. Times are clock ticks; ``cpu_ticks`` of a process are those of all its threads."""

    name: str
    state: str
    parent: int
    cpu_ticks: int
    threads: int
    start_ticks: int


def parse_task(data):
    """Return the Task in the bytes of a stat file; ``None`` when they are cut short."""
    name, fields = stat_fields(data)
    if name is None:
        return None
    try:
        numbers = [int(fields[number]) for number in (1, 11, 12, 17, 19)]
    except ValueError:
        return None
    return Task(name, fields[0].decode("ascii", "replace"), numbers[0], numbers[1] + numbers[2], numbers[3], numbers[4])


def most_telling(states):
    """Return the most telling of some state letters."""
    return min(states, key=lambda state: TELLING.find(state) if state in TELLING else len(TELLING))


class StateSeries:
    """The states of one process over a window."""

    __slots__ = ("reads", "last", "blocked", "_counts")

    def __init__(self):
        self.reads = 0
        self.last = None
        self.blocked = 0  # most threads that did not move in one read
        self._counts = {}

    def add(self, states):
        """Add one read: the letters of its threads, at least one."""
        self.reads += 1
        self.last = most_telling(states)
        self.blocked = max(self.blocked, sum(state in BLOCKED for state in states))
        self._counts[self.last] = self._counts.get(self.last, 0) + 1

    def shares(self):
        """Return ``{letter: share of the reads}``."""
        return {state: round(number / self.reads, 3) for state, number in sorted(self._counts.items())}
