# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of nginx's error log: which of them tell why connections waited, and how to show them.

Source: src/core/ngx_log.c ngx_log_error_core(): ``YYYY/MM/DD hh:mm:ss [level] pid#tid: *connection message``. Clients write into
messages (paths, hosts, referers), so what is counted must stand where nginx alone writes: at the message's beginning.
"""

import re
from collections import deque

LEVELS = ("emerg", "alert", "crit")
QUIET = ("info", "notice", "debug")
MOST_LINES = 20
LONGEST = 500  # characters of a line

_LINE = re.compile(rb"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) \[([a-z]+)\] [0-9]+#[0-9]+: (?:\*[0-9]+ )?")
_SLOTS = re.compile(rb"(?:[0-9]+ )?worker_connections are not enough")
_FILES = re.compile(rb"[a-z_]+[0-9]?\(\) failed \(24: ")  # EMFILE of accept4(), socket(), epoll_create() ...: not of open("name")


def printable(line):
    """Return the bytes of a line as text: what is no text, or would act on a terminal, as \\xNN; cut when it is very long."""
    text = line.decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = "".join(character if character.isprintable() else _escaped(character) for character in text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def _escaped(character):
    return "".join("\\x%02x" % byte for byte in character.encode("utf-8"))


class LogSummary:
    """What was written to one or more logs in the window."""

    def __init__(self):
        self.counts = dict.fromkeys(("worker_connections", "too_many_open_files", *LEVELS), 0)
        self._total = 0
        # The most serious lines must not be lost among many harmless ones.
        self._serious = deque(maxlen=MOST_LINES)
        self._others = deque(maxlen=MOST_LINES)

    def add(self, data):
        """Add the bytes that one log grew by, from the beginning of a line on."""
        when, kept = b"", True
        for line in data.split(b"\n"):
            if not line:
                continue
            match = _LINE.match(line)
            level = match.group(2).decode("ascii") if match else None
            if match:
                when, kept = match.group(1), level not in QUIET
                self._count(line, match.end(), level)
            if kept:  # a line without a time goes on with the one before
                self._total += 1
                (self._serious if level in LEVELS else self._others).append((when, self._total, line))

    def _count(self, line, start, level):
        if level in LEVELS:
            self.counts[level] += 1
        if _SLOTS.match(line, start):
            self.counts["worker_connections"] += 1
        elif _FILES.match(line, start):
            self.counts["too_many_open_files"] += 1

    def facts(self):
        """Return ``{lines, lines_more?, counts}``; the lines in the order of their time."""
        room = MOST_LINES - len(self._serious)
        others = sorted(self._others)[-room:] if room else []
        shown = sorted([*self._serious, *others])
        more = self._total - len(shown)
        lines = [printable(line) for _when, _number, line in shown]
        return {"lines": lines, **({"lines_more": more} if more else {}), "counts": self.counts}
