# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds all network namespaces of a host, and enters one.

A namespace can be held by a process, by one thread of it, by a bind mount (``ip netns``, CNI, docker) or by an open
descriptor; the first three are looked for here, the fourth falls out of the scan for socket owners. One that only a
socket holds is not found. setns(2) concerns the calling thread alone, so the way back is opened first.
"""

import os
from contextlib import contextmanager

from .._errors import NamespaceLost, ReadError
from .model import Namespace, NamespaceId, inode_of_link, netns_mounts, netns_name

CLONE_NEWNET = 0x40000000
HANDLES_KEPT = 4  # a process may end before its namespace is opened; then the next handle is tried
SINGLE_THREAD_NLINK = 3  # procfs: "task" has two links of its own and one per thread


class Finder:
    """Collects namespaces; ``all_namespaces`` looks through every process and mount, otherwise only the own one is kept."""

    def __init__(self, proc, problems):
        self._proc = proc
        self._problems = problems
        self._here = here(proc)
        own = proc.status(self._here)
        if own is None:
            raise ReadError("%s/self/ns/net does not exist; mount procfs, and use a kernel with network namespaces" % proc.root)
        self.own = own.st_ino
        self._device = own.st_dev
        self._handles = {self.own: [self._here]}
        self._pids = {self.own: []}
        self._mounts = {self.own: []}
        self._denied = 0

    def find(self, pids, everywhere):
        """Sort ``pids`` into namespaces; with ``everywhere`` look at threads and mounts too."""
        mount_namespaces = {self._proc.link("self/ns/mnt"): "self"}
        for pid in pids:
            try:
                inode = inode_of_link(self._proc.link("%d/ns/net" % pid))
                if inode is None:
                    continue
                self._add(inode, "%d/ns/net" % pid, pid)
                if everywhere:
                    self._add_threads(pid, inode)
                    mount_namespaces.setdefault(self._proc.link("%d/ns/mnt" % pid), str(pid))
            except PermissionError:
                self._denied += 1
        if everywhere:
            self._add_mounts(mount_namespaces.values())
        if self._denied:
            self._problems.add("processes_denied", "the network namespace of some processes could not be read; become root (CAP_SYS_PTRACE) to see all")

    def _add(self, inode, handle, pid=None, mount=None):
        handles = self._handles.setdefault(inode, [])
        if len(handles) < HANDLES_KEPT:
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

    def namespaces(self, everywhere):
        """Return the Namespace records, the own one first, the others by inode."""
        inodes = sorted(self._handles, key=lambda inode: (inode != self.own, inode)) if everywhere else [self.own]
        return [self._record(inode) for inode in inodes]

    def _record(self, inode):
        return Namespace(
            NamespaceId(self._device, inode), tuple(self._handles[inode]), tuple(self._pids.get(inode, ())),
            tuple(self._mounts.get(inode, ())), inode == self.own)


def here(proc):
    """Return the name of the calling thread's own namespace file. Before kernel 3.17 there is no thread-self."""
    return "thread-self/ns/net" if proc.status("thread-self") else "self/ns/net"


def is_initial(proc):
    """True when the calling thread is in the host's initial network namespace.

    Some sysctls exist once per kernel and are shown there only (net/core/sysctl_net_core.c registers them for
    init_net). Unlike pid 1's namespace this can be seen without privileges and from inside a container.
    """
    return proc.status("sys/net/core/netdev_max_backlog") is not None


def mount_names(namespace):
    """Return the ``ip netns`` names of a namespace, sorted, as printable text."""
    names = (netns_name(mount) for mount in namespace.mounts)
    return sorted({os.fsencode(name).decode("utf-8", "backslashreplace") for name in names if name})


@contextmanager
def entered(proc, namespace):
    """Run the body inside ``namespace``. Raises OSError when it cannot be entered, NamespaceLost when there is no way back."""
    if namespace.is_own:
        yield
        return
    home = os.open(proc.path(here(proc)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = _open(proc, namespace)
        try:
            _setns(target)
        finally:
            os.close(target)
        try:
            yield
        finally:
            try:
                _setns(home)
            except OSError as error:
                raise NamespaceLost("cannot return to the module's own network namespace (%s); nothing after it was read" % error.strerror)
    finally:
        os.close(home)


def _open(proc, namespace):
    error = None
    for handle in namespace.handles:
        try:
            fd = os.open(proc.path(handle), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as failure:
            error = failure
            continue
        if os.fstat(fd).st_ino == namespace.id.inode:  # a pid may have been reused since
            return fd
        os.close(fd)
    raise error or ProcessLookupError(3, "its last process ended")


def _setns(fd):
    if hasattr(os, "setns"):  # Python 3.12
        os.setns(fd, CLONE_NEWNET)
        return
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
