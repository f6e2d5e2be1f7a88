# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings together what is known of running nginx: processes, configuration, and the sockets of its network namespace."""

import os
import time
from typing import NamedTuple, Optional, Tuple

from .._errors import ReadError
from .._nginx.binary import core_version
from .._nginx.listen import listen_directives
from .._nginx.live import Surroundings, join
from .._nginx.model import Configuration
from .._nginx.owner import sockets_of
from .._nginx.process import find_masters
from .._nginx.read import read_configuration
from .._nginx.settings import Settings, parse_hosts, settings_of
from .._processes.read import CLOCK_BOOTTIME
from .._roots.read import Root
from .._version import is_older

SOCKET_BACKLOG_SINCE = "5.6"  # pidfd_getfd(2)
HOSTS_BYTES = 1 << 20


class Understanding(NamedTuple):
    """A configuration as nginx takes it. ``None`` where it could not be read; ``problems`` says why."""

    configuration: Optional[Configuration]
    listens: Optional[tuple]
    sockets: Optional[tuple]
    settings: Optional[Settings]
    problems: Tuple[str, ...]


class Survey:
    """All nginx of one run."""

    def __init__(self, proc, pids, book, release):
        self._proc = proc
        self._book = book
        self._known = {}
        self._seconds = None
        self.has_socket_backlog = not is_older(release, SOCKET_BACKLOG_SINCE)
        self.masters, self.problems = find_masters(proc, pids, book)

    def understand(self, master):
        """Return the Understanding of a Master's configuration."""
        key = master.root, master.config, master.prefix, master.directives
        if key not in self._known:
            if master.root is None or master.config is None:
                self._known[key] = Understanding(None, None, None, None, ())  # the master's own problems say why
            else:
                version = core_version(master.binary.version)
                self._known[key] = understand(master.root, master.config, master.prefix or "", version, master.uid in (0, None), master.directives)
        return self._known[key]

    def held(self, master):
        """Return the inodes of a master's sockets; ``None`` when they may not be read."""
        return frozenset(self._book.sockets(master.pid)) or None

    def join(self, master, understanding, sockets, listeners, somaxconn):
        """Return the LiveSockets of some of a master's NginxSockets. ``listeners`` are those of its namespace, None when unknown."""
        surroundings = Surroundings(listeners, self.held(master), somaxconn, True, self.has_socket_backlog)
        lives = join(sockets, surroundings)
        if any(live.is_stale for live in lives):  # only then it matters
            lives = join(sockets, surroundings._replace(is_loaded=is_loaded(master, understanding.configuration)))
        return lives

    def ask(self, place, inside):
        """Return ``(numbers of stub_status or None, sentence or None)``. ``inside(function)`` calls it in the server's namespace."""
        from .._stub_status.page import parse
        from .._stub_status.read import BUDGET, TIMEOUT, ask, open_socket

        self._seconds = BUDGET if self._seconds is None else self._seconds
        if self._seconds <= 0:
            return None, "%s was not asked: other pages took the time that this may take" % place.text
        made = []
        if not inside(lambda _view: made.append(open_socket(place))):
            return None, "%s was not asked: its network namespace could not be entered" % place.text
        start = time.monotonic()
        try:
            numbers, reason = parse(ask(made[0], place, min(TIMEOUT, self._seconds)))
        except OSError as error:
            numbers, reason = None, error.strerror or "no answer in time"
        self._seconds -= time.monotonic() - start
        return numbers, "%s: %s" % (place.text, reason) if reason else None


def understand(root, path, prefix, version=None, is_root=True, directives=None):
    """Return the Understanding of a configuration. ``directives`` is the text of ``-g``."""
    try:
        configuration = read_configuration(root, path, prefix, strict=False)
        listens = tuple(listen_directives(configuration, _hosts(configuration), version, is_root))
    except ReadError as error:
        return Understanding(None, None, None, None, (str(error),))
    sockets = tuple(sockets_of(listens, version))
    return Understanding(configuration, listens, sockets, settings_of(configuration.nodes, _given(directives)), tuple(configuration.problems))


def _given(directives):
    """The Directives of ``-g``; none when the title, which has lost its quotes, does not give them."""
    from .._nginx.tree import parse

    try:
        return parse(directives, "-g", None) if directives else ()
    except ReadError:
        return ()


def _hosts(configuration):
    """Names in listens are looked up in the root's own hosts file. A resolver is never asked: it may hang."""
    if not any(node.directive.name == b"listen" and node.directive.args[:1] and _may_be_name(node.directive.args[0]) for node in configuration.nodes):
        return {}
    try:
        with Root(configuration.root) as files:
            return parse_hosts(files.read("/etc/hosts", HOSTS_BYTES).data)
    except (OSError, ReadError):
        return {}


def _may_be_name(argument):
    return not argument.startswith((b"unix:", b"[")) and any(byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" for byte in argument)


def identity(root, path):
    """Return (device, inode) of a file inside a root; ``None`` when it cannot be read, or the root is unknown (its process has ended)."""
    if root is None:
        return None
    try:
        with Root(root) as files:
            return files.identity(path)
    except (OSError, ReadError):
        return None


def is_loaded(master, configuration):
    """True when the workers started after the last change of every file that the configuration was read from; None is unknown."""
    ticks = [worker.start_ticks for worker in master.workers if worker.role == "worker" and not worker.is_shutting_down]
    if not ticks:
        return None
    # Both times are rounded down, the start to a tick and the change to a timer interrupt.
    started = time.time() - time.clock_gettime(CLOCK_BOOTTIME) + (max(ticks) + 2) / os.sysconf("SC_CLK_TCK")
    try:
        with Root(master.root) as files:
            return max(files.changed_at(path) for path in configuration.files) <= started
    except (OSError, ReadError):
        return None
