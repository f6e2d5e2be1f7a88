# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what a drop-in is about: files, the changes that they need, values now, and what would be in the way of writing."""

import errno
import os

from .._change import FILE, FOLDER, Change, FileState, FileTarget
from .._errors import InputError, ReadError, WriteError
from .._files.read import locate, see, why_not_replaceable
from .._problems import Problems
from .._roots.read import Root
from .._sysctl.names import dotted
from .._sysctl_boot.read import boot_files
from .draft import FOLDER as SYSCTL_D

NEW_MODE, FOLDER_MODE = 0o644, 0o755
READ_ONLY = "/proc/sys is read-only here, as in containers without a /proc/sys of their own; nothing was changed. Set %s where the container is started: %s"


def files_of(root_path):
    """Return the BootFiles of a root. Raises WriteError when one of them cannot be read: then nobody knows who wins."""
    problems = Problems()
    with Root(root_path) as root:
        files = boot_files(root, problems)
    if problems.partial:
        raise WriteError("who wins at boot cannot be known: %s; nothing was changed" % problems.as_list()[0]["message"])
    return files


def file_changes(proc, root, draft):
    """Return the Changes of kind file (and folder) that a Draft needs. Raises ReadError and WriteError, which name the obstacle."""
    changes = []
    for file, data in ((draft.file, draft.data), (draft.old, None)):
        if file is not None:
            changes += _changes_of(proc, root, file, data)
    return tuple(changes)


def _changes_of(proc, root, file, data):
    try:
        place = locate(root, file.real)
    except ReadError:
        with locate(root, SYSCTL_D, True) as folder:
            if data is None or see_folder(folder):
                raise
            _check_writable(proc, folder)
            target = FileTarget(root, file.path)
            return [Change(FOLDER, FileTarget(root, folder.path), None, FOLDER_MODE), Change(FILE, target, None, _new_state(data))]
    with place:
        seen = see(place)
        before = None if seen is None else seen.state
        if before is not None and before.data == data or before is None and data is None:
            return []
        obstacle = why_not_replaceable(proc, place, seen)
        if obstacle:
            raise WriteError(obstacle)
        after = None if data is None else _new_state(data) if before is None else before._replace(data=data)
        return [Change(FILE, FileTarget(root, place.path), before, after)]


def see_folder(place):
    """True when the name of a Place exists."""
    try:
        os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _check_writable(proc, place):
    obstacle = why_not_replaceable(proc, place, None)
    if obstacle:
        raise WriteError(obstacle)


def _new_state(data):
    return FileState(data, NEW_MODE, os.geteuid(), os.getegid())


def current_values(proc, paths, must_exist=True):
    """Return ``{path: text}`` in the network namespace of the calling thread.

    A key that does not exist raises InputError, or is None where it need not. Raises ReadError.
    """
    values = {}
    for path in paths:
        try:
            raw = proc.read("sys/" + path, once=True)
        except OSError as error:
            raise ReadError("%s cannot be read: %s; nothing was changed" % (proc.path("sys/" + path), error.strerror))
        if raw is None and must_exist:
            raise InputError(_missing(proc, path))
        values[path] = None if raw is None else " ".join(raw.decode("utf-8", "backslashreplace").split())
    return values


def _missing(proc, path):
    name = proc.path("sys/" + path)
    if proc.status("sys/net/core") is None:
        return "%s does not exist: /proc/sys is masked here, as in containers; set %s where the container is started" % (name, dotted(path))
    return (
        "%s does not exist: this kernel has no such sysctl, its module is not loaded, or this network namespace does not show it; look at its spelling" % name
    )


def why_not_writable(proc, path, advice):
    """Return the sentence that says why a value cannot be written, or None. Nothing is opened for that."""
    name = proc.path("sys/" + path)
    try:
        flags = os.statvfs(name).f_flag
        if flags & os.ST_RDONLY:
            return READ_ONLY % (dotted(path), advice)
        if not os.access(name, os.W_OK, effective_ids=True):
            if os.geteuid() != 0:
                return "%s may not be written; become root" % name
            return "%s is read-only in this network namespace; it is one value for the whole machine, set it on the host" % name
    except OSError as error:
        if error.errno == errno.EROFS:
            return READ_ONLY % (dotted(path), advice)
        return "%s cannot be written: %s; nothing was changed" % (name, error.strerror)
    return None
