# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads processes: what they are, who started them, and what their descriptors refer to."""

import os
import time

from .._namespaces.containers import owner_of
from .model import parse_stat

INIT = 1
# One of these is in the name of every nginx and its kin (freenginx too): openresty, Angie, Tengine.
NGINX_WORDS = ("nginx", "openresty", "angie", "tengine")
CLOCK_BOOTTIME = 7  # time.CLOCK_BOOTTIME is Python 3.7


def links(proc, pid, first=None):
    """Yield ``(descriptor, link)`` of a process's open descriptors; nothing when it ended. Raises PermissionError.

    ``first`` asks for the descriptors below that number by trying them: listing a large table costs as much as reading it.
    """
    for table in _tables(proc, pid):
        try:
            directory = os.open(proc.path(table), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            raise
        except OSError:  # the process ended
            return
        try:
            names = range(first) if first is not None else os.listdir(directory)
            yield from _links_of(directory, names)
            return
        except PermissionError:
            raise
        except OSError:  # this thread ended
            continue
        finally:
            os.close(directory)


def table_sizes(proc, pids, denied):
    """Yield ``(size, pid)`` of the descriptor tables of processes that have not ended; those that may not be looked at are added to ``denied``.

    Since kernel 6.2 the size of the directory is the number of descriptors; before it is 0.
    """
    for pid in pids:
        try:
            status = proc.status("%d/fd" % pid)
        except PermissionError:
            denied.add(pid)
            continue
        if status is not None:
            yield status.st_size, pid


def _tables(proc, pid):
    yield "%d/fd" % pid
    # The main thread may have ended while others go on; each shows the table that all of them share.
    for tid in proc.numbers("%d/task" % pid):
        if tid != pid:
            yield "%d/task/%d/fd" % (pid, tid)


def _links_of(directory, names):
    for name in names:
        try:
            yield int(name), os.readlink(str(name), dir_fd=directory)
        except PermissionError:
            raise
        except OSError:  # closed meanwhile, or never open
            continue


def is_nginx_name(name):
    """Whether a process with this name (comm, as text) may be an nginx."""
    return any(word in name for word in NGINX_WORDS)


def pids_with_nginx_names(proc, pids):
    """Return those of ``pids`` that may be an nginx by their name. Costs one short read per process."""
    found = []
    for pid in pids:
        try:
            name = proc.read("%d/comm" % pid, once=True)
        except OSError:
            continue
        if name and is_nginx_name(name.decode("ascii", "replace")):
            found.append(pid)
    return found


class ProcessBook:
    """What is known of processes, read once each: ``{pid, name, started_at, unit?, container?, pod_uid?}`` and the Owner."""

    def __init__(self, proc):
        self._proc = proc
        self._stats = {}
        self._owners = {}
        self._sockets = {}
        self._facts = {}
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._boot = time.time() - time.clock_gettime(CLOCK_BOOTTIME)  # seconds since the epoch

    def stat(self, pid):
        """Return the Stat of ``pid``, or ``None`` when it ended."""
        if pid not in self._stats:
            data = self._proc.read("%d/stat" % pid)
            self._stats[pid] = parse_stat(data) if data else None
        return self._stats[pid]

    def owner(self, pid):
        """Return the Owner (unit, container, pod) of ``pid``; ``None`` when it ended or may not be read."""
        if pid not in self._owners:
            try:
                data = self._proc.read("%d/cgroup" % pid)
            except PermissionError:
                data = None
            self._owners[pid] = owner_of(data) if data else None
        return self._owners[pid]

    def describe(self, pid):
        """Return the facts of one process as a dict, or ``None`` when it ended. All sockets of a process share the dict."""
        if pid not in self._facts:
            self._facts[pid] = self._describe(pid)
        return self._facts[pid]

    def _describe(self, pid):
        stat = self.stat(pid)
        if stat is None:
            return None
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._boot + stat.start_ticks / self._ticks))
        facts = {"pid": pid, "name": stat.name, "started_at": started}
        owner = self.owner(pid)
        for key in ("unit", "container", "pod_uid") if owner else ():
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
