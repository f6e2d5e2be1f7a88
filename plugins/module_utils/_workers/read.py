# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the processes that hold listeners over a window: their states, their CPU, and where they sleep in the kernel."""

import os
import time

from .._nginx.command_line import MASTER, PLAIN, title_of
from .._nginx.procfs import parse_limit
from .._processes.read import INIT, is_nginx_name
from .process import HolderScan
from .sleep import parse_sleep
from .task import BLOCKED, StateSeries, parse_task

MOST_WORKERS = 64  # of one listener
MOST_THREADS = 64  # of one process in one read; a later read looks at others
SHARE = 0.05  # of one CPU, at most, for looking at states
MISSING = "workers of some listeners may be missing"


class _Watched:
    """One process: its Task at both ends of the window and its states."""

    __slots__ = ("first", "began", "last", "ended_at", "series", "wchan", "turn")

    def __init__(self, task, now):
        self.first = self.last = task
        self.began = self.ended_at = now
        self.series = StateSeries()
        self.wchan = None
        self.turn = 0  # which of its threads are looked at next


class WorkerWatch:
    """The workers of all listeners of one run."""

    def __init__(self, proc, problems, interval):
        self._proc = proc
        self._problems = problems
        self._budget = SHARE * interval
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._holders = {}  # inode -> pids at the beginning, and those that were found at the end
        self._watched = {}  # pid -> _Watched
        self._ended = set()
        self._next = 0
        self._is_finished = True
        self._denied = set()

    def begin(self, inodes, pids):
        """Find the holders of ``inodes`` among ``pids`` and look at each for the first time."""
        self._search(inodes, pids)
        for pid in self._pids():
            self._look(pid)

    def tick(self):
        """Look at the workers, one after the other, as far as one tick's share of the CPU allows; the next tick goes on there."""
        deadline = time.process_time() + self._budget
        pids = list(self._watched)
        for step in range(len(pids)):
            self._look(pids[(self._next + step) % len(pids)])
            if time.process_time() >= deadline:
                self._next = (self._next + step + 1) % len(pids)
                return

    def end(self, inodes, pids):
        """Look at each for the last time; find the holders of ``inodes`` that have none, and those that took the place of others."""
        for pid in list(self._watched):
            self._look(pid)
        missing = set(inodes) - set(self._holders)
        changed = {inode for inode, holders in self._holders.items() if holders & self._ended}
        if missing or changed:
            self._search(missing | changed, pids)
            for pid in set(self._pids()) - set(self._watched) - self._ended:
                self._look(pid)

    def _search(self, inodes, pids):
        scan = HolderScan(self._proc, inodes)
        scan.run(pids)
        for inode, holders in scan.holders.items():
            self._holders.setdefault(inode, set()).update(holders)
        self._is_finished = self._is_finished and scan.finished
        self._denied |= scan.denied

    def _pids(self):
        return sorted({pid for holders in self._holders.values() for pid in sorted(holders)[:MOST_WORKERS]})

    def _read(self, name):
        try:
            return self._proc.read(name, once=True)
        except OSError:  # not ours to read, or it ended
            return None

    def _task(self, name):
        return parse_task(self._read(name + "/stat") or b"")

    def _look(self, pid):
        task, now = self._task(str(pid)), time.monotonic()
        watched = self._watched.get(pid)
        if task is None or (watched and task.start_ticks != watched.first.start_ticks):
            self._watched.pop(pid, None)
            self._ended.add(pid)
            return
        if watched is None:
            watched = self._watched[pid] = _Watched(task, now)
        watched.last, watched.ended_at = task, now
        states = self._states(pid, task, watched)
        watched.series.add([state for _place, state in states])
        for place, state in states:
            if state in BLOCKED:
                watched.wchan = parse_sleep(self._read(place + "/wchan"), self._read(place + "/syscall"))
                break

    def _states(self, pid, task, watched):
        """Return ``[(place in procfs, state)]`` of the threads; of a process with one thread that is the process."""
        if task.threads == 1:
            return [(str(pid), task.state)]
        tids = self._proc.numbers("%d/task" % pid)
        if len(tids) > MOST_THREADS:
            start = watched.turn % len(tids)
            watched.turn = start + MOST_THREADS
            tids = (tids[start:] + tids[:start])[:MOST_THREADS]
        places = ["%d/task/%d" % (pid, tid) for tid in tids]
        found = [(place, each.state) for place, each in ((place, self._task(place)) for place in places) if each]
        return found or [(str(pid), task.state)]

    def pids(self):
        """The pids of all workers that are still there, ascending."""
        return sorted(self._watched)

    def of_listeners(self, inodes, sees_all):
        """Return ``{inode: {workers, workers_more?, workers_ended?}}``. ``sees_all``: whether procfs shows every process."""
        missing = set(inodes) - set(self._holders)
        is_certain = self._is_finished and not self._denied and sees_all
        if not self._is_finished:
            self._problems.add("workers_unfinished", MISSING + ": not all descriptors were looked at in the time that this may take")
        elif self._denied if missing else self._denied - {INIT}:
            self._problems.add(
                "workers_denied", MISSING + ", because the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host"
            )
        elif missing and not sees_all:
            self._problems.add(
                "workers_hidden",
                MISSING + ", because /proc does not show every process of the host; run as root, outside of containers, or without hidepid",
            )
        return {inode: self._of_listener(inode, is_certain) for inode in inodes}

    def _of_listener(self, inode, is_certain):
        holders = self._holders.get(inode)
        if holders is None:
            return {"workers": [] if is_certain else None}
        alive = sorted(holders - self._ended)
        numbers = {"workers_more": max(0, len(alive) - MOST_WORKERS), "workers_ended": len(holders) - len(alive)}
        return {"workers": alive[:MOST_WORKERS], **{key: number for key, number in numbers.items() if number}}

    def facts(self, cgroup_of):
        """Return one dict per worker. ``cgroup_of(pid)`` is the text of its cgroup."""
        children = {}
        for watched in self._watched.values():
            if watched.last.parent in self._watched:
                children[watched.last.parent] = children.get(watched.last.parent, 0) + 1
        return [self._describe(pid, children.get(pid, 0), cgroup_of(pid)) for pid in self.pids()]

    def _describe(self, pid, children, cgroup):
        watched = self._watched[pid]
        series = watched.series
        facts = {"pid": pid, "name": watched.last.name}
        role = self._role(pid, watched.last.name)
        if role:
            facts["role"] = role
        if children:
            facts["children"] = children
        if watched.wchan is None and any(state in BLOCKED for state in series.shares()):
            self._problems.add("wchan_denied", "where some blocked workers sleep in the kernel is unknown; become root (CAP_SYS_PTRACE) on the host")
        facts.update(
            state=series.last, states=series.shares(), reads=series.reads, cpu=self._cpu(watched), wchan=watched.wchan, threads=watched.last.threads,
            threads_blocked=series.blocked, open_files=self._open_files(pid), open_files_limit=parse_limit(self._read("%d/limits" % pid) or b""),
            cgroup=cgroup,
        )  # fmt: skip
        return facts

    def _cpu(self, watched):
        seconds = watched.ended_at - watched.began
        if watched.series.reads < 2 or seconds <= 0:
            return None
        return round((watched.last.cpu_ticks - watched.first.cpu_ticks) / self._ticks / seconds, 3)

    def _role(self, pid, name):
        """What a process of nginx is; ``None`` for others. With ``master_process off`` the only one is the worker."""
        title = title_of(self._read("%d/cmdline" % pid) or b"") if is_nginx_name(name) else None
        if title is None:
            return None
        return "master" if title.role == MASTER else "worker" if title.role == PLAIN else title.role

    def _open_files(self, pid):
        try:
            status = self._proc.status("%d/fd" % pid)
            return (status.st_size or len(self._proc.numbers("%d/fd" % pid))) if status else None
        except OSError:
            self._problems.add("open_files_denied", "how many files some workers have open is unknown; become root (CAP_SYS_PTRACE) on the host")
            return None
