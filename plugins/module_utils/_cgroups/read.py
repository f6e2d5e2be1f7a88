# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the CPU limits of cgroups, and how often they were reached in a window. Directories are found by mountinfo."""

import os

from .._diagnosis.pressure import parse_pressure, stalled_share
from .cpu import Level, Throttling, deciding, levels, parse_cfs, parse_cpu_max, parse_cpu_stat, parse_hierarchies, parse_membership, passed

UNSEEN = "the CPU limits of some cgroups are unknown, because they cannot be seen from here; run on the host, where /sys/fs/cgroup shows all of them"


class Cgroups:
    """The cgroups of some processes, over a window."""

    def __init__(self, proc, problems):
        self._proc = proc
        self._problems = problems
        self._hierarchies = parse_hierarchies(proc.read("self/mountinfo") or b"")
        self._members = {}  # pid -> (version, path) or None
        self._pressed = {}  # (version, path) -> path in version 2, where cpu.pressure is
        self._before = {}  # (version, path of a level) -> Throttling
        self._pressure_before = {}

    def begin(self, pids):
        """Note where ``pids`` are, and what their cgroups have counted so far."""
        for pid in pids:
            self._member(pid)
        for version, path in set(filter(None, self._members.values())):
            for level, folder in levels(path, version, self._hierarchies):
                if (version, level) not in self._before:
                    self._before[version, level] = parse_cpu_stat(self._read(folder, "cpu.stat"))
            self._pressure_before[version, path] = self._pressure(version, path)

    def _member(self, pid):
        if pid not in self._members:
            try:
                membership = parse_membership(self._proc.read("%d/cgroup" % pid) or b"")
            except OSError:
                membership = parse_membership(b"")
            key = (1, membership.v1) if membership.v1 is not None else (2, membership.v2) if membership.v2 is not None else None
            self._members[pid] = key
            if key:
                self._pressed.setdefault(key, membership.v2)
        return self._members[pid]

    def _read(self, folder, name):
        try:
            return self._proc.read("self/root" + os.fsdecode(folder) + "/" + name) or b""
        except OSError:
            return b""

    def _pressure(self, version, path):
        inside = self._pressed[version, path]
        seen = levels(inside, 2, self._hierarchies) if inside is not None else ()
        found = parse_pressure(self._read(seen[0][1], "cpu.pressure")) if seen else None
        return found.some if found else None

    def path_of(self, pid):
        """Return the text of a process's cgroup; ``None`` when it is unknown."""
        key = self._member(pid)
        return _text(key[1]) if key else None

    def facts(self, pids, seconds):
        """Return one dict for each cgroup of ``pids``, after a window of so many seconds."""
        found = []
        for version, path in sorted(set(filter(None, map(self._member, pids)))):
            seen = levels(path, version, self._hierarchies)
            if not seen:
                self._problems.add("cgroup_unseen", UNSEEN)
            found.append(self._facts(version, path, seen, seconds))
        return found

    def _facts(self, version, path, seen, seconds):
        facts = {"path": _text(path), "version": version}
        level = deciding([self._level(version, *each) for each in seen])
        if level is not None and level.path != path:
            facts["limited_by"] = _text(level.path)
        happened = level.passed if level else Throttling(0, 0, 0.0) if seen else None
        if seen and happened is None:
            self._problems.add("cgroup_new", "how often some cgroups were throttled is unknown, because they were made or left in the window; run again")
        pressure = self._pressure(version, path)
        facts.update(
            cpu_quota=level.quota if level else None,
            periods=happened.periods if happened else None,
            throttled_periods=happened.throttled if happened else None,
            throttled_seconds=round(happened.seconds, 3) if happened else None,
            throttled_share=round(happened.throttled / happened.periods, 3) if happened and happened.periods else None,
            cpu_pressure=stalled_share(self._pressure_before.get((version, path)), pressure, seconds),
        )
        return facts

    def _level(self, version, path, folder):
        if version == 1:
            quota = parse_cfs(self._read(folder, "cpu.cfs_quota_us"), self._read(folder, "cpu.cfs_period_us"))
        else:
            quota = parse_cpu_max(self._read(folder, "cpu.max"))
        return Level(path, quota, passed(self._before.get((version, path)), parse_cpu_stat(self._read(folder, "cpu.stat"))))


def _text(path):
    return path.decode("utf-8", "backslashreplace")
