# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a master its HUP and looks whether it was applied. A pid file and the return code of a service manager prove neither."""

import errno
import os
import signal
import stat
import time
from contextlib import ExitStack
from typing import List, NamedTuple, Optional

from .._errors import ReadError, WriteError
from .._files.read import READ, locate
from .._nginx.command_line import WORKER, title_of
from .._nginx.procfs import parse_usage
from .._processes.model import parse_stat
from .._processes.read import links
from .outcome import BIND_RETRIES, WorkerSeen, emergencies, is_applied, is_final

SYS_PIDFD_SEND_SIGNAL, SYS_PIDFD_OPEN = 424, 434  # the same on every architecture that Linux has them on, alpha excepted
ENDED = ("Z", "X")  # states of a process that nobody has waited for yet
POLL = 0.05  # seconds; shorter than the 100 ms between the start of new workers and the end of old ones
GRACE = 0.5  # seconds in which workers may still appear after an error that seems final
MOST_LOGS = 64
MOST_READ = 1 << 18  # bytes of a log, the last ones
APPENDING = os.O_WRONLY | os.O_APPEND


class Reloaded(NamedTuple):
    """``applied`` is None for a master without workers, which leaves no trace. ``emerg`` is what its error logs say since."""

    applied: Optional[bool]
    emerg: List[str]
    has_ended: bool


def reload(proc, master, seconds, error_logs=()):
    """Let a Master (process.py) read its configuration again; return Reloaded after at most ``seconds``.

    ``error_logs`` are paths inside its root, beside those that it has open. Raises ReadError and WriteError where no signal
    could be sent.
    """
    with ExitStack() as stack:
        handle = _open_process(proc, master)
        if handle is not None:
            stack.callback(os.close, handle)
        logs = _Logs(proc, master, error_logs)
        stack.callback(logs.close)
        before = workers_of(proc, master.pid)
        _signal(proc, master, handle)
        return _watch(proc, master, before, logs, seconds)


def _watch(proc, master, before, logs, seconds):
    start, is_final_since, sentences = time.monotonic(), None, []
    pids = {master.pid, master.inner_pid}
    if master.is_single:  # there are no workers to wait for, only errors
        seconds = min(seconds, BIND_RETRIES + GRACE)
    while True:
        time.sleep(POLL)
        passed = time.monotonic() - start
        has_ended = not is_same(proc, master)
        if not has_ended and is_applied(before, workers_of(proc, master.pid)):
            return Reloaded(True, emergencies(logs.new_text(), pids), False)
        sentences = emergencies(logs.new_text(), pids)
        if sentences and is_final_since is None and (is_final(sentences) or passed > BIND_RETRIES):
            is_final_since = passed
        if has_ended or passed > seconds or (is_final_since is not None and passed > is_final_since + GRACE):
            return Reloaded(None if master.is_single and not sentences and not has_ended else False, sentences, has_ended)


def is_same(proc, master):
    """True while the master's pid is still the process that was found, and has not ended unnoticed by its parent."""
    data = proc.read("%d/stat" % master.pid)
    usage = parse_usage(data) if data else None
    return usage is not None and usage.state not in ENDED and parse_stat(data).start_ticks == master.start_ticks


def _open_process(proc, master):
    """Return a pidfd of the master, which no other process can take over; ``None`` before kernel 5.3. Raises ReadError."""
    handle = None
    try:
        handle = os.pidfd_open(master.pid) if hasattr(os, "pidfd_open") else _syscall(SYS_PIDFD_OPEN, master.pid, 0)
    except OSError as error:
        if error.errno == errno.ESRCH:
            raise ReadError("nginx %d ended; run again" % master.pid)
    if not is_same(proc, master):
        if handle is not None:
            os.close(handle)
        raise ReadError("nginx %d ended; run again" % master.pid)
    return handle


def _signal(proc, master, handle):
    try:
        if handle is None:
            os.kill(master.pid, signal.SIGHUP)
        elif hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(handle, signal.SIGHUP)
        else:
            _syscall(SYS_PIDFD_SEND_SIGNAL, handle, signal.SIGHUP, None, 0)
    except OSError as error:
        raise WriteError("nginx %d cannot be told to reload: %s; become root on the host" % (master.pid, error.strerror))


def _syscall(number, *arguments):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *[argument if argument is None else ctypes.c_long(argument) for argument in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def workers_of(proc, pid):
    """Return ``{pid: WorkerSeen}`` of a master's workers that run. A child that still has the master's title counts when it has its own."""
    found = {}
    for child in _children(proc, pid):
        title, data = title_of(proc.read("%d/cmdline" % child) or b""), proc.read("%d/stat" % child)
        if title is not None and title.role == WORKER and data:
            found[child] = WorkerSeen(parse_stat(data).start_ticks, title.is_shutting_down)
    return found


def _children(proc, pid):
    data = proc.read("%d/task/%d/children" % (pid, pid))
    if data is not None:
        return [int(word) for word in data.split()]
    found = []  # a kernel without CONFIG_PROC_CHILDREN
    for child in proc.numbers(""):
        data = proc.read("%d/stat" % child)
        if data and parse_stat(data).parent == pid:
            found.append(child)
    return found


class _Logs:
    """What is appended to a master's logs from now on: those that it has open, and those that its configuration names now."""

    def __init__(self, proc, master, paths):
        self._files = {}  # (device, inode) -> [descriptor, where the new text begins]
        self._text = b""
        self._root = master.root
        self._paths = [path for path in paths if path.startswith("/")]
        try:
            found = [(number, link) for number, link in links(proc, master.pid) if link.startswith("/") and _is_appending(proc, master.pid, number)]
        except PermissionError:
            found = []
        found.sort(key=lambda item: "err" not in item[1])  # of very many logs those that seem to be error logs
        for number, _link in found[:MOST_LOGS]:
            self._add(proc.path("%d/fd/%d" % (master.pid, number)), None, True)
        self._look_at_paths(True)

    def _look_at_paths(self, from_end):
        for path in self._paths if self._root else ():
            try:
                with locate(self._root, path) as place:
                    self._add(place.name, place.folder, from_end)
            except ReadError:
                continue

    def _add(self, name, folder, from_end):
        """Open a regular file; anything else (a terminal, a FIFO) could block or lose what we read."""
        try:
            status = os.stat(name, dir_fd=folder)
            if stat.S_ISREG(status.st_mode) and (status.st_dev, status.st_ino) not in self._files:
                descriptor = os.open(name, READ if folder is not None else READ & ~os.O_NOFOLLOW, dir_fd=folder)
                self._files[status.st_dev, status.st_ino] = [descriptor, os.fstat(descriptor).st_size if from_end else 0]
        except OSError:  # not ours to read, or gone
            pass

    def new_text(self):
        """Return everything that was appended so far."""
        self._look_at_paths(False)
        for entry in self._files.values():
            size = os.fstat(entry[0]).st_size
            start = max(entry[1], size - MOST_READ)
            if size > start:
                chunk = os.pread(entry[0], size - start, start)
                entry[1] = start + len(chunk)
                self._text = (self._text + chunk)[-MOST_READ:]
        return self._text

    def close(self):
        for entry in self._files.values():
            os.close(entry[0])


def _is_appending(proc, pid, number):
    for line in (proc.read("%d/fdinfo/%d" % (pid, number)) or b"").split(b"\n"):
        if line.startswith(b"flags:"):
            return int(line.split()[1], 8) & APPENDING == APPENDING
    return False
