# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.host import facts_fault, host_rows, listener_address


def only_listener(facts):
    (row,) = host_rows("web1", facts, {}).listeners
    return row["listener"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"accept_queue_length": 256, "accept_queue_limit": 512}, {"accept_queue_fill": 0.5}, id="half_full"),
        pytest.param({"accept_queue_length": 0, "accept_queue_limit": 0}, {"accept_queue_fill": 0.0}, id="limit_0_idle"),
        pytest.param({"accept_queue_length": 1, "accept_queue_limit": 0}, {"accept_queue_fill": 1.0}, id="limit_0_holds_one"),
        pytest.param({"accept_queue_length": 129, "accept_queue_limit": 128}, {"accept_queue_fill": 1.0078}, id="full_is_above_1"),
        pytest.param({"accept_queue_length": None}, {"accept_queue_fill": None}, id="unknown_length"),
        pytest.param({"drops": 48}, {"drops_per_hour": 48.0, "process_age_seconds": 3600}, id="rate_since_the_process_started"),
        pytest.param({"drops": 0, "processes": None}, {"drops_per_hour": 0, "process_age_seconds": None}, id="no_drops_is_no_rate_whoever_holds_it"),
        pytest.param({"drops": 5, "processes": None}, {"drops_per_hour": None}, id="unknown_processes"),
        pytest.param({"drops": 5, "processes": []}, {"drops_per_hour": "absent", "process_age_seconds": "absent"}, id="no_process_no_age"),
        pytest.param({"drops": None}, {"drops_per_hour": None}, id="unknown_drops"),
        pytest.param({"drops": "absent", "family": "unix", "path": "@x"}, {"drops_per_hour": "absent", "address": "@x"}, id="unix_has_no_drops"),
        pytest.param({"drops": "many"}, {"drops": None}, id="wrong_type_is_unknown"),
        pytest.param({"accept_queue_full": 1}, {"accept_queue_full": None}, id="number_is_no_flag"),
        pytest.param(
            {"processes": [{"name": "x", "started_at": "2026-11-20T22:00:00Z"}], "drops": 5}, {"process_age_seconds": None}, id="started_in_the_future"
        ),
        pytest.param({"processes": [{"name": "x", "started_at": "yesterday"}], "drops": 5}, {"process_age_seconds": None}, id="started_at_is_no_time"),
        pytest.param({}, {"sample_reads": "absent", "drops_in_window": "absent"}, id="not_sampled"),
        pytest.param(
            {"sample": {"reads": 20, "max": 5, "mean": 1.25, "share_half_full": 0.4, "share_full": 0.05, "drops": {"delta": 3, "per_second": 1.5}}},
            {"sample_reads": 20, "share_half_full": 0.4, "drops_in_window": 3, "drops_per_second": 1.5},
            id="sampled",
        ),
        pytest.param({"sample": {"drops": {"delta": "reset", "per_second": None}}}, {"drops_in_window": None, "drops_per_second": None}, id="reset_counter"),
    ],
)
def test_listener_fields(make_facts, make_namespace, make_listener, changes, expected):
    listener = only_listener(make_facts(make_namespace(make_listener(**changes))))
    assert {key: listener.get(key, "absent") for key in expected} == expected


def not_listening(**address):
    return {**address, "must_act": {"who": "config", "because": "bind() fails"}}


@pytest.mark.parametrize(
    ("nginx", "expected"),
    [
        pytest.param("absent", "absent", id="not_asked_or_none_runs"),
        pytest.param([{"pid": 1}], [], id="listens_everywhere"),
        pytest.param(
            [{"not_listening": [not_listening(local_address="127.0.0.1", local_port=80), not_listening(path="/run/x")]}, {"pid": 2}],
            ["127.0.0.1:80 (config: bind() fails)", "/run/x (config: bind() fails)"],
            id="address_and_unix",
        ),
        pytest.param([{"not_listening": [not_listening(local_address="::", local_port=80)]}], ["[::]:80 (config: bind() fails)"], id="ipv6"),
        pytest.param([{"not_listening": [{"local_address": "::1", "local_port": 80}, 7]}, 7], ["[::1]:80 (None: None)"], id="broken"),
    ],
)
def test_nginx_that_does_not_listen(make_facts, make_namespace, nginx, expected):
    (row,) = host_rows("web1", make_facts(make_namespace(nginx=nginx)), {}).namespaces
    assert row["namespace"].get("nginx_not_listening", "absent") == expected


@pytest.mark.parametrize(
    ("listen_drops", "drops", "expected"),
    [
        pytest.param(0, 20, 0, id="deferred_accept_holds_back_acks_of_served_connections"),
        pytest.param(5, 20, 5, id="some_of_them_were_drops"),
        pytest.param(90, 20, 20, id="other_listeners_drop_more"),
        pytest.param(None, 20, 20, id="unknown_listen_drops"),
        pytest.param(0, None, None, id="unknown_drops"),
    ],
)
def test_acks_held_back_by_deferred_accept_are_no_drops(make_facts, make_namespace, make_listener, listen_drops, drops, expected):
    sample = {"reads": 2, "drops": {"delta": drops, "per_second": drops}}
    namespace = make_namespace(make_listener(drops=drops, sample=sample))
    namespace["counters"] = {"TcpExt": {"ListenDrops": listen_drops}}
    namespace["counters_sample"] = {"TcpExt": {"ListenDrops": {"delta": listen_drops, "per_second": listen_drops}}}
    listener = only_listener(make_facts(namespace))
    assert (listener["drops"], listener["drops_in_window"], listener["drops_per_second"]) == (expected, expected, expected)


def test_oldest_process_counts(make_facts, make_namespace, make_listener):
    processes = [{"name": "nginx", "started_at": "2026-11-20T21:22:41Z"}, {"name": "nginx", "started_at": "2026-11-20T21:20:42Z"}]
    assert only_listener(make_facts(make_namespace(make_listener(processes=processes))))["process_age_seconds"] == 120


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ({"family": "inet", "local_address": "0.0.0.0", "local_port": 80}, "0.0.0.0:80"),
        ({"family": "inet6", "local_address": "::", "local_port": 443}, "[::]:443"),
        ({"family": "inet6", "local_address": "fe80::1", "local_port": 1, "interface": 2}, "[fe80::1%2]:1"),
        ({"family": "inet", "local_address": "10.0.0.1", "local_port": 1, "interface": 3}, "10.0.0.1%3:1"),
        ({"family": "unix", "path": "/run/x.sock"}, "/run/x.sock"),
        ({"family": "unix"}, "(unnamed unix socket)"),
    ],
)
def test_address(source, address):
    assert listener_address(source) == address


@pytest.mark.parametrize(
    ("names", "kind", "label"),
    [
        ({"host": True, "unit": "x.service"}, "host", "host"),
        ({"netns": ["blue", "b2"], "container": "c" * 64}, "netns", "netns blue"),
        ({"container": "0123456789abcdef", "pod_uid": "1f"}, "pod", "pod 1f"),
        ({"container": "0123456789abcdef", "runtime": "docker"}, "container", "container 0123456789ab"),
        ({"unit": "x.service"}, "unit", "unit x.service"),
        ({}, "unnamed", "netns 4026532000"),
        ({"own": True}, "unnamed", "netns 4026532000"),
    ],
)
def test_namespace_label(make_facts, make_namespace, names, kind, label):
    (row,) = host_rows("web1", make_facts(make_namespace(names=names, netns=4026532000)), {}).namespaces
    assert (row["namespace"]["kind"], row["namespace"]["label"]) == (kind, label)


def test_namespace_window(make_facts, make_namespace):
    window = {"TcpExt": {"ListenOverflows": {"delta": 3, "per_second": 1.5}}}
    reset = {"TcpExt": {"ListenOverflows": {"delta": "reset", "per_second": None}}}
    rows = [host_rows("web1", make_facts(make_namespace(counters_sample=each)), {}).namespaces[0]["namespace"] for each in (window, reset, None)]
    assert [row["overflows_in_window"] for row in rows] == [3, None, None]


def container(make_namespace, *listeners, somaxconn=128, **changes):
    return make_namespace(*listeners, netns=2, names={"container": "0123456789abcdef"}, sysctls={"net.core.somaxconn": somaxconn}, **changes)


@pytest.mark.parametrize(
    ("limit", "at_cap", "listeners_known", "host_somaxconn", "expected"),
    [
        pytest.param(128, True, True, 4096, ["container 0123456789ab 0.0.0.0:80 limit 128"], id="host_allows_more"),
        pytest.param(128, True, True, 128, [], id="host_allows_the_same"),
        pytest.param(100, False, True, 4096, [], id="not_at_its_cap"),
        pytest.param(128, True, True, None, None, id="host_value_unknown"),
        pytest.param(128, True, False, 4096, None, id="listeners_unknown"),
    ],
)
def test_containers_at_cap(make_facts, make_namespace, make_listener, limit, at_cap, listeners_known, host_somaxconn, expected):
    host = make_namespace(sysctls={"net.core.somaxconn": host_somaxconn})
    inside = container(make_namespace, make_listener(accept_queue_limit=limit, at_cap=at_cap))
    if not listeners_known:
        inside["listeners"] = None
    row = host_rows("web1", make_facts(host, inside), {}).host["host"]
    assert row["containers_at_cap"] == expected
    assert row["containers_at_cap_count"] == (None if expected is None else len(expected))


def test_own_namespace_alone_says_nothing_about_containers(make_facts, make_namespace):
    assert "containers_at_cap" not in host_rows("web1", make_facts(make_namespace(), scope="own"), {}).host["host"]


@pytest.mark.parametrize(
    ("processes", "family", "expected"),
    [
        pytest.param([{"name": "nginx"}], "inet", {"name": "nginx", "id": "nginx", "default_backlog": 511}, id="nginx"),
        pytest.param([{"name": "php-fpm7.4"}], "unix", {"name": "php-fpm7.4", "id": "php-fpm-before-8.2", "default_backlog": 511}, id="versioned_name"),
        pytest.param([{"name": "php-fpm8.2"}], "unix", {"id": "php-fpm", "default_backlog": None}, id="default_that_is_no_number"),
        pytest.param([{"name": "systemd"}, {"name": "sshd"}], "inet6", {"name": "systemd", "id": "systemd", "default_backlog": None}, id="socket_unit"),
        pytest.param([{"name": "x"}, {"name": "sshd"}], "inet6", {"name": "x", "id": "sshd", "default_backlog": 128}, id="second_holder"),
        pytest.param([{"name": "apache2"}], "unix", {"id": "apache", "default_backlog": None}, id="default_of_another_family"),
        pytest.param([{"name": "varnishd"}], "inet", {"id": "varnish", "default": "1024", "default_backlog": None}, id="not_every_listener_has_the_default"),
        pytest.param([{"name": "java", "unit": "tomcat10.service"}], "inet", {"id": "tomcat", "unit": "tomcat10.service"}, id="by_its_unit"),
        pytest.param([{"name": "java"}, {"name": "x", "unit": "kafka.service"}], "inet", {"id": "java"}, id="the_unit_of_another"),
        pytest.param([{"name": "nginx-ingress"}], "inet", {"name": "nginx-ingress", "id": None}, id="only_the_whole_name"),
        pytest.param([], "inet", {"name": None, "id": None}, id="no_process"),
        pytest.param(None, "inet", {"name": None, "id": None}, id="unknown_processes"),
    ],
)
def test_program(make_facts, make_namespace, make_listener, processes, family, expected):
    facts = make_facts(make_namespace(make_listener(processes=processes, family=family)))
    (row,) = host_rows("web1", facts, {}).listeners
    assert {key: row["program"].get(key) for key in expected} == expected
    assert None not in {row["program"].get(key, 0) for key in row["program"]} or processes is None, "what does not apply is absent"
    assert ("id" in row["program"]) == (expected["id"] is not None or processes is None), "unknown is null, not recognised is absent"


def test_unread_namespaces_are_counted(make_facts, make_namespace, make_listener):
    rows = host_rows("web1", make_facts(make_namespace(make_listener()), make_namespace(netns=2, names={}, listeners=None)), {})
    assert (len(rows.listeners), rows.unread) == (1, 1)
    assert [row["namespace"]["listener_count"] for row in rows.namespaces] == [1, None]


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        (None, "are not listen_queue facts: the key schema is missing"),
        ({"schema": 2}, "have schema 2, this version reads schema 1: use the collection version that made them"),
        ({"schema": 1, "namespaces": {}}, "are broken: namespaces must be a list of mappings"),
        ({"schema": 1, "namespaces": [{"listeners": "x"}]}, "are broken: namespaces[0].listeners must be a list"),
        ({"schema": 1, "namespaces": [{"listeners": ["x"]}]}, "are broken: namespaces[0].listeners must be a list of mappings"),
        ({"schema": 1, "namespaces": [{}, {"sysctls": []}]}, "are broken: namespaces[1].sysctls must be a mapping"),
    ],
)
def test_broken_facts(facts, fault):
    assert facts_fault(facts) == fault


def test_facts_of_the_schema(make_facts, make_namespace, make_listener):
    assert facts_fault(make_facts(make_namespace(make_listener()), make_namespace(listeners=None, sysctls=None, counters=None))) is None
