# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnoses of a report for people: lines for a terminal, and Markdown. Pure.

Listeners with the same cause are told together. In a terminal the first few of them are told in full, the others by their summary, and
what is left out is counted.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..rules.rule import shown_text
from ..text import code, markdown, wrapped

IN_FULL = 3
SUMMARIES = 12
LOG_LINES = 5
OUTLIERS = 20
REST = "(see the report files)"
STYLES = {"critical": "critical", "warning": "warning", "info": "info", "ok": "good"}

Diagnosis = Mapping[str, Any]
Styled = tuple[str, str]


def has_diagnoses(report: Mapping[str, Any]) -> bool:
    return "diagnoses" in report


def headline(report: Mapping[str, Any]) -> str:
    """How many listeners have which verdict, the worst first."""
    found = ", ".join("%d %s" % (number, verdict) for verdict, number in report["diagnosis_counts"].items())
    return "Diagnoses: %s." % (found or "no listener")


def terminal_lines(report: Mapping[str, Any], columns: int) -> Iterator[Styled]:
    """(text, style) of at most `columns` columns; the styles are those of terminal.py."""
    yield "", ""
    yield from _wrapped(headline(report), columns, "", "  ", "head")
    for (cause, _severity), group in _by_cause(report["diagnoses"]):
        if cause.startswith("healthy"):
            yield from _healthy(cause, group, columns)
        else:
            yield "", ""
            yield from _cause(cause, group, columns)
    if report["fleet"]:
        yield "", ""
        yield "FLEET (hosts far above their peers)", "head"
        yield from (styled for each in report["fleet"][:OUTLIERS] for styled in _wrapped(each["text"], columns, "  ", "    "))
        if len(report["fleet"]) > OUTLIERS:
            yield "  ... and %d more %s" % (len(report["fleet"]) - OUTLIERS, REST), ""


def _by_cause(diagnoses: Iterable[Diagnosis]) -> list[tuple[tuple[str, str], list[Diagnosis]]]:
    """In the order of the report; each cause once."""
    groups: dict[tuple[str, str], list[Diagnosis]] = {}
    for each in diagnoses:
        cause = each["verdict"] if each["cause"] == each["verdict"] else "%s: %s" % (each["verdict"], each["cause"])
        groups.setdefault((cause, each["severity"]), []).append(each)
    return list(groups.items())


def _hosts(group: Iterable[Diagnosis]) -> int:
    return len({each["host"] for each in group})


def _title(cause: str, group: list[Diagnosis]) -> str:
    hosts = _hosts(group)
    return "%s  (%d listener%s, %d host%s)" % (cause, len(group), "s" * (len(group) != 1), hosts, "s" * (hosts != 1))


def _healthy(cause: str, group: list[Diagnosis], columns: int) -> Iterator[Styled]:
    yield "", ""
    yield from _wrapped("OK  " + _title(cause, group), columns, "", "    ", "good")
    yield from _summaries(group, columns, SUMMARIES)


def _cause(cause: str, group: list[Diagnosis], columns: int) -> Iterator[Styled]:
    yield from _wrapped("%s  %s" % (group[0]["severity"].upper(), _title(cause, group)), columns, "", "    ", STYLES[group[0]["severity"]])
    yield from _wrapped(group[0]["because"], columns, "  ", "  ")
    for each in group[:IN_FULL]:
        yield from _detailed(each, columns)
    yield from _summaries(group[IN_FULL:], columns, SUMMARIES)
    shown = None
    for each in group[:IN_FULL]:
        if [fix["id"] for fix in each["fixes"]] != shown:
            shown = [fix["id"] for fix in each["fixes"]]
            yield from _fixes(each, columns)


def _summaries(group: list[Diagnosis], columns: int, most: int) -> Iterator[Styled]:
    yield from (styled for each in group[:most] for styled in _wrapped("%s  %s" % (each["host"], each["summary"]), columns, "  ", "    "))
    if len(group) > most:
        yield "  ... and %d more %s" % (len(group) - most, REST), ""


def _detailed(each: Diagnosis, columns: int) -> Iterator[Styled]:
    yield from _wrapped("%s  %s" % (each["host"], each["summary"]), columns, "  ", "    ", STYLES[each["severity"]])
    yield from _labelled("confidence", each["confidence"], columns)
    yield from _labelled("evidence", ", ".join("%s=%s" % (_short(name), shown_text(value)) for name, value in each["evidence"].items()), columns)
    yield from _labelled("from", "; ".join(each["sources"]), columns)
    for line in each["log"][-LOG_LINES:]:
        yield from _labelled("log", line, columns)
    for other in each["also"]:
        yield from _labelled("also", "%s: %s" % (other["cause"], other["summary"]), columns)
    yield from _labelled("unseen", ", ".join(other["cause"] for other in each["not_seen"]), columns)
    yield from _labelled("unknown", "; ".join("%s (%s)" % (other["cause"], ", ".join(other["missing"])) for other in each["unknown"]), columns, "lost")
    if each["size"]:
        yield from _labelled("size", each["size"]["text"], columns)
    if "waiver" in each:
        yield from _labelled("waived", _waiver(each), columns)


def _waiver(each: Diagnosis) -> str:
    return "until %s: %s" % (each["waiver"]["expires"], each["waiver"]["reason"])


def _short(name: str) -> str:
    return name.removeprefix("listener.")


def _labelled(label: str, text: str, columns: int, style: str = "") -> Iterator[Styled]:
    if text:
        yield from _wrapped(text, columns, "    %-10s " % label, " " * 15, style)


def _fixes(each: Diagnosis, columns: int) -> Iterator[Styled]:
    yield from _wrapped("what to do on %s, %s, in this order:" % (each["host"], each["listener"]), columns, "  ", "  ", "head")
    for number, fix in enumerate(each["fixes"], 1):
        yield from _wrapped(fix["advice"], columns, "  %2d. " % number, "      ")
        if "role" in fix:
            yield from _wrapped("role %s: %s" % (fix["role"], _variables(fix)), columns, "      ", "        ")
        if "command" in fix:
            yield from _wrapped("$ %s" % fix["command"], columns, "      ", "        ")


def _variables(fix: Mapping[str, Any]) -> str:
    """As JSON, which is YAML too and can be given with -e."""
    return json.dumps(fix["variables"], ensure_ascii=False, sort_keys=True)


def _wrapped(text: str, columns: int, indent: str, hanging: str, style: str = "") -> Iterator[Styled]:
    yield from ((line, style) for line in wrapped(text, columns, indent, hanging))


# --- Markdown


def markdown_lines(report: Mapping[str, Any]) -> list[str]:
    """The section of the whole report about diagnoses. Text that came from hosts is escaped."""
    lines = ["", "## Diagnoses", "", markdown(headline(report))]
    for (cause, severity), group in _by_cause(report["diagnoses"]):
        lines += ["", "### %s (%s)" % (markdown(cause), severity), "", markdown(group[0]["because"]), ""]
        if severity == "ok":
            lines += ["- %s %s" % (code(each["host"]), markdown(each["summary"])) for each in group]
            continue
        lines += [line for each in group for line in _markdown_diagnosis(each)]
        for _ids, alike in itertools.groupby(group, lambda each: [(fix["id"], fix["advice"], fix.get("variables")) for fix in each["fixes"]]):
            lines += ["", *_markdown_fixes(list(alike))]
        lines += ["", "References: %s" % "; ".join(markdown(each) for each in group[0]["references"])] if group[0]["references"] else []
    if report["fleet"]:
        lines += ["", "## Hosts far above their peers", "", *("- " + markdown(each["text"]) for each in report["fleet"])]
    return lines


def _markdown_diagnosis(each: Diagnosis) -> Iterator[str]:
    yield "- %s %s" % (code(each["host"]), markdown(each["summary"]))
    yield "  - confidence %s; from %s" % (each["confidence"], markdown("; ".join(each["sources"]) or "what could be read"))
    yield from ("  - %s: %s" % (code(name), code(shown_text(value))) for name, value in each["evidence"].items())
    yield from ("  - log: %s" % code(line) for line in each["log"])
    yield from ("  - also %s: %s" % (code(other["cause"]), markdown(other["summary"])) for other in each["also"])
    if each["not_seen"]:
        yield "  - not seen: %s" % "; ".join(markdown(other["text"]) for other in each["not_seen"])
    yield from ("  - not known: %s, for want of %s" % (code(other["cause"]), ", ".join(map(code, other["missing"]))) for other in each["unknown"])
    if each["size"]:
        yield "  - size: %s" % markdown(each["size"]["text"])
    if "waiver" in each:
        yield "  - waived %s" % markdown(_waiver(each))


def _markdown_fixes(group: list[Diagnosis]) -> Iterator[str]:
    where = list(dict.fromkeys("%s %s" % (each["host"], each["listener"]) for each in group))
    more = " and %d more" % (len(where) - IN_FULL) if len(where) > IN_FULL else ""
    yield "What to do on %s%s, in this order:" % (", ".join(code(each) for each in where[:IN_FULL]), more)
    yield ""
    for number, fix in enumerate(group[0]["fixes"], 1):
        yield "%d. %s" % (number, markdown(fix["advice"]))
        if "role" in fix:
            yield "   - role %s: %s" % (code(fix["role"]), code(_variables(fix)))
        if "command" in fix:
            yield "   - %s" % code(fix["command"])
