# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads many files inside a root, as a program does whose `/` that is.

The kernel would resolve the absolute links of a container against our own `/`. So each step is taken from an open
directory without following links, and links are resolved here. What is no regular file is never opened: a FIFO would
block, and a device may act on being opened.
"""

import errno
import os
import stat
from typing import NamedTuple

from .._errors import ReadError

MOST_LINKS = 40  # as the kernel's MAXSYMLINKS
MOST_FOLDERS = 200  # open at a time
STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
KINDS = ((stat.S_ISDIR, "directory"), (stat.S_ISFIFO, "FIFO"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))


class ClosedFolder(ReadError):
    """The way leads through a directory that may not be entered, ``path``."""

    def __init__(self, path):
        super().__init__("%s may not be touched, as it is on a file system that may hang" % path)
        self.path = path


class Found(NamedTuple):
    """A file as it was read. ``path`` is the real one inside the root, without symbolic links."""

    data: bytes
    path: str
    device: int
    inode: int


class Root:
    """The files below one directory. Paths are absolute, as the program inside writes them."""

    def __init__(self, path, closed=frozenset()):
        """Open the root. ``closed`` are directories inside of it that are never touched. Raises ReadError."""
        self._closed = closed
        try:
            self._top = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ReadError("the directory %s cannot be entered: %s; run as root, and look whether it exists" % (path, error.strerror))
        self._folders = {}  # real components -> descriptor
        self._real = {}  # directory as it was written -> real components

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self._forget_folders()
        os.close(self._top)

    def _forget_folders(self):
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()

    def read(self, path, most):
        """Return what a regular file of at most ``most`` bytes holds, as Found. Raises OSError, or ReadError for any other file."""
        names, status = self._resolve(path)
        if stat.S_ISREG(status.st_mode) and status.st_size > most:
            raise ReadError("it has %d bytes, and more than %d are not read" % (status.st_size, most))
        descriptor = self._open(names, status)
        try:
            data = _read_all(descriptor, most)
        finally:
            os.close(descriptor)
        return Found(data, "/" + "/".join(names), status.st_dev, status.st_ino)

    def descriptor(self, path):
        """Return a descriptor of a regular file. Raises OSError, or ReadError for any other file."""
        return self._open(*self._resolve(path))

    def _open(self, names, status):
        if not stat.S_ISREG(status.st_mode):
            raise ReadError("it is a %s, not a file" % next((word for test, word in KINDS if test(status.st_mode)), "special file"))
        descriptor = os.open(names[-1], READ, dir_fd=self._folder(names[:-1]))
        opened = os.fstat(descriptor)
        if (opened.st_dev, opened.st_ino) != (status.st_dev, status.st_ino):
            os.close(descriptor)
            raise ReadError("it was replaced while it was opened")
        return descriptor

    def real_path(self, path):
        """Return where a path leads to, without symbolic links. Raises OSError."""
        return "/" + "/".join(self._resolve(path)[0])

    def identity(self, path):
        """Return (device, inode) of what a path leads to. Raises OSError."""
        _names, status = self._resolve(path)
        return status.st_dev, status.st_ino

    def changed_at(self, path):
        """Return when what a path leads to was last changed, in seconds since the epoch. Raises OSError."""
        return self._resolve(path)[1].st_ctime

    def names(self, path):
        """Return the names in a directory as bytes. Raises OSError."""
        names, _status = self._resolve(path)
        descriptor = os.open(".", LIST, dir_fd=self._folder(names))
        try:
            return [os.fsencode(name) for name in os.listdir(descriptor)]
        finally:
            os.close(descriptor)

    def exists(self, path):
        """True when the name exists; it may be a symbolic link to nothing. Raises OSError other than for what is missing."""
        head, _slash, name = path.rpartition("/")
        try:
            os.stat(name or ".", dir_fd=self._folder(self._resolve_folder(head)), follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _resolve(self, path):
        """Return the real components of ``path`` and its status. Raises OSError."""
        if "\0" in path:
            raise OSError(errno.EINVAL, "the name has a NUL byte")
        head, _slash, name = path.rpartition("/")
        return self._follow(self._resolve_folder(head), [name])

    def _resolve_folder(self, path):
        if path not in self._real:
            self._real[path] = self._follow((), path.split("/")[::-1])[0]
        return self._real[path]

    def _follow(self, start, left):
        """Take the components of ``left`` (the next one last) from the directory ``start``."""
        names, status, links = list(start), None, 0
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            status = None
            if name == "..":
                del names[-1:]
                continue
            if self._closed and "/".join(["", *names, name]) in self._closed:
                raise ClosedFolder("/".join(["", *names, name]))
            folder = self._folder(tuple(names))
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                names.append(name)
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.readlink(name, dir_fd=folder)
            names = [] if target.startswith("/") else names
            left += target.split("/")[::-1]
        return tuple(names), os.fstat(self._folder(tuple(names))) if status is None else status

    def _folder(self, names):
        """Return a descriptor of the directory with these real components."""
        if not names:
            return self._top
        if names in self._folders:
            return self._folders[names]
        if len(self._folders) > MOST_FOLDERS:
            self._forget_folders()
        descriptor, depth = self._top, 0
        while depth < len(names):
            depth += 1
            known = self._folders.get(names[:depth])
            descriptor = os.open(names[depth - 1], STEP, dir_fd=descriptor) if known is None else known
            self._folders[names[:depth]] = descriptor
        return descriptor


def _read_all(descriptor, most):
    chunks, size = [], 0
    while True:
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            raise ReadError("it grew beyond %d bytes, and more are not read" % most)
