# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside a verdict: confidence, evidence, fixes in order, the size of a queue, and the order of it all."""

import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judge import judge
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.model import markdown_report, verdict
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.text import visible
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import (
    cgroup,
    diagnosed,
    diagnosis,
    facts,
    listener,
    namespace,
    situation,
    worker,
)

BURST = {"max": 17, "mean": 1.0, "share_half_full": 0.04, "share_full": 0.03, "drops": 50, "longest_stall": 0.2}
FEW = {"ListenOverflows": 50, "ListenDrops": 50}
FULL = {"max": 512, "mean": 500.0, "share_half_full": 0.9, "share_full": 0.7, "drops": 300, "longest_stall": 0.5}
OVERFLOWS = {"ListenOverflows": 300, "ListenDrops": 300}
SMALL = {"accept_queue_limit": 16}
CAPPED = {"sample": BURST, "counted": FEW, "sysctls": {"net.core.somaxconn": 16}, "listener": {**SMALL, "limited_by": "somaxconn"}}
BUSY = {"cpu": 0.97, "states": {"R": 1.0}}
POD = {"names": {"pod_uid": "6f2b", "container": "0f1e2d3c4b5a"}}


def ids(found):
    return [fix["id"] for fix in found["fixes"]]


def test_a_whole_diagnosis():
    found = diagnosis(**CAPPED, log={}, nginx={"error_log": {"lines": ["a line"], "counts": {"worker_connections": 0, "too_many_open_files": 0}}})
    assert (
        list(found)
        == (
            "host namespace listener program verdict cause severity confidence summary because evidence sources log also not_seen unknown fixes size references"
        ).split()
    )
    assert [found[key] for key in ("host", "namespace", "listener", "program")] == ["web1", "host", "0.0.0.0:80", "nginx"]
    assert [found[key] for key in ("verdict", "cause", "severity", "confidence")] == ["limit_too_small", "capped_by_somaxconn", "warning", "high"]
    assert found["summary"] == "0.0.0.0:80 in host: the queue was full at its limit of 16, all that net.core.somaxconn of the namespace allows"
    assert found["evidence"]["listener.drops_in_window"] == 50
    assert not [name for name in found["evidence"] if name.startswith("thresholds")]
    assert found["log"] == ["a line"]
    assert "workers_cpu_saturated" in [each["cause"] for each in found["not_seen"]]
    assert found["unknown"] == []
    assert json.loads(json.dumps(found)) == found


def test_the_line_of_the_configuration_is_a_source():
    found = diagnosis(
        sample=BURST, counted=FEW, listener={**SMALL, "listen_backlog": 16, "limited_by": "backlog", "source": {"path": "/etc/nginx.conf", "line": 7}}
    )
    assert found["sources"][-1] == "listen of nginx: /etc/nginx.conf:7"
    assert found["confidence"] == "high"


@pytest.mark.parametrize(
    ("changes", "confidence"),
    [
        pytest.param({"sample": {"reads": 19}}, "medium", id="few_reads"),
        pytest.param({"sample": {"reads": 20}}, "high", id="enough_reads"),
        pytest.param({"log": {"worker_connections": None}}, "medium", id="something_that_goes_first_is_unknown"),
        pytest.param({**CAPPED, "kernel_log": None, "listener": {**SMALL, "at_cap": True}}, "medium", id="what_comes_later_does_not_matter"),
        pytest.param({**CAPPED, "sample": {**BURST, "reads": 9}, "listener": {**SMALL, "at_cap": True}}, "low", id="medium_and_few_reads"),
    ],
)
def test_confidence(changes, confidence):
    assert diagnosis(**changes)["confidence"] == confidence


PROGRAMS = {
    "nginx": ({}, ["set_limit_of_nginx"]),
    "redis": ({"processes": [{"pid": 9, "name": "redis-server"}]}, ["set_limit_of_sockets", "set_backlog_of_program"]),
    "sshd": ({"processes": [{"pid": 9, "name": "sshd"}]}, ["set_limit_of_sockets", "set_backlog_without_setting"]),
    "unknown": ({"processes": [{"pid": 9, "name": "shop"}]}, ["set_limit_of_sockets", "set_backlog_of_unknown_program"]),
    "unix": (
        {"processes": [{"pid": 9, "name": "shop"}], "family": "unix", "path": "/run/x", "drops": "absent"},
        ["set_limit_of_unix_socket", "set_backlog_of_unknown_program"],
    ),
}


@pytest.mark.parametrize(("changes", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_the_right_knob(changes, expected):
    found = diagnosis(**{**CAPPED, "listener": {**CAPPED["listener"], **changes}})
    assert ids(found) == expected
    assert not any("None" in fix["advice"] or "unknown" in fix["advice"] for fix in found["fixes"])


def test_the_knob_of_redis():
    found = diagnosis(**{**CAPPED, "listener": {**CAPPED["listener"], "processes": [{"pid": 9, "name": "redis-server"}]}})
    live, knob = found["fixes"]
    assert (live["role"], live["variables"]["backlog_tune_sockets"]) == ("backlog_tune", [{"listen": "0.0.0.0:80", "backlog": 128}])
    assert live["variables"]["backlog_tune_sysctls"] == {"net.core.somaxconn": 4096}
    assert knob["advice"].startswith("Set tcp-backlog of redis to 128 (when nothing is configured: 511). What makes it effective: a restart")


def test_variables_are_those_of_another_namespace():
    found = diagnosis(**CAPPED, namespace={"names": {"netns": ["blue"]}, "netns": 4026532777})
    assert found["fixes"][0]["variables"]["backlog_tune_netns"] == "4026532777"


def test_what_the_configuration_asks_for_is_never_lowered():
    stale = {"accept_queue_limit": 128, "stale_limit": True, "listen_backlog": 2048}
    found = diagnosis(sample=BURST, counted=FEW, listener=stale)
    nginx = next(fix for fix in found["fixes"] if fix["id"] == "set_limit_of_nginx")
    assert (found["size"]["limit"], nginx["variables"]["backlog_tune_listens"]) == (256, [{"listen": "0.0.0.0:80", "backlog": 2048}])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(POD["names"], ["set_somaxconn_of_pod", "set_backlog_of_unknown_program"], id="pod"),
        pytest.param({"netns": ["cni-1"], **POD["names"]}, ["set_somaxconn_of_pod", "set_backlog_of_unknown_program"], id="pod_with_a_name_of_cni"),
        pytest.param({"container": "0f1e2d3c4b5a"}, ["set_somaxconn_of_container", "set_backlog_of_unknown_program"], id="container"),
    ],
)
def test_a_limit_in_a_container(names, expected):
    found = diagnosis(**{**CAPPED, "listener": {**CAPPED["listener"], "processes": [{"pid": 9, "name": "shop"}]}}, namespace={"names": names})
    assert ids(found) == expected
    assert ("pod" in found["because"]) == ("pod_uid" in names)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"namespace": POD}, ["set_somaxconn_of_pod", "set_backlog_of_program"], id="pod"),
        pytest.param(
            {"listener": {**CAPPED["listener"], "family": "unix", "path": "/x", "drops": "absent"}},
            ["set_limit_of_unix_socket", "set_backlog_of_program"],
            id="unix",
        ),
    ],
)
def test_nginx_where_no_role_reaches_it(changes, expected):
    found = diagnosis(**{**CAPPED, **changes})
    assert ids(found) == expected
    assert found["fixes"][1]["advice"].startswith("Set listen ... backlog= of nginx to 128 ")


def test_a_diagnosis_can_be_waived():
    waiver = {"rule": "capped_by_*", "host": "web1", "reason": "a test machine", "expires": "2027-01-31"}
    late = {**waiver, "host": "web2", "expires": "2026-01-31"}
    results = {"web1": situation(**CAPPED), "web2": situation(**CAPPED)}
    made = judge(results, waivers=[waiver, late], generated_at="2026-11-20T22:00:00Z")
    assert [each.get("waiver") for each in made["diagnoses"]] == [{"reason": "a test machine", "expires": "2027-01-31"}, None]
    assert [each["covers"] for each in made["expired_waivers"]] == [1]
    assert verdict(made, "warning") == "The audit fails (backlog_audit_fail_on: warning): 1 listener with a warning diagnosis."
    assert "    waived     until 2027-01-31: a test machine" in table(made)
    assert "  - waived until 2027-01-31: a test machine" in markdown_report(made)


def test_a_cpu_limit_of_kubernetes():
    throttled = {"sample": FULL, "counted": OVERFLOWS, "cgroups": [cgroup(cpu_quota=0.1, periods=100, throttled_periods=90, throttled_seconds=8.0)]}
    assert ids(diagnosis(**throttled))[0] == "raise_cpu_quota"
    found = diagnosis(**throttled, namespace=POD)
    assert ids(found)[0] == "raise_pod_cpu_limit"
    assert "resources.limits.cpu" in found["because"]


def test_nobody_who_has_no_time_left_is_told_to_raise():
    found = diagnosis(**{**CAPPED, "sample": FULL, "counted": OVERFLOWS}, worker=BUSY)
    assert (found["cause"], found["size"]) == ("workers_cpu_saturated", None)
    assert [fix["id"] for fix in found["fixes"] if fix.get("do_not_raise")] == ["do_not_raise"]
    assert not any("variables" in fix for fix in found["fixes"])


def test_a_burst_is_not_sized_when_nobody_knows_who_accepts():
    found = diagnosis(sample=BURST, counted=FEW, listener={"workers": None})
    assert (found["cause"], found["size"], ids(found)) == ("burst", None, ["fewer_attempts", "smooth_bursts"])


SIZES = {
    "rate_times_stall": ({"sample": {**BURST, "longest_stall": 2.0}, "counted": {**FEW, "PassiveOpens": 4000}}, 1024, 405.0, 2.0),
    "at_least_twice_what_overflowed": (
        {"listener": {"accept_queue_limit": 500, "limited_by": "somaxconn"}, "sysctls": {"net.core.somaxconn": 500}},
        1024,
        55.0,
        0.2,
    ),
    "not_less_than_any_program_wants": ({}, 128, 55.0, 0.2),
    "a_stall_between_two_reads": ({"sample": {**BURST, "longest_stall": 0.0}}, 128, 55.0, 0.099),
    "nobody_should_wait_behind_more": ({"sample": {**BURST, "longest_stall": 7.0}, "counted": {**FEW, "PassiveOpens": 1000000}}, 65535, 100005.0, 7.0),
    "the_rate_is_not_known": ({"counted": {**FEW, "PassiveOpens": None}}, 128, None, 0.2),
}


@pytest.mark.parametrize(("changes", "limit", "arrivals", "stall"), SIZES.values(), ids=SIZES)
def test_size(changes, limit, arrivals, stall):
    size = diagnosis(**{**CAPPED, **changes})["size"]
    assert (size["limit"], size["arrivals_per_second"], size["longest_stall"]) == (limit, arrivals, stall)
    assert size["memory_bytes"] == limit * 4096


def test_the_text_of_a_size():
    size = diagnosis(**{**CAPPED, "sample": {**BURST, "longest_stall": 2.0}, "counted": {**FEW, "PassiveOpens": 4000}})["size"]
    assert size["text"] == (
        "limit 1024: at most 405.0 arrivals per second (SYNs that were sent again count again) x 2.00 s without an accept = 810, rounded up; "
        "when it is full it takes 4.0 MiB and the last in it waits 2.6 s at the 400.0 connections per second that were accepted in the window"
    )
    assert size["added_wait_seconds"] == 2.52


def test_a_rate_of_several_listeners_says_so():
    first, second = listener(BURST, **CAPPED["listener"]), listener(local_port=81)
    size = diagnosed(situation(**{**CAPPED, "listeners": [first, second]}))["diagnoses"][0]["size"]
    assert "counted for all listeners of the namespace" in size["text"]


def test_order_and_counts():
    wrong = situation(**CAPPED)
    stopped = situation(worker={"states": {"T": 1.0}})
    made = diagnosed(situation(), wrong, stopped, situation())
    assert [(each["severity"], each["host"]) for each in made["diagnoses"]] == [("critical", "web3"), ("warning", "web2"), ("ok", "web1"), ("ok", "web4")]
    assert made["diagnosis_counts"] == {"limit_too_small": 1, "application_too_slow": 1, "healthy": 2}


def test_an_audit_has_no_diagnoses():
    plain = situation()
    del plain["workers"]
    assert not {"diagnoses", "diagnosis_counts", "fleet"} & set(diagnosed(plain))


def test_thresholds_are_variables():
    made = diagnosed(situation(sample=FULL, counted=OVERFLOWS, worker={"cpu": 0.6}), worker_cpu=0.5)
    assert made["diagnoses"][0]["cause"] == "workers_cpu_saturated"


def test_namespaces_are_not_mixed_up():
    """Rows and facts are walked side by side: the host's own namespace comes first in the rows, wherever it stands in the facts."""
    other = namespace([listener(workers=[901], processes=[{"pid": 900, "name": "shop"}])], netns=7, names={"netns": ["blue"]}, nginx="absent")
    own = namespace([listener(workers=[813])])
    made = diagnosed(facts([other, own], [worker(), worker(901, states={"T": 1.0})]))
    assert [(each["namespace"], each["cause"]) for each in made["diagnoses"]] == [("netns blue", "workers_stopped"), ("host", "healthy")]


def test_never_a_number_of_clients():
    for changes in (CAPPED, {"sample": FULL, "counted": OVERFLOWS}, {"counted": {"TCPReqQFullDoCookies": 9000, "SyncookiesSent": 9000}}):
        text = visible(json.dumps(diagnosis(**changes)))
        assert " clients lost" not in text
        assert "clients were" not in text
