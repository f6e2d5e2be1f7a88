# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as metrics for Prometheus, in the text format that node_exporter's textfile collector reads. Pure.

The number of series is bounded: at most LISTENERS listeners of each host, the most troubled ones, and the rest is counted.
"""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..rules.rule import SEVERITIES
from ..text import visible
from .model import NOT_AUDITED

LISTENERS = 100
STATUSES = ("audited", "partial", "unreachable", "failed")

Report = Mapping[str, Any]
Sample = tuple[str, float]  # the labels as they are written, and the value


class Metric(NamedTuple):
    """The samples are in the order in which they are written."""

    name: str
    kind: str
    meaning: str
    samples: list[Sample]


def prometheus_report(report: Report) -> str:
    """All metrics. A value that is not known has no sample: it is not 0."""
    return "".join(line for metric in _metrics(report) if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    yield "# HELP %s %s\n# TYPE %s %s\n" % (metric.name, metric.meaning, metric.name, metric.kind)
    for written, value in metric.samples:
        yield "%s%s %s\n" % (metric.name, written, number(value))


def labels(**texts: Any) -> str:
    return "{%s}" % ",".join('%s="%s"' % (name, label(text)) for name, text in texts.items())


def label(value: Any) -> str:
    """The value of a label. Control and other invisible characters are written as \\x1b first."""
    return visible(value).replace("\\", "\\\\").replace('"', '\\"')


def number(value: float) -> str:
    return "%d" % value if value == int(value) else repr(float(value))


def _metrics(report: Report) -> Iterator[Metric]:
    yield from _audit(report)
    yield from _findings(report)
    yield from _listeners(report)
    ill = [each for each in report.get("diagnoses") or () if each["verdict"] != "healthy"]
    diagnoses = [(_place(each["host"], each, verdict=each["verdict"], cause=each.get("cause")), 1.0) for each in ill]
    yield Metric("listen_queue_audit_diagnosis", "gauge", "A listener that is not healthy, and why.", _unique(diagnoses))


def _audit(report: Report) -> Iterator[Metric]:
    statuses = [host["status"] for host in report["hosts"].values()]
    by_status: list[Sample] = [(labels(status=status), statuses.count(status)) for status in STATUSES]
    yield Metric("listen_queue_audit_timestamp_seconds", "gauge", "When the audit was made, in seconds since 1970.", [("", _seconds(report["generated_at"]))])
    yield Metric("listen_queue_audit_info", "gauge", "The collection that made the audit.", [(labels(version=report["collection"]["version"]), 1)])
    yield Metric("listen_queue_audit_hosts", "gauge", "Hosts by how far they could be audited.", by_status)
    drift = report.get("drift")
    if drift:
        samples: list[Sample] = [(labels(severity=severity), drift["counts"]["new"][severity]) for severity in SEVERITIES]
        yield Metric("listen_queue_audit_new_findings", "gauge", "Findings that the baseline did not have.", samples)


def _findings(report: Report) -> Iterator[Metric]:
    """Every audited host has a sample for each severity, so that an alert sees 0 and not a series that went away."""
    audited = [name for name, host in report["hosts"].items() if host["status"] not in NOT_AUDITED]
    found = {(name, severity): 0 for name in audited for severity in SEVERITIES}
    waived = dict.fromkeys(audited, 0)
    for finding in report["findings"]:
        found[finding["host"], finding["severity"]] += 1
    for finding in report["waived"]:
        waived[finding["host"]] += 1
    samples: list[Sample] = [(labels(host=name, severity=severity), count) for (name, severity), count in found.items()]
    yield Metric("listen_queue_audit_findings", "gauge", "Findings of a host, without waived ones.", samples)
    yield Metric(
        "listen_queue_audit_waived_findings",
        "gauge",
        "Findings of a host that a waiver covers.",
        [(labels(host=name), count) for name, count in waived.items()],
    )
    unknown = {name: sum(each["count"] for each in (values.get("unknown") or {}).values() if not each["waived"]) for name, values in report["values"].items()}
    yield Metric(
        "listen_queue_audit_unknown_checks", "gauge", "Checks of a host without a result.", [(labels(host=name), count) for name, count in unknown.items()]
    )


def _listeners(report: Report) -> Iterator[Metric]:
    shown = [(_place(host, row), row) for host, values in report["values"].items() for row in _most_troubled(_rows(values))]
    for name, kind, meaning, key in (
        ("listen_queue_accept_queue_length", "gauge", "Connections that waited for accept when the host was audited.", "accept_queue_length"),
        ("listen_queue_accept_queue_limit", "gauge", "How many connections may wait; the queue holds one more.", "accept_queue_limit"),
        ("listen_queue_drops_total", "counter", "Packets that the listener dropped since it exists. Packets, not clients.", "drops"),
    ):
        yield Metric(name, kind, meaning, _unique((place, row[key]) for place, row in shown if row.get(key) is not None))
    left = {host: max(0, sum(1 for _row in _rows(values)) - LISTENERS) for host, values in report["values"].items()}
    meaning = "Listeners of a host beyond the first %d, which have no metrics." % LISTENERS
    yield Metric("listen_queue_listeners_left_out", "gauge", meaning, [(labels(host=host), count) for host, count in left.items()])


def _rows(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for namespace in values["namespaces"]:
        for listener in namespace.get("listeners") or ():
            yield {**listener, "namespace": namespace["namespace"]}


def _most_troubled(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those with the most drops, then the longest queues; where nothing happens, the order of the report, so that series stay the same."""
    return heapq.nsmallest(LISTENERS, rows, key=lambda row: (-(row.get("drops") or 0), -(row.get("accept_queue_length") or 0)))


def _place(host: str, row: Mapping[str, Any], **more: Any) -> str:
    return labels(host=host, namespace=row["namespace"], listener=row["listener"], program=row.get("program"), **more)


def _unique(samples: Iterable[Sample]) -> list[Sample]:
    """Sockets that cannot be told apart are one series with their sum: the format allows no series twice."""
    sums: dict[str, float] = {}
    for written, value in samples:
        sums[written] = sums.get(written, 0) + value
    return list(sums.items())


def _seconds(text: str) -> float:
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
