# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.drift.baseline import parse_baseline, without_drift
from ansible_collections.netops.listen_queue.plugins.plugin_utils.drift.compare import build_drift
from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import read_baseline
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_csv import csv_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.as_json import json_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.saved import SavedError, bundle
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.sample_reports import (
    DOWN,
    HOSTILE,
    THEN,
    facts,
    full_report,
    listener,
    namespace,
    report,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MADE = full_report(("plain",), diagnosed=True)
AGAIN = "save a new one with backlog_audit_save_baseline"


def test_a_report_is_read_back_as_it_was_written():
    for texts in (("plain",), HOSTILE[:9]):
        made = full_report(texts, diagnosed=True)
        found = parse_baseline(json_report(without_drift(made)).encode("utf-8"))
        assert found.report == {key: value for key, value in made.items() if key != "drift"}
        assert found.generated_at == made["generated_at"]


def test_facts_of_an_audit():
    results = {"a": {"ansible_facts": {"listen_queue": facts()}}, "b": facts(collected_at="2026-11-02T00:00:00Z"), "c": DOWN}
    found = parse_baseline(json.dumps(bundle(results)).encode())
    assert (found.report, found.facts, found.generated_at) == (None, results, "2026-11-02T00:00:00Z")


def broken(**changes):
    return {**{key: copy.deepcopy(MADE[key]) for key in MADE}, **changes}


def with_values(**changes):
    return broken(values={"a": {"namespaces": [], **changes}})


FAULTS = {
    "not_utf8": (b"\xff{}", "is not UTF-8 text (byte 0)"),
    "not_json": (b'{"schema": 1,', "is not JSON: Expecting property name enclosed in double quotes: line 1 column 14 (char 13)"),
    "too_deep": (b"[" * 100000, "is not JSON: "),
    "a_list": ([], "is neither a report.json nor the facts.json of an audit"),
    "something_else": ({"a": 1}, "is neither a report.json nor the facts.json of an audit"),
    "another_schema": ({**MADE, "schema": 2}, "has schema 2, this version compares with schema 1: " + AGAIN),
    "a_schema_of_no_kind": ({**MADE, "schema": {"a": 1}}, 'has schema {"a": 1}, this version compares with schema 1: ' + AGAIN),
    "facts_of_another_schema": ({**bundle({}), "schema": 2}, "has schema 2, this version compares with schema 1: " + AGAIN),
    "facts_without_hosts": ({**bundle({}), "hosts": []}, "is a file of a whole audit without its mapping hosts"),
    "facts_of_no_host": (bundle({"a": DOWN}), "holds facts of no host: there is nothing to compare with"),
    "an_old_report": ({key: value for key, value in MADE.items() if key != "values"}, "is a report without values, of an older version: " + AGAIN),
    "facts_of_one_host": (facts(), "is broken: generated_at must be a text"),
    "hosts": (broken(hosts=[]), "is broken: hosts must be a mapping"),
    "a_host": (broken(hosts={"a": {}}), "is broken: hosts.a has no status"),
    "a_finding": (broken(findings=[{"rule": "x"}]), "is broken: findings[0] is no finding"),
    "a_finding_with_a_strange_place": (broken(findings=[{**MADE["findings"][0], "listener": []}]), "is broken: findings[0] is no finding"),
    "a_finding_with_a_strange_fix": (broken(findings=[{**MADE["findings"][0], "fix": []}]), "is broken: findings[0] is no finding"),
    "a_severity": (broken(waived=[{**MADE["findings"][0], "severity": "bad"}]), "is broken: waived[0] is no finding"),
    "a_rule": (broken(rules=[{"id": 1}]), "is broken: each of rules must have id"),
    "not_sampled": (broken(not_sampled=[1]), "is broken: each of not_sampled must have rule"),
    "diagnoses": (broken(diagnoses=[{"host": "a"}]), "is broken: each of diagnoses must have host, namespace, listener, verdict"),
    "values": (broken(values={"a": []}), "is broken: values.a has no list of namespaces"),
    "boot": (with_values(boot=[]), "is broken: values.a has a boot or unknown that is no mapping"),
    "a_namespace": (with_values(namespaces=[{"namespace": "x"}]), "is broken: values.a has a namespace without a name"),
    "sysctls": (
        with_values(namespaces=[{"namespace": "x", "kind": "host", "sysctls": [1]}]),
        "is broken: values.a has a namespace whose sysctls or listeners are of another kind",
    ),
    "listeners_that_are_false": (
        with_values(namespaces=[{"namespace": "x", "kind": "host", "listeners": False}]),
        "is broken: values.a has a namespace whose sysctls or listeners are of another kind",
    ),
    "a_listener": (with_values(namespaces=[{"namespace": "x", "kind": "host", "listeners": [{}]}]), "is broken: values.a has a listener without an address"),
}


@pytest.mark.parametrize("document, message", FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path, document, message):
    path = tmp_path / "base.json"
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    with pytest.raises(SavedError) as caught:
        read_baseline(path)
    assert str(caught.value).startswith("the baseline %s %s" % (path, message))
    assert message == "is not JSON: " or str(caught.value).endswith(message)


def test_there_is_none(tmp_path):
    with pytest.raises(SavedError, match=r"^there is no baseline .*/base.json: save one with backlog_audit_save_baseline first$"):
        read_baseline(tmp_path / "base.json")
    with pytest.raises(SavedError, match=r"^the baseline .* cannot be read: Is a directory$"):
        read_baseline(tmp_path)


def places(value, path=()):
    """Paths of everything inside."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


SMALL = json.loads(json_report(full_report(("plain",), diagnosed=True)))
PATHS = [path for path in places(SMALL) if path]
SCALARS = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "host", "critical", "0.0.0.0:80", "\x1b"]) | st.floats(allow_nan=True)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["rule", "host", "listener", "x"]), inner, max_size=2), max_leaves=4
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=ANYTHING)
def test_a_baseline_with_anything_anywhere_is_compared_or_refused(path, value):
    document = copy.deepcopy(SMALL)
    target = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    try:
        then = parse_baseline(json.dumps(document).encode()).report
    except SavedError:
        return
    now = full_report(("plain",), diagnosed=True)
    made = {**now, "drift": build_drift(now, then, "x")}
    assert all(line.isprintable() for line in table(made))
    assert json.loads(json_report(made))["drift"]["baseline"]["path"] == "x"
    assert csv_report(made).startswith("kind,")


def test_old_facts_are_judged_as_of_their_day():
    """A waiver that had not expired then makes its finding come back as what it is."""
    waivers = [{"rule": "drops", "reason": "known", "expires": "2026-11-05"}]
    results = {"a": facts(namespace(listener(drops=1)))}
    then = report(results, waivers=waivers, generated_at=THEN)
    assert [each["drift"] for each in build_drift(report(results, waivers=waivers), then, "x")["new"]] == ["waiver_ended"]
