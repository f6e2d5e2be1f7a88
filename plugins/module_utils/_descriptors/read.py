# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Borrows sockets of other processes: pidfd_open(2) and pidfd_getfd(2), since Linux 5.6. What is borrowed is the same socket."""

import errno
import os
import socket
import stat
import struct

from .._errors import ReadError
from .._processes.read import links

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438  # the same on every architecture, alpha excepted
SO_COOKIE = 57  # include/uapi/asm-generic/socket.h, since 4.12
SO_PROTOCOL = 38
IPPROTO_MPTCP = 262


class HolderGone(ReadError):
    """The process that held the socket ended or closed it just now. Another one may hold it too."""


def borrow_listener(proc, pids, target):
    """Return a duplicate of the listening socket of a SocketTarget, held by one of ``pids``. Raises ReadError, HolderGone.

    It is proven to be that socket by its inode and cookie, and to listen.
    """
    kind, reason = ReadError, "no process was found that holds it; run as root, on the host rather than in a container"
    for pid in pids:
        try:
            found = _borrow(proc, pid, target.inode)
        except OSError as error:
            kind, reason = HolderGone if error.errno == errno.ESRCH else ReadError, _reason(error, pid)
            continue
        if found is None:
            kind, reason = HolderGone, "process %d has closed it; run again" % pid
        elif is_listener(found, target.cookie):
            return found
        else:
            found.close()
            kind, reason = ReadError, "process %d has another socket in its place; run again" % pid
    raise kind("%s cannot be reached: %s" % (target, reason))


def _reason(error, pid):
    if error.errno == errno.ENOSYS:
        return (
            "pidfd_getfd(2) is missing: it came with Linux 5.6 and this is %s, or a seccomp filter hides it; restart the program instead" % os.uname().release
        )
    if error.errno in (errno.EPERM, errno.EACCES):
        return "process %d may not be accessed; become root (CAP_SYS_PTRACE) on the host, and look at kernel.yama.ptrace_scope and at seccomp filters" % pid
    if error.errno == errno.ESRCH:
        return "process %d ended; run again" % pid
    return "process %d: %s" % (pid, error.strerror)


def _borrow(proc, pid, inode):
    """Return the socket, or None when the process does not hold it any more. Raises OSError."""
    process = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else _syscall(SYS_PIDFD_OPEN, pid, 0)
    try:
        for number, link in links(proc, pid):
            if link == "socket:[%d]" % inode:
                found = _duplicate(process, number)
                if found is not None and os.fstat(found.fileno()).st_ino == inode:
                    return found
                if found is not None:
                    found.close()
    finally:
        os.close(process)
    return None


def _duplicate(process, number):
    try:
        descriptor = _syscall(SYS_PIDFD_GETFD, process, number, 0)  # close-on-exec from the start
    except OSError as error:
        if error.errno == errno.EBADF:  # closed meanwhile
            return None
        raise
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    # Python only needs a family to make addresses, which nobody asks for here; before 3.7 it would not find out itself.
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)


def is_listener(found, cookie):
    """True when a socket listens and has the cookie that sock_diag shows (``None``: unknown).

    An MPTCP socket listens through an inner one, which has a cookie of its own.
    """
    if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    if cookie is None or found.getsockopt(socket.SOL_SOCKET, SO_PROTOCOL) == IPPROTO_MPTCP:
        return True
    number = struct.unpack("=Q", found.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]
    # sock_diag gives it as two words, the lower one first.
    return cookie in (number, number >> 32 | (number & 0xFFFFFFFF) << 32)


def _syscall(number, *arguments):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(argument) for argument in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
