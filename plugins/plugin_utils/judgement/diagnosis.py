# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of listeners + verdict documents -> diagnoses. Pure.

Causes are tried in the order of their ranks: the first that holds is the verdict. The others that hold are kept beside it, so are
those that were looked for and not seen, and those that could not be judged, because unknown is not fine. Most listeners of a fleet are
healthy: of them less is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..rows.host import HostRows
from ..rules.expressions import NOT_APPLICABLE
from ..rules.verdict import CONFIDENCES, SEVERITIES, VERDICTS, Fix, Verdict, fill
from ..values import at
from .fleet import Fleet
from .sizing import size_advice

ENOUGH_READS = 20
SIZED = ("limit_too_small", "burst")
LOG_LINES = 20

Row = Mapping[str, Any]
UNKNOWN_BECAUSE = "No cause holds for sure, and the listener is not known to be healthy either: see what could not be learned."
LOOK_AGAIN = "Diagnose again as root, for a longer window, while the trouble lasts: what is missing is named beside each cause."


class _Judged(NamedTuple):
    """What the causes answered for one row."""

    holds: list[Verdict]
    quiet: list[Verdict]
    unknown: list[tuple[Verdict, tuple[str, ...]]]


class Diagnoses:
    """Collects the diagnoses of host after host, and says at the end which of them stand out."""

    def __init__(self, verdicts: Iterable[Verdict], thresholds: Mapping[str, float]) -> None:
        self._verdicts = list(verdicts)
        self._found: list[dict[str, Any]] = []
        self._fleet = Fleet(thresholds["peer_deviations"])
        self._hosts = 0

    def add(self, host: str, rows: HostRows) -> None:
        self._hosts += 1
        self._found += diagnose(rows, self._verdicts)
        self._fleet.add(host, rows.listeners)

    def report(self, accepted: Callable[[Mapping[str, Any]], dict[str, str] | None]) -> dict[str, Any]:
        """The keys of the report model about diagnoses; {} when no facts were gathered for one.

        `accepted` gives {reason, expires} of the waiver that covers what it is given, a mapping with rule, host, namespace and listener.
        """
        if not self._hosts:
            return {}
        for each in self._found:
            waiver = None if each["severity"] == "ok" else accepted({**each, "rule": each["cause"]})
            if waiver is not None:
                each["waiver"] = waiver
        return {"diagnoses": in_order(self._found), "diagnosis_counts": counts(self._found), "fleet": self._fleet.outliers()}


def diagnose(rows: HostRows, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """One diagnosis for each listener of a host whose rows passed add_diagnosis()."""
    causes = list(verdicts)
    return [_diagnosis(row, _judged(row, causes)) for row in rows.listeners]


def in_order(diagnoses: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most severe first, then by verdict, host, namespace and listener."""
    return sorted(diagnoses, key=_order)


def counts(diagnoses: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """{verdict: number of listeners}, without those that do not occur."""
    found = [each["verdict"] for each in diagnoses]
    return {verdict: found.count(verdict) for verdict in VERDICTS if verdict in found}


def _order(each: Mapping[str, Any]) -> tuple[Any, ...]:
    place = (each["host"], each["namespace"] != "host", each["namespace"], each["listener"])
    return (each["verdict"] == "healthy", SEVERITIES.index(each["severity"]), VERDICTS.index(each["verdict"]), *place)


def _judged(row: Row, causes: Iterable[Verdict]) -> _Judged:
    judged = _Judged([], [], [])
    for cause in causes:
        answer = cause.expression.evaluate(row)
        if answer.value is True:
            judged.holds.append(cause)
        elif answer.value is None:
            judged.unknown.append((cause, answer.missing))
        elif answer.value is not NOT_APPLICABLE and cause.not_seen:
            judged.quiet.append(cause)
    return judged


def _diagnosis(row: Row, judged: _Judged) -> dict[str, Any]:
    place = {
        "host": row["host"]["name"],
        "namespace": row["namespace"]["label"],
        "listener": row["listener"]["address"],
        "program": row["program"].get("name"),
    }
    unknown = [{"cause": cause.id, "missing": list(missing)} for cause, missing in judged.unknown]
    if not judged.holds:
        return place | _unknown(row, judged) | {"unknown": unknown}
    winner, *others = judged.holds
    is_healthy = winner.verdict == "healthy"
    evidence = winner.evidence(row)
    size = size_advice(row) if winner.verdict in SIZED and row["workers"].get("had_time_left") else None
    return place | {
        "verdict": winner.verdict,
        "cause": winner.id,
        "severity": winner.severity,
        "confidence": _confidence(winner, row, judged),
        "summary": winner.render(row),
        "because": winner.because + (" " + winner.in_pod if winner.in_pod and row["namespace"]["is_pod"] else ""),
        "evidence": evidence,
        "sources": [] if is_healthy else _sources(winner, row, evidence),
        "log": [] if is_healthy else list(row["nginx"].get("log_lines") or ())[-LOG_LINES:],
        "also": [{"cause": cause.id, "summary": cause.render(row)} for cause in others if cause.verdict != "healthy" and not cause.residual],
        "not_seen": [] if is_healthy else [{"cause": cause.id, "text": cause.not_seen} for cause in judged.quiet],
        "unknown": unknown,
        "fixes": _fixes(winner.fixes, row, size),
        "size": size,
        "references": [] if is_healthy else winner.references,
    }


def _unknown(row: Row, judged: _Judged) -> dict[str, Any]:
    listener = row["listener"]
    names = ("accept_queue_limit", "sample_max", "share_full", "share_half_full", "drops_in_window")
    return {
        "verdict": "unknown",
        "cause": "unknown",
        "severity": "warning",
        "confidence": "low",
        "summary": "%s in %s: cannot be told, %d causes could not be judged" % (listener["address"], row["namespace"]["label"], len(judged.unknown)),
        "because": UNKNOWN_BECAUSE,
        "evidence": {"listener." + name: listener[name] for name in names if name in listener},
        "sources": [],
        "log": list(row["nginx"].get("log_lines") or ())[-LOG_LINES:],
        "also": [],
        "not_seen": [{"cause": cause.id, "text": cause.not_seen} for cause in judged.quiet],
        "fixes": [{"id": "look_again", "advice": LOOK_AGAIN}],
        "size": None,
        "references": [],
    }


def _confidence(winner: Verdict, row: Row, judged: _Judged) -> str:
    """One step more where the document is surer; one less where a cause that goes first could not be judged, or the queue was read a few times only."""
    level = CONFIDENCES.index(winner.confidence)
    if winner.surer_when is not None and winner.surer_when.evaluate(row).value is True:
        level += 1
    if any(cause.rank < winner.rank for cause, _missing in judged.unknown) or (row["listener"].get("sample_reads") or 0) < ENOUGH_READS:
        level -= 1
    return CONFIDENCES[max(0, min(level, len(CONFIDENCES) - 1))]


def _sources(winner: Verdict, row: Row, evidence: Mapping[str, Any]) -> list[str]:
    """Where the evidence comes from; of a listener of nginx also the line that decides about its limit."""
    line = at(row["listener"], "source")
    names = dict.fromkeys(source for name in evidence for source in winner.sources[name])
    return [*names, *(["listen of nginx: " + line] if isinstance(line, str) else [])]


def _fixes(fixes: Iterable[Fix], row: Row, size: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    seen = {**row, "size": size or {}}
    return [_fix(fix, seen) for fix in fixes if fix.when is None or fix.when.evaluate(seen).value is True]


def _fix(fix: Fix, row: Row) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": fix.id, "advice": fix.advice(row)}
    if fix.role:
        shown["role"] = fix.role
        shown["variables"] = fill(fix.variables, row, tuple(row["thresholds"]))
    if fix.command:
        shown["command"] = fix.command(row)
    if fix.do_not_raise:
        shown["do_not_raise"] = True
    return shown
