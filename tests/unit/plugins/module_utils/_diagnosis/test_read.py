# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option diagnose on a machine made of files: all of it, none of it, and nothing of it when it is not asked for."""

import builtins
import json

import pytest
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import LIMITS
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture, listener, unix_listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import World

MODULES = ("_diagnosis", "_workers", "_cgroups", "_kernel_log", "_nginx_evidence")
PRESSURE = fixture("debian12-6.18-pressure_cpu.txt")


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def diagnosed(world, **options):
    facts = world.facts(diagnose=True, sample=0.03, sample_interval=0.01, **options)
    assert json.loads(json.dumps(facts)) == facts
    return facts


def codes(facts):
    return {problem["code"] for problem in facts["problems"]}


def furnish(world):
    for name in ("cpu", "io", "memory"):
        world.file("pressure/" + name, PRESSURE)
    world.file("net/softnet_stat", fixture("debian12-6.18-softnet_stat.txt"))
    world.file("self/root/dev/kmsg", fixture("debian12-6.18-kmsg.txt"))
    world.file("thread-self/net/stat/nf_conntrack", fixture("debian12-6.18-conntrack_stat.txt"))
    world.file("sys/net/netfilter/nf_conntrack_count", b"7\n")
    world.file("sys/net/netfilter/nf_conntrack_max", b"262144\n")
    (world.root / "self/mountinfo").write_bytes(b"35 25 0:30 / /cg rw - cgroup2 cgroup2 rw\n")
    world.file("self/root/cg/cpu.stat", b"usage_usec 1\n")


def serve(world):
    world.process(5, name=b"prog", fds={3: "socket:[1080]", 4: "socket:[77]"})
    world.process(6, name=b"prog", parent=5, fds={3: "socket:[1080]"})
    for pid in (5, 6):
        world.file(f"{pid}/limits", LIMITS % 1024)
    world.kernel[world.own] = {"tcp": [listener(accept_queue_length=3), listener(port=81)], "unix": [unix_listener()]}


def test_everything(world):
    furnish(world)
    serve(world)
    facts = diagnosed(world)
    (namespace,) = facts["namespaces"]
    assert [row["workers"] for row in namespace["listeners"]] == [[5, 6], [], [5]]
    assert [(worker["pid"], worker.get("children"), worker["cgroup"]) for worker in facts["workers"]] == [(5, 1, "/"), (6, None, "/")]
    assert [group["path"] for group in facts["cgroups"]] == ["/"]
    assert namespace["listeners"][0]["sample"]["longest_stall"] > 0
    assert facts["softnet"] == {"dropped": {"delta": 0, "per_second": 0.0}, "time_squeeze": {"delta": 0, "per_second": 0.0}}
    assert facts["pressure"] == {name: {"some": 0.0, "full": 0.0} for name in ("cpu", "io", "memory")}
    assert facts["kernel_log"]["conntrack_full"] == {"in_window": 0, "before": 2}
    assert namespace["conntrack"] == {
        "count": 7, "max": 262144, **{name: {"delta": 0, "per_second": 0.0} for name in ("drop", "early_drop", "insert_failed")},
    }  # fmt: skip
    assert (facts["problems"], facts["complete"]) == ([], True)


def test_machine_that_tells_nothing(world):
    world.kernel[world.own] = {"tcp": [listener()]}
    (world.root / "self/ns/pid").unlink()
    facts = diagnosed(world)
    (namespace,) = facts["namespaces"]
    assert (facts["softnet"], facts["kernel_log"], facts["workers"], facts["cgroups"]) == (None, None, [], [])
    assert facts["pressure"] == dict.fromkeys(("cpu", "io", "memory"))
    assert ("conntrack" in namespace, namespace["listeners"][0]["workers"]) == (False, None)
    assert codes(facts) >= {"softnet_unreadable", "pressure_missing", "kernel_log_unreadable", "workers_hidden"}
    assert facts["complete"] is False


def test_pressure_that_no_kernel_here_tells_leaves_the_answer_complete(world):
    furnish(world)
    serve(world)
    (world.root / "pressure/io").unlink()
    facts = diagnosed(world)
    assert (facts["pressure"]["io"], codes(facts), facts["complete"]) == (None, {"pressure_missing"}, True)


def test_connection_tracking_that_may_not_be_read(world):
    furnish(world)
    serve(world)
    (world.root / "thread-self/net/stat/nf_conntrack").unlink()
    facts = diagnosed(world)
    tracked = facts["namespaces"][0]["conntrack"]
    assert (tracked["count"], tracked["drop"]) == (7, {"delta": None, "per_second": None})
    assert (codes(facts), facts["complete"]) == ({"conntrack_unreadable"}, False)


def test_namespace_that_was_found_at_the_end_has_unknown_workers(world):
    furnish(world)
    red = world.namespace("red", mounted=False)
    world.kernel.update({world.own: {}, red: {"tcp": [listener(port=90)]}})
    world.process(5, fds={7: f"net:[{red}]"})
    world.way_in(red, "5/fd/7")
    facts = diagnosed(world, namespaces="all")
    (row,) = [row for namespace in facts["namespaces"] for row in namespace["listeners"]]
    assert row["workers"] in ([], None)
    assert "sample" not in row


def imported_by(world, monkeypatch, **options):
    real_import, imported = builtins.__import__, []
    monkeypatch.setattr(builtins, "__import__", lambda name, *rest: imported.append(name) or real_import(name, *rest))
    world.facts(sample=0.02, sample_interval=0.01, **options)
    return {name for name in imported if any(module in name for module in MODULES)}


def test_nothing_of_it_is_imported_when_it_is_not_asked_for(world, monkeypatch):
    serve(world)
    assert imported_by(world, monkeypatch) == set()


def test_host_without_nginx_is_not_searched_for_logs_when_nginx_is_not_asked_for(world, monkeypatch):
    serve(world)
    imported = imported_by(world, monkeypatch, diagnose=True, gather_subset=["min", "processes"])
    assert "_diagnosis.read" in imported
    assert not [name for name in imported if "_nginx_evidence" in name]
