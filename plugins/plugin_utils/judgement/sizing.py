# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a queue would have held what came: the measured arrival rate times the longest stall, and what that costs. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..values import number, whole

LARGEST = 65535  # nobody should wait behind more; somaxconn of old kernels ends here, too
# A connection that waits is a tcp_sock (2368 bytes, 2496 with IPv6, in /proc/slabinfo of Linux 6.18) and what the client has sent
# meanwhile: with a small request about a page in all.
CONNECTION_BYTES = 4096

Row = Mapping[str, Any]


def size_advice(row: Row) -> dict[str, Any] | None:
    """{limit, backlog, somaxconn, arrivals_per_second, longest_stall, memory_bytes, added_wait_seconds, text} for a listener's row.

    None where the present limit is unknown. The rate is an upper bound: connections are counted for the whole namespace, and dropped SYNs
    once more with each retransmission.
    """
    listener, namespace, thresholds = row["listener"], row["namespace"], row["thresholds"]
    limit = whole(listener.get("accept_queue_limit"))
    if limit is None:
        return None
    accepted = number(namespace.get("passive_opens_per_second"))
    dropped = number(listener.get("drops_per_second"))
    arrivals = None if accepted is None or dropped is None else round(accepted + dropped, 1)
    stall = _stall(row)
    needed = None if arrivals is None or stall is None else math.ceil(arrivals * stall)
    wanted = _round_up(max(needed or 0, 2 * limit, thresholds["small_limit"]))
    return {
        "limit": wanted,
        "backlog": max(wanted, whole(listener.get("listen_backlog")) or 0),
        "somaxconn": int(max(wanted, thresholds["somaxconn"])),
        "arrivals_per_second": arrivals,
        "longest_stall": stall,
        "memory_bytes": wanted * CONNECTION_BYTES,
        "added_wait_seconds": round((wanted - limit) / accepted, 2) if accepted and wanted > limit else None,
        "text": _text(limit, wanted, needed, arrivals, stall, accepted, row),
    }


def _stall(row: Row) -> float | None:
    """At least the time between two reads, within which a stall is not seen."""
    stall, seconds, reads = (
        number(row[part].get(name)) for part, name in (("listener", "longest_stall"), ("host", "sample_seconds"), ("listener", "sample_reads"))
    )
    if stall is None or seconds is None or not reads:
        return stall
    return round(max(stall, seconds / reads), 3)


def _round_up(wanted: float) -> int:
    """The next power of two, and not beyond what anybody should wait behind."""
    size = 1
    while size < wanted and size < LARGEST:
        size *= 2
    return min(size, LARGEST)


def _text(limit: int, wanted: int, needed: int | None, arrivals: float | None, stall: float | None, accepted: float | None, row: Row) -> str:
    namespace, thresholds = row["namespace"], row["thresholds"]
    if needed is None or arrivals is None or stall is None:
        why = "how fast connections came could not be measured, so twice the present limit"
    else:
        bound = "" if namespace.get("tcp_listener_count") == 1 else ", counted for all listeners of the namespace"
        why = "at most %.1f arrivals per second (SYNs that were sent again count again%s) x %.2f s without an accept = %d" % (arrivals, bound, stall, needed)
        if needed <= limit:
            why += ", which the present limit of %d holds on average, but not in bursts: so twice that" % limit
    if wanted == thresholds["small_limit"] > max(needed or 0, 2 * limit):
        why += ", and less than %d is small for any program" % wanted
    price = "; when it is full it takes %.1f MiB" % (wanted * CONNECTION_BYTES / 2**20)
    if accepted:
        price += " and the last in it waits %.1f s at the %.1f connections per second that were accepted in the window" % (wanted / accepted, accepted)
    return "limit %d: %s, rounded up%s" % (wanted, why, price)
