# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds all network namespaces of a host by walking its processes.

A namespace can be held by a process, by one thread of it, by a bind mount (``ip netns``, CNI, docker) or by an open
descriptor; the first three are looked for here, the fourth falls out of the scan for socket owners. One that only a
socket holds is not found.
"""

import os

from .model import Namespace, NamespaceId, inode_of_link, netns_mounts, netns_name

HANDLES_KEPT = 4  # a process may end before its namespace is opened; then the next handle is tried
SINGLE_THREAD_NLINK = 3  # procfs: "task" has two links of its own and one per thread


class Finder:
    """Collects the namespaces that processes, threads, mounts and descriptors hold."""

    def __init__(self, proc, own, problems):
        self._proc = proc
        self._problems = problems
        self._own = own
        self._handles = {own.id.inode: list(own.handles)}
        self._pids = {}
        self._mounts = {}
        self._denied = 0

    def find(self, pids):
        """Sort ``pids`` into namespaces, and look at their threads and mounts."""
        mount_namespaces = {self._proc.link("self/ns/mnt"): "self"}
        for pid in pids:
            try:
                inode = inode_of_link(self._proc.link("%d/ns/net" % pid))
                if inode is not None:
                    self._add(inode, "%d/ns/net" % pid, pid)
                self._add_threads(pid, inode)  # also where the main thread has ended: others may go on
                mount_namespaces.setdefault(self._proc.link("%d/ns/mnt" % pid), str(pid))
            except PermissionError:
                self._denied += 1
        self._add_mounts(mount_namespaces.values())
        if self._denied:
            self._problems.add("processes_denied", "the network namespace of some processes could not be read; become root (CAP_SYS_PTRACE) to see all")

    def _add(self, inode, handle, pid=None, mount=None):
        handles = self._handles.setdefault(inode, [])
        if mount is not None:
            handles.insert(0, handle)  # outlives every process
        elif len(handles) < HANDLES_KEPT:
            handles.append(handle)
        if pid is not None:
            self._pids.setdefault(inode, []).append(pid)
        if mount is not None:
            self._mounts.setdefault(inode, []).append(mount)

    def _add_threads(self, pid, inode):
        task = self._proc.status("%d/task" % pid)
        if task is None or task.st_nlink == SINGLE_THREAD_NLINK:
            return
        for tid in self._proc.numbers("%d/task" % pid):
            handle = "%d/task/%d/ns/net" % (pid, tid)
            other = inode_of_link(self._proc.link(handle))
            if other not in (None, inode):
                self._add(other, handle, None if pid in self._pids.get(other, ()) else pid)

    def _add_mounts(self, viewers):
        # Each mount namespace has mounts of its own: one process of each shows them, and is the way to them.
        for viewer in viewers:
            try:
                mountinfo = self._proc.read(viewer + "/mountinfo")
            except PermissionError:
                self._denied += 1
                continue
            except OSError:  # EINVAL: a zombie has left its mount namespace already
                continue
            for inode, point in netns_mounts(mountinfo or b""):
                text = os.fsdecode(point)
                if text not in self._mounts.get(inode, ()):
                    self._add(inode, "%s/root%s" % (viewer, text), mount=text)

    def add_descriptor(self, inode, pid, descriptor):
        """Note a namespace that an open descriptor refers to; return True when it was not known before."""
        known = inode in self._handles
        if not known:
            self._add(inode, "%d/fd/%d" % (pid, descriptor))
        return not known

    def namespaces(self):
        """Return the Namespace records, the own one first, the others by inode."""
        own = self._own.id.inode
        return [self._record(inode) for inode in sorted(self._handles, key=lambda inode: (inode != own, inode))]

    def _record(self, inode):
        own = self._own.id
        return Namespace(
            NamespaceId(own.device, inode),
            tuple(self._handles[inode]),
            tuple(self._pids.get(inode, ())),
            tuple(self._mounts.get(inode, ())),
            inode == own.inode,
        )


def mount_names(namespace):
    """Return the ``ip netns`` names of a namespace, sorted, as printable text."""
    names = (netns_name(mount) for mount in namespace.mounts)
    return sorted({os.fsencode(name).decode("utf-8", "backslashreplace") for name in names if name})
