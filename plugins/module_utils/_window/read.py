# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads listeners again and again over a window, and counters at its two ends."""

import time

from .._sockets.sampling import QueueSeries


class Window:
    """One window over all namespaces of a Gathering. Seconds are measured, not taken from the options.

    ``watch`` (a Diagnosis, or None) looks at other things at its beginning, at each of its ticks and at its end.
    """

    def __init__(self, gathering, watch=None):
        self._gathering = gathering
        self._options = gathering.options
        self._watch = watch
        self._series = watch.series if watch else QueueSeries
        self._reads = 0
        self._seconds = 0.0

    def run(self):
        """Sample until the window is over; the last read becomes the reported state."""
        views = [view for view in self._gathering.views if view.readable]
        for view in views:
            view.counters_before = view.counters
        if self._watch:
            self._watch.begin()
        start = time.monotonic()
        tick = 0
        while True:
            for view in views:
                if tick == 0 or self._gathering.inside(view, self._gathering.read_sockets):
                    self._add(view)
            if self._watch:
                self._watch.tick()
            self._reads += 1
            self._seconds = time.monotonic() - start
            if self._seconds >= self._options.sample:
                break
            # Late reads do not pile up: the next tick is the first one that still lies ahead.
            tick = max(tick + 1, int(self._seconds / self._options.sample_interval) + 1)
            time.sleep(max(0.0, min(start + tick * self._options.sample_interval, start + self._options.sample) - time.monotonic()))
        if self._watch:
            self._watch.end()
        for view in views:
            if view.counters is not None:
                self._gathering.inside(view, self._count)

    def _add(self, view):
        now = time.monotonic()
        for listener in view.listeners():
            key = (listener.family, listener.cookie)
            if key not in view.series:
                view.series[key] = self._series()
            view.series[key].add(listener, now)

    def _count(self, view):
        view.counters = self._gathering.read_counters(view)
        now = time.monotonic()
        view.window, view.counted_at = now - view.counted_at, now

    def summary(self):
        """Return ``{seconds, interval, reads}`` of the window."""
        return {"seconds": round(self._seconds, 3), "interval": self._options.sample_interval, "reads": self._reads}
