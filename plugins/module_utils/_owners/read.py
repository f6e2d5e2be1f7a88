# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks the host's processes: for the namespaces they are in, and for the owners of listeners."""

import os

from .._namespaces.containers import NOBODY
from .._namespaces.process import Finder, mount_names
from .._processes.read import INIT, ProcessBook, is_nginx_name, pids_with_nginx_names
from .process import OwnerScan

INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # include/linux/proc_ns.h PROC_PID_INIT_INO

__all__ = ("ProcessWalk", "mount_names", "owner_of_namespace")


class ProcessWalk:
    """All processes of the host, for one Gathering."""

    def __init__(self, gathering):
        self._gathering = gathering
        self._proc = gathering.proc
        self._everywhere = gathering.options.everywhere
        self._wants_owners = "processes" in gathering.options.subsets
        self._pids = self._proc.numbers("")
        self._finder = Finder(self._proc, gathering.own, gathering.problems)
        self._scans = []
        self.book = ProcessBook(self._proc)

    def namespaces(self):
        """Return the namespaces to read, the own one first."""
        if not self._everywhere:
            return [self._gathering.own]
        self._finder.find(self._pids)
        if not self.sees_all():
            self._gathering.problems.add(
                "processes_hidden",
                "namespaces may be missing, because /proc does not show every process of the host; run as root, outside of containers, or without hidepid",
            )
        return self._finder.namespaces()

    def search(self):
        """Search the descriptors of all processes, and read the namespaces that only a descriptor keeps alive.

        Return ``{socket inode: [process facts] or None}``; an empty list where it is certain that no process holds it.
        """
        if not self._everywhere and not self._wants_owners:
            return {}
        gathering = self._gathering
        self._scan(self._inodes(), self._finder.add_descriptor if self._everywhere else None)
        if self._everywhere:
            if not self._scans[0].finished:
                gathering.problems.add(
                    "descriptors_unsearched",
                    "namespaces that only an open descriptor keeps alive were looked for in a part of the processes, to spare this busy host",
                    partial=False,
                )
            known, before = {view.netns for view in gathering.views}, self._inodes()
            gathering.read_views([namespace for namespace in self._finder.namespaces() if namespace.id.inode not in known])
            gathering.count_half_open(gathering.views[len(known) :])
            added = self._inodes() - before
            if added:
                self._scan(added)
        return self._processes() if self._wants_owners else {}

    def _scan(self, inodes, on_namespace=None):
        scan = OwnerScan(self._proc, inodes, on_namespace)
        scan.run(self._pids)
        self._scans.append(scan)

    def _inodes(self):
        return {inode for view in self._gathering.views for inode in view.inodes()} if self._wants_owners else set()

    def _processes(self):
        owners = {inode: pids for scan in self._scans for inode, pids in scan.owners.items()}
        denied = any(scan.denied for scan in self._scans)
        finished = all(scan.searched_all for scan in self._scans)
        missing, problems = self._inodes() - set(owners), self._gathering.problems
        if missing and denied:
            problems.add(
                "owners_denied",
                "the owners of some listeners are unknown, because the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host",
            )
        elif missing and not finished:
            problems.add("owners_unfinished", "the owners of some listeners were not found in the time that the search may take")
        elif missing and not self.sees_all():
            problems.add(
                "owners_hidden",
                "the owners of some listeners are unknown, because /proc does not show every process of the host; "
                "run as root, outside of containers, or without hidepid",
            )
        found, shared = {}, {}
        for inode, pids in owners.items():
            holders = tuple(sorted({self.book.topmost_holder(pid, inode) for pid in pids}))
            if holders not in shared:
                shared[holders] = [facts for facts in map(self.book.describe, holders) if facts is not None] or None
            found[inode] = shared[holders]
        if None in found.values():
            problems.add("owners_ended", "the owners of some listeners ended while they were looked at; run again")
        if finished and not denied and self.sees_all():
            found.update((inode, []) for inode in missing)
        return found

    def nginx_pids(self, processes):
        """Return the pids of all processes that may be an nginx; ``processes`` is what search() returned.

        Where the holders of all listeners are known, and none has an nginx's name, nobody else is looked at.
        """
        known = self._wants_owners and "sockets" in self._gathering.options.subsets and None not in processes.values()
        if known and self._inodes() <= set(processes) and not any(is_nginx_name(facts["name"]) for holders in processes.values() for facts in holders):
            return []
        return pids_with_nginx_names(self._proc, self._pids)

    def sees_all(self):
        """Whether /proc shows every process of the host."""
        # hidepid hides even pid 1 from users; in a PID namespace of its own /proc shows that namespace only.
        return INIT in self._pids and self._proc.link("self/ns/pid") == INITIAL_PID_NAMESPACE


def owner_of_namespace(proc, namespace):
    """Return the Owner of the first process of ``namespace`` that still exists.

    The module's own process runs in the operator's session, whose unit says nothing about its namespace.
    """
    book = ProcessBook(proc)
    for pid in (os.getpid(),) if namespace.is_own else namespace.pids:
        owner = book.owner(pid)
        if owner is not None:
            return owner._replace(unit=None) if namespace.is_own else owner
    return NOBODY
