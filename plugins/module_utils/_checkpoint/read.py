# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the journals of checkpoints. Each directory on the way has to belong to root alone, and no symbolic link is followed."""

import os
import stat
from typing import NamedTuple, Optional, Tuple

from .._errors import InputError, JournalError, ReadError
from .._files.read import TEMPORARY
from . import entry
from .entry import Clock, Entry

FOLDER = "checkpoints"
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST_BYTES = 64 << 20  # as of a file that is changed
CLOCK_BOOTTIME = 7  # include/uapi/linux/time.h; Python has the name since 3.7


class Found(NamedTuple):
    """A checkpoint by its names alone: nothing of it was read yet. ``state`` is None when it has no head, or a ``problem`` (a sentence)."""

    id: str
    state: Optional[str]
    path: str
    names: Tuple[str, ...] = ()
    problem: Optional[str] = None

    @property
    def has_interrupted(self):
        """True when a run was killed while it changed something, or was about to."""
        return any(name.endswith("." + entry.PREPARED) or name.startswith(TEMPORARY) for name in self.names)

    @property
    def has_unit(self):
        """True while there is something to remove that is only for an open checkpoint."""
        return any(entry.HOUSEKEEPING_NAME % state in self.names for state in (entry.PREPARED, entry.APPLIED))


def clock(proc):
    """Return the Clock now."""
    import time

    boot_id = (proc.read("sys/kernel/random/boot_id") or b"").decode("ascii", "replace").strip()
    return Clock(boot_id, time.clock_gettime(CLOCK_BOOTTIME))


def utc():
    """Return the wall clock for people, as 2026-07-29T12:00:00Z."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def find(state_folder):
    """Return all checkpoints as Found, the oldest first. Raises ReadError."""
    path = os.path.join(state_folder, FOLDER)
    folder = open_private(path)
    if folder is None:
        return []
    try:
        found = [_found(folder, path, name) for name in os.listdir(folder) if entry.IDENTIFIER.match(name)]
        found = [one for one in found if one is not None]
    except OSError as error:
        raise ReadError("%s cannot be read: %s" % (path, error.strerror))
    finally:
        os.close(folder)
    return [one for _age, one in sorted(found)]


def _found(folder, path, name):
    """Return (age, Found); None for a file, which is no checkpoint, and for what was removed meanwhile."""
    where = os.path.join(path, name)
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            return None
        if not stat.S_ISDIR(status.st_mode):
            return status.st_mtime_ns, Found(
                name, None, where, (), "%s is no directory; look who put it there, and move the directory back or remove it" % where
            )
        names = names_in(folder, name)
        oldest = name + "/" + entry.PROGRAM if entry.PROGRAM in names else name  # the program is written once, when it is opened
        age = os.stat(oldest, dir_fd=folder, follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        return None
    except OSError as error:
        return 0, Found(name, None, where, (), "%s cannot be read: %s" % (where, error.strerror))
    heads = [other[len(entry.HEAD) :] for other in names if other.startswith(entry.HEAD)]
    if len(heads) > 1 or any(state not in entry.NEXT for state in heads):
        why = "%s says several things about its state (%s); remove what somebody put there" % (where, ", ".join(sorted(heads)))
        return age, Found(name, None, where, tuple(sorted(names)), why)
    return age, Found(name, heads[0] if heads else None, where, tuple(sorted(names)))


def names_in(folder, name):
    """Return the names in a directory below an open one. Raises OSError."""
    descriptor = os.open(name, DIRECTORY, dir_fd=folder)
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def open_private(path):
    """Return a descriptor of a directory that must belong to us alone, with the one above it; None when it does not exist. Raises ReadError."""
    try:
        above = os.open(os.path.dirname(path), DIRECTORY)
        try:
            folder = os.open(os.path.basename(path), DIRECTORY, dir_fd=above)
            statuses = os.fstat(above), os.fstat(folder)
        finally:
            os.close(above)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError("%s cannot be read: %s; become root, and look who made it" % (path, error.strerror))
    if any(status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077 for status in statuses):
        os.close(folder)
        raise ReadError("%s and the directory above it must belong to the user who runs this, with mode 0700; look who made them" % path)
    return folder


def find_one(state_folder, identifier):
    """Return the Found with this id, whatever others are like. Raises InputError when there is none, JournalError, ReadError."""
    if not entry.IDENTIFIER.match(identifier):
        raise InputError("checkpoint: %r is no id; it is what the module checkpoint returned" % identifier)
    found = find(state_folder)
    for one in found:
        if one.id == identifier:
            if one.problem is not None:
                raise JournalError(one.problem)
            return one
    known = ", ".join("%s (%s)" % (one.id, one.state) for one in found)
    raise InputError("checkpoint: there is no %s here; known are: %s" % (identifier, known or "none"))


def read_file(path, name):
    """Return the bytes of one file of a journal; None when it does not exist. Raises ReadError."""
    where = os.path.join(path, name)
    try:
        folder = os.open(path, DIRECTORY)
        try:
            descriptor = os.open(name, READ, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise JournalError("%s is not a regular file; look who put it there" % where)
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError("%s cannot be read: %s" % (where, error.strerror))
    if len(data) > MOST_BYTES:
        raise JournalError("%s is larger than %d MiB; look who put it there" % (where, MOST_BYTES >> 20))
    return data


def head_of(found):
    """Return the Head of a checkpoint. Raises JournalError, ReadError."""
    name = entry.HEAD + (found.state or "")
    data = read_file(found.path, name)
    if data is None:
        raise JournalError("%s has no head that says what it is; it was cut short, or its state changed just now" % found.path)
    head = entry.unpack_head(data, os.path.join(found.path, name))
    if head.id != found.id:
        raise JournalError("%s is the journal of %s; somebody copied or renamed it: remove the copy, or give it that name again" % (found.path, head.id))
    return head


def entries_of(found) -> Tuple[Entry, ...]:
    """Return the Entries of a checkpoint, in the order in which they were made. Raises JournalError, ReadError."""
    numbered = {}
    for name in found.names:
        match = entry.ENTRY.match(name)
        if match:
            numbered.setdefault(int(match.group(1)), []).append((name, match.group(2)))
    result = []
    for number, states in sorted(numbered.items()):
        (name, state) = states[0]
        where = os.path.join(found.path, name)
        if len(states) > 1 or state not in entry.ENTRY_STATES:
            raise JournalError("%s has several states, or one that is not known; remove what somebody put there" % where)
        result.append(entry.unpack_entry(read_file(found.path, name) or b"", where, number, state))
    return tuple(result)


def note_of(found, name):
    """Return one of the records ``result`` and ``armed`` of a checkpoint; None when it is not there, or torn: they are for people only."""
    try:
        data = read_file(found.path, name)
        return None if data is None else entry.unpack(data, os.path.join(found.path, name))
    except ReadError:
        return None


def undo_command(path, interpreter):
    """Return the command that rolls a checkpoint back, with nothing but its own directory."""
    return "%s -I %s/%s" % (interpreter, path, entry.PROGRAM)


def read_row(proc, found):
    """Return what checkpoint_info says about one checkpoint. Raises ReadError; a journal that tells nothing certain is a row with a problem."""
    from .shape import row_of

    if found.problem is not None:
        return row_of(found, None, problem=found.problem)
    result, armed, head = note_of(found, entry.RESULT), note_of(found, entry.ARMED), None
    try:
        head = head_of(found)
        entries = [entry.with_seen(each, note_of(found, entry.SEEN % each.number)) for each in entries_of(found)]
    except ReadError as error:
        return row_of(found, head and undo_command(found.path, head.interpreter), head, (), result, armed, clock(proc), str(error))
    return row_of(found, undo_command(found.path, head.interpreter), head, entries, result, armed, clock(proc))


def read_rows(proc, state_folder, identifier=None):
    """Return the rows of all checkpoints, or of one. Raises InputError, ReadError."""
    found = [one for one in find(state_folder) if identifier in (None, one.id)]
    return [read_row(proc, one) for one in found or (() if identifier is None else [find_one(state_folder, identifier)])]
