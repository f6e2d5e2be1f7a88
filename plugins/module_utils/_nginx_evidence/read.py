# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what each nginx writes to its error logs in the window, and which file systems its files are on.

A log stays open from the beginning of the window to its end, so that nothing is lost when it is rotated. Paths are followed step
by step and never onto a network file system, where looking may hang.
"""

import os
from typing import NamedTuple, Optional

from .._errors import ReadError
from .._nginx.process import find_masters
from .._nginx.read import read_configuration
from .._nginx_survey.shape import printable
from .._processes.read import ProcessBook, pids_with_nginx_names
from .._roots.read import ClosedFolder, Root
from .log_lines import LogSummary
from .mounts import MountTable, is_network, parse_mounts
from .places import WANTED, logs_of, places_of

MOST_LOGS = 16  # of one nginx
MOST_BYTES = 256 << 10  # of one log in the window; of more the last ones count
MOST_PLACES = 32  # of one nginx


class _Log(NamedTuple):
    path: bytes
    file: int  # descriptor
    size: int  # at the beginning


class _Seen(NamedTuple):
    """One master at the beginning of the window. ``problem`` says why its configuration is unknown."""

    master: object
    mounts: MountTable
    places: tuple
    logs: tuple
    problem: Optional[str]


class NginxEvidence:
    """All nginx of one run."""

    def __init__(self, gathering, pids):
        self._gathering = gathering
        self._proc = gathering.proc
        self._problems = gathering.problems
        self._pids = pids
        self._seen = {}  # pid of the master -> _Seen

    def begin(self):
        """Find each master, and where its logs end now."""
        pids = pids_with_nginx_names(self._proc, self._pids)
        known = {view.netns for view in self._gathering.views}
        for master in find_masters(self._proc, pids, ProcessBook(self._proc))[0] if pids else ():
            if master.netns in known:
                self._seen[master.pid] = self._look(master)

    def _look(self, master):
        mounts = MountTable(parse_mounts(self._mountinfo(master)))
        if master.root is None or master.config is None:
            return _Seen(master, mounts, (), (), "its files are not known")
        prefix = os.fsencode(master.prefix) if master.prefix else None
        try:
            nodes = read_configuration(master.root, master.config, master.prefix or "", WANTED, strict=False).nodes
            logs = logs_of(nodes, prefix, os.fsencode(master.error_log) if master.error_log else None)
            return _Seen(master, mounts, tuple(places_of(nodes, prefix)), self._open(master, mounts, logs), None)
        except ReadError as error:
            return _Seen(master, mounts, (), (), str(error))

    def _mountinfo(self, master):
        for worker in [*master.workers, master]:
            try:
                data = self._proc.read("%d/mountinfo" % worker.pid)
            except OSError:
                continue
            if data:
                return data
        return b""

    def _open(self, master, mounts, logs):
        """Return the _Logs that can be read."""
        opened, reasons = [], []
        with self._root(master, mounts) as files:
            for path in logs.files[:MOST_LOGS]:
                try:
                    file = files.descriptor(os.fsdecode(path))
                except (OSError, ReadError) as error:
                    reasons.append("%s: %s" % (_text(path), getattr(error, "strerror", None) or error))
                    continue
                opened.append(_Log(path, file, os.fstat(file).st_size))
        if len(logs.files) > MOST_LOGS:
            reasons.append("%d more files are not looked at" % (len(logs.files) - MOST_LOGS))
        for reason in reasons:
            self._problems.add("nginx_error_log", "an error log of nginx %d cannot be read: %s" % (master.pid, reason), master.netns)
        if not logs.files:
            where = ", ".join(map(_text, logs.others)) or "an unknown place"
            self._problems.add("nginx_no_error_log", "nginx %d writes its errors to %s, which is no file" % (master.pid, where), master.netns, partial=False)
        return tuple(opened)

    @staticmethod
    def _root(master, mounts):
        return Root(master.root, frozenset(os.fsdecode(point) for point in mounts.network_points))

    def add(self):
        """Add ``error_log`` and ``file_systems`` to the facts of each nginx."""
        for view in self._gathering.views:
            for row in view.nginx:
                seen = self._seen.pop(row["pid"], None)
                if seen is None:
                    sentence = "what nginx %d writes to its error log is unknown, because it was not found when the window began" % row["pid"]
                    self._problems.add("nginx_new", sentence, view.netns)
                    row.update(error_log=None, file_systems=None)
                    continue
                if seen.problem:
                    self._problems.add("nginx_error_log", "the error logs of nginx %d are not known: %s" % (row["pid"], seen.problem), view.netns)
                try:
                    row.update(self._facts(seen))
                except ReadError as error:  # it ended after its other facts were gathered
                    self._problems.add("nginx_ended", "nginx %d ended while it was looked at: %s" % (row["pid"], error), view.netns)
                    row.update(error_log=None, file_systems=None)
        for seen in self._seen.values():  # they ended in the window
            for log in seen.logs:
                os.close(log.file)

    def _facts(self, seen):
        if seen.problem:
            return {"error_log": None, "file_systems": None}
        with self._root(seen.master, seen.mounts) as files:
            return {"error_log": self._log_facts(seen, files) if seen.logs else None, **_file_systems(seen, files)}

    def _log_facts(self, seen, files):
        summary = LogSummary()
        for log in seen.logs:
            try:
                for data in self._grown(seen.master, files, log):
                    summary.add(data)
            finally:
                os.close(log.file)
        return {"paths": [_text(log.path) for log in seen.logs], **summary.facts()}

    def _grown(self, master, files, log):
        """Yield what was written since the beginning: to the file that was open, and to the one that took its place."""
        status = os.fstat(log.file)
        # copytruncate of logrotate: what was written before is gone
        yield self._tail(master, log, log.file, log.size if status.st_size >= log.size else 0)
        try:
            file = files.descriptor(os.fsdecode(log.path))
        except (OSError, ReadError):  # it was moved away and nginx has not made another one yet
            return
        try:
            if (os.fstat(file).st_dev, os.fstat(file).st_ino) != (status.st_dev, status.st_ino):
                yield self._tail(master, log, file, 0)
        finally:
            os.close(file)

    def _tail(self, master, log, file, start):
        size = os.fstat(file).st_size
        first = max(start, size - MOST_BYTES)
        data = os.pread(file, MOST_BYTES, first)
        if first > start:
            self._problems.add(
                "nginx_error_log_long",
                "the error log %s of nginx %d grew by %d bytes, and only the last %d were read" % (_text(log.path), master.pid, size - start, MOST_BYTES),
                master.netns,
            )
            data = data.partition(b"\n")[2]
        return data


def _file_systems(seen, files):
    """Return ``{file_systems, file_systems_more?}``; those that are somewhere else first."""
    found = []
    for place in seen.places:
        kind = _kind(files, seen.mounts, place.looked_at) if place.looked_at else None
        found.append((not (kind and is_network(kind)), place, kind))
    found.sort(key=lambda each: each[0])
    shown = [
        {
            "directive": place.directive.decode("ascii"),
            "path": _text(place.text),
            "type": _text(kind) if kind else None,
            "source": {"path": printable(place.path), "line": place.line},
        }
        for _is_local, place, kind in found[:MOST_PLACES]
    ]
    more = len(found) - len(shown)
    return {"file_systems": shown, **({"file_systems_more": more} if more else {})}


def _kind(files, mounts, path):
    """The type of the file system that a path leads to; of a path that does not exist, that of its name."""
    try:
        return mounts.kind_of(os.fsencode(files.real_path(os.fsdecode(path))))
    except ClosedFolder as closed:
        return mounts.kind_of(os.fsencode(closed.path))
    except (OSError, ReadError):
        return mounts.kind_of(path)


def _text(data):
    return data.decode("utf-8", "backslashreplace")
