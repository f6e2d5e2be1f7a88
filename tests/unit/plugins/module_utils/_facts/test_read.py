# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run on a procfs made of files: what the answer holds when everything works, and when parts do not."""

import errno
import json
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import NamespaceLost
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fail, listener, unix_listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import World

ALL = "all"


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def codes(facts):
    return {row["code"]: row["count"] for row in facts["problems"]}


def by_netns(facts):
    return {namespace["netns"]: namespace for namespace in facts["namespaces"]}


def test_own_namespace_with_everything(world):
    world.kernel[world.own] = {"tcp": [listener()], "unix": [unix_listener()], "syn": [("inet", "10.0.0.1", 80, 0)]}
    world.process(5, fds={3: "socket:[1080]", 4: "socket:[77]"}, name=b"nginx", cgroup=b"0::/system.slice/nginx.service\n")
    facts = world.facts()
    assert (facts["complete"], facts["problems"], facts["scope"], facts["schema"]) == (True, [], "own", 1)
    assert facts["gather_subset"] == ["counters", "nginx", "processes", "sockets", "syn_queue", "sysctl_boot", "sysctls", "unix"]
    assert (facts["kernel"], facts["boot_id"]) == ("6.18.44", "8f2c0000-0000-4000-8000-000000000000")
    assert set(facts["collected_by"]) == {"version", "uid", "capabilities"}
    assert facts["collected_by"]["capabilities"] == ["CAP_NET_ADMIN"]
    (namespace,) = facts["namespaces"]
    assert (namespace["netns"], namespace["names"]) == (world.own, {"host": True, "own": True})
    assert (namespace["sysctls"]["net.core.somaxconn"], namespace["counters"]["TcpExt"]["ListenOverflows"]) == (4096, 3)
    tcp, unix = namespace["listeners"]
    assert (tcp["syn_queue_length"], tcp["processes"][0]["unit"], unix["processes"][0]["pid"]) == (1, "nginx.service", 5)
    assert json.loads(json.dumps(facts)) == facts


KEYS = {
    "min": (["!all"], {"netns", "names", "sysctls", "counters", "listeners"}),
    "sysctls": (["!min", "sysctls"], {"netns", "names", "sysctls"}),
    "counters": (["!min", "counters"], {"netns", "names", "counters"}),
    "nothing": (["!min"], {"netns", "names"}),
}


@pytest.mark.parametrize("subset, keys", KEYS.values(), ids=KEYS)
def test_only_what_was_asked_for_is_read(world, monkeypatch, subset, keys):
    world.kernel[world.own] = {"tcp": [listener()]}
    if "listeners" not in keys:
        world.kernel.clear()  # a question would fail
    fail(monkeypatch, "open", "/fd", errno.EIO)
    facts = world.facts(gather_subset=subset)
    (namespace,) = facts["namespaces"]
    assert (set(namespace), facts["problems"]) == (keys, [])
    assert all(set(row).isdisjoint({"processes", "syn_queue_length", "sample"}) for row in namespace.get("listeners", ()))


def test_ports(world):
    world.kernel[world.own] = {"tcp": [listener(), listener(port=443), listener(port=8080)], "unix": [unix_listener()]}
    (namespace,) = world.facts(ports=[443, 8080], gather_subset=["min", "unix"])["namespaces"]
    assert [row["local_port"] for row in namespace["listeners"]] == [443, 8080]


def test_all_counters(world):
    world.kernel[world.own] = {}
    listed, everything = (world.facts(counters=which)["namespaces"][0]["counters"] for which in ("listed", "all"))
    assert set(listed) == {"TcpExt", "Tcp"}
    assert {"IpExt", "Udp", "MPTcpExt"} <= set(everything)
    assert everything["TcpExt"].items() >= listed["TcpExt"].items()


def test_all_namespaces_with_their_names(world):
    blue = world.namespace("blue")
    world.kernel.update({world.own: {"tcp": [listener()]}, blue: {"tcp": [listener(port=90)], "unix": []}})
    world.process(6, blue, cgroup=b"0::/system.slice/web.service\n", fds={3: "socket:[1090]"})
    facts = world.facts(namespaces=ALL)
    assert [namespace["netns"] for namespace in facts["namespaces"]] == [world.own, blue]
    found = by_netns(facts)[blue]
    assert found["names"] == {"netns": ["blue"], "unit": "web.service"}
    assert found["listeners"][0]["processes"][0]["name"] == "prog"
    assert (facts["complete"], facts["scope"], world.entered[-1]) == (True, "all", world.own)


def test_own_scope_enters_nothing(world):
    world.namespace("blue")
    world.kernel[world.own] = {}
    assert len(world.facts()["namespaces"]) == 1
    assert world.entered == []


def test_namespace_that_refuses_is_null_and_named(world):
    blue = world.namespace("blue")
    world.kernel[world.own] = {"tcp": [listener()]}
    world.refuse[blue] = errno.EPERM
    facts = world.facts(namespaces=ALL)
    found = by_netns(facts)[blue]
    assert (found["listeners"], found["sysctls"], found["counters"]) == (None, None, None)
    assert facts["complete"] is False
    assert facts["problems"] == [{
        "code": "netns_denied", "message": "the network namespace may not be entered; become root (CAP_SYS_ADMIN) on the host", "count": 1,
        "netns": blue,
    }]  # fmt: skip
    assert by_netns(facts)[world.own]["listeners"] != []


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESRCH])
def test_namespace_that_vanishes_before_it_is_entered(world, monkeypatch, number):
    blue = world.namespace("blue")
    world.kernel[world.own] = {}
    fail(monkeypatch, "open", "/run/netns/blue", number)
    facts = world.facts(namespaces=ALL)
    assert by_netns(facts)[blue]["listeners"] is None
    assert facts["problems"] == [{
        "code": "netns_vanished", "message": f"the network namespace could not be read: {os.strerror(number)}", "count": 1, "netns": blue,
    }]  # fmt: skip


def test_no_way_back_ends_the_run(world):
    def bar_the_way():
        world.refuse[world.own] = errno.EPERM
        return []

    world.kernel[world.namespace("blue")] = {"tcp": bar_the_way}
    world.kernel[world.own] = {}
    with pytest.raises(NamespaceLost):
        world.facts(namespaces=ALL)


def test_namespace_without_a_way_back_is_not_entered(world):
    blue = world.namespace("blue")
    world.kernel[world.own] = {}
    world.refuse[world.own] = errno.EPERM
    facts = world.facts(namespaces=ALL)
    assert [(row["netns"], row["listeners"]) for row in facts["namespaces"]] == [(world.own, []), (blue, None)]
    assert "netns_denied" in codes(facts)


def test_refused_socket_dump_leaves_counters_and_sysctls(world):
    world.kernel[world.own] = {"refused": errno.EPERM}
    facts = world.facts(gather_subset=["min"])
    (namespace,) = facts["namespaces"]
    assert (namespace["listeners"], namespace["sysctls"]["net.core.somaxconn"]) == (None, 4096)
    assert (codes(facts), facts["complete"]) == ({"sockets_unreadable": 1}, False)


HIDING = {"hidepid": ("1", None), "own_pid_namespace": (None, "pid:[4026532301]"), "no_pid_namespaces": (None, None)}


@pytest.mark.parametrize("hidden, pid_namespace", HIDING.values(), ids=HIDING)
def test_hidden_processes_leave_owners_unknown(world, hidden, pid_namespace):
    """Other users' processes do not show at all, so nobody can say that no process holds a socket."""
    world.kernel[world.own] = {"tcp": [listener()]}
    world.process(500)
    if hidden:
        (world.root / hidden).rename(world.root / "hidden")
    else:
        (world.root / "self/ns/pid").unlink()
        if pid_namespace:
            world.link("self/ns/pid", pid_namespace)
    facts = world.facts()
    assert facts["namespaces"][0]["listeners"][0]["processes"] is None
    assert (codes(facts), facts["complete"]) == ({"owners_hidden": 1}, False)


def test_namespace_that_vanishes_in_the_window_has_no_rates(world):
    blue, reads = world.namespace("blue"), []

    def vanishing():
        if reads:
            (world.root / "self/root/run/netns/blue").unlink(missing_ok=True)
        reads.append(1)
        return [listener()]

    world.kernel.update({world.own: {}, blue: {"tcp": vanishing}})
    facts = world.facts(namespaces=ALL, gather_subset=["min"], sample=0.03, sample_interval=0.01)
    found = by_netns(facts)
    assert "counters_sample" in found[world.own]
    assert "counters_sample" not in found[blue]
    assert found[blue]["listeners"][0]["sample"]["reads"] >= 1
    assert ("netns_vanished" in codes(facts), facts["complete"]) == (True, False)


def test_denied_descriptors_leave_owners_unknown(world, monkeypatch):
    world.kernel[world.own] = {"tcp": [listener(), listener(port=90)]}
    world.process(5, fds={3: "socket:[1080]"})
    world.process(6, fds={3: "socket:[1090]"})
    fail(monkeypatch, "open", "6/fd", errno.EACCES)
    facts = world.facts()
    first, second = facts["namespaces"][0]["listeners"]
    assert (first["processes"][0]["pid"], second["processes"]) == (5, None)
    assert (codes(facts), facts["complete"]) == ({"owners_denied": 1}, False)


def test_socket_of_the_kernel_has_no_owner(world):
    world.kernel[world.own] = {"tcp": [listener(port=2049)]}
    facts = world.facts()
    assert (facts["namespaces"][0]["listeners"][0]["processes"], facts["problems"]) == ([], [])


def test_namespace_behind_a_descriptor(world):
    red = world.namespace("red", mounted=False)
    world.kernel.update({world.own: {}, red: {"tcp": [listener(port=90)]}})
    world.process(5, fds={7: f"net:[{red}]"})
    world.way_in(red, "5/fd/7")
    world.process(6, fds={3: "socket:[1090]"})
    facts = world.facts(namespaces=ALL)
    found = by_netns(facts)[red]
    assert (found["names"], found["listeners"][0]["processes"][0]["pid"]) == ({}, 6)


def test_owners_that_are_not_found_in_time_are_unknown(world):
    world.kernel[world.own] = {"tcp": [listener()]}
    for pid in range(5, 10):
        world.process(pid)
    world.cpu_step = 0.6
    facts = world.facts()
    assert facts["namespaces"][0]["listeners"][0]["processes"] is None
    assert (codes(facts), facts["complete"]) == ({"owners_unfinished": 1}, False)


def test_own_namespace_inside_a_container(world):
    """The unit of the module's own process is that of the operator's session, so it is left out."""
    world.initial = 0
    world.kernel[world.own] = {}
    world.process(os.getpid(), cgroup=b"0::/docker/%s\n" % (b"a" * 64))
    assert world.facts()["namespaces"][0]["names"] == {"own": True, "container": "a" * 64, "runtime": "docker"}


def test_own_namespace_of_a_session(world):
    world.initial = 0
    world.kernel[world.own] = {}
    world.process(os.getpid(), cgroup=b"0::/user.slice/user-0.slice/session-3.scope\n")
    assert world.facts()["namespaces"][0]["names"] == {"own": True}


def test_reuseport_group_shares_its_half_open_connections(world):
    world.kernel[world.own] = {"tcp": [listener(inode=1, cookie=1), listener(inode=2, cookie=2)], "syn": [("inet", "10.0.0.1", 80, 0)] * 3}
    facts = world.facts(gather_subset=["min", "syn_queue"])
    rows = facts["namespaces"][0]["listeners"]
    assert [(row["syn_queue_length"], row["syn_queue_group_length"], row["reuseport_sockets"]) for row in rows] == [(None, 3, 2)] * 2
    assert (codes(facts), facts["complete"]) == ({"syn_queue_split": 1}, True)


def test_half_open_connections_beyond_the_budget_are_skipped(world):
    blue, red = world.namespace("blue"), world.namespace("red")
    world.kernel = {inode: {"tcp": [listener()], "syn": [("inet", "10.0.0.1", 80, 0)]} for inode in (world.own, blue, red)}
    world.syn_cost = 5.0
    facts = world.facts(namespaces=ALL, gather_subset=["min", "syn_queue"])
    lengths = [namespace["listeners"][0]["syn_queue_length"] for namespace in facts["namespaces"]]
    assert lengths == [1, 1, None]
    assert codes(facts) == {"syn_queue_skipped": 1}


MISSING = {
    "younger_counter": ("4.18.0-553.el8.x86_64", b"TCPMigrateReqSuccess", True),
    "counter_that_should_be_there": ("6.18.44", b"ListenDrops", False),
}


@pytest.mark.parametrize("release, name, complete", MISSING.values(), ids=MISSING)
def test_missing_counter_is_null_with_a_problem(world, release, name, complete):
    world.kernel[world.own] = {}
    world.change("thread-self/net/netstat", b" " + name + b" ", b" Renamed ")
    facts = world.facts(release=release, gather_subset=["!min", "counters"])
    assert facts["namespaces"][0]["counters"]["TcpExt"][name.decode()] is None
    assert (codes(facts), facts["complete"]) == ({"counter_missing": 1}, complete)
    assert facts["problems"][0]["message"] == f"TcpExt.{name.decode()} is not counted by this kernel"


def test_counters_before_thread_self(world):
    world.kernel[world.own] = {}
    (world.root / "thread-self/net").rename(world.root / "net")
    facts = world.facts(gather_subset=["!min", "counters"])
    assert (facts["namespaces"][0]["counters"]["TcpExt"]["ListenDrops"], facts["problems"]) == (3, [])


def test_window(world):
    world.kernel[world.own] = {"tcp": [listener()], "unix": [unix_listener()]}
    facts = world.facts(sample=0.03, sample_interval=0.01)
    assert set(facts["sample"]) == {"seconds", "interval", "reads"}
    assert facts["sample"]["reads"] >= 2
    (namespace,) = facts["namespaces"]
    assert namespace["counters_sample"]["TcpExt"]["ListenDrops"]["delta"] == 0
    assert ["drops" in row["sample"] for row in namespace["listeners"]] == [True, False]


def test_two_hundred_refusing_namespaces_are_one_problem(world):
    for number in range(200):
        world.refuse[world.namespace(f"n{number}")] = errno.EPERM
    world.kernel[world.own] = {}
    facts = world.facts(namespaces=ALL)
    assert len(facts["namespaces"]) == 201
    assert [(row["code"], row["count"], "netns" in row) for row in facts["problems"]] == [("netns_denied", 200, False)]


def test_what_the_next_boot_makes_of_the_sysctls(world):
    world.kernel[world.own] = {}
    world.file("self/root/run/systemd/system/x")
    world.file("self/root/usr/lib/systemd/systemd-sysctl")
    world.file("self/root/usr/lib/sysctl.d/50-vendor.conf", b"net.core.somaxconn = 512\n")
    boot = world.facts(gather_subset=["min", "sysctl_boot"])["sysctl_boot"]
    assert boot["loader"] == {"name": "systemd-sysctl", "why": "systemd is running"}
    somaxconn = boot["sysctls"]["net.core.somaxconn"]
    assert (somaxconn["runtime_value"], somaxconn["boot_value"], somaxconn["drift"]) == (4096, 512, True)
    assert somaxconn["boot_source"] == {"path": "/usr/lib/sysctl.d/50-vendor.conf", "line": 1}


def test_boot_is_unknown_where_the_root_cannot_be_entered(world):
    world.kernel[world.own] = {}
    (world.root / "self/root").rmdir()
    facts = world.facts(gather_subset=["!min", "sysctl_boot"])
    assert (facts["sysctl_boot"], codes(facts), facts["complete"]) == (None, {"sysctl_boot_unreadable": 1}, False)
