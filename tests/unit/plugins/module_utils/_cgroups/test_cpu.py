# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU controller of both versions: where a process is, what it may use, and what it had to wait."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._cgroups.cpu import (
    Hierarchy,
    Level,
    Membership,
    Throttling,
    deciding,
    levels,
    parse_cfs,
    parse_cpu_max,
    parse_cpu_stat,
    parse_hierarchies,
    parse_membership,
    passed,
)
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture
from hypothesis import given
from hypothesis import strategies as st

HYBRID_CGROUP, HYBRID_MOUNTS = fixture("debian12-6.18-cgroup_hybrid.txt"), fixture("debian12-6.18-mountinfo_hybrid.txt")
THROTTLED = fixture("debian12-6.18-cpu_stat_throttled.txt")
# cgroup-v2.rst: usage_usec, user_usec and system_usec are always there, the others with the controller enabled
V2_THROTTLED = b"usage_usec 5000\nuser_usec 4000\nsystem_usec 1000\nnr_periods 100\nnr_throttled 83\nthrottled_usec 4100000\nnr_bursts 0\nburst_usec 0\n"

MEMBERS = {
    "hybrid": (HYBRID_CGROUP, Membership(b"/lq-cap/inner", b"/")),
    "v2": (b"0::/system.slice/nginx.service\n", Membership(None, b"/system.slice/nginx.service")),
    "v1_with_two_controllers": (b"4:cpu,cpuacct:/system.slice/nginx.service\n1:name=systemd:/x\n", Membership(b"/system.slice/nginx.service", None)),
    "cpuset_is_another_controller": (b"3:cpuset:/a\n2:cpuacct:/b\n", Membership(None, None)),
    "path_with_a_colon": (b"0::/a:b:c\n", Membership(None, b"/a:b:c")),
    "path_is_no_text": (b"0::/\xff\n", Membership(None, b"/\xff")),
    "empty": (b"", Membership(None, None)),
    "malformed": (b"0\n:\n::\n0:\n", Membership(None, None)),
}


@pytest.mark.parametrize("data, expected", MEMBERS.values(), ids=MEMBERS)
def test_membership(data, expected):
    assert parse_membership(data) == expected


HIERARCHIES = {
    "hybrid": (HYBRID_MOUNTS, [Hierarchy(1, b"/", b"/sys/fs/cgroup/cpu"), Hierarchy(2, b"/", b"/sys/fs/cgroup/unified")]),
    "v2": (b"35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n", [Hierarchy(2, b"/", b"/sys/fs/cgroup")]),
    "docker_v1": (
        b"1 2 0:3 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
        [Hierarchy(1, b"/docker/ab", b"/sys/fs/cgroup/cpu,cpuacct")],
    ),
    "blank_in_the_name": (b"35 25 0:30 / /a\\040b rw - cgroup2 none rw\n", [Hierarchy(2, b"/", b"/a b")]),
    "others": (b"1 2 0:3 / /proc rw - proc proc rw\n1 2 0:3 / /x rw - cgroup cgroup rw,cpuset\n", []),
    "cut": (b"35 25 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2", []),
    "empty": (b"", []),
}


@pytest.mark.parametrize("data, expected", HIERARCHIES.values(), ids=HIERARCHIES)
def test_hierarchies(data, expected):
    assert parse_hierarchies(data) == expected


TOP = [Hierarchy(1, b"/", b"/cg/cpu"), Hierarchy(2, b"/", b"/cg")]
INNER = [Hierarchy(2, b"/docker/ab", b"/cg")]
LEVELS = {
    "nested": (b"/a/b", 2, TOP, [(b"/a/b", b"/cg/a/b"), (b"/a", b"/cg/a"), (b"/", b"/cg")]),
    "other_version": (b"/a", 1, TOP, [(b"/a", b"/cg/cpu/a"), (b"/", b"/cg/cpu")]),
    "root": (b"/", 2, TOP, [(b"/", b"/cg")]),
    "mount_of_a_part": (b"/docker/ab/x", 2, INNER, [(b"/docker/ab/x", b"/cg/x"), (b"/docker/ab", b"/cg")]),
    "root_of_the_part": (b"/docker/ab", 2, INNER, [(b"/docker/ab", b"/cg")]),
    "beside_the_part": (b"/docker/abc", 2, INNER, []),
    "outside_of_the_namespace": (b"/../x", 2, TOP, []),
    "no_such_hierarchy": (b"/a", 1, INNER, []),
    "second_mount_shows_it": (b"/a", 2, [*INNER, *TOP], [(b"/a", b"/cg/a"), (b"/", b"/cg")]),
}


@pytest.mark.parametrize("path, version, hierarchies, expected", LEVELS.values(), ids=LEVELS)
def test_levels(path, version, hierarchies, expected):
    assert levels(path, version, hierarchies) == expected


@given(st.lists(st.sampled_from([b"a", b"b", b""]), max_size=5))
def test_levels_end(parts):
    assert levels(b"/" + b"/".join(parts), 2, TOP)[-1] == (b"/", b"/cg")


MAXIMA = {
    "half": (b"50000 100000\n", 0.5),
    "two": (b"200000 100000\n", 2.0),
    "none": (b"max 100000\n", None),
    "cut": (b"50000 1000", None),
    "one_number": (b"50000\n", None),
    "period_0": (b"50000 0\n", None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("data, expected", MAXIMA.values(), ids=MAXIMA)
def test_cpu_max(data, expected):
    assert parse_cpu_max(data) == expected


CFS = {"tenth": (b"10000\n", b"100000\n", 0.1), "none": (b"-1\n", b"100000\n", None), "absent": (b"", b"", None), "period_0": (b"1\n", b"0\n", None)}


@pytest.mark.parametrize("quota, period, expected", CFS.values(), ids=CFS)
def test_cfs(quota, period, expected):
    assert parse_cfs(quota, period) == expected


STATS = {
    "v1": (THROTTLED, Throttling(11, 11, 0.957858466)),
    "v1_quiet": (fixture("debian12-6.18-cpu_stat_unthrottled.txt"), Throttling(0, 0, 0.0)),
    "v2": (V2_THROTTLED, Throttling(100, 83, 4.1)),
    "v2_root": (fixture("debian12-6.18-cpu_stat_v2_root.txt"), None),
    "no_time": (b"nr_periods 1\nnr_throttled 1\n", None),
    "no_number": (b"nr_periods x\nnr_throttled 1\nthrottled_usec 1\n", None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("data, expected", STATS.values(), ids=STATS)
def test_cpu_stat(data, expected):
    assert parse_cpu_stat(data) == expected


@pytest.mark.parametrize("data", [THROTTLED, V2_THROTTLED], ids=["v1", "v2"])
def test_stat_cut_at_every_byte(data):
    for cut in range(len(data)):
        assert parse_cpu_stat(data[:cut]) in (None, parse_cpu_stat(data))


PASSED = {
    "throttled": (Throttling(1, 1, 0.5), Throttling(11, 9, 4.5), Throttling(10, 8, 4.0)),
    "nothing": (Throttling(1, 1, 0.5), Throttling(1, 1, 0.5), Throttling(0, 0, 0.0)),
    "another_cgroup_of_this_name": (Throttling(9, 1, 0.5), Throttling(1, 1, 0.5), None),
    "made_in_the_window": (None, Throttling(1, 1, 0.5), None),
    "gone": (Throttling(1, 1, 0.5), None, None),
}


@pytest.mark.parametrize("before, after, expected", PASSED.values(), ids=PASSED)
def test_passed(before, after, expected):
    assert passed(before, after) == expected


def level(path, quota, seconds=0.0):
    return Level(path, quota, None if seconds is None else Throttling(10, 5, seconds))


DECIDING = {
    "no_limit": ([level(b"/a", None), level(b"/", None)], None),
    "own": ([level(b"/a/b", 0.5), level(b"/a", None)], b"/a/b"),
    "ancestor": ([level(b"/a/b", None), level(b"/a", 0.5)], b"/a"),
    "tightest": ([level(b"/a/b", 2.0), level(b"/a", 0.5)], b"/a"),
    "throttled_one_before_the_tightest": ([level(b"/a/b", 2.0, 3.0), level(b"/a", 0.5)], b"/a/b"),
    "unknown_time": ([level(b"/a/b", 2.0, None), level(b"/a", 0.5, None)], b"/a"),
    "nothing_seen": ([], None),
}


@pytest.mark.parametrize("found, expected", DECIDING.values(), ids=DECIDING)
def test_deciding(found, expected):
    chosen = deciding(found)
    assert (chosen and chosen.path) == expected
