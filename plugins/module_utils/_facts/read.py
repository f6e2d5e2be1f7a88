# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the facts: every namespace once, then the window, then the owners.

What only some subsets need is imported where it is used: on the target every import is compiled anew in every run.
"""

import os
import time

from .._errors import ReadError
from .._namespaces.read import entered, is_initial, own_namespace
from .._problems import Problems
from .._proc import ProcFS
from .._processes.capabilities import capability_names
from .._sockets.read import SockDiag
from .._version import VERSION, is_older
from .namespace import NamespaceView
from .shape import counter_groups, namespace_facts, namespace_names

SCHEMA = 1


def collect(options, proc_root):
    """Return the facts (dict) that ``options`` (Options) ask for. Raises ReadError where nothing can be read at all."""
    gathering = Gathering(options, ProcFS(proc_root))
    gathering.gather()
    return gathering.facts()


class Gathering:
    """One run: collects NamespaceViews and what belongs to them."""

    def __init__(self, options, proc):
        self.options = options
        self.proc = proc
        self.problems = Problems()
        self.release = os.uname().release
        self.own = own_namespace(proc)
        self.views = []
        self._started_at = time.time()
        self._window = None
        self._diagnosis = None
        self._processes = {}
        self._initial_found = False
        self._sysctl_boot = None

    def gather(self):
        wants = self.options.subsets
        walk = None
        if self.options.everywhere or wants & {"processes", "nginx"}:
            from .._owners.read import ProcessWalk

            walk = ProcessWalk(self)
        self.read_views(walk.namespaces() if walk else [self.own])
        if self.options.sample:
            from .._window.read import Window

            if self.options.diagnose:
                from .._diagnosis.read import Diagnosis

                self._diagnosis = Diagnosis(self, walk)
            self._window = Window(self, self._diagnosis)
            self._window.run()
        self.count_half_open(self.views)
        if walk:
            self._processes = walk.search()
            nginx_pids = walk.nginx_pids(self._processes) if "nginx" in wants else ()
            if nginx_pids:
                from .._nginx_facts.read import add_nginx

                add_nginx(self, walk, nginx_pids)
        if self._diagnosis:
            self._diagnosis.finish()
        if "sysctl_boot" in wants:
            self._read_sysctl_boot()

    def read_views(self, namespaces):
        """Read each of ``namespaces`` once, and add their views."""
        views = [NamespaceView(namespace) for namespace in namespaces]
        self.views += views
        for view in views:
            view.readable = self.inside(view, self._read_inside)

    def count_half_open(self, views):
        """Count the half-open connections of ``views``, when they are asked for."""
        if "syn_queue" in self.options.subsets and "sockets" in self.options.subsets:
            from .._half_open.read import count_half_open_of

            count_half_open_of(self, views)

    def inside(self, view, read):
        """Call ``read(view)`` inside the view's namespace; a namespace that refuses or vanished is a problem. Return success."""
        try:
            with entered(self.proc, self.own, view.namespace):
                read(view)
            return True
        except PermissionError:
            self.problems.add("netns_denied", "the network namespace may not be entered; become root (CAP_SYS_ADMIN) on the host", view.netns)
        except ReadError as error:
            self.problems.add("sockets_unreadable", str(error), view.netns)
        except OSError as error:
            self.problems.add("netns_vanished", "the network namespace could not be read: %s" % (error.strerror or error), view.netns)
        return False

    def _read_inside(self, view):
        wants = self.options.subsets
        # There is one initial namespace, most often the own one: once it is found, no other is asked.
        view.initial = not self._initial_found and is_initial(self.proc)
        self._initial_found = self._initial_found or view.initial
        if "sysctls" in wants:
            from .._sysctl.gathered import GATHERED
            from .._sysctl.read import read_sysctls

            view.sysctls = read_sysctls(self.proc, GATHERED, self.release, self.problems, view.netns)
        if "counters" in wants:
            view.counters, view.counted_at = self.read_counters(view), time.monotonic()
        self.read_sockets(view)

    def read_sockets(self, view):
        """Read the listeners of the calling thread's namespace into ``view``. Raises ReadError."""
        wants, ports = self.options.subsets, self.options.ports
        if not wants & {"sockets", "unix"}:
            return
        with SockDiag() as diag:
            if "sockets" in wants:
                view.tcp = [listener for listener in diag.tcp_listeners() if not ports or listener.local_port in ports]
            if "unix" in wants and not ports:
                try:
                    view.unix = diag.unix_listeners()
                except ReadError as error:  # unix_diag is a kernel module of its own; without it TCP is still known
                    view.unix = None
                    self.problems.add("unix_unreadable", "the UNIX listeners are unknown: %s" % error, view.netns)

    def read_counters(self, view):
        """Return ``{group: {name: value}}`` of the calling thread's namespace; an unknown value is None and a problem."""
        from .._sockets.counters import COUNTERS, LISTED

        values = {}
        for name in ("netstat", "snmp"):
            values.update(self._counters_of(name, None if self.options.all_counters else LISTED, view))
        groups = {group for group, _name in values}
        for counter in COUNTERS:
            # A group without any value is malformed or missing as a whole, which is told already.
            if counter.group in groups and (counter.group, counter.name) not in values:
                self.problems.add(
                    "counter_missing", "%s.%s is not counted by this kernel" % counter[:2], view.netns, partial=not is_older(self.release, counter.since)
                )
        return counter_groups(values, LISTED | set(values))

    def _counters_of(self, name, wanted, view):
        from .._sockets.proc_net import parse_counters

        data = self.proc.read("thread-self/net/" + name)
        if data is None:  # before kernel 3.17
            data = self.proc.read("net/" + name)
        if not data:
            self.problems.add("counters_unreadable", "/proc/net/%s does not exist or is empty" % name, view.netns)
            return {}
        values, sentences = parse_counters(data, wanted)
        if not values:
            sentences = sentences or ["it has none of the groups that are reported"]
        for sentence in sentences:
            self.problems.add("counters_malformed", "/proc/net/%s: %s" % (name, sentence), view.netns)
        return values

    def _read_sysctl_boot(self):
        from .._sysctl_info.read import boot_facts

        try:
            self._sysctl_boot = boot_facts(self.proc, self.proc.path("self/root"), (), "auto", self.problems, self.views[0].sysctls)
        except ReadError as error:
            self.problems.add("sysctl_boot_unreadable", "what the next boot sets is unknown: %s" % error)

    def facts(self):
        """Return the whole answer as plain data."""
        facts = {
            "schema": SCHEMA,
            "kernel": self.release,
            "boot_id": self._boot_id(),
            "collected_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started_at)),
            "collected_by": {"version": VERSION, "uid": os.geteuid(), "capabilities": capability_names(self.proc.read("self/status") or b"")},
            "gather_subset": sorted(self.options.subsets),
            "scope": "all" if self.options.everywhere else "own",
        }
        if self._window:
            facts["sample"] = self._window.summary()
        if self._diagnosis:
            facts.update(self._diagnosis.facts())
        facts["namespaces"] = [namespace_facts(view, self._names(view), self.options.subsets, self._processes) for view in self.views]
        if "sysctl_boot" in self.options.subsets:
            facts["sysctl_boot"] = self._sysctl_boot
        facts["problems"] = self.problems.as_list()
        facts["complete"] = not self.problems.partial
        return facts

    def _boot_id(self):
        raw = self.proc.read("sys/kernel/random/boot_id")
        return raw.decode("ascii").strip() if raw else None

    def _names(self, view):
        namespace, mounts, owner = view.namespace, (), None
        if namespace.mounts or not view.initial:
            from .._owners.read import mount_names, owner_of_namespace

            mounts = mount_names(namespace)
            owner = None if view.initial else owner_of_namespace(self.proc, namespace)
        return namespace_names(view.initial, namespace.is_own, mounts, owner)
