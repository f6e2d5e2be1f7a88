# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads /dev/kmsg: all that is there before the window, and what comes in it. It never waits, and takes nothing from others.

Which records belong to the window is known without a clock: they are those that come after the first reading.
"""

import os
import time

from .kmsg import KernelMessages, parse_record

PLACE = "self/root/dev/kmsg"
RECORD_BYTES = 16 << 10  # the longest record has 8 KiB; one that does not fit would be refused (EINVAL)
BUDGET = 0.5  # seconds for one reading
MOST_OVERWRITTEN = 1000


class KernelLog:
    """One open /dev/kmsg."""

    def __init__(self, proc, problems):
        self._problems = problems
        self._messages = KernelMessages()
        self._rest = b""
        self._file = None
        try:
            self._file = os.open(proc.path(PLACE), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._fail(error)

    def _fail(self, error):
        self.close()
        self._problems.add("kernel_log_unreadable", "the kernel log cannot be read from /dev/kmsg: %s; become root (CAP_SYSLOG) on the host" % error.strerror)

    def close(self):
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self, is_in_window):
        """Read all records up to now."""
        if self._file is None:
            return
        deadline, overwritten = time.monotonic() + BUDGET, 0
        while overwritten < MOST_OVERWRITTEN:
            try:
                data = os.read(self._file, RECORD_BYTES)
            except BlockingIOError:  # that was all
                return
            except BrokenPipeError:  # the next record was overwritten by newer ones; the kernel goes on with the oldest that is left
                overwritten += 1
                continue
            except OSError as error:
                self._fail(error)
                return
            if not data:
                return
            self._take(data, is_in_window)
            if time.monotonic() > deadline:
                break
        os.lseek(self._file, 0, os.SEEK_END)
        self._problems.add("kernel_log_long", "the kernel log has more records than were read in the time that this may take; those after are not counted")

    def _take(self, data, is_in_window):
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            record = parse_record(line)
            if record:
                self._messages.add(record, is_in_window)

    def facts(self, ports):
        """Return what was found as plain data, about these ports; ``None`` when the log cannot be read."""
        return None if self._file is None else self._messages.facts(time.monotonic(), ports)
