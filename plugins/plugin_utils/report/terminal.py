# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as lines for a terminal, each with the style it is shown in. Pure.

The length grows with the number of rules that found something, not with the fleet: hosts about which a rule says the same are told
together, and what is left out is counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..drift.text import drift_lines, drift_title
from ..rules.rule import SEVERITIES
from ..text import aligned, clipped, plural, visible, width, wrapped
from .diagnosis import has_diagnoses, terminal_lines
from .model import NOT_AUDITED, Report, advice, by_rule, closing_sections, headline, queue_cells, queue_title

COLUMNS = 100
RULE_LINES = 20
FINDINGS_PER_HOST = 10
FINDINGS_IN_A_FLEET = 4
QUEUES = 20
REST = " (see the report files)"


class Line(NamedTuple):
    """`style` is head, critical, warning, info, good, lost (could not be looked at) or "" (plain text)."""

    text: str
    style: str = ""


def table(report: Report, columns: int = COLUMNS) -> list[str]:
    """Lines of at most `columns` columns, grouped by severity, rule and host."""
    return [line.text for line in styled_table(report, columns)]


def styled_table(report: Report, columns: int = COLUMNS) -> list[Line]:
    """The same with styles, for whoever can show colours."""
    return [Line(clipped(line.text, columns), line.style) for line in _lines(report, columns)]


def _lines(report: Report, columns: int) -> Iterator[Line]:
    yield Line("Listen queue audit of %s, collection %s %s" % tuple(visible(each) for each in (report["generated_at"], *report["collection"].values())), "head")
    yield from (Line(text, _worst(report)) for text in wrapped(headline(report), columns))
    if has_diagnoses(report):
        yield from (Line(*styled) for styled in terminal_lines(report, columns))
    if len(report["hosts"]) > 1 and report["findings"]:
        yield from _rules(report["findings"], columns)
    for (severity, rule), group in by_rule(report["findings"]):
        yield Line("")
        yield from _rule(severity, rule, group, columns, len(report["hosts"]) > 1)
    if report["queues"]:
        yield from _titled(
            "LISTENERS (%s)" % queue_title(report, QUEUES), zip(aligned(queue_cells(report, QUEUES), columns), _queue_styles(report), strict=False)
        )
    if report.get("drift"):
        lines = ((line, style) for text, style in drift_lines(report["drift"]) for line in wrapped(text, columns, "  ", "            "))
        yield from _titled(drift_title(report["drift"]), lines)
    for title, section in closing_sections(report):
        style = "lost" if title.startswith(("HOSTS", "UNKNOWN")) else ""
        yield from _titled(title, ((line, style) for text in section for line in wrapped(text, columns, "  ", "    ")))


def _titled(title: str, lines: Iterable[tuple[str, str]]) -> Iterator[Line]:
    yield from (Line(""), Line(title, "head"))
    yield from (Line(text, style) for text, style in lines)


def _worst(report: Report) -> str:
    """The style of the whole: that of the most severe finding, and good only when everything could be looked at."""
    found = [severity for severity in SEVERITIES if report["counts"][severity]]
    if found:
        return found[0]
    lost = report["unknown"] or any(host["status"] in NOT_AUDITED for host in report["hosts"].values())
    return "lost" if lost or not report["hosts"] else "good"


def _rules(findings: list[Mapping[str, Any]], columns: int) -> Iterator[Line]:
    """One row for each rule that found something: what to look at first in a fleet."""
    cells = [["severity", "rule", "findings", "hosts", "where"]]
    styles = ["head"]
    for (severity, rule), group in by_rule(findings):
        hosts = list(dict.fromkeys(finding["host"] for finding in group))
        cells.append([severity.upper(), visible(rule), str(len(group)), str(len(hosts)), names(hosts, columns // 3)])
        styles.append(severity)
    yield Line("")
    yield from (Line(text, style) for text, style in zip(aligned(cells, columns), styles, strict=True))


def names(hosts: Iterable[str], columns: int) -> str:
    """As many host names as fit in about `columns` columns, at least one, and how many more there are."""
    shown: list[str] = []
    left = 0
    for name in hosts:
        text = visible(name)
        if left or (shown and width(", ".join([*shown, text])) > columns):
            left += 1
        else:
            shown.append(text)
    return ", ".join(shown) + (" and %d more" % left if left else "")


def _rule(severity: str, rule: str, group: list[Mapping[str, Any]], columns: int, short: bool) -> Iterator[Line]:
    """Heading, findings and fix. `short` tells hosts with one finding in one line."""
    by_host = {host: list(findings) for host, findings in itertools.groupby(group, lambda finding: finding["host"])}
    yield Line("%s  %s: %s on %s" % (severity.upper(), visible(rule), plural(len(group), "finding"), plural(len(by_host), "host")), severity)
    room, hosts_left, most = RULE_LINES, len(by_host), FINDINGS_IN_A_FLEET if short else FINDINGS_PER_HOST
    for hosts, summaries in _alike(by_host):
        if room <= 0:
            break
        shown = names(hosts, columns - 16)
        if short and len(summaries) == 1:
            yield from (Line(line) for line in wrapped("%s: %s" % (shown, summaries[0]), columns, "  ", "    "))
        else:
            yield Line("  " + shown)
            yield from (Line(line) for text in summaries[:most] for line in wrapped(text, columns, "    - ", "      "))
        if len(summaries) > most:
            where = "on this host" if len(hosts) == 1 else "on each of these hosts"
            yield Line("    ... and %d more of this rule %s%s" % (len(summaries) - most, where, REST))
        room -= min(len(summaries), most) + (not short or len(summaries) > 1)
        hosts_left -= len(hosts)
    if hosts_left:
        yield Line("  ... and %s more%s" % (plural(hosts_left, "host"), REST))
    yield from (Line(line) for line in wrapped(advice(group[0]["fix"]), columns, "  fix: ", "       "))


def _alike(by_host: Mapping[str, list[Mapping[str, Any]]]) -> list[tuple[list[str], tuple[str, ...]]]:
    """(hosts, summaries): hosts about which the rule says the same belong together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for host, findings in by_host.items():
        alike.setdefault(tuple(finding["summary"] for finding in findings), []).append(host)
    return [(hosts, summaries) for summaries, hosts in alike.items()]


def _queue_styles(report: Report) -> Iterator[str]:
    """Header, then one style per listener: a queue that is full or drops now stands out."""
    yield "head"
    for queue in report["queues"]:
        length, limit = queue.get("accept_queue_length"), queue.get("accept_queue_limit")
        full = length is not None and limit is not None and length > limit
        yield "critical" if full else "warning" if queue.get("drops_in_window") else ""
