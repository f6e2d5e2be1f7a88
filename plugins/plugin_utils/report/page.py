# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as one HTML page that needs nothing else: no network, no second file. Pure.

What hosts, inventories and waivers say is hostile. It reaches the page in two ways: as JSON in a script element of a type that no
browser runs, in which no character can end that element, and escaped in the summary for browsers without JavaScript. The page's own
script makes elements and text of the JSON, never HTML (roles/backlog_audit/files/page), and the page's policy lets no other script,
style or request be.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..rules.rule import SEVERITIES
from ..text import visible
from .model import headline

TEMPLATE, STYLE, SCRIPTS = "page.html", "page.css", ("model.js", "parts.js", "table.js", "findings.js", "sections.js", "page.js")
SHARED = ("because", "fix", "references")  # the same in every finding of a rule
PLACE = ("rule", "severity", "host", "namespace", "listener", "summary", "drift")
SHOWN = (
    *("generated_at", "collection", "thresholds", "rules", "hosts", "unknown", "queues", "not_sampled"),
    *("expired_waivers", "unused_waivers", "counts", "diagnosis_counts", "fleet"),
)
HEALTHY = ("host", "namespace", "listener", "program", "verdict", "cause", "severity", "confidence", "summary")
REPEATED = ("fixes", "not_seen")  # of diagnoses: the same few documents over and over
COMPARED = ("new", "resolved", "not_judged")
HOSTS_IN_SUMMARY = 50

_MARK = re.compile(r"@@([a-z]+)@@")

Report = Mapping[str, Any]


def html_page(report: Report, assets: Mapping[str, str]) -> str:
    """The page. `assets` are the files of roles/backlog_audit/files/page by name. Linear in the number of hosts and findings."""
    style, script = assets[STYLE], "".join(assets[name] for name in SCRIPTS)
    texts = {
        "policy": html.escape(policy(style, script)),
        "title": html.escape("Listen queue audit, %s" % visible(report["generated_at"])),
        "style": style,
        "plain": "\n".join(_plain(report)),
        "model": json_for_script(page_model(report)),
        "script": script,
    }
    # What is put in is never looked at again: the marks are those of the template alone.
    return "".join(texts[piece] if index % 2 else piece for index, piece in enumerate(_MARK.split(assets[TEMPLATE])))


def policy(style: str, script: str) -> str:
    """A content security policy that allows this style and this script, and nothing else; not even HTML made from text."""
    sources = "default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'; trusted-types 'none'; require-trusted-types-for 'script'"
    return sources % (_digest(style), _digest(script))


def _digest(text: str) -> str:
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def json_for_script(value: Any) -> str:
    """JSON in ASCII, without the characters that mean something in HTML: it cannot end the element it stands in.

    A number that JSON does not have (NaN, infinity) is unknown: null.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- the model, with what repeats said once


def page_model(report: Report) -> dict[str, Any]:
    """The report with what its findings and diagnoses share moved to `texts` (by rule), and lists of documents to indexes in `shared`."""
    texts: dict[str, Any] = {}
    model = {key: report[key] for key in SHOWN if key in report}
    model.update(findings=_lean(report["findings"], texts), waived=_lean(report["waived"], texts), texts=texts)
    if report.get("drift"):
        drift = report["drift"]
        lists = {key: [{name: each[name] for name in PLACE if name in each} for each in drift.get(key) or ()] for key in COMPARED}
        model["drift"] = {**drift, **lists}
    if report.get("diagnoses"):
        shared: list[Any] = []
        model["diagnoses"] = list(_lean_diagnoses(report["diagnoses"], shared))
        model["shared"] = shared
    return model


def _lean(findings: Iterable[Mapping[str, Any]], texts: dict[str, Any]) -> list[dict[str, Any]]:
    lean = []
    for finding in findings:
        if finding["rule"] not in texts:
            texts[finding["rule"]] = {key: finding[key] for key in SHARED if key in finding}
        lean.append({key: value for key, value in finding.items() if key not in SHARED})
    return lean


def _lean_diagnoses(diagnoses: Iterable[Mapping[str, Any]], shared: list[Any]) -> Iterator[dict[str, Any]]:
    """A healthy listener is told in one line; of the others, each document that repeats is told once."""
    places: dict[str, int] = {}
    for diagnosis in diagnoses:
        if diagnosis["verdict"] == "healthy":
            yield {key: diagnosis[key] for key in HEALTHY if key in diagnosis}
            continue
        lean = dict(diagnosis)
        for name in REPEATED:
            lean[name] = [_place(each, places, shared) for each in diagnosis.get(name) or ()]
        if "because" in lean:
            lean["because"] = _place(lean["because"], places, shared)
        yield lean


def _place(document: Any, places: dict[str, int], shared: list[Any]) -> int:
    key = json.dumps(document, sort_keys=True)
    if key not in places:
        places[key] = len(shared)
        shared.append(document)
    return places[key]


# --- without JavaScript


def _plain(report: Report) -> Iterator[str]:
    """A summary of a size that does not grow with the fleet; what it leaves out it counts."""
    yield "<h2>Summary</h2>"
    yield "<p>%s</p>" % _text(headline(report))
    yield "<p>The tables, bars and evidence of this page need JavaScript. Without it, see the other files of the report.</p>"
    rules = _rules(report["findings"])
    if rules:
        yield '<table><caption>Findings by rule</caption><thead><tr><th scope="col">severity</th><th scope="col">rule</th>'
        yield '<th scope="col">findings</th><th scope="col">hosts</th></tr></thead><tbody>'
        yield from ("<tr><td>%s</td><td>%s</td><td>%d</td><td>%d</td></tr>" % (severity, _text(rule), *numbers) for (severity, rule), numbers in rules)
        yield "</tbody></table>"
    hosts = ["%s (%s): %s" % (name, host["status"], host.get("reason", "")) for name, host in report["hosts"].items() if host["status"] != "audited"]
    yield from _list("Hosts not or not fully audited", hosts)
    yield from _list("Not judged, so not fine", ["%s (%s): %s, on %s" % _unknown(each) for each in report["unknown"]])
    yield from _list("Expired waivers", ["%s: %s (until %s)" % tuple(each[key] for key in ("rule", "reason", "expires")) for each in report["expired_waivers"]])


def _rules(findings: Iterable[Mapping[str, Any]]) -> list[tuple[tuple[str, str], tuple[int, int]]]:
    """((severity, rule), (findings, hosts)), most severe first."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        hosts.setdefault((finding["severity"], finding["rule"]), []).append(finding["host"])
    return [(key, (len(hosts[key]), len(set(hosts[key])))) for key in sorted(hosts, key=lambda key: (SEVERITIES.index(key[0]), key[1]))]


def _unknown(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return entry["rule"], entry["severity"], ", ".join(entry["missing"]), "%d host%s" % (entry["host_count"], "" if entry["host_count"] == 1 else "s")


def _list(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        more = len(lines) - HOSTS_IN_SUMMARY
        items = [_text(each) for each in lines[:HOSTS_IN_SUMMARY]] + (["and %d more, see the other files of the report" % more] if more > 0 else [])
        yield "<h2>%s</h2>" % title
        yield "<ul>%s</ul>" % "".join("<li>%s</li>" % each for each in items)


def _text(value: Any) -> str:
    return html.escape(visible(value))
