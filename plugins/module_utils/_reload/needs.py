# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still to be done until the live sockets are what the configuration asks for."""

from .._nginx.act import RELOAD, RESTART, SOCKET_BACKLOG

NONE = "none"
# The stronger one wins: a reload comes before socket_backlog, because it may set the backlog again.
ORDER = (NONE, SOCKET_BACKLOG, RELOAD, RESTART)


def needed(actors):
    """Return what all Actors together need: ``none``, ``socket_backlog``, ``reload`` or ``restart``."""
    return max((actor.who for actor in actors if actor is not None and actor.who in ORDER), key=ORDER.index, default=NONE)


def shown(live):
    """Return the sockets of a LiveSocket as plain data."""
    return [
        {
            **({"path": listener.path} if listener.family == "unix" else {"local_address": listener.local_address, "local_port": listener.local_port}),
            "accept_queue_limit": listener.accept_queue_limit,
            "listen_backlog": live.socket.listen_backlog,
        }
        for listener in live.listeners
    ]
