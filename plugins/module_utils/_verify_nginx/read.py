# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether nginx runs with the configuration that is on disk: by the age of its workers, and by its error log."""

import os
import posixpath
import stat
import time
from typing import NamedTuple

from .._errors import ListenQueueError, ReadError
from .._files.read import READ, locate
from .._nginx.glob import is_pattern
from .._nginx.process import find_masters
from .._nginx.read import join, read_configuration
from .._nginx_survey.read import identity
from .._processes.read import CLOCK_BOOTTIME, ProcessBook, links, pids_with_nginx_names
from .._verify.checks import Check
from .error_log import deaths, emergencies_since

MOST_READ = 1 << 18  # bytes of a log, the last ones


class Write(NamedTuple):
    """The last write of a configuration: which of its files, and when (seconds since the epoch)."""

    path: str
    at: float


def nginx_checks(proc, inodes, config, root):
    """Return the Checks of every nginx that holds one of the sockets with ``inodes``, or runs with ``config`` inside ``root``."""
    pids = pids_with_nginx_names(proc, proc.numbers(""))
    book = ProcessBook(proc)
    masters = find_masters(proc, pids, book)[0] if pids else []
    wanted = identity(root, config) if config is not None else None
    mine = [master for master in masters if wanted is not None and master.config and identity(master.root, master.config) == wanted]
    checks = [_hidden(master) for master in masters if master not in mine and inodes and not _is_open_to_us(proc, master)]
    if config is not None and not mine:
        why = "no nginx runs with %s" % config if wanted is not None else "%s does not exist or cannot be read" % config
        checks.append(Check("workers", config, None, None, False, why))
    for master in masters:
        if master in mine or inodes & set(book.sockets(master.pid)):
            checks += _checks(master)
    return checks


def _is_open_to_us(proc, master):
    try:
        next(iter(links(proc, master.pid)), None)
    except PermissionError:
        return False
    return True


def _hidden(master):
    why = "whether nginx %d has one of the sockets may not be seen; become root (CAP_SYS_PTRACE) on the host" % master.pid
    return Check("workers", "nginx %d" % master.pid, None, None, None, why)


def _checks(master):
    subject = "%s (nginx %d)" % (master.config, master.pid)
    if master.root is None or master.config is None:
        why = master.problems[0] if master.problems else "the configuration of nginx %d is not known" % master.pid
        return [Check("workers", subject, None, None, False, why)]
    try:
        configuration = read_configuration(master.root, master.config, master.prefix or "")
        write = max((Write(path, _changed_at(master.root, path)) for path in configuration.files), key=lambda write: write.at)
    except ListenQueueError as error:
        return [Check("workers", subject, None, None, False, str(error))]
    start, tick = _oldest_start(master), 1.0 / os.sysconf("SC_CLK_TCK")
    workers = _workers_check(master, subject, write, start, tick)
    # What a reload refused before the workers of a later, good one began is over.
    since, is_after = (start, True) if workers.ok and start is not None else (write.at, False)
    texts = [text for text in (_tail(master.root, path) for path in _log_paths(master, configuration)) if text is not None]
    if workers.ok:
        workers = _proven(workers, master, texts, start, _changed_folders(configuration, start + tick))
    return [workers, _log_check(master, subject, texts, since, is_after)]


def _proven(check, master, texts, start, folders):
    """Return the Check of workers that are young enough, unless something else than a reload can be the reason."""
    died = {seconds for text, written_at in texts for seconds in deaths(text, written_at, {master.pid, master.inner_pid})}
    if {int(start), int(start) - 1} & died:
        why = "a worker of nginx %d died when the oldest one that serves was made, so that is no sign of a reload; reload it again" % master.pid
        return check._replace(ok=False, sentence=why)
    if folders:
        why = "nginx %d may not know what was put into %s, or removed from it, since its workers were made" % (master.pid, ", ".join(folders))
        return check._replace(ok=None, sentence=why)
    return check


def _changed_folders(configuration, since):
    """Return the directories of includes with a pattern in which names came or went after a moment. An editor does that too."""
    folders = set()
    for node in configuration.nodes:
        arguments = node.directive.args
        if node.directive.name == b"include" and len(arguments) == 1 and is_pattern(arguments[0]):
            folder = posixpath.dirname(join(posixpath.dirname(configuration.path) + "/", os.fsdecode(arguments[0])))
            if not is_pattern(os.fsencode(folder)):
                folders.add(folder)
    return sorted(folder for folder in folders if _folder_changed_at(configuration.root, folder) > since)


def _folder_changed_at(root, path):
    try:
        with locate(root, path, True) as place:
            return os.stat(place.name, dir_fd=place.folder).st_mtime
    except (OSError, ReadError):
        return 0


def _workers_check(master, subject, write, start, tick):
    expected, seen = "after %s" % _iso(write.at), None if start is None else _iso(start)  # when the oldest one started
    if start is None:
        return Check("workers", subject, expected, seen, False, "nginx %d has no worker that serves" % master.pid)
    is_newer = start + tick > write.at  # the start is known to a clock tick
    if master.is_single and not is_newer:
        why = "nginx %d has no workers (master_process off), so whether it has read %s again is not known" % (master.pid, write.path)
        return Check("workers", subject, expected, seen, None, why)
    why = "nginx %d serves with a worker that is older than the last write of %s, so it was not reloaded, or refused to" % (master.pid, write.path)
    return Check("workers", subject, expected, seen, is_newer, why)


def _oldest_start(master):
    """When the oldest worker that serves was started, in seconds since the epoch; None when there is none."""
    ticks = [worker.start_ticks for worker in master.workers if worker.role == "worker" and not worker.is_shutting_down]
    if master.is_single:
        ticks = [master.start_ticks]
    return time.time() - time.clock_gettime(CLOCK_BOOTTIME) + min(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


def _changed_at(root, path):
    with locate(root, path) as place:
        try:
            return os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_ctime
        except OSError as error:
            raise ReadError("%s: %s" % (path, error.strerror))


def _log_check(master, subject, texts, since, is_after):
    if not texts:
        return Check("error_log", subject, [], None, None, "the error log of nginx %d is no file that can be read" % master.pid)
    pids = {master.pid, master.inner_pid}
    found = [sentence for text, written_at in texts for sentence in emergencies_since(text, written_at, pids, since, is_after)]
    return Check("error_log", subject, [], found, not found, "nginx %d says in its error log: %s" % (master.pid, "; ".join(found)))


def _log_paths(master, configuration):
    """The error logs outside of all blocks, where a master tells why it refuses a configuration, and the one it was built with."""
    paths = [os.fsencode(master.error_log)] if master.error_log else []
    for node in configuration.nodes:
        if node.directive.name == b"error_log" and node.parent < 0 and node.directive.args:
            path = node.directive.args[0]
            paths.append(path if path.startswith((b"/", b"syslog:")) else os.fsencode(master.prefix or "/") + path)
    return list(dict.fromkeys(os.fsdecode(path) for path in paths if path.startswith(b"/")))


def _tail(root, path):
    """Return ``(last bytes, time of the last write)`` of a regular file, or None."""
    try:
        with locate(root, path) as place:
            descriptor = os.open(place.name, READ, dir_fd=place.folder)
    except (OSError, ReadError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        return os.pread(descriptor, MOST_READ, max(0, status.st_size - MOST_READ)), status.st_mtime
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % int(seconds % 1 * 1000)
