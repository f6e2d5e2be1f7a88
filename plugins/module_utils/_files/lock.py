# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time: an flock(2) on a directory. The kernel takes it away when its owner ends, however it ends."""

import errno
import fcntl
import os
from contextlib import contextmanager

from .._errors import Busy, WriteError


@contextmanager
def locked(folder, proc, what="this machine"):
    """Run the body while no other run holds the lock of ``folder`` (a descriptor). Raises Busy at once when one does.

    A forked child inherits the lock: it has to close ``folder``, which has to stay open here until the body has ended.
    """
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise WriteError("cannot take the lock for %s: %s" % (what, error.strerror))
        raise Busy("another run is changing %s%s; wait until it has ended and run again" % (what, _owner(folder, proc)))
    try:
        yield
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)


def _owner(folder, proc):
    status = os.fstat(folder)
    pid = owner_in(proc.read("locks") or b"", os.major(status.st_dev), os.minor(status.st_dev), status.st_ino)
    if not pid:  # of another PID namespace, or ended meanwhile
        return ""
    name = (proc.read("%d/comm" % pid) or b"?").decode("utf-8", "backslashreplace").strip()
    return " (process %d, %s)" % (pid, name)


def owner_in(locks, major, minor, inode):
    """Return the pid that holds an flock on a file, from the text of /proc/locks (proc(5)); ``None`` when it is not there."""
    identity = b"%02x:%02x:%d" % (major, minor, inode)
    for line in locks.split(b"\n"):
        fields = line.split()
        if len(fields) == 8 and fields[1] == b"FLOCK" and fields[5] == identity:
            return int(fields[4]) if int(fields[4]) > 0 else None
    return None
