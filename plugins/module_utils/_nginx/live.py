# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings together what a configuration asks for and the sockets that really listen."""

from typing import NamedTuple, Optional, Tuple

from .._sockets.inet_diag import ListenSocket
from .._sockets.listen_queue import stale_limit
from .act import CONFIG, Actor, Situation, who_must_act
from .owner import NginxSocket, blocker
from .parameters import NOTE


class LiveSocket(NamedTuple):
    """One address:port of a configuration with the sockets of it. ``actor`` says who must act, and is None for datagrams."""

    socket: NginxSocket
    listeners: Tuple[ListenSocket, ...]
    is_stale: Optional[bool]
    actor: Optional[Actor]


class Surroundings(NamedTuple):
    """What is known beside the configuration. ``None`` is unknown.

    ``listeners`` are those of the namespace, ``held`` the inodes of the sockets that nginx has open.
    """

    listeners: Optional[Tuple[ListenSocket, ...]]
    held: Optional[frozenset]
    somaxconn: Optional[int]
    is_running: Optional[bool]
    has_socket_backlog: Optional[bool]
    is_loaded: Optional[bool] = None  # whether nginx runs with the configuration as it is on disk


def join(sockets, surroundings):
    """Return a LiveSocket for each NginxSocket."""
    by_address = {}
    for listener in surroundings.listeners or ():
        by_address.setdefault(_key(listener.family, listener.local_address, listener.local_port, listener.path), []).append(listener)
    return [_live(socket, by_address, surroundings) for socket in sockets]


def _key(family, address, port, path):
    return (family, path) if family == "unix" else (family, address, port)


def _live(socket, by_address, surroundings):
    address = socket.address
    if socket.protocol == "udp" or socket.served_by is not None:
        return LiveSocket(socket, (), None, None)
    found = by_address.get(_key(address.family, address.address, address.port, address.path), [])
    held = surroundings.held
    mine = tuple(listener for listener in found if held is None or listener.inode in held)
    limits = tuple(listener.accept_queue_limit for listener in mine)
    fault = next((fault.message for fault in socket.faults if fault.stage != NOTE), None)
    if found and not mine and fault is None:
        actor = Actor(CONFIG, "another process listens on %s; stop it, or let nginx listen elsewhere" % address.text)
    elif surroundings.listeners is None or address.family is None:
        actor = Actor(CONFIG, fault) if fault else Actor(None, "the live sockets of %s are not known" % address.text)
    else:
        actor = who_must_act(
            Situation(
                socket.listen_backlog,
                surroundings.somaxconn,
                limits,
                surroundings.is_loaded,
                fault=fault,
                blocked_by=None if mine else _blocker(socket, surroundings),
                is_running=surroundings.is_running,
                has_socket_backlog=surroundings.has_socket_backlog,
            )
        )
    stale = [stale_limit(socket.listen_backlog, limit, surroundings.somaxconn) for limit in limits]
    return LiveSocket(socket, mine, True if True in stale else None if not stale or None in stale else False, actor)


def _blocker(socket, surroundings):
    held = surroundings.held
    return blocker(socket, [listener for listener in surroundings.listeners if held is None or listener.inode in held])
