# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds every process that holds one of some sockets, not only the first one: a listener is shared by all workers."""

import time

from .._processes.read import links, table_sizes

FIRST_DESCRIPTORS = 64
BUDGET = 1.0  # seconds of CPU for all tables together: about a million descriptors


class HolderScan:
    """One scan over descriptor tables. ``holders`` maps a socket's inode to the pids that hold it.

    ``denied`` has the processes whose table is not readable; ``finished`` tells whether every table was read to its end.
    """

    def __init__(self, proc, wanted):
        self._proc = proc
        self._wanted = frozenset(wanted)
        self.holders = {}
        self.denied = set()
        self.finished = True

    def run(self, pids):
        """Scan ``pids``: small tables and the beginnings of large ones before the rest, as listeners are opened early."""
        deadline = time.process_time() + BUDGET
        small, large = [], []
        for size, pid in table_sizes(self._proc, pids, self.denied):
            (small if 0 < size <= FIRST_DESCRIPTORS else large).append(pid)
        for group, first in ((small, None), (large, FIRST_DESCRIPTORS), (large, None)):
            for pid in group:
                if time.process_time() > deadline:
                    self.finished = False
                    return
                self._scan(pid, first)

    def _scan(self, pid, first):
        try:
            for _descriptor, link in links(self._proc, pid, first):
                if link.startswith("socket:["):
                    inode = int(link[8:-1])
                    if inode in self._wanted:
                        self.holders.setdefault(inode, set()).add(pid)
        except PermissionError:
            self.denied.add(pid)
