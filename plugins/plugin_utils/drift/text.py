# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key `drift` of a report as sections for the terminal and for Markdown, and as the verdict of a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..rules.rule import SEVERITIES
from ..text import code, markdown, plural, visible
from .compare import LOOKED_AT, Report

LISTED = 12
WHERE = 5
REASONS = {
    "appeared": "",
    "waiver_ended": "its waiver ended",
    "more_severe": "more severe than before",
    "rule_added": "by a rule that was not used before",
    "host_added": "on a new host",
    "not_judged_before": "not judged before",
    "waived": "waived now",
    "rule_removed": "its rule is not used now",
    "not_known": "could not be judged now",
}


def drift_verdict(report: Report, fail_on: str) -> str:
    """Why an audit with `fail_on` (critical, warning or never) fails for what is new since its baseline, as one sentence; "" when it does not.

    What cannot be compared is not fine: hosts without an answer, findings of hosts that had none then, and findings that nobody could judge again.
    """
    if fail_on == "never" or "drift" not in report:
        return ""
    drift, counted = report["drift"], SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    reasons = [plural(drift["counts"]["new"][severity], "new %s finding" % severity) for severity in counted if drift["counts"]["new"][severity]]
    blind = {each["host"] for each in drift["hosts_not_compared"]}
    uncompared = sum(each["host"] in blind and each["severity"] in counted for each in report["findings"])
    lost = [name for name, host in report["hosts"].items() if host["status"] not in LOOKED_AT]
    unknown = sum(each["drift"] == "not_known" and each["severity"] in counted for each in drift["not_judged"])
    if uncompared:
        reasons.append("%s on hosts that the baseline could not audit" % plural(uncompared, "finding"))
    if lost:
        reasons.append("%s not audited (%s)" % (plural(len(lost), "host"), _few(lost)))
    if unknown:
        reasons.append("%s of the baseline without a result" % plural(unknown, "finding"))
    since = "since the baseline of %s" % visible(drift["baseline"]["generated_at"])
    return "The audit fails (backlog_audit_fail_on_drift: %s), %s: %s." % (fail_on, since, ", ".join(reasons)) if reasons else ""


def finding_marks(report: Report) -> dict[int, str]:
    """id() of a finding of `report` -> why it is new since the baseline, as in drift.new; {} without a baseline."""
    new = {_place(each): each["drift"] for each in (report.get("drift") or {}).get("new", ())}
    return {id(finding): new[_place(finding)] for finding in report["findings"] if _place(finding) in new} if new else {}


def _place(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(finding[key] for key in ("rule", "host", "namespace", "listener"))


def _few(names: Iterable[str], most: int = WHERE) -> str:
    shown = [visible(name) for name in names]
    return ", ".join(shown[:most]) + (" and %d more" % (len(shown) - most) if len(shown) > most else "")


def drift_headline(drift: Mapping[str, Any]) -> str:
    """One sentence of numbers."""
    counts = drift["counts"]
    new, resolved = (sum(counts[key].values()) for key in ("new", "resolved"))
    parts = [plural(new, "new finding"), "%d resolved" % resolved, "%s changed" % plural(counts["changed"], "value")]
    parts += ["%d not judged again" % counts["not_judged"]] if counts["not_judged"] else []
    for key, word in (("hosts_not_compared", "not compared"), ("hosts_new", "new"), ("hosts_gone", "gone")):
        parts += ["%s %s" % (plural(len(drift[key]), "host"), word)] if drift[key] else []
    return ", ".join(parts) + "."


def drift_title(drift: Mapping[str, Any]) -> str:
    return "SINCE THE BASELINE of %s (%s)" % tuple(visible(drift["baseline"][key]) for key in ("generated_at", "path"))


def drift_lines(drift: Mapping[str, Any], listed: int = LISTED) -> Iterator[tuple[str, str]]:
    """(text, style) of each line, at most `listed` of each kind; the same on many hosts is one line, and what is left out is counted."""
    yield drift_headline(drift), ""
    for key, word, style in (("new", "new", ""), ("resolved", "resolved", "good"), ("changed", "changed", "info"), ("not_judged", "unjudged", "lost")):
        alike = list((_alike_changes if key == "changed" else _alike_findings)(drift[key]).items())
        for told, hosts in alike[:listed]:
            line = _changed_line(told, hosts) if key == "changed" else _finding_line(told, hosts)
            yield "%-9s %s" % (word, line), style or told[0]
        left = sum(len(hosts) for _told, hosts in alike[listed:])
        if left:
            yield "%-9s ... and %d more (see the report files)" % (word, left), ""
    lost = drift["hosts_not_compared"]
    yield from (("host      %s: %s then, %s now, so not compared" % (each["host"], each["before"], each["after"]), "lost") for each in lost[:listed])
    if lost[listed:]:
        yield "host      ... and %d more not compared (see the report files)" % (len(lost) - listed), ""
    for key, word in (("hosts_new", "new"), ("hosts_gone", "gone")):
        if drift[key]:
            yield "host      %s: %s" % (word, _few(drift[key], LISTED)), "info"


def _alike_findings(findings: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in findings:
        key = (each["severity"], each["rule"], each["summary"], REASONS.get(each.get("drift", "appeared"), ""))
        alike.setdefault(key, []).append(each["host"])
    return alike


def _finding_line(told: tuple[str, ...], hosts: list[str]) -> str:
    severity, rule, summary, reason = told
    return "%s %s on %s: %s%s" % (severity.upper(), rule, _few(hosts), summary, " (%s)" % reason if reason else "")


def _changed_line(told: tuple[str, ...], hosts: list[str]) -> str:
    what, before, after, *places = told
    where = " ".join(each for each in places if each)
    return "%s%s: %s -> %s on %s" % (what, " of " + where if where else "", before, after, _few(hosts))


def _alike_changes(changed: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in changed:
        key = (
            each["what"],
            value_text(each["before"]),
            value_text(each["after"]),
            each["listener"] or "",
            "" if each["namespace"] == "host" else each["namespace"] or "",
        )
        alike.setdefault(key, []).append(each["host"])
    return alike


def value_text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def drift_markdown(drift: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the section: everything is listed, the same change on many hosts once."""
    yield "## Since the baseline"
    yield ""
    yield "%s, %s. %s" % (markdown(drift["baseline"]["generated_at"]), code(drift["baseline"]["path"]), markdown(drift_headline(drift)))
    for key, title in (("new", "New"), ("resolved", "Resolved"), ("not_judged", "Not judged again")):
        if drift[key]:
            yield from ("", "### %s" % title, "")
            yield from ("- %s %s: %s" % (code(each["host"]), markdown(each["rule"]), markdown(_finding_markdown(each))) for each in drift[key])
    if drift["changed"]:
        yield from ("", "### Changed", "", "| what | before | after | hosts | where |", "|---|---|---|---|---|")
        for (what, before, after, *places), hosts in _alike_changes(drift["changed"]).items():
            where = " ".join([each for each in places if each] + ["on", ", ".join(hosts)])
            yield "| %s | %s | %s | %d | %s |" % (code(what), code(before), code(after), len(hosts), code(where))
    for each in drift["hosts_not_compared"]:
        yield from ("", "Not compared: %s was %s then and is %s now." % (code(each["host"]), markdown(each["before"]), markdown(each["after"])))
    for key, word in (("hosts_new", "New"), ("hosts_gone", "Gone")):
        if drift[key]:
            yield from ("", "%s hosts: %s." % (word, ", ".join(code(host) for host in drift[key])))


def _finding_markdown(finding: Mapping[str, Any]) -> str:
    reason = REASONS.get(finding.get("drift", "appeared"), "")
    return "%s (%s%s)" % (finding["summary"], finding["severity"], "; " + reason if reason else "")
