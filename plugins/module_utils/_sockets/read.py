# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the kernel for listening sockets by netlink, in the network namespace of the calling thread."""

import errno
import socket

from .._errors import AnswerError, AnswerInterrupted, KernelRefused, ReadError
from . import inet_diag
from .netlink import dump_payloads

NETLINK_SOCK_DIAG = 4
BUFFER_SIZE = 1 << 16  # the kernel fills datagrams of at most 32 KiB when the reader offers that much
BUFFER = bytearray(BUFFER_SIZE)  # one for all sockets: a module reads one answer at a time
TIMEOUT = 10.0  # seconds for one datagram; the kernel answers within microseconds, so this is for a broken one
MOST_DRAINED = 10000
ATTEMPTS = 4  # a dump that was interrupted or overran the socket buffer is asked for again

HINTS = {
    errno.ENOENT: "the kernel has no socket diagnosis for this family; load the modules tcp_diag, inet_diag and unix_diag",
    errno.EPERM: "the kernel does not permit socket diagnosis here; check seccomp and LSM policies of this process",
    errno.EOPNOTSUPP: "this kernel does not support the dump; a kernel of 3.3 or later is needed",
}


class SockDiag:
    """One netlink socket. It stays in the network namespace in which it was made."""

    def __init__(self):
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
        except OSError as error:
            raise ReadError("cannot open a NETLINK_SOCK_DIAG socket: %s; check seccomp and LSM policies" % error.strerror)
        self._socket.settimeout(TIMEOUT)
        self._sequence = 0

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def tcp_listeners(self):
        """Return all TCP listeners, IPv4 then IPv6, as ListenSocket records. Raises ReadError."""
        return self._both_families(inet_diag.listen_request, inet_diag.listen_sockets)

    def syn_requests(self):
        """Return all half-open connections as SynRequest records; walks the host's connection hash. Raises ReadError."""
        return self._both_families(inet_diag.syn_recv_request, inet_diag.syn_requests)

    def unix_listeners(self):
        """Return all UNIX listeners that queue connections. Raises ReadError."""
        from . import unix_diag

        return self._dump(unix_diag.listen_request, unix_diag.ROW_KINDS, unix_diag.listen_sockets)

    def _both_families(self, request, decode):
        rows = []
        for family in (inet_diag.AF_INET, inet_diag.AF_INET6):
            try:
                rows += self._dump(lambda number, family=family: request(family, number), inet_diag.ROW_KINDS, decode)
            except KernelRefused as error:
                # Without IPv6 (ipv6.disable=1) inet_diag still answers; a kernel built without it says ENOENT or EAFNOSUPPORT.
                if family != inet_diag.AF_INET6 or error.number not in (errno.ENOENT, errno.EAFNOSUPPORT):
                    raise
        return rows

    def _dump(self, request, kinds, decode):
        for attempt in range(1, ATTEMPTS + 1):
            self._sequence += 1
            try:
                self._socket.send(request(self._sequence))
                return decode(dump_payloads(self._receive, self._sequence, kinds))
            except AnswerInterrupted:
                if attempt == ATTEMPTS:
                    raise
            except KernelRefused as error:
                raise KernelRefused(HINTS.get(error.number, str(error)), error.number)
            except OSError as error:
                if error.errno != errno.ENOBUFS or attempt == ATTEMPTS:
                    raise ReadError("the socket dump failed: %s; run again" % (error.strerror or error))
                self._drain()
        raise AssertionError("unreachable")

    def _receive(self):
        size, _ancillary, flags, _sender = self._socket.recvmsg_into([BUFFER])
        if flags & socket.MSG_TRUNC:
            raise AnswerError("a netlink datagram did not fit into %d bytes; report this kernel's version" % BUFFER_SIZE)
        return bytes(memoryview(BUFFER)[:size])

    def _drain(self):
        # After ENOBUFS the rest of the old answer may still be queued; its messages carry the old sequence number.
        self._socket.setblocking(False)
        try:
            for _datagram in range(MOST_DRAINED):
                try:
                    self._socket.recv(BUFFER_SIZE)
                except BlockingIOError:
                    break
                except OSError:  # ENOBUFS again: reported once for each overrun
                    continue
        finally:
            self._socket.settimeout(TIMEOUT)
