# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what is live of one nginx: its master, the configuration on disk, and its sockets in their namespace."""

import os
from typing import NamedTuple, Tuple

from .._change import NGINX_RELOAD, SOCKET, Change, Effect, NginxTarget, SocketTarget
from .._errors import ReadError
from .._namespaces.model import Namespace, NamespaceId
from .._namespaces.read import entered, own_namespace
from .._nginx import writes
from .._nginx.binary import core_version
from .._nginx.listen import listen_directives
from .._nginx.live import LiveSocket, Surroundings, join
from .._nginx.model import Configuration
from .._nginx.owner import sockets_of
from .._nginx.process import find_masters
from .._nginx.read import WANTED, read_configuration
from .._nginx.settings import parse_hosts
from .._nginx_survey.read import identity
from .._processes.read import ProcessBook, pids_with_nginx_names
from .._roots.read import Root
from .._sockets.read import SockDiag
from .._version import is_older

SOMAXCONN = "sys/net/core/somaxconn"
PIDFD_GETFD = "5.6"  # the kernel that has it
MOST_HOSTS = 1 << 20  # bytes


class Live(NamedTuple):
    """A configuration and what is live of it. ``surroundings`` says None for what is unknown."""

    configuration: Configuration
    sockets: Tuple[LiveSocket, ...]
    surroundings: Surroundings


def masters_of(proc):
    """Return all Masters that run, by pid. A user's process that claims the configuration of root's nginx is none."""
    found = find_masters(proc, pids_with_nginx_names(proc, proc.numbers("")), ProcessBook(proc))[0]
    configs = {master.pid: identity(master.root, master.config) for master in found if master.config} if len(found) > 1 else {}
    of_root = {configs.get(master.pid) for master in found if master.uid == 0} - {None}
    return [master for master in found if master.uid in (0, None) or configs.get(master.pid) not in of_root]


def hosts_in(root):
    """Return ``{name: addresses}`` of the hosts file inside a root; nothing when it cannot be read."""
    try:
        with Root(root) as files:
            return parse_hosts(files.read("/etc/hosts", MOST_HOSTS).data)
    except (OSError, ReadError):
        return {}


def configuration_of(root, config, prefix):
    """Return the Configuration with all that a change and its test need to know. Raises ReadError and ConfigError."""
    return read_configuration(root, config, prefix, WANTED | writes.NAMES)


def live_of(proc, master, configuration, is_loaded):
    """Return the Live of a running Master, which has read the configuration or not (``is_loaded``; None is unknown).

    Raises ReadError where its sockets cannot be read, ConfigError.
    """
    version = core_version(master.binary.version)
    listens = listen_directives(configuration, hosts_in(master.root), version, master.uid == 0)
    surroundings = surroundings_of(proc, master)._replace(is_loaded=is_loaded)
    return Live(configuration, tuple(join(sockets_of(listens, version), surroundings)), surroundings)


def surroundings_of(proc, master):
    """Return the Surroundings of a Master. Raises ReadError."""
    held = ProcessBook(proc).sockets(master.pid)
    own = own_namespace(proc)
    namespace = Namespace(NamespaceId(own.id.device, master.netns), ("%d/ns/net" % master.pid,), (master.pid,), (), master.netns == own.id.inode)
    try:
        with entered(proc, own, namespace), SockDiag() as diag:
            listeners = tuple(diag.tcp_listeners()) + tuple(diag.unix_listeners())
            raw = proc.read(SOMAXCONN, once=True)
    except OSError as error:
        raise ReadError("the sockets of nginx %d cannot be read: %s; become root on the host" % (master.pid, error.strerror or error))
    return Surroundings(listeners, frozenset(held) or None, int(raw) if raw else None, True, not is_older(os.uname().release, PIDFD_GETFD))


def reload_effect(master):
    """Return the Effect that is a reload of a Master."""
    return Effect(NGINX_RELOAD, NginxTarget(master.pid, master.start_ticks, master.root, master.config))


def limits_before(proc, master):
    """Return what a reload may change of the live sockets of a Master, as Changes: to whatever nginx makes of them."""
    surroundings = surroundings_of(proc, master)
    mine = [row for row in surroundings.listeners or () if surroundings.held is not None and row.inode in surroundings.held]
    return tuple(
        Change(SOCKET, SocketTarget(master.netns, row.inode, row.family, row.local_address, row.local_port, row.path, row.cookie), row.accept_queue_limit, None)
        for row in mine
    )
