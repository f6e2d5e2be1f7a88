# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the facts: every namespace once, the half-open connections under a budget, the window, then the owners.

What only some subsets need is imported where it is used: on the target every import is compiled anew in every run.
"""

import os
import time

from .._errors import ReadError
from .._namespaces.read import Finder, entered, is_initial, mount_names
from .._proc import ProcFS
from .._problems import Problems
from .._processes.model import capability_names
from .._sockets.listen_queue import count_half_open
from .._sockets.read import SockDiag
from .._version import VERSION
from .._versions import is_older
from .namespace import NamespaceView
from .shape import counter_groups, namespace_facts, namespace_names

SCHEMA = 1
# Seconds of CPU for the half-open connections of other namespaces: each dump walks the host's whole connection hash.
SYN_BUDGET = 0.02


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
        self.views = []
        self._started_at = time.time()
        self._finder = Finder(proc, self.problems)
        self._window = None
        self._processes = {}
        self._book = None

    def gather(self):
        wants, everywhere = self.options.subsets, self.options.everywhere
        pids = self.proc.numbers("") if everywhere or "processes" in wants else []
        self._finder.find(pids if everywhere else (), everywhere)
        self._read_views(self._finder.namespaces(everywhere))
        if self.options.sample:
            from .._window.read import Window
            self._window = Window(self)
            self._window.run()
        if pids:
            self._search_descriptors(pids)

    def _read_views(self, namespaces):
        views = [NamespaceView(namespace) for namespace in namespaces]
        self.views += views
        for view in views:
            view.readable = self.inside(view, self._read_inside)
        if "syn_queue" in self.options.subsets and "sockets" in self.options.subsets:
            self._count_half_open(views)

    def inside(self, view, read):
        """Call ``read(view)`` inside the view's namespace; a namespace that refuses or vanished is a problem. Return success."""
        try:
            with entered(self.proc, view.namespace):
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
        wants, ports = self.options.subsets, self.options.ports
        if not wants & {"sockets", "unix"}:
            return
        with SockDiag() as diag:
            tcp = diag.tcp_listeners() if "sockets" in wants else None
            view.unix = diag.unix_listeners() if "unix" in wants and not ports else None
        view.tcp = [listener for listener in tcp if listener.local_port in ports] if tcp and ports else tcp

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
                self.problems.add("counter_missing", "%s.%s is not counted by this kernel" % counter[:2], view.netns,
                                  partial=not is_older(self.release, counter.since))
        return counter_groups(values, LISTED | set(values))

    def _count_half_open(self, views):
        budget = SYN_BUDGET
        for view in views:
            if not view.tcp:
                view.half_open = view.tcp and {}
            elif budget <= 0:
                self.problems.add("syn_queue_skipped", "half-open connections of some namespaces were not counted, to spare this busy host; "
                                  "run the module inside a namespace to see its own", view.netns)
            else:
                start = time.process_time()
                self.inside(view, self._read_half_open)
                budget -= 0 if view.namespace.is_own else time.process_time() - start

    def _read_half_open(self, view):
        with SockDiag() as diag:
            view.half_open = count_half_open(view.tcp, diag.syn_requests())
        sizes = view.group_sizes()
        if any(number and sizes[key] > 1 for key, number in view.half_open.items()):
            self.problems.add("syn_queue_split", "half-open connections do not name their socket inside a reuseport group; "
                              "syn_queue_group_length has the group's sum", view.netns, partial=False)

    def _search_descriptors(self, pids):
        from .._owners.read import OwnerSearch
        wants_owners = "processes" in self.options.subsets
        search = OwnerSearch(self.proc, pids, self.problems)
        search.run(self._inodes() if wants_owners else set(), self._finder.add_descriptor if self.options.everywhere else None)
        if self.options.everywhere:
            known = {view.netns for view in self.views}
            self._read_views([namespace for namespace in self._finder.namespaces(True) if namespace.id.inode not in known])
            added = self._inodes() - set(search.owners) if len(self.views) > len(known) else ()
            if wants_owners and added:
                search.run(added)
        if wants_owners:
            self._processes = search.processes(self._inodes(), self._process_book())

    def _inodes(self):
        return {inode for view in self.views for inode in view.inodes()}

    def _process_book(self):
        if self._book is None:
            from .._processes.read import ProcessBook
            self._book = ProcessBook(self.proc)
        return self._book

    def facts(self):
        """Return the whole answer as plain data."""
        facts = {
            "schema": SCHEMA, "kernel": self.release, "boot_id": self._boot_id(),
            "collected_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started_at)),
            "collected_by": {"version": VERSION, "uid": os.geteuid(), "capabilities": capability_names(self.proc.read("self/status") or b"")},
            "gather_subset": sorted(self.options.subsets), "scope": "all" if self.options.everywhere else "own",
        }
        if self._window:
            facts["sample"] = self._window.summary()
        facts["namespaces"] = [
            namespace_facts(view, self._names(view), self.options.subsets, self._processes) for view in self.views]
        facts["problems"] = self.problems.as_list()
        facts["complete"] = not self.problems.partial
        return facts

    def _boot_id(self):
        raw = self.proc.read("sys/kernel/random/boot_id")
        return raw.decode("ascii").strip() if raw else None

    def _names(self, view):
        namespace = view.namespace
        return namespace_names(view.initial, namespace.is_own, mount_names(namespace), None if view.initial else self._owner(namespace))

    def _owner(self, namespace):
        # The module's own process runs in the operator's session, whose unit says nothing about the namespace.
        for pid in (os.getpid(),) if namespace.is_own else namespace.pids:
            owner = self._process_book().owner(pid)
            if owner is not None:
                return owner._replace(unit=None) if namespace.is_own else owner
        return None
