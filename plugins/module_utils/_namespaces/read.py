# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the module's own network namespace, and enters others.

setns(2) concerns the calling thread alone; the way back is opened before anything else.
"""

import os
from contextlib import contextmanager

from .._errors import NamespaceLost, ReadError
from .model import Namespace, NamespaceId

CLONE_NEWNET = 0x40000000


def own_namespace(proc):
    """Return the calling thread's Namespace. Raises ReadError when procfs does not show it."""
    handle = here(proc)
    status = proc.status(handle)
    if status is None:
        raise ReadError("%s/%s does not exist; mount procfs, and use a kernel with network namespaces" % (proc.root, handle))
    return Namespace(NamespaceId(status.st_dev, status.st_ino), (handle,), (), (), True)


def here(proc):
    """Return the name of the calling thread's own namespace file. Before kernel 3.17 there is no thread-self."""
    return "thread-self/ns/net" if proc.status("thread-self") else "self/ns/net"


def is_initial(proc):
    """True when the calling thread is in the host's initial network namespace.

    Some sysctls exist once per kernel and are shown there only (net/core/sysctl_net_core.c registers them for
    init_net). Unlike pid 1's namespace this can be seen without privileges and from inside a container.
    """
    return proc.status("sys/net/core/netdev_max_backlog") is not None


@contextmanager
def entered(proc, own, namespace):
    """Run the body inside ``namespace`` and come back to ``own``.

    Raises OSError when it cannot be entered, NamespaceLost when there is no way back.
    """
    if namespace.is_own:
        yield
        return
    home = _open(proc, own)
    try:
        target = _open(proc, namespace)
        try:
            _setns(home)  # changes nothing, but refuses now where it would refuse to let us back later (user namespaces)
            _setns(target)
        finally:
            os.close(target)
        try:
            yield
        finally:
            _return(home)
    finally:
        os.close(home)


def _return(home):
    try:
        _setns(home)
    except OSError as error:
        raise NamespaceLost("cannot return to the module's own network namespace (%s); nothing that follows would be true" % error.strerror)


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
    elif _libc().setns(fd, CLONE_NEWNET) != 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_LIBC = []


def _libc():
    # Each CDLL makes a class of its own: costly enough to keep one.
    if not _LIBC:
        import ctypes

        _LIBC.append(ctypes.CDLL(None, use_errno=True))
    return _LIBC[0]
