# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes several files together: all of them, or none.

New bytes go into a file beside the old one, are on the disk before they have its name, and get the name in one step that
leaves the old file at hand: what came out is compared with what was read, and put back when it is another. Symbolic
links stay, because the real file is replaced; a file with several hard links is refused, because writing into it in
place could be cut short by a crash and leave half a file.
"""

import os
import posixpath
import signal
from contextlib import contextmanager, suppress

from .._change import FOLDER
from .._errors import Conflict, ListenQueueError, WriteError
from . import durable
from .durable import temporary_name
from .read import TEMPORARY, locate, see, why_not_replaceable

SAVED = ".netops.listen_queue-before."


def apply_files(changes, proc):
    """Make all Changes of kind file and folder, or none of them. Raises ReadError, Conflict, WriteError."""
    with FileTransaction(proc) as transaction:
        for change in changes:
            transaction.stage(change)
        transaction.commit()


class FileTransaction:
    """Several files, all of them or none.

    ``stage()`` every change (what can be known to fail, fails here), then ``commit()``. Used as a context manager it leaves
    no temporary file behind. A crash inside ``commit()`` can leave some files new and some old: the journal of the
    checkpoint tells which, because each name holds either its bytes before or its bytes after, whole.
    """

    def __init__(self, proc):
        self._proc = proc
        self._staged = []
        self._own = set()  # names of temporary files

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def stage(self, change):
        """Prepare one Change of kind file or folder. Raises ReadError, Conflict, WriteError; then nothing was changed."""
        is_folder = change.kind == FOLDER
        place = locate(change.target.root, change.target.path, is_folder)
        staged = _StagedFolder(place, change) if is_folder else _StagedFile(self._proc, place, change, self._own)
        self._staged.append(staged)
        if place.path != change.target.path:
            raise Conflict("%s is %s now, because somebody made a symbolic link meanwhile; run again" % (change.target.path, place.path))
        try:
            staged.prepare()
        except OSError as error:
            raise WriteError("%s: the new version cannot be written: %s; nothing was changed" % (place.path, error.strerror))

    def commit(self):
        """Give every staged file its name. Raises WriteError; then all files are as they were, unless it says otherwise."""
        with _undisturbed():
            done = []
            try:
                for staged in self._staged:
                    done.append(staged)
                    staged.put()
                self._sync()
            except BaseException as error:
                self._take_back(done)
                if isinstance(error, OSError):
                    raise WriteError("%s cannot be replaced: %s; nothing was changed" % (done[-1].path, error.strerror))
                raise
            for staged in self._staged:
                staged.finish()

    def _take_back(self, done):
        failed = []
        for staged in reversed(done):
            try:
                staged.take_back()
            except (OSError, ListenQueueError) as error:
                staged.save_old()
                failed.append("%s (%s); what it was before is in %s" % (staged.path, error, staged.where_old()))
        with suppress(OSError):  # it is as good as it gets
            self._sync()
        if failed:
            raise WriteError("not all files could be put back: %s; put them back by hand" % "; ".join(failed))

    def _sync(self):
        seen = set()
        for staged in self._staged:
            status = os.fstat(staged.place.folder)
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                durable.sync_folder(staged.place.folder)

    def close(self):
        """Remove what was staged and is not in place."""
        for staged in sorted(self._staged, key=lambda staged: staged.path.count("/"), reverse=True):  # files before their directory
            staged.discard()
            staged.place.close()
        self._staged = []


class _StagedFile:
    """One file that is to be created, replaced or removed."""

    def __init__(self, proc, place, change, own):
        self._proc = proc
        self._change = change
        self._own = own
        self._new = self._temporary_name()  # beside the file, the new version; after an exchange, the old one
        self._old = self._new  # beside the file, the old version, once it is out
        self._inode = None  # of the new version
        self._is_put = False
        self.place = place
        self.path = place.path

    def _temporary_name(self):
        name = temporary_name()
        self._own.add(name)
        return name

    def where_old(self):
        return posixpath.join(posixpath.dirname(self.path), self._old)

    def prepare(self):
        durable.remove_leftovers(self.place.folder, self._own)
        change, seen = self._change, see(self.place)
        found = None if seen is None else seen.state
        if (found is None) != (change.before is None) or (found is not None and not found.is_same(change.before)):
            raise Conflict("%s was changed by somebody else meanwhile; run again" % self.path)
        obstacle = why_not_replaceable(self._proc, self.place, seen)
        if obstacle:
            raise WriteError(obstacle)
        if change.after is not None:
            self._write()

    def _write(self):
        after, is_new = self._change.after, self._change.before is None
        self._inode = durable.create(self.place.folder, self._new, after.data, after, keeps_inherited=is_new and not after.xattrs)

    def put(self):
        change, folder, name = self._change, self.place.folder, self.place.name
        if change.before is None:
            try:
                durable.link(folder, self._new, name)
            except FileExistsError:
                raise Conflict("%s was made by somebody else meanwhile; run again" % self.path)
            self._is_put = True
            return
        if change.after is None:
            durable.rename(folder, name, self._old)
        elif not durable.exchange(folder, self._new, name):  # no such call here: a second name keeps the old file at hand
            self._old = self._temporary_name()
            durable.link(folder, name, self._old)
            self._check_old()
            durable.rename(folder, self._new, name)
        self._is_put = True
        self._check_old()

    def _check_old(self):
        # What is out now is the file that was read, or somebody saved another one in between.
        seen = see(_At(self.place, self._old))
        if seen is None or not seen.state.is_same(self._change.before):
            raise Conflict("%s was changed by somebody else meanwhile; theirs was kept, run again" % self.path)

    def take_back(self):
        if not self._is_put:
            return
        folder, name = self.place.folder, self.place.name
        if self._change.after is not None and os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino != self._inode:
            raise Conflict("somebody else has replaced it since")
        if self._change.before is None:
            durable.remove(folder, name)
        elif self._change.after is None:
            durable.link(folder, self._old, name)
        else:
            durable.rename(folder, self._old, name)
        self._is_put = False

    def save_old(self):
        """Give the old version, which could not be put back, a name that no later run takes for a leftover."""
        with suppress(OSError):
            name = self._old.replace(TEMPORARY, SAVED)
            durable.rename(self.place.folder, self._old, name)
            self._old = name

    def finish(self):
        self._is_put = False

    def discard(self):
        if not self._is_put:  # else it could not be put back, and the old version must not be thrown away
            for name in sorted({self._new, self._old}):
                durable.unlink(self.place.folder, name)


class _StagedFolder:
    """One directory: made at once, so that files can be staged in it, or removed at the end, when it is empty."""

    def __init__(self, place, change):
        self._change = change
        self._is_in_the_way = False  # to be removed at the end
        self.place = place
        self.path = place.path

    def where_old(self):
        return self.path

    def prepare(self):
        mode = self._change.after
        if mode is not None:
            durable.make_folder(self.place.folder, self.place.name)
            self._is_in_the_way = True
            durable.set_mode(self.place.folder, self.place.name, mode)  # whatever the umask is

    def put(self):
        pass

    def take_back(self):
        pass

    def finish(self):
        self._is_in_the_way = self._change.after is None

    def discard(self):
        if self._is_in_the_way:
            with suppress(OSError):  # somebody else put something into it: it is theirs now
                durable.remove_folder(self.place.folder, self.place.name)


class _At:
    """Another name in the directory of a Place."""

    def __init__(self, place, name):
        self.folder, self.name, self.path = place.folder, name, place.path


@contextmanager
def _undisturbed():
    """Hold signals back that would end the run between two files: a lost ssh connection, a stopped play."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
