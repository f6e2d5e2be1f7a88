# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses pressure stall information: /proc/pressure/* and a cgroup's cpu.pressure.

Source: Documentation/accounting/psi.rst. ``some`` counts the time in which at least one task waited, ``full`` that in which
all did. For the CPU the line ``full`` exists since kernel 5.13. The averages are the kernel's own windows; ours needs ``total``.
"""

from typing import NamedTuple, Optional


class Pressure(NamedTuple):
    """Microseconds since boot; ``None`` when the kernel does not count it."""

    some: int
    full: Optional[int]


def parse_pressure(data):
    """Return the Pressure of a file's bytes; ``None`` when they are cut short or malformed."""
    if not data.endswith(b"\n"):
        return None
    totals = {}
    for line in data.splitlines():
        kind, _blank, rest = line.partition(b" ")
        total = rest.rpartition(b"total=")[2]
        if b"total=" not in rest or not total.isdigit():
            return None
        totals[kind] = int(total)
    return Pressure(totals[b"some"], totals.get(b"full")) if b"some" in totals else None


def stalled_share(before, after, seconds):
    """Return the share (0 to 1) of ``seconds`` between two totals in microseconds; ``None`` where it is unknown."""
    if before is None or after is None or after < before or seconds <= 0:
        return None
    return round(min(1.0, (after - before) / 1e6 / seconds), 4)


def stalled_shares(before, after, seconds):
    """Return ``{some, full}`` of two Pressures, or ``None`` when one of them is unknown."""
    if before is None or after is None:
        return None
    return {name: stalled_share(getattr(before, name), getattr(after, name), seconds) for name in Pressure._fields}
