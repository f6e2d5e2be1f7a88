# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers all that is known of nginx: of one configuration, or of every one that runs."""

import os

from .._errors import NamespaceLost, ReadError
from .._namespaces.model import Namespace, NamespaceId
from .._namespaces.read import entered, own_namespace
from .._nginx.advice import advice
from .._nginx.choice import chosen_path
from .._nginx.live import Surroundings, join
from .._nginx_survey.read import Survey, identity, understand
from .._nginx_survey.shape import config_facts, running
from .._problems import Problems
from .._proc import ProcFS
from .._processes.read import INIT, ProcessBook, pids_with_nginx_names
from .._sockets.read import SockDiag
from .._sysctl.gathered import GATHERED
from .._sysctl.read import read_sysctls

KEYS = ("net.core.somaxconn", "net.ipv4.tcp_migrate_req")


def collect(parameters, proc_root):
    """Return ``{configs, problems}`` for a module's parameters. Raises InputError, ReadError."""
    return _Gathering(parameters, ProcFS(proc_root)).result()


class _Room:
    """What was read of one network namespace."""

    def __init__(self):
        self.listeners = None
        self.sysctls = {}


class _Gathering:
    def __init__(self, parameters, proc):
        self._wanted = parameters
        self._path = chosen_path(parameters)
        self._proc = proc
        self._release = os.uname().release
        self._own = own_namespace(proc)
        self._rooms = {}
        self._book = ProcessBook(proc)
        self._problems = Problems()
        pids = proc.numbers("")
        self._survey = Survey(proc, pids_with_nginx_names(proc, pids), self._book, self._release)
        self._sees_all = INIT in pids

    def result(self):
        for sentence in self._survey.problems:
            self._problems.add("nginx_orphaned", sentence, partial=False)
        configs = self._named() if self._path is not None else [self._running(master) for master in self._survey.masters]
        return {"configs": configs, "problems": self._problems.as_list()}

    def _named(self):
        """The entries for the configuration that the user names: one per nginx that runs with it, or one without."""
        root, path, prefix = self._wanted["root"], self._path, self._wanted["prefix"] or ""
        wanted = identity(root, path)
        masters = [master for master in self._survey.masters if wanted and master.root and master.config and identity(master.root, master.config) == wanted]
        if masters:
            return [self._running(master) for master in masters]
        understanding = understand(root, path, prefix)
        if understanding.configuration is None:
            raise ReadError(understanding.problems[0])
        unknown = not self._sees_all or any(master.config is None or master.root is None for master in self._survey.masters)
        room = self._room(self._own)
        surroundings = Surroundings((), None, room.sysctls.get(KEYS[0]), None if unknown else False, self._survey.has_socket_backlog)
        facts = config_facts(path, None, understanding, join(understanding.sockets, surroundings), surroundings.somaxconn)
        return [dict(facts, advice=[], problems=list(understanding.problems))]

    def _running(self, master):
        understanding = self._survey.understand(master)
        room = self._room(self._namespace(master)) if master.netns is not None else _Room()
        somaxconn = room.sysctls.get(KEYS[0])
        lives = self._survey.join(master, understanding, understanding.sockets or (), room.listeners, somaxconn)
        run = running(master, self._book.describe(master.pid) or {"pid": master.pid}, understanding)
        problems = list(master.problems + understanding.problems)
        status = None
        if self._wanted["stub_status"]:
            status = run["stub_status"] = self._status(master, understanding, problems)
        facts = config_facts(master.config, run, understanding, lives, somaxconn)
        sentences = advice(understanding.settings, master.workers, lives, status, room.sysctls.get(KEYS[1])) if understanding.settings else []
        return dict(facts, advice=sentences, problems=problems)

    def _namespace(self, master):
        is_own = master.netns == self._own.id.inode
        return Namespace(NamespaceId(self._own.id.device, master.netns), ("%d/ns/net" % master.pid,), (master.pid,), (), is_own)

    def _room(self, namespace):
        inode = namespace.id.inode
        if inode not in self._rooms:
            self._rooms[inode] = room = _Room()
            self._inside(namespace, lambda _namespace: self._read(room, inode))
        return self._rooms[inode]

    def _read(self, room, inode):
        rows = [row for row in GATHERED if row.key in KEYS]
        room.sysctls = read_sysctls(self._proc, rows, self._release, self._problems, inode)
        with SockDiag() as diag:
            listeners = diag.tcp_listeners()
            try:
                listeners += diag.unix_listeners()
            except ReadError as error:
                self._problems.add("unix_unreadable", "the UNIX listeners are unknown: %s" % error, inode)
        room.listeners = tuple(listeners)

    def _inside(self, namespace, function):
        """Call ``function(namespace)`` inside; a namespace that cannot be entered is a problem. Return success."""
        inode = namespace.id.inode
        try:
            with entered(self._proc, self._own, namespace):
                function(namespace)
            return True
        except NamespaceLost:
            raise
        except PermissionError:
            self._problems.add("netns_denied", "the network namespace may not be entered; become root (CAP_SYS_ADMIN) on the host", inode)
        except (OSError, ReadError) as error:
            self._problems.add("netns_unreadable", "the network namespace could not be read: %s" % (getattr(error, "strerror", None) or error), inode)
        return False

    def _status(self, master, understanding, problems):
        if understanding.configuration is None or master.netns is None:
            return None
        from .._stub_status.page import places

        for place in places(understanding.configuration.nodes, understanding.listens)[:1]:
            numbers, reason = self._survey.ask(place, lambda function: self._inside(self._namespace(master), function))
            if reason:
                problems.append(reason)
            return numbers
        return None
