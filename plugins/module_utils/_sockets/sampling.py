# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns repeated reads of the same listeners and counters into statistics of a window.

Two points miss every burst that lies between them, so the queue is read many times; counters need only the two ends.
"""

from typing import Optional, Tuple

RESET = "reset"
Read = Tuple[float, Optional[int]]  # when, and the drops that were counted then


class QueueSeries:
    """The accept queue of one socket over a window. Lengths are connections."""

    __slots__ = ("reads", "total", "max", "half_full", "full", "_first", "_last")

    def __init__(self):
        self.reads = self.total = self.max = self.half_full = self.full = 0
        self._first: Read = (0.0, None)
        self._last: Read = (0.0, None)

    def add(self, listener, now):
        """Add one read, made at ``now`` (seconds of a monotonic clock)."""
        length, limit = listener.accept_queue_length, listener.accept_queue_limit
        self._last = (now, listener.drops)
        if not self.reads:
            self._first = self._last
        self.reads += 1
        self.total += length
        self.max = max(self.max, length)
        # An empty queue is not half full, even where the limit is 0 (such a queue holds one connection, and is full with it).
        self.half_full += length > 0 and 2 * length >= limit
        self.full += length > limit

    def summary(self):
        """Return ``{reads, max, mean, share_half_full, share_full, drops?}``; shares are of the reads that saw the socket."""
        result = {
            "reads": self.reads,
            "max": self.max,
            "mean": round(self.total / self.reads, 2),
            "share_half_full": round(self.half_full / self.reads, 3),
            "share_full": round(self.full / self.reads, 3),
        }
        if self._last[1] is not None:
            result["drops"] = change(self._first[1], self._last[1], self._last[0] - self._first[0])
        return result


def change(before, after, seconds):
    """Return ``{delta, per_second}`` of a counter over ``seconds``.

    A counter that went down was reset (its namespace or socket is a new one, or it wrapped): ``delta`` is ``"reset"``
    and the rate ``None``, never a negative number. Unknown on either end is ``None``.
    """
    if before is None or after is None:
        return {"delta": None, "per_second": None}
    if after < before:
        return {"delta": RESET, "per_second": None}
    return {"delta": after - before, "per_second": round((after - before) / seconds, 3) if seconds > 0 else None}


def counter_changes(before, after, seconds):
    """Return ``{group: {name: {delta, per_second}}}`` for every counter of the second read."""
    return {group: {name: change(before.get(group, {}).get(name), value, seconds) for name, value in names.items()} for group, names in after.items()}
