# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the processes that hold sockets, by the links in /proc/<pid>/fd.

Reading a link costs microseconds and hosts have 100,000 descriptors, so tables are read smallest first, the first
descriptors of each before the rest (listeners are opened early), and the scan ends when every socket has its owner.
"""

import os
import time

from .._namespaces.containers import NOBODY, owner_of
from .._namespaces.model import inode_of_link
from .model import parse_stat

FIRST_DESCRIPTORS = 64
INIT = 1  # with socket activation systemd keeps the listeners of its services
OPTIONAL_BUDGET = 0.008  # seconds of CPU for what is worth knowing but has no end: namespaces behind descriptors, second holders
REQUIRED_BUDGET = 2.0  # seconds of CPU for owners that are not found: kernel sockets have none
CLOCK_BOOTTIME = 7  # time.CLOCK_BOOTTIME is Python 3.7


class OwnerScan:
    """One scan over descriptor tables. ``owners`` maps a socket's inode to the pids found so far.

    ``on_namespace(inode, pid, descriptor)`` is called for descriptors of network namespaces, when given.
    ``denied`` has the processes whose table is not readable; ``finished`` tells whether every table was read to its end.
    """

    def __init__(self, proc, wanted, on_namespace=None):
        self._proc = proc
        self._missing = set(wanted)
        self._shared = set()  # held by init, perhaps by the service too
        self._on_namespace = on_namespace
        self.owners = {}
        self.denied = set()
        self.finished = False
        self._start = self._required_done = None

    def run(self, pids):
        """Scan ``pids``: the caller's order decides among tables of the same size."""
        self._start = time.process_time()
        tables = self._tables(pid for pid in pids if pid != INIT)
        if self._missing and INIT in pids:
            self._scan_init()
        for begin, end in ((0, FIRST_DESCRIPTORS), (FIRST_DESCRIPTORS, None)):
            for size, pid in tables:
                if begin and 0 < size <= begin:
                    continue
                if self._is_enough():
                    return
                self._scan(pid, begin, end)
        self.finished = True

    def _tables(self, pids):
        # Since kernel 6.2 the size of the directory is the number of descriptors; before it is 0 and the order is the caller's.
        tables = []
        for pid in pids:
            try:
                status = self._proc.status("%d/fd" % pid)
            except PermissionError:
                self.denied.add(pid)
                continue
            if status is not None:
                tables.append((status.st_size, pid))
        tables.sort(key=lambda table: table[0])
        return tables

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
        self._scan(INIT, 0, None)
        self._shared = set(self.owners)

    def _scan(self, pid, begin, end):
        try:
            for name, link in links(self._proc, pid, begin, end):
                self._look(pid, name, link)
        except PermissionError:
            self.denied.add(pid)

    def _look(self, pid, name, link):
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
            self._on_namespace(inode_of_link(link), pid, int(name))


def links(proc, pid, begin=0, end=None):
    """Yield ``(descriptor, link)`` of a process's open descriptors; nothing when it ended. Raises PermissionError."""
    try:
        directory = os.open(proc.path("%d/fd" % pid), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:  # the process ended
        return
    try:
        for name in _descriptors(directory)[begin:end]:
            try:
                yield name, os.readlink(name, dir_fd=directory)
            except PermissionError:
                raise
            except OSError:  # closed meanwhile
                continue
    finally:
        os.close(directory)


def _descriptors(directory):
    try:
        return os.listdir(directory)
    except OSError:  # the process ended
        return []


class ProcessBook:
    """What is known of processes, read once each: ``{pid, name, started_at, unit?, container?, pod_uid?}`` and the Owner."""

    def __init__(self, proc):
        self._proc = proc
        self._stats = {}
        self._owners = {}
        self._sockets = {}
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._boot = time.time() - time.clock_gettime(CLOCK_BOOTTIME)  # seconds since the epoch

    def stat(self, pid):
        """Return the Stat of ``pid``, or ``None`` when it ended."""
        if pid not in self._stats:
            data = self._proc.read("%d/stat" % pid)
            self._stats[pid] = parse_stat(data) if data else None
        return self._stats[pid]

    def owner(self, pid):
        """Return the Owner (unit, container, pod) of ``pid``; NOBODY when it ended."""
        if pid not in self._owners:
            data = self._proc.read("%d/cgroup" % pid)
            self._owners[pid] = owner_of(data) if data else NOBODY
        return self._owners[pid]

    def describe(self, pid):
        """Return the facts of one process as a dict, or ``None`` when it ended."""
        stat = self.stat(pid)
        if stat is None:
            return None
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._boot + stat.start_ticks / self._ticks))
        facts = {"pid": pid, "name": stat.name, "started_at": started}
        owner = self.owner(pid)
        for key in ("unit", "container", "pod_uid"):
            if getattr(owner, key) is not None:
                facts[key] = getattr(owner, key)
        return facts

    def sockets(self, pid):
        """Return the inodes of all sockets that ``pid`` holds; empty when it ended or may not be read."""
        if pid not in self._sockets:
            try:
                self._sockets[pid] = {int(link[8:-1]) for _fd, link in links(self._proc, pid) if link.startswith("socket:[")}
            except PermissionError:
                self._sockets[pid] = frozenset()
        return self._sockets[pid]

    def topmost_holder(self, pid, inode):
        """Return the oldest ancestor of ``pid`` that holds the socket too: the master rather than one of its workers.

        Only inside the same unit or container: above it are supervisors (systemd, shells) that may share descriptors.
        """
        while True:
            stat = self.stat(pid)
            if stat is None or stat.parent <= INIT or self.owner(stat.parent) != self.owner(pid):
                return pid
            if inode not in self.sockets(stat.parent):
                return pid
            pid = stat.parent
