# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of hosts + rules + waivers -> the report model. Pure, in deterministic order.

The model is described in docs/audit.md; its schema number changes when a key changes its meaning or goes.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..rows.diagnosed import is_diagnosed
from ..rows.diagnosis import add_diagnosis
from ..rows.host import HostRows, facts_fault, host_rows
from ..rows.host_values import add_unknown, host_values
from ..rules.expressions import NOT_APPLICABLE
from ..rules.fields import FIELDS, SAMPLED, THRESHOLDS
from ..rules.rule import SEVERITIES, Rule
from ..rules.verdict import Verdict
from ..rules.waiver import Waiver
from .diagnosis import Diagnoses

SCHEMA = 1
EXAMPLE_HOSTS = 10
LONGEST_QUEUES = 50
REASON_LENGTH = 300
UNREAD = "listener"  # what is missing where the listeners of a whole namespace could not be read


class ThresholdError(ValueError):
    """A threshold that is not a number, or that no rule uses."""


class _Unknown(NamedTuple):
    """What could not be judged, joined over rows: how often, and on which hosts."""

    rule: Rule
    missing: tuple[str, ...]
    counts: dict[str, int]


def merged_thresholds(given: Mapping[str, Any] | None) -> dict[str, float]:
    """The built-in thresholds with `given` on top. Raises ThresholdError."""
    thresholds = {name: threshold.value for name, threshold in THRESHOLDS.items()}
    if not isinstance(given or {}, Mapping):
        raise ThresholdError("backlog_audit_thresholds must be a mapping of names to numbers")
    for name, value in (given or {}).items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ThresholdError("backlog_audit_thresholds.%s must be a number, not %s" % (name, value))
        thresholds[name] = value
    return thresholds


def check_thresholds(given: Iterable[str], rules: Iterable[Rule]) -> None:
    """A threshold nobody reads is a typing mistake. Raises ThresholdError."""
    used = {path[1] for rule in rules for path in rule.expression.fields if path[0] == "thresholds"}
    for name in sorted(set(given) - used - set(THRESHOLDS)):
        raise ThresholdError("backlog_audit_thresholds.%s is used by no rule: thresholds are %s" % (name, ", ".join(sorted(used | set(THRESHOLDS)))))


def build_report(
    results: Mapping[str, Any],
    rules: list[Rule],
    waivers: list[Waiver],
    thresholds: Mapping[str, float],
    generated_at: str,
    version: str,
    verdicts: Iterable[Verdict] = (),
) -> dict[str, Any]:
    """The report model. `results` maps a host's name to the module's result, its facts, or None where there is none.

    Where facts were gathered for a diagnosis, `verdicts` judge their listeners, too.
    """
    diagnoses = Diagnoses(verdicts, thresholds)
    hosts, values, found, unknown, unsampled, queues = _looked_at(results, rules, thresholds, diagnoses)
    counts = [0] * len(waivers)
    findings, waived = _waive_findings(found, waivers, counts)
    left = _waive_unknown(unknown, waivers, counts)
    add_unknown(values, unknown.values(), left)
    unknowns = [_unknown_entry(each) for each in left]
    diagnosed = diagnoses.report(lambda each: _accepted(_covering(each, waivers, counts)))
    return {
        "schema": SCHEMA,
        "generated_at": generated_at,
        "collection": {"name": "netops.listen_queue", "version": version},
        "thresholds": dict(thresholds),
        "rules": [{"id": rule.id, "severity": rule.severity, "source": rule.source} for rule in rules],
        "hosts": hosts,
        "values": values,
        "findings": findings,
        "unknown": unknowns,
        "queues": [_queue(row) for _key, row in queues],
        "not_sampled": [{"rule": rule, "hosts": count} for rule, count in sorted(unsampled.items())],
        "waived": waived,
        "expired_waivers": [dict(waiver.document, covers=counts[index]) for index, waiver in enumerate(waivers) if waiver.expired],
        "unused_waivers": [dict(waiver.document) for index, waiver in enumerate(waivers) if not waiver.expired and not counts[index]],
        "counts": _counts(hosts, findings, unknowns, waived),
        **diagnosed,
    }


class _Seen(NamedTuple):
    """What all hosts together gave: their statuses and values, the findings, what is unknown, rules without a sample, and the queues to show."""

    hosts: dict[str, Any]
    values: dict[str, Any]
    found: list[dict[str, Any]]
    unknown: dict[tuple[str, tuple[str, ...]], _Unknown]
    unsampled: dict[str, int]
    queues: list[Any]


def _looked_at(results: Mapping[str, Any], rules: list[Rule], thresholds: Mapping[str, float], diagnoses: Diagnoses) -> _Seen:
    seen = _Seen({}, {}, [], {}, {}, [])
    for name in sorted(results):
        seen.hosts[name], facts = host_status(results[name])
        if facts is None:
            continue
        rows = host_rows(name, facts, thresholds)
        if is_diagnosed(facts):
            add_diagnosis(rows, facts, thresholds)
            diagnoses.add(name, rows)
        seen.hosts[name].update(namespaces=len(rows.namespaces), listeners=len(rows.listeners))
        seen.values[name] = host_values(rows, facts)
        seen.queues[:] = heapq.nsmallest(LONGEST_QUEUES, [*seen.queues, *((_queue_order(row), row) for row in rows.listeners)], key=_first)
        for rule in rules:
            seen.found.extend(_judge(rule, rows, name, seen.unknown))
            if "sample" not in facts and _needs_sample(rule):
                seen.unsampled[rule.id] = seen.unsampled.get(rule.id, 0) + 1
    return seen


def _first(pair: Any) -> Any:
    return pair[0]


def _queue_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The most troubled first: drops in the window, fill, drops since the socket exists; then what is reached over a network; then by name."""
    listener, namespace = row["listener"], row["namespace"]
    numbers = (listener.get("drops_in_window"), listener.get("accept_queue_fill"), listener.get("drops"))
    names = (row["host"]["name"], not namespace["is_host"], namespace["label"], listener["address"])
    return (*(-(number or 0) for number in numbers), listener.get("family") == "unix", *names)


def _queue(row: Mapping[str, Any]) -> dict[str, Any]:
    listener = row["listener"]
    queue = {"host": row["host"]["name"], "namespace": row["namespace"]["label"], "listener": listener["address"], "program": row["program"].get("name")}
    names = ("accept_queue_length", "accept_queue_limit", "drops", "drops_in_window", "limited_by", "at_cap", "stale_limit")
    return queue | {name: listener[name] for name in names if name in listener}


def host_status(result: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """({status, reason, ...}, facts or None) of a module's result, {"ansible_facts": ...} or bare facts."""
    if not isinstance(result, dict) or not result:
        return {"status": "failed", "reason": "no answer: the host was lost before it was asked"}, None
    facts = find_facts(result)
    if result.get("unreachable"):
        return {"status": "unreachable", "reason": _reason(result)}, None
    if facts is None:
        return {"status": "failed", "reason": _reason(result)}, None
    fault = facts_fault(facts)
    if fault is not None:
        return {"status": "failed", "reason": _clipped("the facts " + fault)}, None
    status: dict[str, Any] = {"status": "audited", "collected_at": facts.get("collected_at"), "kernel": facts.get("kernel")}
    if isinstance(facts.get("sample"), dict):
        status["sample_seconds"] = facts["sample"].get("seconds")
    told = facts.get("problems")
    problems = [each for each in (told if isinstance(told, list) else ()) if isinstance(each, dict)]
    if facts.get("complete") is not True or problems:
        status["problems"] = problems
    if facts.get("complete") is not True:
        messages = [str(each.get("message") or each.get("code")) for each in problems]
        status.update(status="partial", reason=_clipped("; ".join(messages) or "the facts say they are incomplete"))
    return status, facts


def find_facts(result: Mapping[str, Any]) -> Any:
    """The facts in any of the shapes they are saved in; None when there are none."""
    if "namespaces" in result or "boot_id" in result:
        return result
    facts = result.get("ansible_facts")
    if isinstance(facts, dict):
        return facts.get("listen_queue", facts.get("ansible_listen_queue"))
    return result.get("listen_queue")


def _reason(result: Mapping[str, Any]) -> str:
    parts = [str(result[key]) for key in ("msg", "module_stderr", "module_stdout") if result.get(key)]
    return _clipped(": ".join(parts[:2]) or "the facts task gave no reason")


def _clipped(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= REASON_LENGTH else words[: REASON_LENGTH - 3] + "..."


def _needs_sample(rule: Rule) -> bool:
    return any(SAMPLED in FIELDS[path[0]][path[1]].when for path in rule.expression.needs if path[0] in FIELDS)


def _judge(rule: Rule, rows: HostRows, host: str, unknown: dict[tuple[str, tuple[str, ...]], _Unknown]) -> list[dict[str, Any]]:
    found = []
    evaluate = rule.expression.evaluate
    selected = rows.listeners if rule.for_each == "listener" else rows.namespaces if rule.for_each == "namespace" else [rows.host]
    for row in selected:
        answer = evaluate(row)
        if answer.value is False or answer.value is NOT_APPLICABLE:
            continue
        if answer.value is None:
            _add_unknown(unknown, rule, answer.missing, host, 1)
        else:
            found.append(_finding(rule, row, host))
    if rule.for_each == "listener" and rows.unread:
        _add_unknown(unknown, rule, (UNREAD,), host, rows.unread)
    return found


def _add_unknown(unknown: dict[tuple[str, tuple[str, ...]], _Unknown], rule: Rule, missing: tuple[str, ...], host: str, count: int) -> None:
    entry = unknown.setdefault((rule.id, missing), _Unknown(rule, missing, {}))
    entry.counts[host] = entry.counts.get(host, 0) + count


def _finding(rule: Rule, row: Mapping[str, Any], host: str) -> dict[str, Any]:
    finding: dict[str, Any] = {
        "rule": rule.id,
        "severity": rule.severity,
        "host": host,
        "namespace": row["namespace"]["label"] if "namespace" in row else None,
        "listener": row["listener"]["address"] if "listener" in row else None,
        "summary": rule.render(row),
        "because": rule.because,
        "evidence": rule.evidence(row),
        "fix": rule.fix,
        "references": rule.references,
    }
    processes = row["listener"].get("processes") if "listener" in row else None
    if processes:
        finding["evidence"]["processes"] = processes
    return finding


def _order(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    evidence = json.dumps(finding["evidence"], sort_keys=True, default=str)
    return (
        SEVERITIES.index(finding["severity"]),
        finding["rule"],
        finding["host"],
        finding["namespace"] != "host",
        finding["namespace"] or "",
        finding["listener"] or "",
        evidence,
    )


def _waive_findings(found: list[dict[str, Any]], waivers: list[Waiver], counts: list[int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(findings, waived): the first valid waiver that covers a finding counts. `counts` is added to, per waiver."""
    findings, waived = [], []
    for finding in sorted(found, key=_order):
        valid = _covering(finding, waivers, counts)
        if valid is None:
            findings.append(finding)
        else:
            waived.append(dict(finding, waiver=_accepted(valid)))
    return findings, waived


def _waive_unknown(unknown: Mapping[tuple[str, tuple[str, ...]], _Unknown], waivers: list[Waiver], counts: list[int]) -> list[_Unknown]:
    """What is left of `unknown`, most severe first. Only a waiver for a whole host covers what could not be judged there."""
    left = []
    for _key, entry in sorted(unknown.items(), key=lambda item: (SEVERITIES.index(item[1].rule.severity), item[0])):
        hosts = {host: count for host, count in entry.counts.items() if _covering({"rule": entry.rule.id, "host": host}, waivers, counts) is None}
        if hosts:
            left.append(entry._replace(counts=hosts))
    return left


def _covering(finding: Mapping[str, Any], waivers: list[Waiver], counts: list[int]) -> Waiver | None:
    valid = None
    for index, waiver in enumerate(waivers):
        if waiver.covers(finding):
            counts[index] += 1
            valid = valid or (None if waiver.expired else waiver)
    return valid


def _accepted(waiver: Waiver | None) -> dict[str, str] | None:
    return None if waiver is None else {key: waiver.document[key] for key in ("reason", "expires")}


def _unknown_entry(entry: _Unknown) -> dict[str, Any]:
    return {
        "rule": entry.rule.id,
        "severity": entry.rule.severity,
        "missing": list(entry.missing),
        "count": sum(entry.counts.values()),
        "host_count": len(entry.counts),
        "hosts": sorted(entry.counts)[:EXAMPLE_HOSTS],
    }


def _counts(hosts: Mapping[str, Any], findings: list[dict[str, Any]], unknown: list[dict[str, Any]], waived: list[dict[str, Any]]) -> dict[str, Any]:
    counts: dict[str, Any] = {severity: sum(each["severity"] == severity for each in findings) for severity in SEVERITIES}
    counts["waived"] = len(waived)
    counts["unknown"] = {severity: sum(each["count"] for each in unknown if each["severity"] == severity) for severity in SEVERITIES}
    statuses = [host["status"] for host in hosts.values()]
    counts["hosts"] = {status: statuses.count(status) for status in ("audited", "partial", "unreachable", "failed")}
    return counts
