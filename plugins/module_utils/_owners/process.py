# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the processes that hold sockets, by the links in /proc/<pid>/fd.

Reading a link costs microseconds and hosts have 100,000 descriptors, so tables are read smallest first, the first
descriptors of each large one before the rest (listeners are opened early), and the scan ends when every socket has its
owner. Namespaces that only a descriptor keeps alive are noticed on the way.
"""

import time

from .._namespaces.model import inode_of_link
from .._processes.read import INIT, links, table_sizes

FIRST_DESCRIPTORS = 64
OPTIONAL_BUDGET = 0.005  # seconds of CPU for what is worth knowing but has no end: namespaces behind descriptors, second holders
REQUIRED_BUDGET = 1.0  # seconds of CPU for owners that are not found: kernel sockets have none


class OwnerScan:
    """One scan over descriptor tables. ``owners`` maps a socket's inode to the pids found so far.

    ``on_namespace(inode, pid, descriptor)`` is called for descriptors of network namespaces, when given.
    ``denied`` has the processes whose table is not readable; ``finished`` tells whether every table was read to its end,
    ``searched_all`` whether the sockets that have no owner were looked for in all of them.
    """

    def __init__(self, proc, wanted, on_namespace=None):
        self._proc = proc
        self._missing = set(wanted)
        self._shared = set()  # held by init, perhaps by the service too
        self._on_namespace = on_namespace
        self.owners = {}
        self.denied = set()
        self.finished = False
        self.searched_all = False
        self._start = 0.0
        self._required_done = None

    def run(self, pids):
        """Scan ``pids``: the caller's order decides among tables of the same size."""
        self._start = time.process_time()
        tables = list(table_sizes(self._proc, (pid for pid in pids if pid != INIT), self.denied))
        tables.sort(key=lambda table: table[0])
        if self._missing and INIT in pids:
            self._scan_init()
        small = [pid for size, pid in tables if 0 < size <= FIRST_DESCRIPTORS]
        large = [pid for size, pid in tables if not 0 < size <= FIRST_DESCRIPTORS]
        for group, first in ((small, None), (large, FIRST_DESCRIPTORS), (large, None)):
            for pid in group:
                if self._is_enough():
                    self.searched_all = not self._missing
                    return
                self._scan(pid, first)
        self.finished = self.searched_all = True

    def _is_enough(self):
        now = time.process_time()
        if self._missing:
            return now - self._start > REQUIRED_BUDGET
        if not self._shared and self._on_namespace is None:
            return True
        if self._required_done is None:
            self._required_done = now
        return now - self._required_done > OPTIONAL_BUDGET

    def _scan_init(self):
        self._scan(INIT, None)
        self._shared = set(self.owners)

    def _scan(self, pid, first):
        try:
            for descriptor, link in links(self._proc, pid, first):
                self._look(pid, descriptor, link)
        except PermissionError:
            self.denied.add(pid)

    def _look(self, pid, descriptor, link):
        if link.startswith("socket:["):
            inode = int(link[8:-1])
            if inode in self._missing or inode in self._shared:
                holders = self.owners.setdefault(inode, [])
                if pid not in holders:
                    holders.append(pid)
                self._missing.discard(inode)
                if pid != INIT:
                    self._shared.discard(inode)
        elif self._on_namespace is not None and link.startswith("net:["):
            self._on_namespace(inode_of_link(link), pid, descriptor)
