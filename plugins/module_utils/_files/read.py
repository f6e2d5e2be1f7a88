# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and reads one file inside a root, and says whether it can be replaced.

A symbolic link means what it means to a program whose `/` is the root: the kernel would resolve the absolute links of a
container against our own `/`. Every step is taken from an open directory, so that nothing can be swapped underneath.
"""

import errno
import os
import stat
import struct
from typing import NamedTuple

from .._change import FileState
from .._errors import ReadError

# Includes do not load it: nginx's globs (and those of sysctl.d's readers) skip a leading dot, or want `.conf` at the end.
TEMPORARY = ".netops.listen_queue."
MOST_LINKS = 40  # as the kernel's MAXSYMLINKS
MOST_BYTES = 64 << 20  # no configuration is that large; a sparse file would fill the memory
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # O_NONBLOCK: a FIFO must not block

# include/uapi/linux/fs.h: _IOR('f', 1, long). Where an architecture counts otherwise the answer is ENOTTY: unknown.
FS_IOC_GETFLAGS = 0x80006601 | struct.calcsize("l") << 16
FS_IMMUTABLE_FL, FS_APPEND_FL = 0x10, 0x20


class Place:
    """Where a file is or would be: an open directory and a name in it. ``path`` is the real one, inside ``root``."""

    def __init__(self, root, path, folder, name):
        self.root = root
        self.path = path
        self.folder = folder
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        if self.folder is not None:
            os.close(self.folder)
            self.folder = None


class Seen(NamedTuple):
    """A file as it was read, with what tells it from another one of the same name."""

    state: FileState
    device: int
    inode: int
    names: int  # hard links
    mtime: int  # nanoseconds


def locate(root, path, may_be_folder=False):
    """Return the Place of ``path`` (absolute, inside ``root``). The file itself need not exist, its directory must. Raises ReadError."""
    walk = _Walk(root, path)
    try:
        return walk.place(may_be_folder)
    except OSError as error:
        raise ReadError("%s: %s%s" % (path, os.strerror(error.errno or 0), walk.at(path)))
    finally:
        walk.close()


class _Walk:
    """The way from the root to a file: open directories, and the components that are still to be taken."""

    def __init__(self, root, path):
        self._root = root
        self._open = []
        self._names = []
        self._left = path.split("/")[::-1]
        self._links = 0

    def at(self, path):
        here = "/" + "/".join(self._names)
        return "" if (path + "/").startswith(here.rstrip("/") + "/") and self._links == 0 else " (on the way, at %s)" % here

    def close(self):
        for descriptor in self._open:
            os.close(descriptor)

    def place(self, may_be_folder):
        self._open.append(os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        while self._left:
            name = self._left.pop()
            if name == "..":
                if self._names:
                    os.close(self._open.pop())
                    self._names.pop()
            elif name not in ("", "."):
                if self._follow(name):
                    continue
                if not any(part not in ("", ".") for part in self._left) and (may_be_folder or not self._is_folder(name)):
                    folder = os.open(".", DIRECTORY, dir_fd=self._open[-1])
                    return Place(self._root, "/" + "/".join(self._names + [name]), folder, name)
                self._open.append(os.open(name, STEP, dir_fd=self._open[-1]))
                self._names.append(name)
        raise OSError(errno.EISDIR, "")

    def _follow(self, name):
        """Put the target of a symbolic link in its place; False when ``name`` is none, or does not exist."""
        try:
            target = os.readlink(name, dir_fd=self._open[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            raise
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, "")
        if target.startswith("/"):
            while len(self._open) > 1:
                os.close(self._open.pop())
            self._names = []
        self._left += target.split("/")[::-1]
        return True

    def _is_folder(self, name):
        try:
            return stat.S_ISDIR(os.stat(name, dir_fd=self._open[-1], follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return False


def see(place):
    """Read the file of a Place; ``None`` when it does not exist. Raises ReadError for what is no regular file, or too large."""
    try:
        descriptor = os.open(place.name, READ, dir_fd=place.folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError("%s cannot be read: %s" % (place.path, error.strerror))
    try:
        return _seen(place, descriptor)
    except OSError as error:
        raise ReadError("%s cannot be read: %s" % (place.path, error.strerror))
    finally:
        os.close(descriptor)


def _seen(place, descriptor):
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ReadError("%s is not a regular file" % place.path)
    chunks, size = [], 0
    while True:
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise ReadError("%s is larger than %d MiB; that is no configuration file" % (place.path, MOST_BYTES >> 20))
    state = FileState(b"".join(chunks), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, attributes(descriptor))
    return Seen(state, status.st_dev, status.st_ino, status.st_nlink, status.st_mtime_ns)


def attributes(descriptor):
    """Return the extended attributes of an open file, by name; empty where the file system has none."""
    try:
        return tuple((name, os.getxattr(descriptor, name)) for name in sorted(os.listxattr(descriptor)))
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENOSYS):
            return ()
        raise


def why_not_replaceable(proc, place, seen):
    """Return the sentence that says why the file of a Place cannot be replaced, or ``None``. ``seen`` is None for a new file."""
    if os.fstatvfs(place.folder).f_flag & os.ST_RDONLY:
        return "%s is on a read-only file system; nothing was changed" % place.path
    if _flags(place.folder, ".") & (FS_IMMUTABLE_FL | FS_APPEND_FL):
        return "the directory of %s is immutable or append-only; take the flag away with chattr, or leave the file as it is" % place.path
    if seen is not None:
        if seen.names > 1 and seen.names - _leftovers(place, seen) > 1:
            return (
                "%s has %d names (hard links), and replacing it would leave the others with the old text; "
                "remove the other names, or make them symbolic links" % (place.path, seen.names)
            )
        if _flags(place.folder, place.name) & (FS_IMMUTABLE_FL | FS_APPEND_FL):
            return "%s is immutable or append-only; take the flag away with chattr, or leave the file as it is" % place.path
        if is_mount_point(proc, place):
            return "%s is a mount of its own and cannot be replaced from here; change the file that is mounted there" % place.path
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=place.folder, effective_ids=True):
        return "the directory of %s may not be written; become root" % place.path
    return None


def _leftovers(place, seen):
    """How many names the file has because an earlier run was killed."""
    names = [name for name in os.listdir(place.folder) if name.startswith(TEMPORARY)]
    return sum(os.stat(name, dir_fd=place.folder, follow_symlinks=False).st_ino == seen.inode for name in names)


def is_mount_point(proc, place):
    """True when the file is mounted over its name (as containers do with single files): rename(2) would answer EBUSY."""
    try:
        descriptor = os.open(place.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place.folder)
    except OSError:
        return False
    try:
        ids = [_mount_id(proc, number) for number in (descriptor, place.folder)]
    finally:
        os.close(descriptor)
    return ids[0] != ids[1]


def _mount_id(proc, descriptor):
    for line in (proc.read("self/fdinfo/%d" % descriptor) or b"").split(b"\n"):
        if line.startswith(b"mnt_id:"):  # since kernel 3.15
            return int(line.split()[1])
    return None


def _flags(folder, name):
    import fcntl

    try:
        descriptor = os.open(name, READ, dir_fd=folder)
    except OSError:
        return 0
    try:
        # The number says "long", but the kernel writes an int.
        return struct.unpack_from("=I", fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, bytes(8)))[0]
    except OSError:  # this file system has no such flags
        return 0
    finally:
        os.close(descriptor)
