# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of a procfs whose root is an argument, so that a test's tree and the real one look the same."""

import errno
import os

# A process that ends while we look shows as one or the other, depending on how far its end has come.
VANISHED = (errno.ENOENT, errno.ESRCH)


class ProcFS:
    """A procfs mounted at ``root``. Things that vanished read as ``None``; a refusal raises PermissionError."""

    def __init__(self, root):
        self.root = root

    def path(self, name):
        return self.root + "/" + name

    def read(self, name, once=False, folder=None):
        """Return the bytes of a file, or ``None`` when it does not exist (any more).

        ``once`` is for files that give all they have in one read, as those of /proc/sys do: it spares looking for the end.
        ``folder`` is what open_folder() returned; then ``name`` is inside it.
        """
        try:
            fd = os.open(self.path(name) if folder is None else name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            if error.errno in VANISHED:
                return None
            raise
        try:
            return os.read(fd, 65536) if once else _read_all(fd)
        except OSError as error:
            if error.errno in VANISHED:
                return None
            raise
        finally:
            os.close(fd)

    def open_folder(self, name):
        """Return a descriptor of a directory for several reads inside it, or ``None`` when it does not exist. The caller closes it."""
        try:
            return os.open(self.path(name), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in VANISHED:
                return None
            raise

    def link(self, name):
        """Return the text of a symbolic link, or ``None`` when it does not exist (any more)."""
        try:
            return os.readlink(self.path(name))
        except OSError as error:
            if error.errno in VANISHED:
                return None
            raise

    def numbers(self, name):
        """Return the numeric names of a directory, ascending: pids of ``""``, tids of ``"7/task"``; empty when it vanished."""
        try:
            names = os.listdir(self.path(name))
        except OSError as error:
            if error.errno in VANISHED:
                return []
            raise
        return sorted(int(entry) for entry in names if entry.isdigit())

    def status(self, name):
        """Return ``os.stat`` of a path, or ``None`` when it does not exist (any more)."""
        try:
            return os.stat(self.path(name))
        except OSError as error:
            if error.errno in VANISHED:
                return None
            raise


def _read_all(fd):
    # procfs reports a size of 0, so the only way to know that a file is whole is to read until nothing comes.
    chunks = []
    while True:
        chunk = os.read(fd, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
