# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of a group far above its peers: median and median absolute deviation. Pure, a few sorts for all hosts together.

Peers are the listeners of the same program on the same port (or path), one group for each, when at least MIN_PEERS hosts have one.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..rows.host import Row

MIN_PEERS = 4
NORMAL = 1.4826  # a median absolute deviation of normal values is their standard deviation / 1.4826


class Metric(NamedTuple):
    """A field that is compared. A value below `floor` never stands out, and neither does one less than `floor` above the median."""

    name: str
    part: str
    field: str
    floor: float
    text: str


METRICS = (
    Metric("drops_per_second", "listener", "drops_per_second", 1.0, "drops %.1f packets per second"),
    Metric("share_half_full", "listener", "share_half_full", 0.2, "has its accept queue half full in %.2f of the reads"),
    Metric("longest_stall", "listener", "longest_stall", 1.0, "does not accept for %.1f s at a time"),
    Metric("worker_cpu", "workers", "cpu_max", 0.3, "uses %.2f of one CPU in its busiest worker"),
    Metric("throttled_share", "workers", "throttled_share", 0.1, "is throttled by its cgroup in %.2f of the periods"),
)

Group = dict[tuple[str, str, str], dict[str, float]]


class Fleet:
    """Collects the rows of host after host; each host counts with its highest value."""

    def __init__(self, deviations: float) -> None:
        self._deviations = deviations
        self._groups: Group = {}

    def add(self, host: str, rows: Iterable[Row]) -> None:
        for row in rows:
            where = str(row["listener"].get("port") or row["listener"]["address"])
            program = str(row["program"].get("id") or row["program"].get("name"))
            for metric in METRICS:
                value = row[metric.part].get(metric.field)
                if value is not None:
                    values = self._groups.setdefault((metric.name, program, where), {})
                    values[host] = max(value, values.get(host, 0))

    def outliers(self) -> list[dict[str, Any]]:
        """[{host, metric, program, listener, value, peers_median, peers, text}], by metric, program and listener, the highest value first."""
        found = []
        for (name, program, where), values in sorted(self._groups.items()):
            if len(values) > MIN_PEERS:
                metric = next(each for each in METRICS if each.name == name)
                found += _outliers(metric, program, where, values, self._deviations)
        return found


def _outliers(metric: Metric, program: str, where: str, values: Mapping[str, float], deviations: float) -> list[dict[str, Any]]:
    median = statistics.median(values.values())
    spread = statistics.median(abs(value - median) for value in values.values())
    bound = median + max(deviations * NORMAL * spread, metric.floor)
    far = sorted(((host, value) for host, value in values.items() if value > bound), key=lambda pair: (-pair[1], pair[0]))
    return [
        {
            "host": host,
            "metric": metric.name,
            "program": program,
            "listener": where,
            "value": value,
            "peers_median": median,
            "peers": len(values) - 1,
            "text": "%s: %s on %s %s, the median of %d hosts is %.2f" % (host, program, where, metric.text % value, len(values), median),
        }
        for host, value in far
    ]
