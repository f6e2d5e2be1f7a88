# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as Markdown, its verdict, and what is shown in a terminal too (terminal.py). Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..drift.text import drift_markdown
from ..rules.rule import SEVERITIES
from ..text import code, markdown, plural, visible
from .diagnosis import has_diagnoses, markdown_lines

HOSTS_LISTED = 20
NOT_AUDITED = ("unreachable", "failed")

Report = Mapping[str, Any]


class ReportError(ValueError):
    """Not a report model of this version."""


def check_report(report: Any) -> None:
    """Raises ReportError unless `report` is what the filter findings returns."""
    if not isinstance(report, Mapping) or report.get("schema") != 1 or not isinstance(report.get("counts"), Mapping):
        raise ReportError("this is not a report of schema 1: give it what the filter findings returned, or a report.json")


def headline(report: Report) -> str:
    """One sentence: how many hosts, how many findings."""
    counts = report["counts"]
    hosts = ", ".join("%d %s" % (number, status) for status, number in counts["hosts"].items() if number) or "none"
    findings = ", ".join("%d %s" % (counts[severity], severity) for severity in SEVERITIES)
    return "%s: %s. Findings: %s, %d waived." % (plural(len(report["hosts"]), "host"), hosts, findings, counts["waived"])


def verdict(report: Report, fail_on: str) -> str:
    """Why an audit with `fail_on` (critical, warning or never) fails, as one sentence; "" when it does not.

    What could not be looked at is not fine: hosts without an answer and checks without a result count like findings.
    """
    if fail_on == "never":
        return ""
    counted = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    counts = report["counts"]
    reasons = ["%s" % plural(counts[severity], "%s finding" % severity) for severity in counted if counts[severity]]
    diagnosed = [each["severity"] for each in report.get("diagnoses", ()) if "waiver" not in each]
    reasons += ["%s with a %s diagnosis" % (plural(diagnosed.count(severity), "listener"), severity) for severity in counted if severity in diagnosed]
    lost = [name for name, host in report["hosts"].items() if host["status"] in NOT_AUDITED]
    if lost:
        shown = ", ".join(visible(name) for name in lost[:5]) + (" and %d more" % (len(lost) - 5) if len(lost) > 5 else "")
        reasons.append("%s not audited (%s)" % (plural(len(lost), "host"), shown))
    unknown = sum(counts["unknown"][severity] for severity in counted)
    if unknown:
        reasons.append("%s without a result" % plural(unknown, "check"))
    return "The audit fails (backlog_audit_fail_on: %s): %s." % (fail_on, ", ".join(reasons)) if reasons else ""


# --- what the terminal and Markdown share


def by_rule(findings: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], list[Mapping[str, Any]]]]:
    for key, group in itertools.groupby(findings, lambda each: (each["severity"], each["rule"])):
        yield key, list(group)


def advice(fix: Mapping[str, Any]) -> str:
    return ("Do not raise the limit. " if fix.get("do_not_raise") else "") + " ".join(fix["advice"].split())


def queue_title(report: Report, most: int) -> str:
    total = sum(host.get("listeners", 0) for host in report["hosts"].values())
    shown = min(len(report["queues"]), most)
    return "all %d" % total if shown == total else "the %d of %d with the most drops or the fullest queues" % (shown, total)


def queue_cells(report: Report, most: int) -> list[list[str]]:
    """Header and one row per listener; the host's name only where there are several hosts."""
    cells = [["host", "namespace", "listener", "waiting/limit", "drops", "limit", "program"]]
    for queue in report["queues"][:most]:
        waiting = "%s/%s" % tuple(_number(queue.get(name)) for name in ("accept_queue_length", "accept_queue_limit"))
        drops = _number(queue["drops"]) if "drops" in queue else "-"
        if queue.get("drops_in_window"):
            drops += " (+%d)" % queue["drops_in_window"]
        names = [visible(queue[name]) for name in ("host", "namespace", "listener")]
        cells.append([*names, waiting, drops, _limit(queue), visible(queue["program"]) or "?"])
    return cells if len(report["hosts"]) > 1 else [row[1:] for row in cells]


def _number(value: Any) -> str:
    return "?" if value is None else str(value)


def _limit(queue: Mapping[str, Any]) -> str:
    """What the limit comes from, as far as the kernel tells: it keeps the limit, not what was asked for."""
    if queue.get("stale_limit"):
        return "stale"
    if queue.get("limited_by") in ("somaxconn", "backlog"):
        return str(queue["limited_by"])
    return "at the cap" if queue.get("at_cap") else "below cap" if queue.get("at_cap") is False else "?"


def closing_sections(report: Report) -> Iterator[tuple[str, list[str]]]:
    """(title, lines) of what could not be judged and of the waivers; only sections that have something to say."""
    hosts = [(name, host) for name, host in report["hosts"].items() if host["status"] != "audited"]
    lost = ["%s  %s: %s" % (name, host["status"], host["reason"]) for name, host in hosts]
    sections = (
        ("HOSTS NOT (FULLY) AUDITED", [*lost[:HOSTS_LISTED], *_more(lost, "host")]),
        ("UNKNOWN (not judged, so not fine)", [_unknown_line(each) for each in report["unknown"]]),
        ("NOT SAMPLED", _sample_hint(report)),
        ("EXPIRED WAIVERS (they do not apply)", [_waiver_line(each) + ", would cover %d" % each["covers"] for each in report["expired_waivers"]]),
        ("UNUSED WAIVERS", [_waiver_line(each) for each in report["unused_waivers"]]),
    )
    yield from ((title, section) for title, section in sections if section)


def _more(lines: list[str], what: str) -> list[str]:
    return ["... and %s more (see the report files)" % plural(len(lines) - HOSTS_LISTED, what)] if len(lines) > HOSTS_LISTED else []


def _unknown_line(entry: Mapping[str, Any]) -> str:
    hosts = ", ".join(visible(name) for name in entry["hosts"]) + (", ..." if entry["host_count"] > len(entry["hosts"]) else "")
    where = "%s on %s" % (plural(entry["count"], "time"), plural(entry["host_count"], "host"))
    return "%s (%s): %s not known, %s: %s" % (entry["rule"], entry["severity"], ", ".join(entry["missing"]), where, hosts)


def _sample_hint(report: Report) -> list[str]:
    rules = [each["rule"] for each in report["not_sampled"]]
    return ["%s looked at nothing, because no sample was taken: set backlog_audit_sample to some seconds" % ", ".join(rules)] if rules else []


def _waiver_line(waiver: Mapping[str, Any]) -> str:
    places = ["%s %s" % (key, waiver[key]) for key in ("host", "namespace", "listener") if key in waiver]
    return "%s: %s (until %s)" % (" on ".join([waiver["rule"], *(", ".join(places),) * bool(places)]), waiver["reason"], waiver["expires"])


# --- Markdown


def markdown_report(report: Report) -> str:
    """The whole report. Text that came from hosts, inventories and waivers is escaped."""
    lines = ["# Listen queue audit", "", "%s, collection %s %s." % (report["generated_at"], *report["collection"].values()), "", markdown(headline(report))]
    lines += ["", "## Hosts", "", "| host | status | listeners | reason |", "|---|---|---|---|"]
    lines += ["| %s | %s | %s | %s |" % _host_cells(name, host) for name, host in report["hosts"].items()]
    if has_diagnoses(report):
        lines += markdown_lines(report)
    if report.get("drift"):
        lines += ["", *drift_markdown(report["drift"])]
    for severity, rules in itertools.groupby(by_rule(report["findings"]), lambda each: each[0][0]):
        lines += ["", "## %s" % severity.capitalize()]
        for (_severity, rule), group in rules:
            lines += ["", *_markdown_rule(rule, group)]
    if report["queues"]:
        lines += ["", "## Listeners", "", "%s." % queue_title(report, len(report["queues"])).capitalize(), ""]
        header, *rows = queue_cells(report, len(report["queues"]))
        lines += ["| %s |" % " | ".join(header), "|---" * len(header) + "|", *("| %s |" % " | ".join(code(cell) for cell in row) for row in rows)]
    for title, section in closing_sections(report):
        if not title.startswith("HOSTS"):
            lines += ["", "## %s" % title.capitalize(), "", *("- " + markdown(text) for text in section)]
    if report["waived"]:
        lines += ["", "## Waived", "", *(_waived_line(each) for each in report["waived"])]
    return "\n".join(lines) + "\n"


def _host_cells(name: str, host: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return code(name), host["status"], str(host.get("listeners", "-")), markdown(host.get("reason", ""))


def _markdown_rule(rule: str, group: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "### %s" % markdown(rule)
    yield ""
    yield markdown(" ".join(group[0]["because"].split()))
    yield ""
    for host, findings in itertools.groupby(group, lambda finding: finding["host"]):
        yield "- %s" % code(host)
        for finding in findings:
            yield "  - %s" % markdown(finding["summary"])
            yield from ("    - %s: %s" % (code(name), code(_evidence_text(value))) for name, value in finding["evidence"].items())
    fix = group[0]["fix"]
    yield ""
    yield "Fix: %s" % markdown(advice(fix))
    if "role" in fix:
        yield ""
        yield "Role: %s" % code(fix["role"])
        yield from ("- %s: %s" % (code(name), code(_evidence_text(value))) for name, value in fix.get("variables", {}).items())
    yield ""
    yield "References: %s" % "; ".join(markdown(each) for each in group[0]["references"])


def _evidence_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_evidence_text(each) for each in value)
    if isinstance(value, Mapping):
        return " ".join("%s=%s" % (key, _evidence_text(each)) for key, each in value.items())
    return "unknown" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _waived_line(finding: Mapping[str, Any]) -> str:
    waiver = finding["waiver"]
    return "- %s %s: %s Waived until %s: %s" % (
        markdown(finding["rule"]),
        code(finding["host"]),
        markdown(finding["summary"]),
        markdown(waiver["expires"]),
        markdown(waiver["reason"]),
    )
