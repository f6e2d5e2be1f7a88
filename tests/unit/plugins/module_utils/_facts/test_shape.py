# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys the facts have: absent is "does not apply or was not asked for", null is "unknown"."""

import json

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._facts import shape
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.namespace import NamespaceView
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.subset import SUBSETS
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.containers import NOBODY, Owner
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.model import Namespace, NamespaceId
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.listen_queue import endpoint
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.sampling import QueueSeries
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener

QUEUE = {
    "accept_queue_length": 0, "accept_queue_limit": 128, "accept_queue_full": False, "limited_by": "unknown", "at_cap": False, "stale_limit": None,
}  # fmt: skip
TCP = {"family": "inet", "local_address": "0.0.0.0", "local_port": 80, "drops": 0, **QUEUE}

# listener, somaxconn, size of its group: facts
LISTENERS = {
    "plain": (listener(), 4096, 1, TCP),
    "drops_unknown": (listener(drops=None), 4096, 1, {**TCP, "drops": None}),
    "bound_to_a_device": (listener(interface=3), 4096, 1, {**TCP, "interface": 3}),
    "reuseport": (listener(), 4096, 4, {**TCP, "reuseport_sockets": 4}),
    "somaxconn_unknown": (listener(), None, 1, {**TCP, "at_cap": None}),
    "at_the_cap": (listener(), 128, 1, {**TCP, "at_cap": True, "stale_limit": False}),
    "stale": (listener(), 50, 1, {**TCP, "stale_limit": True}),
    "full": (listener(accept_queue_length=129), 4096, 1, {**TCP, "accept_queue_length": 129, "accept_queue_full": True}),
    "one_below_full": (listener(accept_queue_length=128), 4096, 1, {**TCP, "accept_queue_length": 128}),
    "dual_stack": (listener("inet6", "::", v6only=False), 4096, 1, {**TCP, "family": "inet6", "local_address": "::", "dual_stack": True}),
    "v6only": (listener("inet6", "::", v6only=True), 4096, 1, {**TCP, "family": "inet6", "local_address": "::", "dual_stack": False}),
    "v6only_unknown": (listener("inet6", "::"), 4096, 1, {**TCP, "family": "inet6", "local_address": "::"}),
    "specific_ipv6": (listener("inet6", "::1", v6only=False), 4096, 1, {**TCP, "family": "inet6", "local_address": "::1"}),
    "unix": (unix_listener(), 4096, 1, {"family": "unix", "path": "/run/x.sock", **QUEUE}),
    "unix_unnamed": (unix_listener(None), 4096, 1, {"family": "unix", "path": None, **QUEUE}),
}


@pytest.mark.parametrize("record, somaxconn, size, facts", LISTENERS.values(), ids=LISTENERS)
def test_listener(record, somaxconn, size, facts):
    assert shape.listener_facts(record, somaxconn, size) == facts


KEY = endpoint(listener())
HALF_OPEN = {
    "not_counted": (None, 1, {"syn_queue_length": None}),
    "not_counted_in_a_group": (None, 4, {"syn_queue_length": None}),
    "none": ({KEY: 0}, 1, {"syn_queue_length": 0}),
    "some": ({KEY: 7}, 1, {"syn_queue_length": 7}),
    "none_in_a_group_is_none_for_each": ({KEY: 0}, 4, {"syn_queue_length": 0}),
    "some_in_a_group_cannot_be_split": ({KEY: 7}, 4, {"syn_queue_length": None, "syn_queue_group_length": 7}),
}


@pytest.mark.parametrize("half_open, size, facts", HALF_OPEN.values(), ids=HALF_OPEN)
def test_half_open(half_open, size, facts):
    assert shape.half_open_facts(listener(), half_open, size) == facts


ID = "a" * 64
NAMES = {
    "nothing_known": ((False, False, (), None), {}),
    "nobody": ((False, False, (), NOBODY), {}),
    "host_and_own": ((True, True, (), None), {"host": True, "own": True}),
    "own_in_a_container": ((False, True, (), Owner(None, ID, "docker", None)), {"own": True, "container": ID, "runtime": "docker"}),
    "ip_netns": ((False, False, ["blue", "red"], None), {"netns": ["blue", "red"]}),
    "unit": ((False, False, (), Owner("x.service", None, None, None)), {"unit": "x.service"}),
    "pod": ((False, False, ["cni-1"], Owner(None, ID, "crio", "uid")), {"netns": ["cni-1"], "container": ID, "runtime": "crio", "pod_uid": "uid"}),
}


@pytest.mark.parametrize("arguments, names", NAMES.values(), ids=NAMES)
def test_names(arguments, names):
    assert shape.namespace_names(*arguments) == names


GROUPS = {
    "nothing": ({}, [], {}),
    "missing_is_null": ({("A", "x"): 1}, [("A", "x"), ("A", "y"), ("B", "z")], {"A": {"x": 1, "y": None}, "B": {"z": None}}),
    "zero_stays_zero": ({("A", "x"): 0}, [("A", "x")], {"A": {"x": 0}}),
    "unwanted_is_left_out": ({("A", "x"): 1, ("A", "y"): 2}, [("A", "y")], {"A": {"y": 2}}),
}


@pytest.mark.parametrize("values, wanted, groups", GROUPS.values(), ids=GROUPS)
def test_counter_groups(values, wanted, groups):
    assert shape.counter_groups(values, wanted) == groups


def view(**values):
    made = NamespaceView(Namespace(NamespaceId(4, 99), (), (), (), False))
    made.readable = True
    made.sysctls, made.counters = {"net.core.somaxconn": 4096}, {"TcpExt": {"ListenDrops": 5}}
    made.tcp, made.unix, made.half_open = [listener()], [unix_listener()], {KEY: 2}
    for key, value in values.items():
        setattr(made, key, value)
    return made


def facts(made, subsets=SUBSETS, processes=None):
    answer = shape.namespace_facts(made, {"host": True}, frozenset(subsets), processes or {})
    assert json.loads(json.dumps(answer)) == answer
    return answer


SUBSET_KEYS = {
    "nothing": (set(), {"netns", "names"}),
    "sysctls": ({"sysctls"}, {"netns", "names", "sysctls"}),
    "counters": ({"counters"}, {"netns", "names", "counters"}),
    "sockets": ({"sockets"}, {"netns", "names", "listeners"}),
    "unix": ({"unix"}, {"netns", "names", "listeners"}),
    "processes_alone_say_nothing": ({"processes"}, {"netns", "names"}),
    "all": (SUBSETS, {"netns", "names", "sysctls", "counters", "listeners"}),
}


@pytest.mark.parametrize("subsets, keys", SUBSET_KEYS.values(), ids=SUBSET_KEYS)
def test_namespace_has_what_was_asked_for(subsets, keys):
    assert set(facts(view(), subsets)) == keys


def test_whole_namespace():
    program = [{"pid": 5, "name": "nginx", "started_at": "2026-11-20T20:00:00Z"}]
    assert facts(view(), processes={1080: program, 77: []}) == {
        "netns": 99, "names": {"host": True}, "sysctls": {"net.core.somaxconn": 4096}, "counters": {"TcpExt": {"ListenDrops": 5}},
        "listeners": [
            {**TCP, "syn_queue_length": 2, "processes": program},
            {"family": "unix", "path": "/run/x.sock", **QUEUE, "processes": []},
        ],
    }  # fmt: skip


def test_unreadable_namespace_has_no_list_rather_than_an_empty_one():
    answer = facts(view(readable=False, tcp=None, unix=None, sysctls=None, counters=None))
    assert answer == {"netns": 99, "names": {"host": True}, "sysctls": None, "counters": None, "listeners": None}


def test_namespace_without_listeners():
    assert facts(view(tcp=[], unix=[], half_open={}))["listeners"] == []


def test_owner_that_is_unknown_is_null():
    assert [row["processes"] for row in facts(view(), processes={77: None})["listeners"]] == [None, None]


@pytest.mark.parametrize("somaxconn", [None, "many"])
def test_somaxconn_that_is_no_number_is_unknown(somaxconn):
    (row, _unix) = facts(view(sysctls={"net.core.somaxconn": somaxconn}))["listeners"]
    assert (row["at_cap"], row["stale_limit"]) == (None, None)


def test_order_of_listeners():
    rows = [listener("inet6", "::", 80), listener(port=443), listener(address="10.0.0.2"), listener(address="10.0.0.1", inode=2),
            listener(address="10.0.0.1", inode=1, cookie=9)]  # fmt: skip
    made = view(tcp=rows, unix=[unix_listener("b"), unix_listener(None), unix_listener("a")], half_open=None)
    assert [(row.get("local_address"), row.get("local_port"), row.get("path"), row.get("reuseport_sockets")) for row in facts(made)["listeners"]] == [
        ("10.0.0.1", 80, None, 2), ("10.0.0.1", 80, None, 2), ("10.0.0.2", 80, None, None), ("0.0.0.0", 443, None, None),
        ("::", 80, None, None), (None, None, None, None), (None, None, "a", None), (None, None, "b", None),
    ]  # fmt: skip


def test_window_is_in_the_listener_and_in_the_namespace():
    made = view(unix=[], counters_before={"TcpExt": {"ListenDrops": 2}}, window=2.0)
    series = made.series["inet", 5080] = QueueSeries()
    for now, length in ((0.0, 0), (2.0, 3)):
        series.add(listener(accept_queue_length=length), now)
    answer = facts(made)
    assert answer["counters_sample"] == {"TcpExt": {"ListenDrops": {"delta": 3, "per_second": 1.5}}}
    assert answer["listeners"][0]["sample"] == {
        "reads": 2, "max": 3, "mean": 1.5, "share_half_full": 0.0, "share_full": 0.0, "drops": {"delta": 0, "per_second": 0.0},
    }  # fmt: skip


def test_without_window_there_is_no_key_for_it():
    answer = facts(view())
    assert "counters_sample" not in answer
    assert all("sample" not in row for row in answer["listeners"])


def test_listeners_without_inode_have_no_owner_to_look_for():
    assert view(tcp=[listener(inode=0), listener(inode=5)]).inodes() == {5, 77}
