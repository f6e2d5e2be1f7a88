# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a listening socket's accept queue: its limit, when it is full, and what caps it.

The kernel keeps min(backlog, somaxconn) of the moment of listen(2) and forgets what was asked for; so what the program
asked for is an argument here and never guessed.
"""

UINT32_MAX = 0xFFFFFFFF


def accept_queue_full(length, limit):
    """True when the next connection is dropped: a limit of N holds N + 1.

    include/net/sock.h sk_acceptq_is_full(): ``sk_ack_backlog > sk_max_ack_backlog``, since 2.6.21.
    """
    return length > limit


def granted_limit(requested, somaxconn):
    """What listen(2) sets: net/socket.c __sys_listen() compares unsigned, so a negative request is the largest one."""
    return min(requested & UINT32_MAX, somaxconn)


def limited_by(requested, limit):
    """``backlog`` or ``somaxconn``: which of the two set the limit; ``unknown`` when the request is not known.

    A limit above the request means that the request is not the one that this socket was made with: unknown too.
    """
    if requested is None or limit > requested & UINT32_MAX:
        return "unknown"
    return "backlog" if limit == requested & UINT32_MAX else "somaxconn"


def at_cap(limit, somaxconn):
    """True when the limit equals today's somaxconn; ``None`` when somaxconn is unknown."""
    return None if somaxconn is None else limit == somaxconn


def stale_limit(requested, limit, somaxconn):
    """Would listen(2) with the same request set another limit now? ``None`` when that cannot be known.

    Without the request two cases are certain, because the limit was min(request, somaxconn of that moment): a limit
    above somaxconn would shrink, and a limit equal to somaxconn means a request of at least that, so it would stay.
    """
    if somaxconn is None:
        return None
    if limit > somaxconn:
        return True
    if requested is None:
        return False if limit == somaxconn else None
    return limit != granted_limit(requested, somaxconn)


def endpoint(listener):
    """The key that reuseport sockets share: family, address, port and bound device."""
    return listener.family, listener.local_address, listener.local_port, listener.interface
