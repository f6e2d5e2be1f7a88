# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the facts: every namespace once, the half-open connections under a budget, the window, then the owners."""

import os
import time

from .._errors import KernelRefused, ReadError
from .._namespaces.containers import NOBODY
from .._namespaces.read import Finder, entered, is_initial, mount_names
from .._proc import ProcFS
from .._problems import Problems
from .._processes.model import capability_names
from .._processes.read import OwnerScan, ProcessBook
from .._sockets.listen_queue import count_half_open, endpoint
from .._sockets.read import SockDiag
from .._version import VERSION
from .._versions import is_older
from . import shape
from .namespace import NamespaceView

SCHEMA = 1
# Seconds of CPU for the half-open connections of other namespaces: each dump walks the host's whole connection hash.
SYN_BUDGET = 0.02


def collect(options, proc_root):
    """Return the facts (dict) that ``options`` (Options) ask for. Raises ReadError where nothing can be read at all."""
    gathering = Gathering(options, ProcFS(proc_root))
    gathering.gather()
    return gathering.facts()


class Gathering:
    """One run: collects NamespaceViews, then gives them their shape."""

    def __init__(self, options, proc):
        self.options = options
        self.proc = proc
        self.problems = Problems()
        self.release = os.uname().release
        self.started_at = time.time()
        self.finder = Finder(proc, self.problems)
        self.book = ProcessBook(proc)
        self.scan = None
        self.views = []
        self.window = None

    def gather(self):
        wants = self.options.subsets
        pids = self.proc.numbers("") if self.options.everywhere or "processes" in wants else []
        self.finder.find(pids if self.options.everywhere else (), self.options.everywhere)
        for namespace in self.finder.namespaces(self.options.everywhere):
            self._read_view(namespace)
        if "syn_queue" in wants and "sockets" in wants:
            self._count_half_open(self.views)
        if self.options.sample:
            from .._window.read import Window
            self.window = Window(self)
            self.window.run()
        if pids:
            self._find_owners(pids)

    def inside(self, view, read):
        """Call ``read(view)`` inside the view's namespace; a namespace that refuses or vanished is a problem. Return success."""
        try:
            with entered(self.proc, view.namespace):
                read(view)
            return True
        except PermissionError:
            self.problems.add("netns_denied", "the network namespace may not be entered; become root (CAP_SYS_ADMIN) to read it", view.netns)
        except (KernelRefused, ReadError) as error:
            self.problems.add("sockets_unreadable", str(error), view.netns)
        except OSError as error:
            self.problems.add("netns_vanished", "the network namespace could not be entered: %s" % error.strerror, view.netns)
        return False

    def _read_view(self, namespace):
        view = NamespaceView(namespace)
        self.views.append(view)
        view.readable = self.inside(view, self._read_inside)

    def _read_inside(self, view):
        wants = self.options.subsets
        view.initial = is_initial(self.proc)
        if "sysctls" in wants:
            from .._sysctl.catalog import GATHERED
            from .._sysctl.read import read_sysctls
            view.sysctls = read_sysctls(self.proc, GATHERED, self.release, self.problems, view.netns)
        if "counters" in wants:
            view.counters, view.counted_at = self.read_counters(view), time.monotonic()
        self.read_sockets(view)

    def read_sockets(self, view):
        """Read the listeners of the calling thread's namespace into ``view``. Raises ReadError."""
        wants = self.options.subsets
        if not wants & {"sockets", "unix"}:
            return
        with SockDiag() as diag:
            tcp = diag.tcp_listeners() if "sockets" in wants else None
            if "unix" in wants and not self.options.ports:
                view.unix = diag.unix_listeners()
        if tcp is not None and self.options.ports:
            tcp = [listener for listener in tcp if listener.local_port in self.options.ports]
        view.tcp = tcp

    def read_counters(self, view):
        """Return ``{group: {name: value}}`` of the calling thread's namespace; an unknown value is None and a problem."""
        from .._sockets.counters import COUNTERS, LISTED
        from .._sockets.proc_net import parse_counters
        wanted = None if self.options.all_counters else LISTED
        values = {}
        for name in ("netstat", "snmp"):
            data = self.proc.read("thread-self/net/" + name)
            if data is None:
                data = self.proc.read("net/" + name) or b""
            found, sentences = parse_counters(data, wanted)
            values.update(found)
            for sentence in sentences:
                self.problems.add("counters_malformed", "/proc/net/%s: %s" % (name, sentence), view.netns)
        for counter in COUNTERS:
            if (counter.group, counter.name) not in values:
                old = is_older(self.release, counter.since)
                self.problems.add("counter_missing", "%s.%s is not counted by this kernel" % counter[:2], view.netns, partial=not old)
        return shape.grouped(values, LISTED | set(values))

    def _count_half_open(self, views):
        budget = SYN_BUDGET
        for view in views:
            if not view.tcp:
                view.half_open = {} if view.tcp is not None else None
                continue
            if budget <= 0:
                self.problems.add("syn_queue_skipped", "half-open connections of some namespaces were not counted, to spare this busy host; "
                                  "run the module inside one namespace to see its own", view.netns)
                continue
            start = time.process_time()
            self.inside(view, self._read_half_open)
            budget -= 0 if view.namespace.is_own else time.process_time() - start

    def _read_half_open(self, view):
        with SockDiag() as diag:
            view.half_open = count_half_open(view.tcp, diag.syn_requests())

    def _find_owners(self, pids):
        wants_owners = "processes" in self.options.subsets
        on_namespace = self.finder.add_descriptor if self.options.everywhere else None
        self.scan = OwnerScan(self.proc, self._inodes(self.views) if wants_owners else (), on_namespace)
        self.scan.run(pids)
        if self.options.everywhere:
            self._read_descriptor_namespaces(pids, wants_owners)
        if wants_owners:
            self._report_missing_owners()

    def _read_descriptor_namespaces(self, pids, wants_owners):
        if not self.scan.finished:
            self.problems.add("descriptors_unsearched", "namespaces that only an open descriptor keeps alive were looked for in a part of the processes, "
                              "to spare this busy host", partial=False)
        known = {view.netns for view in self.views}
        found = [namespace for namespace in self.finder.namespaces(True) if namespace.id.inode not in known]
        for namespace in found:
            self._read_view(namespace)
        added = self.views[len(known):]
        if "syn_queue" in self.options.subsets and "sockets" in self.options.subsets:
            self._count_half_open(added)
        if wants_owners and self._inodes(added):
            second = OwnerScan(self.proc, self._inodes(added))
            second.run(pids)
            self.scan.owners.update(second.owners)
            self.scan.denied |= second.denied

    def _inodes(self, views):
        return {listener.inode for view in views for listener in view.listeners() if listener.inode}

    def _report_missing_owners(self):
        missing = self._inodes(self.views) - set(self.scan.owners)
        if missing and self.scan.denied:
            self.problems.add("owners_denied", "the owners of some listeners are unknown, because the descriptors of some processes may not be read; "
                              "become root (CAP_SYS_PTRACE)")
        elif missing and not self.scan.finished:
            self.problems.add("owners_unfinished", "the owners of some listeners were not found in the time that the search may take")

    def facts(self):
        """Return the whole answer as plain data."""
        facts = {
            "schema": SCHEMA, "kernel": self.release, "boot_id": self._boot_id(),
            "collected_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.started_at)),
            "collected_by": {"version": VERSION, "uid": os.geteuid(), "capabilities": capability_names(self.proc.read("self/status") or b"")},
            "gather_subset": sorted(self.options.subsets), "scope": "all" if self.options.everywhere else "own",
        }
        if self.window:
            facts["sample"] = self.window.summary()
        facts["namespaces"] = [self._namespace_facts(view) for view in self.views]
        facts["problems"] = self.problems.as_list()
        facts["complete"] = not self.problems.partial
        return facts

    def _boot_id(self):
        raw = self.proc.read("sys/kernel/random/boot_id")
        return raw.decode("ascii").strip() if raw else None

    def _namespace_facts(self, view):
        wants, namespace = self.options.subsets, view.namespace
        owner = self._namespace_owner(view)
        facts = {"netns": view.netns, "names": shape.namespace_names(view.initial, namespace.is_own, mount_names(namespace), owner)}
        if "sysctls" in wants:
            facts["sysctls"] = view.sysctls
        if "counters" in wants:
            facts["counters"] = view.counters
            if view.counters_before is not None:
                from .._sockets.sampling import counter_changes
                facts["counters_sample"] = counter_changes(view.counters_before, view.counters, view.window)
        if wants & {"sockets", "unix"}:
            facts["listeners"] = self._listeners_facts(view) if view.readable else None
        return facts

    def _namespace_owner(self, view):
        # The module's own process runs in the operator's session, which says nothing about the namespace but its container.
        pids = (os.getpid(),) if view.namespace.is_own else view.namespace.pids
        for pid in pids:
            try:
                owner = self.book.owner(pid)
            except OSError:
                continue
            return owner._replace(unit=None) if view.namespace.is_own else owner
        return NOBODY

    def _listeners_facts(self, view):
        sizes = {}
        for listener in view.tcp or ():
            sizes[endpoint(listener)] = sizes.get(endpoint(listener), 0) + 1
        return [
            self._listener_facts(view, listener, sizes.get(endpoint(listener), 1))
            for listener in sorted(view.listeners(), key=shape.sort_key)
        ]

    def _listener_facts(self, view, listener, group_size):
        facts = shape.listener_facts(listener, view.somaxconn(), group_size)
        if "syn_queue" in self.options.subsets and listener.family != "unix":
            facts.update(shape.half_open_facts(listener, view.half_open, group_size))
            if "syn_queue_group_length" in facts:
                self.problems.add("syn_queue_split", "half-open connections do not name their socket inside a reuseport group; "
                                  "syn_queue_group_length has the group's sum", view.netns, partial=False)
        if "processes" in self.options.subsets:
            facts["processes"] = self._process_facts(listener.inode)
        if view.series:
            facts["sample"] = view.series[listener.family, listener.cookie].summary()
        return facts

    def _process_facts(self, inode):
        pids = self.scan.owners.get(inode)
        if not pids:
            return [] if inode and self.scan.finished and not self.scan.denied else None
        found = []
        for pid in sorted({self.book.topmost_holder(pid, inode) for pid in pids}):
            facts = self.book.describe(pid)
            if facts is not None:
                found.append(facts)
        return found or None
