# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers evidence over the window: who works on the listeners, what held them up, and what the machine dropped elsewhere.

The window calls begin(), tick() at each of its reads, and end(). Nothing here waits, and no path of a file system is touched
that may hang (network file systems).
"""

import time

from .._cgroups.read import Cgroups
from .._kernel_log.read import KernelLog
from .._sockets.sampling import change
from .._workers.read import WorkerWatch
from .conntrack import EVENTS, parse_conntrack
from .pressure import parse_pressure, stalled_shares
from .softnet import Softnet, parse_softnet
from .stall import StallSeries

RESOURCES = ("cpu", "io", "memory")


class Diagnosis:
    """The evidence of one run. ``series`` is what the window shall make of each listener."""

    series = StallSeries

    def __init__(self, gathering, walk):
        self._gathering = gathering
        self._proc = gathering.proc
        self._problems = gathering.problems
        self._walk = walk
        self._workers = WorkerWatch(gathering.proc, gathering.problems, gathering.options.sample_interval)
        self._cgroups = Cgroups(gathering.proc, gathering.problems)
        self._kernel_log = KernelLog(gathering.proc, gathering.problems)
        self._nginx = None
        self._tracked = {}  # netns -> (events, when) of the first look
        self._began = self._seconds = 0.0
        self._softnet = None
        self._pressure = {}
        self._drops = self._stalled = None

    def begin(self):
        """Look for the first time."""
        pids = self._proc.numbers("")
        if "nginx" in self._gathering.options.subsets:
            from .._nginx_evidence.read import NginxEvidence

            self._nginx = NginxEvidence(self._gathering, pids)
            self._nginx.begin()
        self._kernel_log.read(is_in_window=False)
        self._workers.begin(self._inodes(), pids)
        self._cgroups.begin(self._workers.pids())
        self._track()
        self._began = time.monotonic()
        self._softnet, self._pressure = self._read_softnet(), self._read_pressures()

    def tick(self):
        """Look at the workers."""
        self._workers.tick()

    def end(self):
        """Look for the last time."""
        self._workers.end(self._inodes(), self._proc.numbers(""))
        self._seconds = time.monotonic() - self._began
        softnet, pressure = self._read_softnet(), self._read_pressures()
        if self._softnet and softnet:
            self._drops = {name: change(getattr(self._softnet, name), getattr(softnet, name), self._seconds) for name in Softnet._fields}
        self._stalled = {name: stalled_shares(self._pressure[name], pressure[name], self._seconds) for name in RESOURCES}
        self._track()
        self._kernel_log.read(is_in_window=True)

    def _inodes(self):
        return {inode for view in self._gathering.views for inode in view.inodes()}

    def _read(self, name):
        try:
            return self._proc.read(name)
        except OSError:
            return None

    def _read_softnet(self):
        found = parse_softnet(self._read("net/softnet_stat") or b"")
        if found is None:
            self._problems.add("softnet_unreadable", "packets that the network stack dropped before TCP are unknown: /proc/net/softnet_stat cannot be read")
        return found

    def _read_pressures(self):
        found = {name: parse_pressure(self._read("pressure/" + name) or b"") for name in RESOURCES}
        if None in found.values():
            self._problems.add("pressure_missing", "this kernel does not tell how long tasks waited for CPU, memory or disks (PSI)", partial=False)
        return found

    def _track(self):
        for view in self._gathering.views:
            if view.readable:
                self._gathering.inside(view, self._count)

    def _count(self, view):
        """Read the connection tracking of the namespace that the calling thread is in."""
        count, most = (self._number("sys/net/netfilter/nf_conntrack_" + name) for name in ("count", "max"))
        if count is None:  # the kernel module is not loaded
            return
        data = self._read("thread-self/net/stat/nf_conntrack") or self._read("net/stat/nf_conntrack")
        events = parse_conntrack(data or b"")
        if events is None:
            self._problems.add("conntrack_unreadable", "what connection tracking dropped is unknown; become root on the host", view.netns)
        now = time.monotonic()
        before, then = self._tracked.setdefault(view.netns, (events, now))
        view.conntrack = {"count": count, "max": most}
        for name in EVENTS:
            view.conntrack[name] = change((before or {}).get(name), (events or {}).get(name), now - then)

    def _number(self, name):
        data = (self._read(name) or b"").strip()
        return int(data) if data.isdigit() else None

    def finish(self):
        """Give the listeners their workers and each nginx what its log says, after all views and nginx were read."""
        evidence = self._workers.of_listeners(self._inodes(), self._walk.sees_all())
        for view in self._gathering.views:
            view.evidence = evidence
        if self._nginx:
            self._nginx.add()

    def facts(self):
        """Return what belongs to the host as a whole."""
        ports = {listener.local_port for view in self._gathering.views for listener in view.tcp or ()}
        facts = {
            "softnet": self._drops,
            "pressure": self._stalled,
            "workers": self._workers.facts(self._cgroups.path_of),
            "cgroups": self._cgroups.facts(self._workers.pids(), self._seconds),
            "kernel_log": self._kernel_log.facts(ports),
        }
        self._kernel_log.close()
        return facts
