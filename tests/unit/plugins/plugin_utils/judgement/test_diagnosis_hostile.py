# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis survives any facts: whatever a host says, the answer is a report, and its texts stay text."""

import copy
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.model import markdown_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.diagnosed import diagnosis_fault, is_diagnosed
from ansible_collections.netops.listen_queue.plugins.plugin_utils.text import width
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import cgroup, diagnosed, situation, worker
from hypothesis import example, given, settings
from hypothesis import strategies as st

HOSTILE = "x\x1b[2J\n| {{ lookup('pipe', 'id') }} `a` <b>*c*</b> [d](http://e) \u202e # $ \u0007 {listener.port}"
FULL = {"max": 512, "mean": 500.0, "share_half_full": 0.9, "share_full": 0.7, "drops": 300, "longest_stall": 0.5}
OVERFLOWS = {"ListenOverflows": 300, "ListenDrops": 300}
TRACKED = {"conntrack": {"count": 9, "max": 10, "drop": {"delta": 0}}}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1 << 62, 10**400, float("inf"), float("nan"), 1e308, "", "reset", HOSTILE, [], {}, [[]], [{}], {"a": 1}, [1, "x", None]]),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
)


def whole():
    flood = {"syn_flooding": [{"port": 80, "address": "0.0.0.0", "in_window": True}], "conntrack_full": {"in_window": 0, "before": 0}}
    nginx = {"stub_status": {"active": 9, "gap": 0}, "file_systems": [{"directive": "root", "path": "/srv", "type": "nfs4"}]}
    parts = {"namespace": TRACKED, "kernel_log": flood, "nginx": nginx, "cgroups": [cgroup(cpu_quota=1.0, periods=9, throttled_periods=3)]}
    return situation(sample=FULL, counted=OVERFLOWS, listener={"reuseport_sockets": 2, "listen_backlog": 4, "source": {"path": "/x", "line": 1}}, **parts)


def places(value, path=()):
    """The path of every value in `value`."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


PLACES = [path for path in places(whole()) if path[0] not in ("schema",)]


def changed(*changes):
    """The facts with other values in some places; a place that an earlier change took away is left out."""
    made = whole()
    for path, odd in changes:
        place = made
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = copy.deepcopy(odd)
        except (KeyError, IndexError, TypeError):
            continue
    return made


@settings(max_examples=100, deadline=None)
@example([(("namespaces", 0, "listeners", 0, "family"), [])])
@example([(("problems",), True)])
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
def test_any_value_anywhere(changes):
    report = diagnosed(changed(*changes))
    assert all(line.isprintable() and width(line) <= 100 for line in table(report, 100))
    assert all(line.isprintable() for line in markdown_report(report).split("\n"))
    json.dumps(report)


@pytest.mark.parametrize("path", [path for path in PLACES if path[-1] not in ("schema", "netns")], ids=lambda path: ".".join(map(str, path)))
def test_null_is_never_fine(path):
    """A value nobody could read may leave the verdict as it is, but may not make a queue that overflows a healthy one."""
    for each in diagnosed(changed((path, None))).get("diagnoses", ()):
        assert each["verdict"] != "healthy", path


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"workers": None, "cgroups": None, "pressure": None, "softnet": None, "kernel_log": None}, None),
        ({"workers": {}}, "are broken: workers must be a list"),
        ({"workers": [1]}, "are broken: workers must be a list of mappings"),
        ({"cgroups": "x"}, "are broken: cgroups must be a list"),
        ({"cgroups": [None]}, "are broken: cgroups must be a list of mappings"),
        ({"pressure": []}, "are broken: pressure must be a mapping"),
        ({"softnet": 7}, "are broken: softnet must be a mapping"),
        ({"kernel_log": []}, "are broken: kernel_log must be a mapping"),
    ],
)
def test_shape(changes, fault):
    given_facts = {**situation(), **changes}
    assert diagnosis_fault(given_facts) == fault
    report = diagnosed(given_facts)
    assert [host.get("reason") for host in report["hosts"].values()] == ["the facts " + fault if fault else None]


@pytest.mark.parametrize("missing", ["workers", "pressure", "softnet", "cgroups", "kernel_log"])
def test_an_audit_is_no_diagnosis(missing):
    plain = situation()
    del plain[missing]
    assert not is_diagnosed(plain)


def test_hostile_text_stays_text():
    names = {"processes": [{"pid": 812, "name": HOSTILE}], "source": {"path": HOSTILE, "line": HOSTILE}, "listen_backlog": 9}
    log = {"error_log": {"lines": [HOSTILE] * 30, "counts": {"worker_connections": 3, "too_many_open_files": 0}}}
    mounts = {"file_systems": [{"directive": HOSTILE, "path": HOSTILE, "type": "nfs4"}]}
    first = situation(sample=FULL, counted=OVERFLOWS, listener=names, nginx={**log, **mounts}, worker={"wchan": HOSTILE, "states": {"D": 1.0}})
    second = situation(sample=FULL, counted=OVERFLOWS, listener=names, nginx=log, namespace={"names": {"netns": [HOSTILE]}}, workers=[worker(name=HOSTILE)])
    report = diagnosed(first, second)
    for columns in (40, 92, 100):
        lines = table(report, columns)
        assert all(line.isprintable() and width(line) <= columns for line in lines)
    assert "{listener.port}" in json.dumps(report), "what a host says is not looked at for placeholders"
    assert "{{ lookup" in json.dumps(report)
    assert len(report["diagnoses"][0]["log"]) == 20
