# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each format is read back by a reader of its own: csv, an XML schema, the parser of Prometheus, JSON Schema."""

import csv
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_csv import COLUMNS, cell, csv_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_json import json_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_junit import junit_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_prometheus import LISTENERS, label, number, prometheus_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.formats import DEFAULT, FORMATS, render
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.sample_reports import (
    DOWN,
    HOSTILE,
    NOW,
    RULES,
    facts,
    full_report,
    listener,
    namespace,
    report,
)
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families

XSD = etree.XMLSchema(etree.parse(str(Path(__file__).parents[1] / "fixtures" / "junit.xsd")))
SCHEMA = json.loads((Path(__file__).parents[5] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
REPORTS = {
    "nothing": report({}),
    "everything": full_report(("plain",), diagnosed=True),
    "hostile": full_report(HOSTILE, diagnosed=True),
    "without_a_baseline": report({"web1": facts(namespace(listener(drops=1))), "web2": DOWN}),
}


def a_fleet():
    """Two hosts: one with a finding of each kind, one without an answer."""
    mine = namespace(
        listener(accept_queue_full=True, accept_queue_length=512), listener(81, drops=7), listener(82, drops=8), listener(83, drops=None), somaxconn=128
    )
    waivers = [{"rule": "drops", "listener": "*:82", "reason": "known", "expires": "2027-01-01"}]
    return report({"web.example": facts(mine), "web2": DOWN}, waivers=waivers)


# --- all of them


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize("name", [each for each in FORMATS if each != "html"])
def test_text_of_hosts_is_visible(name, made):
    (text,) = render(made, [name], dict).values()
    lines = text.replace("\r\n", "\n").split("\n") if name == "csv" else text.split("\n")
    if name != "json":
        assert [line for line in lines if not line.isprintable()] == []
    text.encode("utf-8", "strict" if name != "json" else "backslashreplace")


def test_formats_are_made_in_one_order_and_only_those_asked_for():
    asked = []
    files = render(REPORTS["nothing"], ["junit", "json"], lambda: asked.append(1) or {})
    assert (list(files), asked) == (["report.json", "report.junit.xml"], [])
    assert set(DEFAULT) <= set(FORMATS)
    assert len(set(FORMATS.values())) == len(FORMATS)


# --- JSON


def strict(schema):
    """The schema with every key that it does not name forbidden."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and isinstance(schema.get("type"), str):
        closed["unevaluatedProperties" if "allOf" in schema else "additionalProperties"] = False
    return closed


def opened(schema):
    """Findings with one more key extend the definition, which must stay open for that: closed where it is used alone."""
    closed = strict(schema)
    for name in ("finding", "old_finding"):
        closed["$defs"][name].pop("additionalProperties")
    closed["properties"]["findings"]["items"]["unevaluatedProperties"] = False
    return closed


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
def test_json_is_as_its_schema_says(made):
    text = json_report(made)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(opened(SCHEMA))
    assert [(list(each.absolute_path), each.message) for each in validator.iter_errors(json.loads(text))] == []
    assert json.loads(text) == made


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"generated_at": "yesterday"},
        {"counts": {}},
        {"findings": [{}]},
        {"hosts": {"a": {"status": "fine"}}},
        {"values": {"a": {}}},
        {"drift": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**REPORTS["everything"], **change}, SCHEMA)


def test_json_has_a_line_for_each_entry_and_no_numbers_of_its_own():
    made = {"schema": 1, "hosts": {"a": {"x": float("nan")}, "b": {}}, "findings": [{"y": [float("inf"), 1.5]}], "empty": {}, "none": []}
    assert json_report(made) == (
        '{\n"schema": 1,\n"hosts": {\n "a": {"x":null},\n "b": {}\n},\n"findings": [\n {"y":[null,1.5]}\n],\n"empty": {},\n"none": []\n}\n'
    )


# --- CSV


def rows_of(made):
    text = csv_report(made)
    assert text.count("\r\n") == len(text.splitlines()) and "\n" not in text.replace("\r\n", "")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_a_row_for_each_finding_and_for_what_was_not_judged():
    rows = rows_of(a_fleet())
    assert [(row["kind"], row["severity"], row["rule"], row["host"], row["listener"]) for row in rows] == [
        ("finding", "critical", "full", "web.example", "0.0.0.0:80"),
        ("finding", "warning", "drops", "web.example", "0.0.0.0:81"),
        ("finding", "info", "cap", "web.example", ""),
        ("waived", "warning", "drops", "web.example", "0.0.0.0:82"),
        ("unknown", "warning", "drops", "web.example", ""),
        ("host", "unreachable", "", "web2", ""),
    ]
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["summary"] == "0.0.0.0:80 is full"
    assert json.loads(rows[0]["evidence"])["listener.address"] == "0.0.0.0:80"
    assert (rows[3]["waived_until"], rows[3]["waiver_reason"]) == ("2027-01-01", "known")
    assert rows[4]["summary"] == "listener.drops not known, 1 times on 1 hosts"
    assert rows[5]["summary"] == "No route to host"


def test_csv_has_diagnoses_and_drift():
    rows = rows_of(REPORTS["everything"])
    kinds = [row["kind"] for row in rows]
    assert {kind: kinds.count(kind) for kind in ("diagnosis", "fleet", "resolved", "changed")} == {"diagnosis": 1, "fleet": 1, "resolved": 1, "changed": 6}
    assert [row["drift"] for row in rows if row["kind"] == "finding"] == ["appeared", "appeared", "appeared"]


CELLS = {
    "plain": ("nginx", "nginx"),
    "nothing": (None, ""),
    "number": (3, "3"),
    "equals": ("=1+1", "'=1+1"),
    "plus": ("+1", "'+1"),
    "minus": ("-1", "'-1"),
    "at": ("@SUM(A1)", "'@SUM(A1)"),
    "after_blanks": ("  =1", "  '=1"),
    "after_a_semicolon": ("a; =1;-2", "a; '=1;'-2"),
    "full_width": ("\uff1d1", "'\uff1d1"),
    "tab": ("\t=1", "\\x09=1"),
    "carriage_return": ("\r=1", "\\x0d=1"),
    "line_break": ("a\n=1", "a\\x0a=1"),
    "inside": ("a=b+c", "a=b+c"),
}


@pytest.mark.parametrize("value, shown", CELLS.values(), ids=CELLS)
def test_no_cell_is_a_formula(value, shown):
    assert cell(value) == shown


def test_no_cell_of_a_hostile_report_is_a_formula():
    cells = [text for row in rows_of(REPORTS["hostile"]) for text in row.values()]
    assert [text for text in cells if re.match(r"\s*[=+\-@\t\r\uff1d]", text)] == []
    assert any(text.startswith("'=cmd") for text in cells)


# --- JUnit


def parsed(made):
    document = etree.fromstring(junit_report(made).encode("utf-8"))
    assert XSD.validate(document), XSD.error_log
    return document


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
def test_junit_is_what_readers_agree_on(made):
    document = parsed(made)
    assert [suite.get("name") for suite in document] != [] or not made["hosts"]
    for suite in document:
        cases = suite.findall("testcase")
        counted = [len(cases), *(len([case for case in cases if case.find(kind) is not None]) for kind in ("failure", "error", "skipped"))]
        assert counted == [int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")]
        assert len({case.get("name") for case in cases}) == len(cases)


def test_junit_tells_every_rule_of_every_host():
    web, lost = parsed(a_fleet())
    told = {case.get("name"): [(each.tag, each.get("type"), each.get("message")) for each in case] for case in web.findall("testcase")}
    assert told == {
        "host_is_audited": [],
        "full": [("failure", "critical", "0.0.0.0:80 is full")],
        "drops": [("failure", "warning", "0.0.0.0:81 of nginx dropped")],
        "window": [("skipped", None, "no sample was taken")],
        "cap": [],
    }
    assert web.find("testcase[@name='drops']/failure").text == "0.0.0.0:81 of nginx dropped\nfix: do that"
    assert web.findtext("system-out") == "cap: host: 128"
    assert (web.get("name"), web.find("testcase").get("classname"), web.get("timestamp")) == ("web.example", "listen_queue.web_example", "2026-11-20T22:00:00")
    assert [(each.tag, each.get("message")) for each in lost.find("testcase")] == [("error", "No route to host")]


WAIVER = {"rule": "drops", "reason": "known", "expires": "2027-01-01"}
SKIPPED = {
    "unknown": ({"drops": None}, [], "unknown, so not fine: listener.drops not known, 1 times"),
    "waived": ({"drops": 3}, [WAIVER], "waived until 2027-01-01: known: 0.0.0.0:80 of nginx dropped"),
    "unknown_and_waived": ({"drops": None}, [{**WAIVER, "host": "web1"}], "waived, and not known: listener.drops"),
}


@pytest.mark.parametrize("changes, waivers, message", SKIPPED.values(), ids=SKIPPED)
def test_junit_says_why_a_rule_was_skipped(changes, waivers, message):
    (suite,) = parsed(report({"web1": facts(namespace(listener(**changes)))}, waivers=waivers))
    assert [each.get("message") for each in suite.find("testcase[@name='drops']")] == [message]


def test_junit_names_what_is_new():
    suites = parsed(REPORTS["everything"])
    failure = suites[0].find("testcase[@name='full']/failure")
    assert failure.text == "0.0.0.0:443 is full [new]\nfix: do that"
    assert suites[0].find("testcase[@name='diagnosis_burst']/failure").text == "host 0.0.0.0:80: plain"


# --- Prometheus


def samples_of(made):
    """{(metric, labels): value}; a series twice, or a line that is no sample, fails."""
    text = prometheus_report(made)
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(samples)
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) == len(set(names)) and names == re.findall(r"^# HELP (\S+)", text, re.MULTILINE)
    return samples


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
def test_prometheus_reads_it(made):
    samples = samples_of(made)
    assert {name for name, *_labels in samples} >= {"listen_queue_audit_timestamp_seconds", "listen_queue_audit_hosts"}
    assert not any(name.startswith("evil") for name, *_labels in samples)


def test_prometheus_metrics():
    samples = samples_of(a_fleet())
    place = [("listener", "0.0.0.0:81"), ("namespace", "host"), ("program", "nginx")]
    expected = {
        ("listen_queue_audit_timestamp_seconds",): 1795212000.0,
        ("listen_queue_audit_info", ("version", "0.1.0")): 1,
        ("listen_queue_audit_hosts", ("status", "audited")): 1,
        ("listen_queue_audit_hosts", ("status", "partial")): 0,
        ("listen_queue_audit_hosts", ("status", "unreachable")): 1,
        ("listen_queue_audit_findings", ("host", "web.example"), ("severity", "critical")): 1,
        ("listen_queue_audit_findings", ("host", "web.example"), ("severity", "info")): 1,
        ("listen_queue_audit_waived_findings", ("host", "web.example")): 1,
        ("listen_queue_audit_unknown_checks", ("host", "web.example")): 1,
        ("listen_queue_accept_queue_limit", ("host", "web.example"), *place): 511,
        ("listen_queue_drops_total", ("host", "web.example"), *place): 7,
        ("listen_queue_listeners_left_out", ("host", "web.example")): 0,
    }
    assert {key: samples.get(key) for key in expected} == expected
    assert not any("0.0.0.0:83" in str(key) for key in samples if key[0] == "listen_queue_drops_total"), "unknown is not 0"
    assert not any("web2" in str(key) for key in samples)


def test_prometheus_has_new_findings_and_diagnoses():
    samples = samples_of(REPORTS["everything"])
    assert samples["listen_queue_audit_new_findings", ("severity", "critical")] == 1
    assert [dict(labels)["verdict"] for name, *labels in samples if name == "listen_queue_audit_diagnosis"] == ["burst"]


def test_prometheus_is_bounded_and_keeps_the_troubled_ones():
    many = [listener(port, drops=int(port == 500)) for port in range(1, 1001)]
    samples = samples_of(report({"web1": facts(namespace(*many))}))
    shown = [labels for name, *labels in samples if name == "listen_queue_drops_total"]
    assert len(shown) == LISTENERS and any(("listener", "0.0.0.0:500") in labels for labels in shown)
    assert samples["listen_queue_listeners_left_out", ("host", "web1")] == 1000 - LISTENERS


def test_prometheus_adds_up_what_has_one_name():
    twice = namespace(listener(drops=2), names={"unit": "a.service"})
    samples = samples_of(report({"web1": facts(twice, twice)}))
    assert [value for (name, *_labels), value in samples.items() if name == "listen_queue_drops_total"] == [4]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("a", "a"), ('a"b', 'a\\"b'), ("a\\b", "a\\\\b"), ("a\nb", "a\\\\x0ab"), ("\x1b", "\\\\x1b"), (None, ""), ("\u7db2", "\u7db2")],
)
def test_labels_are_escaped(text, escaped):
    assert label(text) == escaped


@pytest.mark.parametrize("value, text", [(3, "3"), (0, "0"), (2**53 + 1, "9007199254740993"), (1.5, "1.5"), (1795212000.0, "1795212000")])
def test_numbers(value, text):
    assert number(value) == text


def test_samples_hold_every_rule_and_time():
    assert {rule["id"] for rule in RULES} == {"full", "drops", "window", "cap"} and REPORTS["everything"]["generated_at"] == NOW
