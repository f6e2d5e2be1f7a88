# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds every running nginx: masters, their workers, and where their files are. Only /proc is read, and nothing is started.

A container's master looks like the host's own: /proc/<pid>/exe reads `/usr/sbin/nginx` and root reads `/`. What tells them
apart are the namespaces and the identity of the root directory.
"""

import os
import stat
import time
from typing import List, NamedTuple, Optional, Tuple

from .._namespaces.model import inode_of_link
from .._processes.read import CLOCK_BOOTTIME
from .binary import Binary, Scanner
from .command_line import HELPER, MASTER, PLAIN, WORKER, is_cut, options_of_arguments, options_of_line, title_of
from .procfs import parse_identity, parse_limit, parse_usage

MOST_OF_BINARY = 64 << 20  # bytes
PIECE = 1 << 20
TITLE_SECONDS = 1.0  # in which a worker has surely set its title
NO_BINARY = Binary(None, None, None, None, None)


class Worker(NamedTuple):
    """One child of a master. ``None`` is unknown. ``wchan`` is where it sleeps in the kernel."""

    pid: int
    role: str  # worker, or helper (cache manager, cache loader, privileged agent)
    is_shutting_down: bool
    state: Optional[str]  # R, S, D, T, Z: proc(5)
    wchan: Optional[str]
    cpu_seconds: Optional[float]
    start_ticks: int  # since boot
    open_files: Optional[int]
    open_files_limit: Optional[int]


class Master(NamedTuple):
    """One running nginx. ``None`` is unknown and has a sentence in ``problems``. Paths are inside ``root``.

    ``pid`` is the host's view, to be used for signals: a pid file in a container holds ``inner_pid``. With ``master_process
    off`` (``is_single``) the process is master and only worker in one. ``root`` is the caller's own when ``is_own_root``;
    a service with mounts of its own (PrivateTmp=) has the host's root directory (``has_host_root``) but sees other mounts.
    ``older`` and ``newer`` are the other master of a binary upgrade (USR2).
    """

    pid: int
    start_ticks: int
    name: str
    uid: Optional[int]
    inner_pid: Optional[int]
    is_single: bool
    line: str  # the command line, printable
    exe: Optional[str]
    is_deleted: bool
    binary: Binary
    netns: Optional[int]
    mntns: Optional[str]
    root: Optional[str]
    is_own_root: bool
    has_host_root: bool
    cwd: Optional[str]
    prefix: Optional[str]  # with a slash at its end
    config: Optional[str]
    error_log: Optional[str]
    directives: Optional[bytes]  # of -g
    is_cut: bool
    older: Optional[int]
    newer: Optional[int]
    workers: Tuple[Worker, ...]
    problems: Tuple[str, ...]


def find_masters(proc, pids, book, own_root="/"):
    """Return the Masters among ``pids`` (see pids_with_nginx_names() of _processes), by pid, and problems as sentences.

    ``book`` is the run's ProcessBook.
    """
    return _Search(proc, book, own_root).run(pids)


class _Process(NamedTuple):
    pid: int
    title: tuple
    cmdline: bytes
    parent: int


class _Search:
    def __init__(self, proc, book, own_root):
        self._proc = proc
        self._book = book
        self._own_root = own_root
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._binaries = {}

    def run(self, pids):
        found = {process.pid: process for process in map(self._process, pids) if process}
        children, orphans, masters = {}, [], []
        for process in found.values():
            role = process.title.role
            if process.parent in found and (role != MASTER or self._is_fork(process)):
                children.setdefault(process.parent, []).append(process)
            elif role in (WORKER, HELPER):
                orphans.append(process.pid)
            else:
                masters.append(process)
        masters = [process for process in masters if process.title.role == MASTER or process.pid in children or self._is_single(process)]
        older = {process.pid for process in masters}
        newer = {process.parent: process.pid for process in masters if process.parent in older}
        result = [self._master(process, children.get(process.pid, ()), older, newer) for process in sorted(masters)]
        problems = ["nginx worker %d has no master any more; it serves until it ends, and no reload reaches it" % pid for pid in sorted(orphans)]
        return result, problems

    def _process(self, pid):
        """Return the _Process, or ``None`` when it ended or is something else."""
        cmdline = self._read("%d/cmdline" % pid)
        stat_of = self._book.stat(pid)
        title = title_of(cmdline) if cmdline else None
        return _Process(pid, title, cmdline, stat_of.parent) if title and stat_of else None

    def _is_fork(self, process):
        """A child of a master shows the master's title until it sets its own; that of an upgrade was executed anew, elsewhere in memory."""
        usages = [parse_usage(self._read("%d/stat" % pid) or b"") for pid in (process.pid, process.parent)]
        if None in usages:
            return usages[0] is None  # it ended, or its parent did, as at the end of an upgrade
        if 0 in (usages[0].arguments, usages[1].arguments):  # not shown to us; the title lasts for milliseconds
            return time.clock_gettime(CLOCK_BOOTTIME) - self._book.stat(process.pid).start_ticks / self._ticks < TITLE_SECONDS
        return usages[0].arguments == usages[1].arguments

    def _is_single(self, process):
        """A plain command line without children is ``master_process off``, unless it is a command (-t, -s)."""
        return not options_of_arguments(process.cmdline).is_command and self._binary(process.pid)[0] is not None

    def _read(self, name):
        try:
            return self._proc.read(name)
        except OSError:  # not ours to read, or it ended
            return None

    def _link(self, name):
        try:
            return self._proc.link(name)
        except OSError:
            return None

    def _master(self, process, workers, older, newer):
        pid, facts = process.pid, self._book.stat(process.pid)
        problems: List[str] = []
        usage = parse_usage(self._read("%d/stat" % pid) or b"")
        identity = parse_identity(self._read("%d/status" % pid) or b"")
        is_single = process.title.role == PLAIN and not workers
        cut = not is_single and (process.title.line is None or bool(is_cut(process.cmdline, usage.title_area if usage else 0)))
        options = options_of_arguments(process.cmdline) if is_single else options_of_line(process.title.line or b"", cut)
        binary, exe = self._binary(pid)
        is_deleted = exe is not None and exe.endswith(" (deleted)")
        root, is_own, has_host_root, cwd = self._places(pid)
        prefix, config = _paths(options, binary or NO_BINARY, cwd, cut)
        if root is None or binary is None:
            why = "become root (CAP_SYS_PTRACE) on the host" if exe is None or root is None else "its binary %s is no nginx that can be read" % exe
            problems.append("version and files of nginx %d are not known; %s" % (pid, why))
        if cut and config is None:
            problems.append("the command line of nginx %d is cut, because its environment is too small to hold it; name its configuration yourself" % pid)
        log = options.error_log or (binary or NO_BINARY).error_log
        return Master(
            pid, facts.start_ticks, facts.name, identity.uid, identity.inner_pid, is_single, _printable(process.cmdline),
            exe[: -len(" (deleted)")] if is_deleted else exe, is_deleted, binary or NO_BINARY,
            inode_of_link(self._link("%d/ns/net" % pid)), self._link("%d/ns/mnt" % pid), root, is_own, has_host_root, cwd,
            prefix, config, _text(_below(prefix, log)), options.directives, cut,
            process.parent if process.parent in older else None, newer.get(pid),
            tuple(self._worker(worker) for worker in sorted(workers)), tuple(problems),
        )  # fmt: skip

    def _places(self, pid):
        """Return the root to read files through, whether it is our own, whether it is the host's directory, and the cwd inside."""
        cwd, link = self._link("%d/cwd" % pid), self._link("%d/root" % pid)
        try:
            inside, ours = os.stat(self._proc.path("%d/root" % pid)), os.stat(self._own_root)
        except OSError:
            return None, False, False, cwd
        same = (inside.st_dev, inside.st_ino) == (ours.st_dev, ours.st_ino)
        is_own = same and self._link("%d/ns/mnt" % pid) == self._link("self/ns/mnt")
        if cwd and link and link != "/" and (cwd + "/").startswith(link + "/"):  # a chroot: the link shows our view
            cwd = cwd[len(link) :] or "/"
        return self._own_root if is_own else self._proc.path("%d/root" % pid), is_own, same, cwd

    def _binary(self, pid):
        """Return the Binary that a process runs (``None`` when it is none, or may not be read) and the text of its link."""
        exe = self._link("%d/exe" % pid)
        try:
            descriptor = os.open(self._proc.path("%d/exe" % pid), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None, exe
        try:
            status = os.fstat(descriptor)
            key = status.st_dev, status.st_ino, status.st_mtime
            if key not in self._binaries:
                self._binaries[key] = _scan(descriptor) if stat.S_ISREG(status.st_mode) else None
            return self._binaries[key], exe
        except OSError:
            return None, exe
        finally:
            os.close(descriptor)

    def _worker(self, process):
        pid = process.pid
        usage = parse_usage(self._read("%d/stat" % pid) or b"")
        wchan = (self._read("%d/wchan" % pid) or b"").decode("ascii", "replace")
        return Worker(
            pid,
            HELPER if process.title.role == HELPER else WORKER,
            process.title.is_shutting_down,
            usage.state if usage else None,
            wchan if wchan not in ("", "0") else None,
            usage.cpu_ticks / self._ticks if usage else None,
            self._book.stat(pid).start_ticks,
            self._open_files(pid),
            parse_limit(self._read("%d/limits" % pid) or b""),
        )

    def _open_files(self, pid):
        try:
            status = self._proc.status("%d/fd" % pid)
            if status is None:
                return None
            return status.st_size or len(self._proc.numbers("%d/fd" % pid)) or None  # the size is the number since kernel 6.2
        except OSError:
            return None


def _scan(descriptor):
    scanner, size = Scanner(), 0
    while size < MOST_OF_BINARY:
        piece = os.read(descriptor, PIECE)
        size += len(piece)
        if not piece or scanner.feed(piece):
            break
    return scanner.binary()


def _paths(options, binary, cwd, cut):
    """Return prefix and configuration as absolute paths inside the root: src/core/nginx.c ngx_process_options()."""
    prefix = options.prefix or (None if cut else binary.prefix)
    if prefix is not None:
        prefix = _below(cwd, prefix)
        prefix = prefix and prefix.rstrip(b"/") + b"/"
    config = options.config or (None if cut else binary.config)
    return _text(prefix), _text(_below(prefix, config))


def _below(folder, path):
    """Return an absolute path, or ``None`` where it cannot be known. ``stderr`` and ``syslog:`` are no files."""
    if path is None or path.startswith((b"/", b"syslog:")) or path in (b"stderr", b""):
        return path
    if folder is None:
        return None
    return (os.fsencode(folder)).rstrip(b"/") + b"/" + path


def _text(path):
    return None if path is None else os.fsdecode(path)


def _printable(cmdline):
    return cmdline.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace")
