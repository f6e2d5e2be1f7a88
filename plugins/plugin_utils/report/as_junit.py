# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as JUnit XML, for the test view of a CI server: a suite for each host, a case for each rule. Pure.

There is no one standard. This is what the schemas of Ant (and so of GitLab and most readers) and of Jenkins' xUnit plugin have in common:
each suite has properties, cases and the two outputs in this order, and a case has at most one of error, failure and skipped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..drift.text import finding_marks
from ..text import visible
from .model import NOT_AUDITED, advice

FAILING = ("critical", "warning")  # info is told in the suite's output and fails nothing

Report = Mapping[str, Any]


class _Case(NamedTuple):
    """`outcome` is failure, error, skipped or "" (passed); `message` one line, `lines` the text below it."""

    name: str
    outcome: str = ""
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def junit_report(report: Report) -> str:
    """The document. Findings fail, what is unknown or waived is skipped with its reason, a host without an answer is an error."""
    places = _Places(report)
    suites = [_suite(index, name, host, report, places) for index, (name, host) in enumerate(report["hosts"].items())]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>"]) + "\n"


class _Places:
    """What a suite needs, by host, so that the whole is one pass."""

    def __init__(self, report: Report) -> None:
        self.findings = _by_host_and_rule(report["findings"])
        self.waived = _by_host_and_rule(report["waived"])
        self.diagnoses = _by_host_and_rule(report.get("diagnoses") or (), "verdict")
        self.not_sampled = {each["rule"] for each in report["not_sampled"]}
        self.marks = finding_marks(report)


def _by_host_and_rule(entries: Iterable[Mapping[str, Any]], key: str = "rule") -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    places: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for entry in entries:
        places.setdefault(entry["host"], {}).setdefault(entry[key], []).append(entry)
    return places


def _suite(index: int, name: str, host: Mapping[str, Any], report: Report, places: _Places) -> str:
    """The XML of one host. The attribute timestamp knows no time zone: it is UTC."""
    cases = list(_cases(name, host, report, places))
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("failure", "error", "skipped")}
    counts["tests"] = len(cases)
    shown = attribute(name) or "unnamed"
    head = '<testsuite id="%d" package="listen_queue" name="%s" hostname="%s" timestamp="%s" time="0"' % (
        *(index, shown, shown, attribute(str(report["generated_at"]).removesuffix("Z"))),
    )
    numbers = ' tests="%d" failures="%d" errors="%d" skipped="%d">' % tuple(counts[key] for key in ("tests", "failure", "error", "skipped"))
    body = [_case(name, case) for case in cases]
    notes = [line for findings in places.findings.get(name, {}).values() for line in _info(findings)]
    output = "<system-out>%s</system-out>" % "\n".join(map(text, notes))
    return "\n".join([head + numbers, "<properties/>", *body, output, "<system-err/>", "</testsuite>"])


def _cases(name: str, host: Mapping[str, Any], report: Report, places: _Places) -> Iterator[_Case]:
    if host["status"] in NOT_AUDITED:
        yield _Case("host_is_audited", "error", host["status"], str(host["reason"]))
        return
    yield _Case("host_is_audited")
    unknown = report["values"].get(name, {}).get("unknown") or {}
    for rule in report["rules"]:
        findings = [each for each in places.findings.get(name, {}).get(rule["id"], ()) if each["severity"] in FAILING]
        if findings:
            yield _failure(rule["id"], findings, places.marks)
        else:
            reason = _why_skipped(rule["id"], name, host, unknown, places)
            yield _Case(rule["id"], "skipped" if reason else "", message=reason)
    for verdict, diagnoses in places.diagnoses.get(name, {}).items():
        if verdict != "healthy":
            severity = diagnoses[0].get("severity") or "info"
            lines = tuple("%s %s: %s" % tuple(visible(each.get(key)) for key in ("namespace", "listener", "summary")) for each in diagnoses)
            yield _Case("diagnosis_" + verdict, "failure" if severity in FAILING else "skipped", severity, lines[0], lines)


def _failure(rule: str, findings: list[Mapping[str, Any]], marks: Mapping[int, str]) -> _Case:
    lines = [visible(each["summary"]) + (" [new]" if id(each) in marks else "") for each in findings]
    message = lines[0] + (" (and %d more)" % (len(lines) - 1) if len(lines) > 1 else "")
    return _Case(rule, "failure", findings[0]["severity"], message, (*lines, "fix: " + advice(findings[0]["fix"])))


def _why_skipped(rule: str, name: str, host: Mapping[str, Any], unknown: Mapping[str, Any], places: _Places) -> str:
    """Why a rule without a finding has no result on this host; "" when it was quiet."""
    if rule in unknown and not unknown[rule]["waived"]:
        return "unknown, so not fine: %s not known, %d times" % (", ".join(unknown[rule]["missing"]), unknown[rule]["count"])
    waived = places.waived.get(name, {}).get(rule, ())
    if waived:
        waiver = waived[0]["waiver"]
        more = " (and %d more)" % (len(waived) - 1) if len(waived) > 1 else ""
        return "waived until %s: %s: %s%s" % (waiver["expires"], waiver["reason"], waived[0]["summary"], more)
    if rule in unknown:
        return "waived, and not known: %s" % ", ".join(unknown[rule]["missing"])
    return "no sample was taken" if rule in places.not_sampled and "sample_seconds" not in host else ""


def _info(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    return ["%s: %s" % (each["rule"], visible(each["summary"])) for each in findings if each["severity"] not in FAILING]


def _case(host: str, case: _Case) -> str:
    """Jenkins takes what is before the last dot of classname for a package, so the host's name has none there."""
    head = '<testcase classname="listen_queue.%s" name="%s" time="0"' % (attribute(host.replace(".", "_")), attribute(case.name))
    if not case.outcome:
        return head + "/>"
    kind = ' type="%s"' % attribute(case.kind) if case.outcome != "skipped" else ""
    body = "\n".join(map(text, case.lines)) if case.outcome != "skipped" else ""
    return '%s><%s%s message="%s">%s</%s></testcase>' % (head, case.outcome, kind, attribute(case.message), body, case.outcome)


def text(value: Any) -> str:
    """Escaped text. What XML 1.0 cannot hold, such as most control characters, is written as \\x1b."""
    return html.escape(visible(value), quote=False)


def attribute(value: Any) -> str:
    return html.escape(visible(value))
