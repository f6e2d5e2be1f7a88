# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a listening socket's two queues: limits, fullness, what caps them, and who waits in them.

The kernel keeps min(backlog, somaxconn) of the moment of listen(2) and forgets what was asked for; so what the program
asked for is an argument here and never guessed.
"""

from collections import Counter
from typing import NamedTuple

UINT32_MAX = 0xFFFFFFFF


class SynQueueCapacity(NamedTuple):
    """How many half-open connections one listener holds: between the two, depending on the kernel's exact version."""

    at_least: int
    at_most: int


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


def syn_queue_capacity(limit, max_syn_backlog, syncookies):
    """Return the SynQueueCapacity of a listener (net/ipv4/tcp_input.c tcp_conn_request(), tcp_syn_flood_action()).

    ``limit`` is the accept queue's limit: it bounds both queues. Kernels of 4.4 to 6.12 stop at ``limit`` half-open
    connections, 6.13 and the stable kernels from January 2025 at ``limit + 1``, hence two numbers.
    tcp_syncookies 2 always answers with a cookie and keeps nothing; 0 adds the 3/4 rule on tcp_max_syn_backlog
    (``max - used < max >> 2`` drops); any other value makes tcp_max_syn_backlog irrelevant.
    """
    if syncookies == 2:
        return SynQueueCapacity(0, 0)
    bound = UINT32_MAX if syncookies else max_syn_backlog - (max_syn_backlog >> 2) + 1
    return SynQueueCapacity(min(limit, bound), min(limit + 1, bound))


def endpoint(listener):
    """The key that reuseport sockets share: family, address, port and bound device."""
    return listener.family, listener.local_address, listener.local_port, listener.interface


def count_half_open(listeners, requests):
    """Return ``{endpoint: half-open connections}`` for every endpoint of ``listeners`` (TCP only).

    A half-open connection does not name its listener: it belongs to the most specific one of its port, as
    inet_lookup_listener() scores them. Inside a reuseport group only the sum is known.
    """
    counts = Counter({endpoint(listener): 0 for listener in listeners})
    dual_stack = {endpoint(listener) for listener in listeners if listener.v6only is False}
    for request, number in Counter(requests).items():
        for candidate in _candidates(request, dual_stack):
            if candidate in counts:
                counts[candidate] += number
                break
    return dict(counts)


def _candidates(request, dual_stack):
    """Endpoints that could own a request, most specific first: address before wildcard, bound device before any."""
    family, address, port, interface = request
    devices = (interface, 0) if interface else (0,)
    mapped = family == "inet6" and address.startswith("::ffff:")
    for wanted in (address, "0.0.0.0" if family == "inet" else "::"):
        for device in devices:
            key = (family, wanted, port, device)
            if not mapped or wanted != "::" or key in dual_stack:
                yield key
