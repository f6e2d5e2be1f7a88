# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection attempts in numbers: how many came to what, and how long they took."""

from typing import NamedTuple, Optional

# Ansible takes the key `failed` of a result for its own.
CONNECTED, TIMEOUT, RESET, REFUSED, FAILED = "connected", "timeouts", "resets", "refused", "errors"
PERCENTILES = (50, 90, 95, 99)


class Attempt(NamedTuple):
    """One connect: what it came to, how long it took (seconds), and the system's words for a failure."""

    outcome: str
    seconds: float
    reason: Optional[str] = None


def percentile(ordered, percent):
    """Return the smallest of the ``ordered`` values that at least ``percent`` of them do not exceed (nearest rank)."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def summary(attempts):
    """Return ``{attempts, connected, timeouts, resets, refused, errors, latency, reasons}``; latency is None when none connected."""
    counts = dict.fromkeys((CONNECTED, TIMEOUT, RESET, REFUSED, FAILED), 0)
    for attempt in attempts:
        counts[attempt.outcome] += 1
    ordered = sorted(attempt.seconds for attempt in attempts if attempt.outcome == CONNECTED)
    reasons = sorted({attempt.reason for attempt in attempts if attempt.reason is not None})
    return dict(counts, attempts=len(attempts), latency=_latency(ordered) if ordered else None, reasons=reasons)


def _latency(ordered):
    values = {"min": ordered[0], "max": ordered[-1], "mean": sum(ordered) / len(ordered)}
    values.update(("p%d" % percent, percentile(ordered, percent)) for percent in PERCENTILES)
    return {name: round(value, 6) for name, value in values.items()}
