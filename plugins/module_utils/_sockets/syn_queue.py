# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a listening socket's SYN queue: how many half-open connections it holds, and whose they are."""

from collections import Counter
from typing import NamedTuple

from .listen_queue import UINT32_MAX, endpoint


class SynQueueCapacity(NamedTuple):
    """How many half-open connections one listener holds: between the two, depending on the kernel's exact version."""

    at_least: int
    at_most: int


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


def count_half_open(listeners, requests):
    """Return ``{endpoint: half-open connections}`` for every endpoint of ``listeners`` (TCP only).

    A half-open connection does not name its listener: it belongs to the most specific one of its port, as
    inet_lookup_listener() scores them. Inside a reuseport group only the sum is known.
    """
    counts = Counter({endpoint(listener): 0 for listener in listeners})
    dual_stack = {endpoint(listener) for listener in listeners if listener.family == "inet6" and not listener.v6only}
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
