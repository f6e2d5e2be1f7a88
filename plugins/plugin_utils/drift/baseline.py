# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An earlier audit to compare with, from the bytes of its file. Pure; files.py reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..judgement.findings import SCHEMA, find_facts
from ..rules.rule import SEVERITIES
from ..saved import BUNDLE, SavedError, parse_json

AGAIN = "save a new one with backlog_audit_save_baseline"
# What a comparison reads of a report, at its top.
PARTS = (("generated_at", str), ("hosts", dict), ("values", dict), ("rules", list), ("findings", list), ("waived", list), ("not_sampled", list))
_DIAGNOSIS = ("host", "namespace", "listener", "verdict")
_DETAILS = (("evidence", dict), ("fix", dict), ("because", str), ("references", list))


class Baseline(NamedTuple):
    """Either the report of an earlier audit, or (report is None) the facts of one by host, which are to be judged by the rules of now."""

    report: dict[str, Any] | None
    facts: dict[str, Any]
    generated_at: str


def parse_baseline(content: bytes) -> Baseline:
    """A report.json, or a facts.json of a whole audit. Raises SavedError, the rest of a sentence that starts with the file's name."""
    document = parse_json(content)
    if not isinstance(document, dict) or "schema" not in document:
        raise SavedError("is neither a report.json nor the facts.json of an audit")
    if document["schema"] != SCHEMA:
        raise SavedError("has schema %s, this version compares with schema %d: %s" % (json.dumps(document["schema"])[:40], SCHEMA, AGAIN))
    if document.get("kind") == BUNDLE:
        return _of_facts(document.get("hosts"))
    fault = _fault(document)
    if fault:
        raise SavedError(fault)
    return Baseline(document, {}, document["generated_at"])


def _of_facts(hosts: Any) -> Baseline:
    if not isinstance(hosts, dict):
        raise SavedError("is a file of a whole audit without its mapping hosts")
    facts = [find_facts(result) for result in hosts.values() if isinstance(result, dict)]
    times = [each["collected_at"] for each in facts if isinstance(each, dict) and isinstance(each.get("collected_at"), str)]
    if not times:
        raise SavedError("holds facts of no host: there is nothing to compare with")
    return Baseline(None, hosts, max(times))


def without_drift(report: Mapping[str, Any]) -> dict[str, Any]:
    """What is saved as a baseline: it does not carry the comparison with the one before."""
    return {key: value for key, value in report.items() if key != "drift"}


def _fault(report: Mapping[str, Any]) -> str | None:
    if "values" not in report and "findings" in report:
        return "is a report without values, of an older version: %s" % AGAIN
    for key, kind in PARTS:
        if not isinstance(report.get(key), kind):
            return "is broken: %s must be a %s" % (key, {str: "text", dict: "mapping", list: "list"}[kind])
    for name, host in report["hosts"].items():
        if not isinstance(host, dict) or not isinstance(host.get("status"), str):
            return "is broken: hosts.%s has no status" % name[:80]
    for key in ("findings", "waived"):
        for index, finding in enumerate(report[key]):
            if not _is_finding(finding):
                return "is broken: %s[%d] is no finding" % (key, index)
    diagnoses = report.get("diagnoses", [])
    if not isinstance(diagnoses, list) or not all(_has_texts(each, _DIAGNOSIS) for each in diagnoses):
        return "is broken: each of diagnoses must have %s" % ", ".join(_DIAGNOSIS)
    for key, name in (("rules", "id"), ("not_sampled", "rule")):
        if not all(_has_texts(each, (name,)) for each in report[key]):
            return "is broken: each of %s must have %s" % (key, name)
    return next(("is broken: values.%s %s" % (name[:80], fault) for name, each in report["values"].items() if (fault := _values_fault(each))), None)


def _has_texts(entry: Any, names: Iterable[str]) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)


def _is_finding(finding: Any) -> bool:
    if not _has_texts(finding, ("rule", "severity", "host", "summary")) or finding["severity"] not in SEVERITIES:
        return False
    places = all(isinstance(finding.get(key), (str, type(None))) for key in ("namespace", "listener"))
    return places and all(isinstance(finding.get(key, kind()), kind) for key, kind in _DETAILS)


def _values_fault(values: Any) -> str | None:
    if not isinstance(values, dict) or not isinstance(values.get("namespaces"), list):
        return "has no list of namespaces"
    if not all(values.get(key) is None or isinstance(values[key], dict) for key in ("boot", "unknown")):
        return "has a boot or unknown that is no mapping"
    for each in values["namespaces"]:
        if not isinstance(each, dict) or not all(isinstance(each.get(key), str) for key in ("namespace", "kind")):
            return "has a namespace without a name"
        if not isinstance(each.get("sysctls"), (dict, type(None))) or not isinstance(each.get("listeners"), (list, type(None))):
            return "has a namespace whose sysctls or listeners are of another kind"
        if not all(isinstance(listener, dict) and isinstance(listener.get("listener"), str) for listener in each.get("listeners") or ()):
            return "has a listener without an address"
    return None
