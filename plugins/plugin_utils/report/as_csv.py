# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as CSV (RFC 4180): one row for each finding, and for each thing that could not be judged. Pure.

A spreadsheet runs a cell that starts with = + - or @ as a formula, and text of hosts may be hostile. Such a cell gets an apostrophe in
front, which spreadsheets show as text. Line breaks and control characters are written as escapes, so that a row is one line.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..drift.text import finding_marks
from ..text import visible
from .model import advice

COLUMNS = (
    *("kind", "severity", "rule", "host", "namespace", "listener", "summary", "advice", "role", "evidence"),
    *("drift", "waived_until", "waiver_reason"),
)
# Also after a semicolon: where that is the separator of lists, spreadsheets split there. The last four are = + - @ in full width.
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")

Report = Mapping[str, Any]


def csv_report(report: Report) -> str:
    """Header and rows, separated by CRLF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([cell(row.get(name)) for name in COLUMNS])
    return text.getvalue()


def cell(value: Any) -> str:
    """Visible text on one line that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1\2'", visible(value))


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    marks = finding_marks(report)
    for finding in report["findings"]:
        yield {**_finding("finding", finding), "drift": marks.get(id(finding), "")}
    yield from (_finding("waived", finding) for finding in report["waived"])
    yield from (_unknown(entry) for entry in report["unknown"])
    for name, host in report["hosts"].items():
        if host["status"] != "audited":
            yield {"kind": "host", "severity": host["status"], "host": name, "summary": host["reason"]}
    yield from (_diagnosis(each) for each in report.get("diagnoses") or () if each["verdict"] != "healthy")
    for each in report.get("fleet") or ():
        yield {"kind": "fleet", "rule": each["metric"], "host": each["host"], "summary": each["text"]}
    drift = report.get("drift") or {}
    yield from (_finding("resolved", finding) for finding in drift.get("resolved", ()))
    yield from (_finding("not_judged", finding) for finding in drift.get("not_judged", ()))
    yield from (_changed(each) for each in drift.get("changed", ()))


def _finding(kind: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    fix, waiver = finding.get("fix") or {}, finding.get("waiver") or {}
    return {
        **{name: finding.get(name) for name in ("severity", "rule", "host", "namespace", "listener", "summary", "drift")},
        "kind": kind,
        "advice": advice(fix) if fix.get("advice") else "",
        "role": fix.get("role"),
        "evidence": _json(finding.get("evidence") or {}),
        "waived_until": waiver.get("expires"),
        "waiver_reason": waiver.get("reason"),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _unknown(entry: Mapping[str, Any]) -> dict[str, Any]:
    hosts = [*entry["hosts"], *["..."] * (entry["host_count"] > len(entry["hosts"]))]
    summary = "%s not known, %d times on %d hosts" % (", ".join(entry["missing"]), entry["count"], entry["host_count"])
    return {"kind": "unknown", "severity": entry["severity"], "rule": entry["rule"], "host": _joined(hosts), "summary": summary}


def _joined(names: Iterable[str]) -> str:
    return " ".join(visible(name) for name in names)


def _diagnosis(diagnosis: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: diagnosis.get(name) for name in ("severity", "host", "namespace", "listener", "summary")},
        "kind": "diagnosis",
        "rule": diagnosis.get("cause") or diagnosis["verdict"],
        "advice": "".join(advice(each) for each in (diagnosis.get("fixes") or ())[:1]),
        "role": next((each["role"] for each in diagnosis.get("fixes") or () if each.get("role")), None),
        "evidence": _json(diagnosis.get("evidence") or {}),
    }


def _changed(entry: Mapping[str, Any]) -> dict[str, Any]:
    places = {name: entry.get(name) for name in ("host", "namespace", "listener")}
    return {**places, "kind": "changed", "rule": entry["what"], "summary": "%s -> %s" % tuple(map(_json, (entry["before"], entry["after"])))}
