# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU limits of cgroups on a tree of files: both versions, the hybrid layout, containers, and cgroups that come and go."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._cgroups.read import UNSEEN, Cgroups
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fixture

V2 = b"35 25 0:30 / /cg rw,nosuid - cgroup2 cgroup2 rw\n"
PART = b"35 25 0:30 /docker/ab /cg rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = b"35 25 0:30 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n36 25 0:31 / /cg/unified rw - cgroup2 cgroup2 rw\n"
STAT = b"usage_usec 1\nnr_periods %d\nnr_throttled %d\nthrottled_usec %d\n"
STAT_V1 = b"nr_periods %d\nnr_throttled %d\nthrottled_time %d\n"
PRESSURE = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
QUIET = {"cpu_quota": None, "periods": 0, "throttled_periods": 0, "throttled_seconds": 0.0, "throttled_share": None, "cpu_pressure": None}


@pytest.fixture
def world(tmp_path):
    tree = Tree(tmp_path)
    tree.problems = Problems()
    return tree


def mounted(world, mountinfo):
    (world.root / "self/mountinfo").write_bytes(mountinfo)
    return Cgroups(world.proc, world.problems)


def member(world, pid, cgroup):
    world.process(pid, cgroup=cgroup)


def files(world, folder, **contents):
    for name, data in contents.items():
        (world.root / f"self/root/cg/{folder}").mkdir(parents=True, exist_ok=True)
        (world.root / f"self/root/cg/{folder}" / name.replace("__", ".")).write_bytes(data)


def test_own_quota_of_version_2(world):
    member(world, 5, b"0::/a/b\n")
    files(world, "a/b", cpu__max=b"50000 100000\n", cpu__stat=STAT % (100, 10, 1000), cpu__pressure=PRESSURE % 1_000_000)
    groups = mounted(world, V2)
    groups.begin([5])
    files(world, "a/b", cpu__stat=STAT % (200, 93, 4_101_000), cpu__pressure=PRESSURE % 8_100_000)
    assert groups.facts([5], 10.0) == [
        {
            "path": "/a/b", "version": 2, "cpu_quota": 0.5, "periods": 100, "throttled_periods": 83, "throttled_seconds": 4.1, "throttled_share": 0.83,
            "cpu_pressure": 0.71,
        }
    ]  # fmt: skip
    assert (groups.path_of(5), world.problems.as_list()) == ("/a/b", [])


def test_quota_of_an_ancestor(world):
    member(world, 5, b"0::/a/b\n")
    files(world, "a", cpu__max=b"50000 100000\n", cpu__stat=STAT % (0, 0, 0))
    files(world, "a/b", cpu__max=b"max 100000\n", cpu__stat=STAT % (0, 0, 0))
    groups = mounted(world, V2)
    groups.begin([5])
    files(world, "a", cpu__stat=STAT % (10, 5, 500_000))
    (facts,) = groups.facts([5], 10.0)
    assert (facts["path"], facts["limited_by"], facts["cpu_quota"], facts["throttled_share"], facts["throttled_seconds"]) == ("/a/b", "/a", 0.5, 0.5, 0.5)


def test_version_1_beside_pressure_of_version_2(world):
    member(world, 5, b"4:cpu,cpuacct:/a\n0::/x\n")
    files(world, "cpu/a", cpu__cfs_quota_us=b"10000\n", cpu__cfs_period_us=b"100000\n", cpu__stat=fixture("debian12-6.18-cpu_stat_unthrottled.txt"))
    files(world, "unified/x", cpu__pressure=PRESSURE % 0)
    groups = mounted(world, V1)
    groups.begin([5])
    files(world, "cpu/a", cpu__stat=fixture("debian12-6.18-cpu_stat_throttled.txt"))
    files(world, "unified/x", cpu__pressure=PRESSURE % 500_000)
    assert groups.facts([5], 1.0) == [
        {
            "path": "/a", "version": 1, "cpu_quota": 0.1, "periods": 11, "throttled_periods": 11, "throttled_seconds": 0.958, "throttled_share": 1.0,
            "cpu_pressure": 0.5,
        }
    ]  # fmt: skip


def test_version_1_without_a_quota(world):
    member(world, 5, b"4:cpu,cpuacct:/\n")
    files(world, "cpu", cpu__cfs_quota_us=b"-1\n", cpu__cfs_period_us=b"100000\n", cpu__stat=STAT_V1 % (0, 0, 0))
    groups = mounted(world, V1)
    groups.begin([5])
    assert groups.facts([5], 1.0) == [{"path": "/", "version": 1, **QUIET}]


def test_controller_that_is_not_enabled_sets_no_limit(world):
    member(world, 5, b"0::/a\n")
    files(world, "a", cpu__stat=fixture("debian12-6.18-cpu_stat_v2_root.txt"))
    groups = mounted(world, V2)
    groups.begin([5])
    assert groups.facts([5], 1.0) == [{"path": "/a", "version": 2, **QUIET}]


def test_container_sees_its_own_part(world):
    member(world, 5, b"0::/docker/ab\n")
    files(world, ".", cpu__max=b"200000 100000\n", cpu__stat=STAT % (0, 0, 0))
    groups = mounted(world, PART)
    groups.begin([5])
    (facts,) = groups.facts([5], 1.0)
    assert (facts["path"], facts["cpu_quota"], "limited_by" in facts) == ("/docker/ab", 2.0, False)


UNKNOWN = {"beside": (b"0::/../x\n", PART, "/../x", 2), "not_mounted": (b"4:cpu:/a\n", V2, "/a", 1)}


@pytest.mark.parametrize("cgroup, mountinfo, path, version", UNKNOWN.values(), ids=UNKNOWN)
def test_cgroup_that_cannot_be_seen(world, cgroup, mountinfo, path, version):
    member(world, 5, cgroup)
    groups = mounted(world, mountinfo)
    groups.begin([5])
    assert groups.facts([5], 1.0) == [{"path": path, "version": version, **dict.fromkeys(QUIET)}]
    assert world.problems.as_list() == [{"code": "cgroup_unseen", "message": UNSEEN, "count": 1}]


def test_kernel_without_cgroups(world):
    groups = mounted(world, b"")
    groups.begin([5])
    assert (groups.path_of(5), groups.facts([5], 1.0), world.problems.as_list()) == (None, [], [])


def test_cgroup_that_was_made_in_the_window(world):
    member(world, 5, b"0::/a\n")
    groups = mounted(world, V2)
    groups.begin([])
    files(world, "a", cpu__max=b"50000 100000\n", cpu__stat=STAT % (9, 9, 9))
    (facts,) = groups.facts([5], 1.0)
    assert (facts["cpu_quota"], facts["periods"], facts["throttled_share"]) == (0.5, None, None)
    assert [problem["code"] for problem in world.problems.as_list()] == ["cgroup_new"]


def test_each_cgroup_once_and_hostile_names(world):
    member(world, 5, b"0::/\xff\n")
    member(world, 6, b"0::/\xff\n")
    groups = mounted(world, V2)
    groups.begin([5, 6])
    assert [each["path"] for each in groups.facts([5, 6], 1.0)] == ["/\\xff"]
