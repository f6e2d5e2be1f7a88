# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the journals of checkpoints. What is written is on the disk before anything follows from it, and a state changes by rename."""

import os
import time
from contextlib import ExitStack, contextmanager, suppress

from .._change import FILE
from .._errors import Busy, Conflict, WriteError
from .._files import durable
from .._files.read import TEMPORARY
from .._files.store import opened
from . import entry
from .read import FOLDER, Found, find, open_private, read_file, utc

NEW, OLD = ".new-", ".old-"  # directories that are being made or removed
MOST_KEPT, SECONDS_KEPT = 5, 30 * 86400
POLL = 0.1  # seconds


@contextmanager
def waited(state_folder, proc, seconds, tell=None):
    """Run the body as the only run on this machine, after waiting for another one to end. Raises Busy, WriteError.

    ``tell(Busy)`` is called once, when there is one.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(opened(state_folder, proc))
                break
            except Busy as busy:
                if time.monotonic() > deadline:
                    raise
                if tell is not None:
                    tell(busy)
                    tell = None
            time.sleep(POLL)
        yield


class Journal:
    """The open directory of one checkpoint, for writing. The lock of the run has to be held."""

    def __init__(self, found):
        self.path = found.path
        parent = open_private(os.path.dirname(found.path))
        if parent is None:
            raise WriteError("%s is not there any more; look who removed it" % os.path.dirname(found.path))
        try:
            self._folder = os.open(found.id, durable.FOLDER, dir_fd=parent)
        except OSError as error:
            raise self._failed(error)
        finally:
            os.close(parent)
        with suppress(OSError):  # they are of no importance
            durable.remove_leftovers(self._folder, ())

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        os.close(self._folder)

    def prepare(self, module, plan, number=None):
        """Write ahead what a Plan changes; return its number. Raises WriteError, then nothing was written that counts."""
        names = os.listdir(self._folder)
        if number is None:
            number = max((int(match.group(1)) for match in map(entry.ENTRY.match, names) if match), default=entry.HOUSEKEEPING) + 1
        try:
            for change in plan.changes:
                if change.kind == FILE and change.before is not None and entry.BYTES + change.before.digest not in names:
                    self._put(entry.BYTES + change.before.digest, change.before.data)
            self._put("%04d.%s" % (number, entry.PREPARED), entry.pack_entry(module, utc(), plan))
            for name in names:
                if name.startswith("%04d." % number):  # what was made once before is made again
                    durable.unlink(self._folder, name)
            durable.sync_folder(self._folder)
        except OSError as error:
            raise self._failed(error)
        return number

    def _put(self, name, data):
        put(self._folder, name, data)

    def _failed(self, error):
        return WriteError("the journal %s cannot be written: %s; nothing was changed" % (self.path, error.strerror))

    def move(self, number, before, after):
        """Let an entry have another state. Raises WriteError."""
        self._rename("%04d.%s" % (number, before), "%04d.%s" % (number, after))

    def move_head(self, before, after):
        """Let the checkpoint have another state. Raises Conflict when somebody else was faster, WriteError."""
        if after not in entry.NEXT[before]:
            raise Conflict("a checkpoint that is %s cannot be %s" % (before, after))
        self._rename(entry.HEAD + before, entry.HEAD + after)

    def _rename(self, before, after):
        try:
            durable.rename(self._folder, before, after)
            durable.sync_folder(self._folder)
        except FileNotFoundError:
            raise Conflict("%s/%s is not there any more: somebody else was faster" % (self.path, before))
        except OSError as error:
            raise WriteError("the journal %s cannot be written: %s; run again when that is corrected" % (self.path, error.strerror))

    def note(self, name, record):
        """Keep something for people. A full disk is no reason to stop."""
        with suppress(OSError):
            self._put(name, entry.pack(record))

    def copy_of(self, digest):
        """Return the path of the file with these bytes."""
        return os.path.join(self.path, entry.BYTES + digest)

    def bytes_of(self, digest):
        """Return the bytes that a file had. Raises WriteError when they are not those."""
        from hashlib import sha256

        data = read_file(self.path, entry.BYTES + digest)
        if data is None or sha256(data).hexdigest() != digest:
            raise WriteError("%s is missing or damaged, so it was not put back" % self.copy_of(digest))
        return data


def put(folder, name, data):
    """Write a file into a journal, whole and durable, or replace it. Raises OSError."""
    temporary = durable.temporary_name()
    try:
        durable.create(folder, temporary, data)
        durable.rename(folder, temporary, name)
    except OSError:
        durable.unlink(folder, temporary)
        raise


def create(state_folder, head, program):
    """Make the journal of a new checkpoint and return it as Found: it is there as a whole, or not at all. Raises WriteError."""
    path = os.path.join(state_folder, FOLDER)
    folder, new = durable.private_folder(path), NEW + os.urandom(8).hex()
    try:
        _sweep(folder)
        durable.make_folder(folder, new)
        descriptor = os.open(new, durable.FOLDER, dir_fd=folder)
        try:
            put(descriptor, entry.PROGRAM, program)
            put(descriptor, entry.HEAD + entry.OPEN, entry.pack_head(head))
            durable.sync_folder(descriptor)
        finally:
            os.close(descriptor)
        durable.rename(folder, new, head.id)
        durable.sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            _sweep(folder)
        raise WriteError("the checkpoint cannot be opened: %s: %s; nothing was changed" % (path, error.strerror))
    finally:
        os.close(folder)
    return Found(head.id, entry.OPEN, os.path.join(path, head.id), (entry.HEAD + entry.OPEN, entry.PROGRAM))


def _sweep(folder):
    """Remove the directories that a run had begun to make or to remove when it was killed."""
    for name in os.listdir(folder):
        if name.startswith((NEW, OLD)):
            with suppress(OSError):  # what cannot be removed is in nobody's way
                _remove(folder, name)


def _remove(folder, name):
    descriptor = os.open(name, durable.FOLDER, dir_fd=folder)
    try:
        for other in os.listdir(descriptor):
            durable.remove(descriptor, other)
    finally:
        os.close(descriptor)
    durable.remove_folder(folder, name)


def prune(state_folder, now):
    """Forget the checkpoints that are resolved, except the last ones of the last 30 days; return sentences on those that stay nevertheless.

    ``now`` is the wall clock's, in seconds.
    """
    done = [found for found in find(state_folder) if found.state is not None and found.state not in entry.UNRESOLVED]
    folder = open_private(os.path.join(state_folder, FOLDER)) if done else None
    if folder is None:
        return []
    try:
        return [sentence for sentence in (_pruned(folder, found, number, now) for number, found in enumerate(reversed(done))) if sentence]
    finally:
        os.close(folder)


def _pruned(folder, found, number, now):
    """Remove one checkpoint when it is time, and nobody put anything into it; return why not."""
    try:
        if number < MOST_KEPT and now - os.stat(found.id, dir_fd=folder, follow_symlinks=False).st_mtime <= SECONDS_KEPT:
            return None
        theirs = [name for name in found.names if not entry.OURS.match(name) and not name.startswith(TEMPORARY)]
        if theirs:
            return "%s is old enough to be removed, but somebody put %s into it; remove it when that is not needed" % (found.path, theirs[0])
        old = OLD + os.urandom(8).hex()
        durable.rename(folder, found.id, old)
        _remove(folder, old)
    except OSError as error:
        return "%s is old enough to be removed, but cannot be: %s" % (found.path, error.strerror)
    return None
