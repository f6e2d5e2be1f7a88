# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a queue stood still, and how much came in meanwhile."""

from .._sockets.sampling import QueueSeries


class StallSeries(QueueSeries):
    """A QueueSeries that also notes the longest run of reads in which the queue was not empty and never got shorter."""

    __slots__ = ("arrivals", "longest_stall", "_began", "_length")

    def __init__(self):
        super().__init__()
        self.arrivals = 0
        self.longest_stall = 0.0
        self._began = None  # when the present run began; None while the queue is empty
        self._length = None

    def add(self, listener, now):
        """Add one read, made at ``now`` (seconds of a monotonic clock)."""
        super().add(listener, now)
        length, before = listener.accept_queue_length, self._length
        self._length = length
        if before is not None and length > before:
            self.arrivals += length - before
        if not length:
            self._began = None
        elif self._began is None or length < before:
            self._began = now
        else:
            self.longest_stall = max(self.longest_stall, now - self._began)

    def summary(self):
        """Return the summary of QueueSeries with ``longest_stall`` (seconds) and ``arrivals_seen`` (connections)."""
        result = super().summary()
        result["longest_stall"] = round(self.longest_stall, 3)
        result["arrivals_seen"] = self.arrivals
        return result
