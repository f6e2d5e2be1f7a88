# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the network namespace that a user names, and where its sysctls persist: in a root with a loader of its own, or elsewhere."""

import os
import re
from typing import NamedTuple, Optional

from .._errors import InputError, ReadError
from .._namespaces.containers import owner_of
from .._namespaces.model import Namespace, NamespaceId
from .._namespaces.process import Finder
from .._namespaces.read import is_initial, own_namespace
from .._problems import Problems
from .._roots.read import Root
from .._sysctl_boot.read import Loader, find_loader
from .advice import HOST, elsewhere

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@:+-]*\Z")
LARGEST_PID = 1 << 22  # PID_MAX_LIMIT; inodes of namespaces are above 0xF0000000
NAMED = "self/root/run/netns/"


class Where(NamedTuple):
    """``namespace`` has the values now. ``root`` has the files for its next start; None with ``advice`` on what has instead."""

    own: Namespace
    namespace: Namespace
    root: Optional[str]
    loader: Loader
    advice: Optional[str]


def find_where(proc, netns, root, loader):
    """Return Where the values of the namespace ``netns`` (name, pid, inode, or None for the own one) live. Raises InputError, ReadError."""
    own = own_namespace(proc)
    namespace, pid = (own, None) if netns is None else _named(proc, own, netns)
    if namespace.id == own.id:
        found = _loader_in(root, loader)
        if found.name is not None:
            return Where(own, own, root, found, None)
        if root != "/":
            raise InputError("root: nothing in %s applies files at boot (%s); say with loader which program will" % (root, found.why))
        return Where(own, own, None, found, HOST if is_initial(proc) else elsewhere(owner_of(proc.read("self/cgroup") or b""), None))
    if root != "/":
        raise InputError("root: with netns the files are those of its container; leave root out")
    pid = pid or next(iter(namespace.pids), None)
    inside = None if pid is None else proc.path("%d/root" % pid)
    if inside is not None and not _is_ours(inside):
        found = _loader_in(inside, loader)
        if found.name is not None:
            return Where(own, namespace, inside, found, None)
    owner = owner_of(proc.read("%d/cgroup" % pid) or b"") if pid else owner_of(b"")
    name = netns if pid is None else None
    return Where(own, namespace, None, Loader(None, None, "it is not the namespace in which this system boots"), elsewhere(owner, name))


def _loader_in(root, wanted):
    with Root(root) as files:
        return find_loader(files, wanted)


def _is_ours(root):
    try:
        return os.path.samefile(root, "/")
    except OSError as error:
        raise ReadError("%s cannot be entered: %s; run as root on the host" % (root, error.strerror))


def _named(proc, own, netns):
    """Return (Namespace, pid or None)."""
    if netns.isdigit() and int(netns) <= LARGEST_PID:
        return _record(proc, own, "%s/ns/net" % netns, (int(netns),), netns), int(netns)
    if netns.isdigit():
        return _by_inode(proc, own, int(netns)), None
    if not NAME.match(netns):
        raise InputError("netns: %r is no name, pid or inode of a network namespace; names are those of ip netns" % netns)
    return _record(proc, own, NAMED + netns, (), netns), None


def _record(proc, own, handle, pids, netns):
    try:
        status = proc.status(handle)
    except OSError as error:
        raise ReadError("netns: %s cannot be looked at: %s; run as root on the host" % (netns, error.strerror))
    if status is None:
        raise InputError("netns: there is no %s here; give a name of ip netns, a pid, or an inode" % netns)
    identity = NamespaceId(status.st_dev, status.st_ino)
    return Namespace(identity, (handle,), pids, (), identity == own.id)


def _by_inode(proc, own, inode):
    finder = Finder(proc, own, Problems())
    finder.find(proc.numbers(""))
    for namespace in finder.namespaces():
        if namespace.id.inode == inode:
            return namespace
    raise InputError("netns: no process, thread or mount shows a network namespace with the inode %d" % inode)
