# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that writes to disk: each act by itself, relative to an open directory, after before_write() was called."""

import ctypes
import errno
import os
import stat
from contextlib import contextmanager, suppress

from .._errors import WriteError
from .read import TEMPORARY, attributes

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
RENAME_EXCHANGE = 2  # include/uapi/linux/fs.h
# Belong to the bytes, not to the file: the kernel makes them anew.
NOT_KEPT = ("security.ima", "security.evm")
LABEL = "security.selinux"


def before_write(act, name):
    """Called before each act that reaches the disk. Does nothing; tests put a function here that ends the process."""


def create(folder, name, data, state=None, keeps_inherited=False):
    """Make a new file whose bytes are on the disk when this returns, and return its inode. Raises OSError.

    Without a ``state`` (FileState) only its owner may read it. Extended attributes become those of the state;
    ``keeps_inherited`` leaves what the directory gives to new files.
    """
    before_write("create", name)
    descriptor = os.open(name, NEW, 0o600, dir_fd=folder)
    try:
        _write_all(descriptor, name, data)
        if state is not None:
            _dress(descriptor, name, state)
            if not keeps_inherited:
                _set_attributes(descriptor, name, state)
        before_write("fsync", name)
        os.fsync(descriptor)
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def _dress(descriptor, name, wanted):
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (wanted.uid, wanted.gid):
        before_write("chown", name)
        os.fchown(descriptor, wanted.uid, wanted.gid)
    before_write("chmod", name)
    os.fchmod(descriptor, wanted.mode)


def _set_attributes(descriptor, name, wanted):
    present, kept = dict(attributes(descriptor)), {key: value for key, value in wanted.xattrs if key not in NOT_KEPT}
    for key in sorted(set(present) - set(kept) - {LABEL, *NOT_KEPT}):  # a default ACL of the directory
        before_write("removexattr", name)
        os.removexattr(descriptor, key)
    for key, value in kept.items():
        if present.get(key) != value:
            before_write("setxattr", name)
            os.setxattr(descriptor, key, value)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != wanted.mode:  # an ACL that went took bits along
        before_write("chmod", name)
        os.fchmod(descriptor, wanted.mode)


def make_folder(folder, name):
    before_write("mkdir", name)
    os.mkdir(name, 0o700, dir_fd=folder)


def set_mode(folder, name, mode):
    before_write("chmod", name)
    os.chmod(name, mode, dir_fd=folder)


def remove_folder(folder, name):
    before_write("rmdir", name)
    os.rmdir(name, dir_fd=folder)


def remove(folder, name):
    before_write("unlink", name)
    os.unlink(name, dir_fd=folder)


def temporary_name():
    return TEMPORARY + os.urandom(8).hex()


def remove_leftovers(folder, own):
    """Remove what an earlier run left when it was killed. The lock makes sure that no other run is at work."""
    for name in os.listdir(folder):
        if name.startswith(TEMPORARY) and name not in own:
            unlink(folder, name)


def link(folder, name, other):
    before_write("link", other)
    os.link(name, other, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def rename(folder, name, other):
    before_write("rename", other)
    os.rename(name, other, src_dir_fd=folder, dst_dir_fd=folder)


def unlink(folder, name):
    """Remove a temporary file."""
    with suppress(OSError):  # gone already, or of no importance: the next run tries again
        remove(folder, name)


def _write_all(descriptor, name, data):
    view = memoryview(data)
    while view:
        before_write("write", name)
        view = view[os.write(descriptor, view) :]


def sync_folder(folder):
    before_write("fsync", ".")
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:  # this file system cannot, and says so
            raise


def exchange(folder, one, other):
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


def private_folder(path):
    """Return a descriptor of a directory that only its owner may enter; it is made when it does not exist. Raises WriteError."""
    parent, name = os.path.split(path.rstrip("/"))
    try:
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                make_folder(above, name)
                sync_folder(above)
            except FileExistsError:
                pass
            folder = os.open(name, FOLDER, dir_fd=above)
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
        create(folder, temporary, data)
        rename(folder, temporary, name)
        sync_folder(folder)
    except OSError as error:
        unlink(folder, temporary)
        raise WriteError("the previous version cannot be kept: %s; nothing was changed" % error.strerror)


def prune(folder, most):
    """Remove the oldest files of a private folder (a descriptor) until it holds at most ``most``."""
    ages = {name: os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns for name in os.listdir(folder)}
    for name in sorted(ages, key=ages.__getitem__)[: max(0, len(ages) - most)]:
        unlink(folder, name)


def scratch_folder(path, like=None):
    """Make a directory in a tmpfs that ends with this process. ``like`` is the status of the one in whose place it is."""
    os.mkdir(path, 0o755)
    if like is not None:
        os.chown(path, like.st_uid, like.st_gid)
        os.chmod(path, like.st_mode & 0o7777)


def scratch_file(path, data, like=None):
    """Write a file into such a tmpfs. Nothing of it lasts, so nothing is flushed. The program may read it if it may read the one in ``like``."""
    descriptor = os.open(path, NEW, 0o600)
    try:
        _write_all(descriptor, path, data)
        if like is not None:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        os.fchmod(descriptor, 0o644 if like is None else like.st_mode & 0o777)
    finally:
        os.close(descriptor)


@contextmanager
def beside(place, data):
    """Have a file beside that of a Place while the body runs: its name begins with a dot, and only its owner may read it."""
    name = temporary_name()
    try:
        create(place.folder, name, data)
        yield name
    except OSError as error:
        raise WriteError("a file for the test cannot be written beside %s: %s; nothing was changed" % (place.path, error.strerror))
    finally:
        unlink(place.folder, name)


def set_value(path, data):
    """Write a kernel setting, a file below procfs: the kernel takes what one write brings as the whole value. Raises OSError."""
    before_write("sysctl", path)
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
