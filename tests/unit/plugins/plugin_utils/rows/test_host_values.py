# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.sample_reports import DOWN, boot, facts, listener, namespace, report

LISTENER = {"listener": "0.0.0.0:80", "program": "nginx", "accept_queue_length": 0, "accept_queue_limit": 511, "drops": 0}
SYSCTLS = {"net.core.somaxconn": 4096, "net.ipv4.tcp_syncookies": 1}
HOST = {"namespace": "host", "kind": "host", "sysctls": SYSCTLS}


def without(mapping, *keys):
    return {key: value for key, value in mapping.items() if key not in keys}


CASES = {
    "one_listener": (facts(namespace(listener())), {"namespaces": [{**HOST, "listeners": [LISTENER]}]}),
    "by_name": (
        facts(namespace(listener(9), names={"netns": ["b"]}), namespace(listener(82), listener(81))),
        {
            "namespaces": [
                {**HOST, "listeners": [{**LISTENER, "listener": "0.0.0.0:81"}, {**LISTENER, "listener": "0.0.0.0:82"}]},
                {**HOST, "namespace": "netns b", "kind": "netns", "listeners": [{**LISTENER, "listener": "0.0.0.0:9"}]},
            ]
        },
    ),
    "what_was_not_gathered_is_absent": (
        facts(without(namespace(), "sysctls", "listeners")),
        {"namespaces": [without(HOST, "sysctls")]},
    ),
    "what_could_not_be_read_is_null": (
        facts(namespace(listener(drops=None, accept_queue_limit="?", processes=None))),
        {"namespaces": [{**HOST, "listeners": [{**LISTENER, "drops": None, "accept_queue_limit": None, "program": None}]}]},
    ),
    "boot_values": (
        facts(sysctl_boot=boot(net__core__somaxconn=512, net__ipv4__tcp_syncookies=None)),
        {"namespaces": [], "boot": {"net.core.somaxconn": 512, "net.ipv4.tcp_syncookies": None}},
    ),
    "boot_value_nobody_knows": (
        facts(sysctl_boot={"sysctls": {"a": {"boot_value": None, "drift_reason": "who wins is not known: /etc/sysctl.d/1.conf"}, "b": 7}}),
        {"namespaces": [], "boot": {}},
    ),
    "boot_unreadable": (facts(sysctl_boot=None), {"namespaces": [], "boot": None}),
}


@pytest.mark.parametrize("given, expected", CASES.values(), ids=CASES)
def test_values(given, expected):
    assert without(report({"a": given})["values"]["a"], "unknown") == expected


def test_a_host_without_facts_has_none():
    assert report({"a": DOWN, "b": None})["values"] == {}


WAIVER = {"rule": "drops", "host": "a", "reason": "r", "expires": "2027-01-01"}
UNKNOWN = {
    "none": (namespace(listener()), [], {}),
    "one": (namespace(listener(drops=None), listener(81, drops=None)), [], {"drops": {"missing": ["listener.drops"], "count": 2, "waived": False}}),
    "waived_for_the_host": (namespace(listener(drops=None)), [WAIVER], {"drops": {"missing": ["listener.drops"], "count": 1, "waived": True}}),
    "waived_for_another_host": (
        namespace(listener(drops=None)),
        [{**WAIVER, "host": "b"}],
        {"drops": {"missing": ["listener.drops"], "count": 1, "waived": False}},
    ),
    "of_a_whole_namespace": (
        namespace(listeners=None),
        [],
        {rule: {"missing": ["listener"], "count": 1, "waived": False} for rule in ("full", "drops", "window")},
    ),
}


@pytest.mark.parametrize("given, waivers, expected", UNKNOWN.values(), ids=UNKNOWN)
def test_rules_without_a_result(given, waivers, expected):
    assert report({"a": facts(given)}, waivers=waivers)["values"]["a"].get("unknown", {}) == expected
