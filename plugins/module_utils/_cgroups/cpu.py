# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU controller of both cgroup versions, from texts alone.

Sources: Documentation/admin-guide/cgroup-v2.rst (cpu.max, cpu.stat), Documentation/scheduler/sched-bwc.rst (cpu.cfs_quota_us,
cpu.stat of version 1), cgroups(7) for /proc/<pid>/cgroup. In the hybrid layout the CPU controller is one of version 1, while
cpu.pressure is always in version 2.
"""

from typing import NamedTuple, Optional

from .._namespaces.model import unescaped


class Membership(NamedTuple):
    """Where a process is: the path (bytes) in the hierarchy of version 1 that has the CPU controller, and in version 2."""

    v1: Optional[bytes]
    v2: Optional[bytes]


class Hierarchy(NamedTuple):
    """One mount of a hierarchy: ``root`` is the cgroup that shows at ``point``. Both bytes."""

    version: int
    root: bytes
    point: bytes


class Throttling(NamedTuple):
    """Of one cgroup since it exists: periods in which it wanted to run, those in which it had to wait, and for how many seconds."""

    periods: int
    throttled: int
    seconds: float


def parse_membership(data):
    """Return the Membership in the bytes of /proc/<pid>/cgroup."""
    v1 = v2 = None
    for line in data.split(b"\n"):
        number, _colon, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if not colon or not path:
            continue
        if number == b"0" and not controllers:
            v2 = path
        elif b"cpu" in controllers.split(b","):
            v1 = path
    return Membership(v1, v2)


def parse_hierarchies(mountinfo):
    """Return the Hierarchies in a mountinfo file: version 2, and of version 1 those with the CPU controller."""
    found = []
    for line in mountinfo.split(b"\n"):
        fields, _dash, tail = line.partition(b" - ")
        columns, kind = fields.split(b" "), tail.split(b" ")
        if len(columns) < 6 or len(kind) < 3:
            continue
        if kind[0] == b"cgroup2":
            found.append(Hierarchy(2, unescaped(columns[3]), unescaped(columns[4])))
        elif kind[0] == b"cgroup" and b"cpu" in kind[2].split(b","):
            found.append(Hierarchy(1, unescaped(columns[3]), unescaped(columns[4])))
    return found


def levels(path, version, hierarchies):
    """Return ``[(path, directory)]`` of a cgroup and of each ancestor that can be seen, the cgroup first; empty when it cannot.

    A container may see a part of the hierarchy only: then the mount's root is a cgroup further down, and what lies beside it
    is shown as ``/../name``.
    """
    for hierarchy in hierarchies:
        root = hierarchy.root.rstrip(b"/")
        if hierarchy.version != version or b".." in path.split(b"/") or not (path == root or path.startswith(root + b"/")):
            continue
        inside = path[len(root) :].rstrip(b"/")
        found = []
        while inside:
            found.append((root + inside, hierarchy.point + inside))
            inside = inside.rpartition(b"/")[0]
        return [*found, (root or b"/", hierarchy.point)]
    return []


def parse_cpu_max(data):
    """Return the CPUs that a cpu.max file (``max 100000``, ``50000 100000``) allows; ``None`` when it sets no limit or is cut short."""
    return _cpus(*data.split()) if data.endswith(b"\n") and len(data.split()) == 2 else None


def parse_cfs(quota, period):
    """Return the CPUs that cpu.cfs_quota_us (-1 is no limit) and cpu.cfs_period_us allow; ``None`` when they set no limit."""
    return _cpus(quota.strip(), period.strip())


def _cpus(quota, period):
    if not quota.isdigit() or not period.isdigit() or not int(period):
        return None
    return round(int(quota) / int(period), 4)


def parse_cpu_stat(data):
    """Return the Throttling in a cpu.stat file; ``None`` when it has none, as that of the root cgroup, or is cut short."""
    if not data.endswith(b"\n"):
        return None
    values = {}
    for line in data.splitlines():
        name, _blank, value = line.partition(b" ")
        if value.isdigit():
            values[name] = int(value)
    if b"nr_periods" not in values or b"nr_throttled" not in values:
        return None
    if b"throttled_usec" in values:  # version 2
        seconds = values[b"throttled_usec"] / 1e6
    elif b"throttled_time" in values:  # version 1: nanoseconds
        seconds = values[b"throttled_time"] / 1e9
    else:
        return None
    return Throttling(values[b"nr_periods"], values[b"nr_throttled"], seconds)


class Level(NamedTuple):
    """One cgroup over a window. ``quota`` are CPUs, ``None`` without a limit; ``passed`` what happened, ``None`` when it is unknown."""

    path: bytes
    quota: Optional[float]
    passed: Optional[Throttling]


def passed(before, after):
    """Return the Throttling between two; ``None`` when one is unknown, or the cgroup is another one by now."""
    if before is None or after is None or after.periods < before.periods or after.throttled < before.throttled:
        return None
    return Throttling(after.periods - before.periods, after.throttled - before.throttled, max(0.0, after.seconds - before.seconds))


def deciding(found):
    """Return the Level whose limit counts: the one that was throttled most, or else the tightest; ``None`` when none has a limit.

    Time that an ancestor has to wait is counted by the ancestor alone.
    """
    limited = [level for level in found if level.quota is not None]
    return max(limited, key=lambda level: (level.passed.seconds if level.passed else 0.0, -level.quota)) if limited else None
