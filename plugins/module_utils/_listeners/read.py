# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the listeners of one network namespace, which is named as users name it."""

import os
from contextlib import contextmanager
from typing import NamedTuple, Optional, Tuple

from .._errors import InputError, ReadError
from .._namespaces.model import Namespace, NamespaceId
from .._namespaces.read import entered
from .._sockets.inet_diag import ListenSocket
from .._sockets.read import SockDiag

SOMAXCONN = "sys/net/core/somaxconn"
NAMED = ("self/root/run/netns/", "self/root/var/run/netns/")  # of `ip netns`
MOST_PIDS = 1 << 22  # PID_MAX_LIMIT: a larger number is the inode of a namespace, which is above 0xF0000000


class Scene(NamedTuple):
    """The listeners of a namespace, its somaxconn (``None``: unknown), and how to speak of it."""

    namespace: Namespace
    listeners: Tuple[ListenSocket, ...]
    somaxconn: Optional[int]

    @property
    def where(self):
        return "this network namespace" if self.namespace.is_own else "network namespace %d" % self.namespace.id.inode


def chosen_namespace(proc, own, netns=None, pid=None):
    """Return the Namespace that an option means: a name of ``ip netns``, a path, a pid or an inode. Raises InputError.

    Without ``netns`` it is the one of process ``pid``, and without both ``own``.
    """
    word = (netns or "").strip()
    if not word and pid is None:
        return own
    if word.isdigit() and int(word) > MOST_PIDS:
        return namespace_of_inode(proc, own, int(word))
    if not word or word.isdigit():
        number = int(word) if word else pid
        found = _opened(proc, own, "%d/ns/net" % number)
        if found is None:
            raise InputError("there is no process %d" % number)
        return found
    handles = ["self/root" + word] if word.startswith("/") else [] if "/" in word or word in (".", "..") else [folder + word for folder in NAMED]
    for handle in handles:
        found = _opened(proc, own, handle)
        if found is not None:
            return found
    raise InputError("netns: there is no network namespace %s%s" % (word, _names(proc)))


def _opened(proc, own, handle):
    try:
        status = proc.status(handle)
    except PermissionError:
        raise ReadError("%s may not be read; become root (CAP_SYS_PTRACE) on the host" % proc.path(handle))
    except OSError:  # a file on the way is no directory
        return None
    if status is None:
        return None
    if status.st_dev != own.id.device:
        raise InputError("netns: %s is no network namespace" % proc.path(handle).replace(proc.path("self/root"), "", 1))
    return Namespace(NamespaceId(status.st_dev, status.st_ino), (handle,), (), (), status.st_ino == own.id.inode)


def _names(proc):
    try:
        names = sorted(os.listdir(proc.path(NAMED[0])))
    except OSError:
        names = []
    return "; there is %s" % ", ".join(names) if names else "; name its process or its inode"


def namespace_of_inode(proc, own, inode):
    """Return the Namespace with this inode, wherever on the host it is. Raises InputError."""
    if inode == own.id.inode:
        return own
    from .._namespaces.process import Finder
    from .._problems import Problems

    problems = Problems()
    finder = Finder(proc, own, problems)
    finder.find(proc.numbers(""))
    for namespace in finder.namespaces():
        if namespace.id.inode == inode:
            return namespace
    raise InputError("network namespace %d is not there%s" % (inode, "; become root (CAP_SYS_PTRACE) on the host to see all" if problems.partial else ""))


@contextmanager
def inside(proc, own, namespace):
    """Run the body inside ``namespace``. Raises ReadError when it may not be entered, or refuses what is read in it."""
    try:
        with entered(proc, own, namespace):
            yield
    except PermissionError:
        raise ReadError("network namespace %d may not be entered; become root (CAP_SYS_ADMIN) on the host" % namespace.id.inode)
    except OSError as error:
        raise ReadError("network namespace %d cannot be read: %s; run again" % (namespace.id.inode, error.strerror or error))


def look(proc, own, namespace, families=("inet", "unix")):
    """Return the Scene of a namespace; ``families`` has ``unix`` where UNIX sockets matter, and any other word for TCP. Raises ReadError."""
    with inside(proc, own, namespace), SockDiag() as diag:
        listeners = diag.tcp_listeners() if set(families) - {"unix"} else []
        if "unix" in families:
            listeners = listeners + diag.unix_listeners()
        raw = proc.read(SOMAXCONN, once=True)
    return Scene(namespace, tuple(listeners), int(raw) if raw else None)


def holders(proc, inodes, pid=None):
    """Return ``{inode: [pids]}`` of the processes that hold sockets, and those that may not be asked. ``pid`` restricts it to one process."""
    from .._owners.process import OwnerScan

    scan = OwnerScan(proc, inodes)
    scan.run(proc.numbers("") if pid is None else [pid])
    return scan.owners, scan.denied
