# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import random

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import (
    ThresholdError,
    build_report,
    check_thresholds,
    host_status,
    merged_thresholds,
)
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.waiver import compile_waivers

NOW = "2026-11-20T22:00:00Z"


def rule(name, expr, severity="warning", for_each="listener", summary="{host.name} is odd"):
    texts = {"summary": summary, "because": "of this", "fix": {"advice": "do that"}, "references": ["a book"]}
    return {"source": "test", "rule": {"id": name, "severity": severity, "for_each": for_each, "expr": expr, **texts}}


DROPS = rule("drops", "listener.drops > `0`", summary="{listener.address} dropped {listener.drops}")
FULL = rule("full", "listener.accept_queue_full", severity="critical", summary="{listener.address} is full")
SOMAXCONN = rule("somaxconn", 'namespace.sysctls."net.core.somaxconn" < thresholds.somaxconn', severity="info", for_each="namespace")
WINDOW = rule("window", "listener.drops_in_window > `0`")


def report(results, rules=(DROPS, FULL, SOMAXCONN), waivers=(), **thresholds):
    limits = merged_thresholds(thresholds)
    compiled = compile_rules(rules, limits)
    return build_report(results, compiled, compile_waivers(list(waivers), [each.id for each in compiled], NOW[:10]), limits, NOW, "0.1.0")


@pytest.mark.parametrize(
    ("result", "status", "reason"),
    [
        pytest.param(None, "failed", "no answer: the host was lost before it was asked", id="no_result"),
        pytest.param({}, "failed", "no answer: the host was lost before it was asked", id="empty_result"),
        pytest.param({"unreachable": True, "msg": "No route\nto host"}, "unreachable", "No route to host", id="unreachable"),
        pytest.param(
            {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "sh: python3: not found"},
            "failed",
            "MODULE FAILURE: sh: python3: not found",
            id="no_python",
        ),
        pytest.param({"failed": False, "msg": "x" * 400}, "failed", "x" * 297 + "...", id="long_reason"),
        pytest.param({"changed": False}, "failed", "the facts task gave no reason", id="no_reason"),
        pytest.param(
            {"ansible_facts": {"listen_queue": {"schema": 9}}},
            "failed",
            "the facts have schema 9, this version reads schema 1: use the collection version that made them",
            id="schema_of_another_version",
        ),
        pytest.param({"ansible_facts": {"listen_queue": None}}, "failed", "the facts task gave no reason", id="null_facts"),
    ],
)
def test_status_of_a_host_without_facts(result, status, reason):
    assert host_status(result) == ({"status": status, "reason": reason}, None)


@pytest.mark.parametrize("shape", ["result", "facts", "bare"])
def test_shapes_of_facts(make_facts, make_namespace, make_listener, shape):
    facts = make_facts(make_namespace(make_listener()))
    shapes = {"result": {"changed": False, "ansible_facts": {"listen_queue": facts}}, "facts": {"ansible_facts": {"listen_queue": facts}}, "bare": facts}
    status, found = host_status(shapes[shape])
    assert (status["status"], found) == ("audited", facts)


def test_old_facts_of_an_unreachable_host_are_not_used(make_facts):
    status, facts = host_status({"unreachable": True, "msg": "down", "ansible_facts": {"listen_queue": make_facts()}})
    assert (status["status"], facts) == ("unreachable", None)


def test_partial_host_says_why(make_facts):
    status, facts = host_status(make_facts(complete=False, problems=[{"code": "netns_denied", "message": "3 namespaces could not be entered"}]))
    assert (status["status"], status["reason"]) == ("partial", "3 namespaces could not be entered")
    assert facts is not None


def test_null_is_unknown_and_never_quiet(make_facts, make_namespace, make_listener):
    listeners = [make_listener(drops=None), make_listener(drops=None, local_port=81)]
    made = report({"web1": make_facts(make_namespace(*listeners)), "web2": make_facts(make_namespace(make_listener(drops=None)))})
    assert made["findings"] == []
    assert made["unknown"] == [{"rule": "drops", "severity": "warning", "missing": ["listener.drops"], "count": 3, "host_count": 2, "hosts": ["web1", "web2"]}]
    assert made["counts"]["unknown"] == {"critical": 0, "warning": 3, "info": 0}


def test_unread_listeners_make_every_listener_rule_unknown(make_facts, make_namespace):
    made = report({"web1": make_facts(make_namespace(listeners=None))})
    assert [(each["rule"], each["missing"], each["count"]) for each in made["unknown"]] == [("full", ["listener"], 1), ("drops", ["listener"], 1)]


def test_sockets_that_were_not_gathered_are_not_unknown(make_facts, make_namespace):
    assert report({"web1": make_facts(make_namespace(listeners="absent"))})["unknown"] == []


def test_finding(make_facts, make_namespace, make_listener):
    made = report({"web1": make_facts(make_namespace(make_listener(drops=18)))})
    (finding,) = made["findings"]
    processes = [{"pid": 812, "name": "nginx", "unit": "nginx.service", "started_at": "2026-11-20T20:22:42Z"}]
    assert finding == {
        "rule": "drops",
        "severity": "warning",
        "host": "web1",
        "namespace": "host",
        "listener": "0.0.0.0:80",
        "summary": "0.0.0.0:80 dropped 18",
        "because": "of this",
        "evidence": {"listener.address": "0.0.0.0:80", "listener.drops": 18, "processes": processes},
        "fix": {"advice": "do that"},
        "references": ["a book"],
    }
    assert made["hosts"]["web1"]["listeners"] == 1
    assert made["counts"]["hosts"] == {"audited": 1, "partial": 0, "unreachable": 0, "failed": 0}


def test_rules_about_a_window_say_that_there_was_none(make_facts, make_namespace, make_listener):
    sampled = make_listener(sample={"drops": {"delta": 0, "per_second": 0.0}})
    hosts = {"web1": make_facts(make_namespace(make_listener())), "web2": make_facts(make_namespace(sampled), sample={"seconds": 2.0})}
    made = report(hosts, rules=[DROPS, WINDOW])
    assert (made["not_sampled"], made["unknown"], made["findings"]) == ([{"rule": "window", "hosts": 1}], [], [])


@pytest.mark.parametrize(
    ("waiver", "findings", "waived", "expired", "unused"),
    [
        pytest.param({"expires": "2026-12-31"}, [], ["drops"], [], 0, id="valid"),
        pytest.param({"expires": "2026-11-20"}, [], ["drops"], [], 0, id="last_day"),
        pytest.param({"expires": "2026-11-19"}, ["drops"], [], [1], 0, id="expired_does_not_apply_and_is_reported"),
        pytest.param({"expires": "2026-12-31", "host": "db*"}, ["drops"], [], [], 1, id="other_host"),
        pytest.param({"expires": "2026-11-19", "host": "db*"}, ["drops"], [], [0], 0, id="expired_and_for_another_host"),
    ],
)
def test_waivers(make_facts, make_namespace, make_listener, waiver, findings, waived, expired, unused):
    made = report({"web1": make_facts(make_namespace(make_listener(drops=1)))}, waivers=[{"rule": "drops", "reason": "known", **waiver}])
    assert [each["rule"] for each in made["findings"]] == findings
    assert [(each["rule"], each["waiver"]["reason"]) for each in made["waived"]] == [(name, "known") for name in waived]
    assert [each["covers"] for each in made["expired_waivers"]] == expired
    assert len(made["unused_waivers"]) == unused
    assert made["counts"]["warning"] == len(findings)


@pytest.mark.parametrize(
    ("waiver", "hosts"),
    [({"host": "web1"}, ["web2"]), ({"host": "web1", "listener": "0.0.0.0:*"}, ["web1", "web2"]), ({"host": "*"}, [])],
    ids=["one_host", "a_listener_waiver_does_not_cover_what_is_unknown", "all_hosts"],
)
def test_waivers_of_what_is_unknown(make_facts, make_namespace, make_listener, waiver, hosts):
    facts = make_facts(make_namespace(make_listener(drops=None)))
    waiver = {"rule": "drops", "reason": "no rights there", "expires": "2026-12-31", **waiver}
    made = report({"web1": facts, "web2": facts}, waivers=[waiver])
    assert [host for each in made["unknown"] for host in each["hosts"]] == hosts


def test_order_depends_on_content_alone(make_facts, make_namespace, make_listener):
    namespaces = [make_namespace(*(make_listener(local_port=port, drops=port, accept_queue_full=port % 2 == 0) for port in (80, 443, 8080, 9000)))]
    namespaces += [make_namespace(make_listener(drops=1), netns=number, names={"netns": ["n%d" % number]}) for number in (3, 2)]
    hosts = {name: make_facts(*namespaces) for name in ("web2", "web10", "db1")}
    expected = json.dumps(report(hosts, somaxconn=8192))
    shuffle = random.Random(7).shuffle
    for _again in range(5):
        names = list(hosts)
        shuffle(names)
        for facts in hosts.values():
            shuffle(facts["namespaces"])
            for namespace in facts["namespaces"]:
                shuffle(namespace["listeners"])
        assert json.dumps(report({name: hosts[name] for name in names}, rules=[SOMAXCONN, FULL, DROPS], somaxconn=8192)) == expected


def test_queues_are_the_most_troubled_first(make_facts, make_namespace, make_listener):
    listeners = [make_listener(local_port=port) for port in range(100, 200)]
    listeners += [make_listener(local_port=1, drops=5), make_listener(local_port=2, accept_queue_length=300)]
    listeners += [make_listener(local_port=3, sample={"drops": {"delta": 1, "per_second": 0.5}})]
    queues = report({"web1": make_facts(make_namespace(*listeners))})["queues"]
    assert len(queues) == 50
    assert [each["listener"] for each in queues[:4]] == ["0.0.0.0:3", "0.0.0.0:2", "0.0.0.0:1", "0.0.0.0:100"]


def test_queues_without_trouble_are_those_of_the_network_first(make_facts, make_namespace, make_listener):
    idle = make_listener(family="unix", path="/run/a.sock", local_address="absent", local_port="absent")
    busy = make_listener(family="unix", path="/run/b.sock", local_address="absent", local_port="absent", accept_queue_length=1)
    queues = report({"web1": make_facts(make_namespace(idle, busy, make_listener()))})["queues"]
    assert [each["listener"] for each in queues] == ["/run/b.sock", "0.0.0.0:80", "/run/a.sock"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fill": "0.5"}, "backlog_audit_thresholds.fill must be a number, not 0.5"),
        ({"fill": True}, "backlog_audit_thresholds.fill must be a number, not True"),
        (["fill"], "backlog_audit_thresholds must be a mapping of names to numbers"),
    ],
)
def test_bad_thresholds(given, message):
    with pytest.raises(ThresholdError) as caught:
        merged_thresholds(given)
    assert str(caught.value) == message


def test_a_threshold_no_rule_uses_is_a_mistake():
    rules = compile_rules([rule("own", "listener.drops > thresholds.mine")], ["mine"])
    check_thresholds(["mine", "fill"], rules)
    with pytest.raises(ThresholdError, match=r"^backlog_audit_thresholds.somaxcon is used by no rule: thresholds are burst_share, conntrack_fill, "):
        check_thresholds(["mine", "somaxcon"], rules)
