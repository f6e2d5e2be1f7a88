# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that writes to disk.

New bytes go into a file beside the old one, are on the disk before they have its name, and get the name in one step that
leaves the old file at hand: what came out is compared with what was read, and put back when it is another. Symbolic
links stay, because the real file is replaced; a file with several hard links is refused, because writing into it in
place could be cut short by a crash and leave half a file.
"""

import ctypes
import errno
import os
import posixpath
import signal
import stat
from contextlib import contextmanager, suppress

from .._change import FOLDER
from .._errors import Conflict, ListenQueueError, WriteError
from .read import TEMPORARY, attributes, locate, see, why_not_replaceable

SAVED = ".netops.listen_queue-before."
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
RENAME_EXCHANGE = 2  # include/uapi/linux/fs.h
# Belong to the bytes, not to the file: the kernel makes them anew.
NOT_KEPT = ("security.ima", "security.evm")
LABEL = "security.selinux"


def before_write(act, name):
    """Called before each act that reaches the disk. Does nothing; tests put a function here that ends the process."""


class FileTransaction:
    """Several files, all of them or none.

    ``stage()`` every change (what can be known to fail, fails here), then ``commit()``. Used as a context manager it leaves
    no temporary file behind. A crash inside ``commit()`` can leave some files new and some old: the journal of the
    checkpoint tells which, because each name holds either its bytes before or its bytes after, whole.
    """

    def __init__(self, root, proc):
        self._root = root
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
        place = locate(self._root, change.target.path, is_folder)
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
                _sync_folder(staged.place.folder)

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
        _remove_leftovers(self.place.folder, self._own)
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
        before_write("create", self._new)
        descriptor = os.open(self._new, NEW, 0o600, dir_fd=self.place.folder)
        try:
            self._inode = os.fstat(descriptor).st_ino
            _write_all(descriptor, self._new, self._change.after.data)
            self._dress(descriptor)
            before_write("fsync", self._new)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _dress(self, descriptor):
        """Give the new file owner, mode and extended attributes, in the order in which they do not undo each other."""
        name, wanted, status = self._new, self._change.after, os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != (wanted.uid, wanted.gid):
            before_write("chown", name)
            os.fchown(descriptor, wanted.uid, wanted.gid)
        before_write("chmod", name)
        os.fchmod(descriptor, wanted.mode)
        if self._change.before is None and not wanted.xattrs:
            return  # a new file takes what its directory gives
        present, kept = dict(attributes(descriptor)), {key: value for key, value in wanted.xattrs if key not in NOT_KEPT}
        for key in sorted(set(present) - set(kept) - {LABEL, *NOT_KEPT}):  # a default ACL of the directory
            before_write("removexattr", name)
            os.removexattr(descriptor, key)
        for key, value in kept.items():
            if present.get(key) != value:
                before_write("setxattr", name)
                os.setxattr(descriptor, key, value)
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != wanted.mode:
            before_write("chmod", name)
            os.fchmod(descriptor, wanted.mode)

    def put(self):
        change, folder, name = self._change, self.place.folder, self.place.name
        if change.before is None:
            try:
                _link(folder, self._new, name)
            except FileExistsError:
                raise Conflict("%s was made by somebody else meanwhile; run again" % self.path)
            self._is_put = True
            return
        if change.after is None:
            _rename(folder, name, self._old)
        elif not _exchange(folder, self._new, name):  # no such call here: a second name keeps the old file at hand
            self._old = self._temporary_name()
            _link(folder, name, self._old)
            self._check_old()
            _rename(folder, self._new, name)
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
            before_write("unlink", name)
            os.unlink(name, dir_fd=folder)
        elif self._change.after is None:
            _link(folder, self._old, name)
        else:
            _rename(folder, self._old, name)
        self._is_put = False

    def save_old(self):
        """Give the old version, which could not be put back, a name that no later run takes for a leftover."""
        with suppress(OSError):
            name = self._old.replace(TEMPORARY, SAVED)
            _rename(self.place.folder, self._old, name)
            self._old = name

    def finish(self):
        self._is_put = False

    def discard(self):
        if not self._is_put:  # else it could not be put back, and the old version must not be thrown away
            for name in {self._new, self._old}:
                _unlink(self.place.folder, name)


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
            before_write("mkdir", self.place.name)
            os.mkdir(self.place.name, 0o700, dir_fd=self.place.folder)
            self._is_in_the_way = True
            before_write("chmod", self.place.name)
            os.chmod(self.place.name, mode, dir_fd=self.place.folder)  # whatever the umask is

    def put(self):
        pass

    def take_back(self):
        pass

    def finish(self):
        self._is_in_the_way = self._change.after is None

    def discard(self):
        if self._is_in_the_way:
            with suppress(OSError):  # somebody else put something into it: it is theirs now
                before_write("rmdir", self.place.name)
                os.rmdir(self.place.name, dir_fd=self.place.folder)


class _At:
    """Another name in the directory of a Place."""

    def __init__(self, place, name):
        self.folder, self.name, self.path = place.folder, name, place.path


def temporary_name():
    return TEMPORARY + os.urandom(8).hex()


def _remove_leftovers(folder, own):
    """Remove what an earlier run left when it was killed. The lock makes sure that no other run is at work."""
    for name in os.listdir(folder):
        if name.startswith(TEMPORARY) and name not in own:
            _unlink(folder, name)


def _link(folder, name, other):
    before_write("link", other)
    os.link(name, other, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def _rename(folder, name, other):
    before_write("rename", other)
    os.rename(name, other, src_dir_fd=folder, dst_dir_fd=folder)


def _unlink(folder, name):
    with suppress(OSError):  # gone already, or of no importance: the next run tries again
        before_write("unlink", name)
        os.unlink(name, dir_fd=folder)


def _write_all(descriptor, name, data):
    view = memoryview(data)
    while view:
        before_write("write", name)
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder):
    before_write("fsync", ".")
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:  # this file system cannot, and says so
            raise


def _exchange(folder, one, other):
    """Let two names swap their files in one step; False where the C library or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):  # glibc 2.28, musl 1.2.5
        return False
    before_write("exchange", other)
    if libc.renameat2(folder, os.fsencode(one), folder, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number))


@contextmanager
def _undisturbed():
    """Hold signals back that would end the run between two files: a lost ssh connection, a stopped play."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def private_folder(path):
    """Return a descriptor of a directory that only its owner may enter; it is made when it does not exist. Raises WriteError."""
    parent, name = os.path.split(path.rstrip("/"))
    try:
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                before_write("mkdir", path)
                os.mkdir(name, 0o700, dir_fd=above)
                _sync_folder(above)
            except FileExistsError:
                pass
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        finally:
            os.close(above)
    except OSError as error:
        raise WriteError("%s, where previous versions are kept, cannot be used: %s; nothing was changed" % (path, error.strerror))
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        os.close(folder)
        raise WriteError("%s must belong to the user who runs this, with mode 0700; look who made it, and correct or remove it" % path)
    return folder


def keep(folder, name, data):
    """Write a new file into a private folder (a descriptor), or replace it: whole and durable, mode 0600. Raises WriteError."""
    temporary = temporary_name()
    try:
        before_write("create", temporary)
        descriptor = os.open(temporary, NEW, 0o600, dir_fd=folder)
        try:
            _write_all(descriptor, temporary, data)
            before_write("fsync", temporary)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        before_write("rename", name)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        _sync_folder(folder)
    except OSError as error:
        _unlink(folder, temporary)
        raise WriteError("the previous version cannot be kept: %s; nothing was changed" % error.strerror)


def prune(folder, most):
    """Remove the oldest files of a private folder (a descriptor) until it holds at most ``most``."""
    ages = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns for name in os.listdir(folder)}
    for name in sorted(ages, key=ages.__getitem__)[: max(0, len(ages) - most)]:
        _unlink(folder, name)


def scratch_folder(path):
    """Make a directory in a tmpfs that nobody else sees and that ends with this process."""
    os.mkdir(path, 0o755)


def scratch_file(path, data):
    """Write a file into such a tmpfs. Nothing of it lasts, so nothing is flushed; its mode hides nothing, as nobody sees it."""
    descriptor = os.open(path, NEW, 0o644)
    try:
        _write_all(descriptor, path, data)
        os.fchmod(descriptor, 0o644)
    finally:
        os.close(descriptor)


@contextmanager
def beside(place, data):
    """Have a file beside that of a Place while the body runs: its name begins with a dot, and only its owner may read it."""
    name = temporary_name()
    try:
        before_write("create", name)
        descriptor = os.open(name, NEW, 0o600, dir_fd=place.folder)
        try:
            _write_all(descriptor, name, data)
        finally:
            os.close(descriptor)
        yield name
    except OSError as error:
        raise WriteError("a file for the test cannot be written beside %s: %s; nothing was changed" % (place.path, error.strerror))
    finally:
        _unlink(place.folder, name)
