# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SockDiag with a scripted socket: what the kernel may do between a request and its answer."""

import errno
import os
import socket

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError, AnswerInterrupted, KernelRefused, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import read
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import HEADER, datagrams, done, error, message


def with_sequence(datagram, number):
    """A recorded datagram as the answer to request ``number``."""
    data, position = bytearray(datagram), 0
    while position < len(data):
        length = HEADER.unpack_from(data, position)[0]
        data[position + 8 : position + 12] = number.to_bytes(4, "little")
        position += (length + 3) & ~3
    return bytes(data)


class Scripted:
    """A netlink socket. ``script`` has one list per request: datagrams, (datagram, flags), or errors to raise."""

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.pending = []
        self.timeouts = []
        self.closed = False

    def __call__(self, *_arguments):
        return self

    def settimeout(self, seconds):
        self.timeouts.append(seconds)

    def setblocking(self, flag):
        self.timeouts.append(flag)

    def close(self):
        self.closed = True

    def send(self, request):
        self.requests.append(request)
        number = HEADER.unpack_from(request)[3]
        for step in self.script.pop(0):
            self.pending.append(with_sequence(step, number) if isinstance(step, bytes) else step)

    def recvmsg_into(self, buffers):
        step = self.pending.pop(0)
        if isinstance(step, Exception):
            raise step
        data, flags = step if isinstance(step, tuple) else (step, 0)
        buffers[0][: len(data)] = data
        return len(data), [], flags, (0, 0)

    def recv(self, _size):
        if not self.pending:
            raise BlockingIOError(errno.EAGAIN, "no more")
        return self.pending.pop(0)


@pytest.fixture
def diag(monkeypatch):
    def make(*script):
        made = Scripted(list(script))
        monkeypatch.setattr(read.socket, "socket", made)
        return read.SockDiag(), made

    return make


def os_error(number):
    return OSError(number, os.strerror(number))


V4, V6, UNIX = (datagrams(f"listen_{name}") for name in ("v4", "v6", "unix"))
EMPTY = [done()]
INTERRUPTED = [*V4[:-1], done(flags=0x12)]
OVERRUN = [V4[0], os_error(errno.ENOBUFS), V4[1]]


def test_both_families_in_order(diag):
    reader, wire = diag(V4, V6)
    found = reader.tcp_listeners()
    assert [row.family for row in found] == ["inet"] * 14 + ["inet6"] * 8
    assert [HEADER.unpack_from(request)[3] for request in wire.requests] == [1, 2]
    assert [request[16] for request in wire.requests] == [2, 10]


def test_half_open_connections_of_both_families(diag):
    reader, _wire = diag(datagrams("syn_recv_v4"), datagrams("syn_recv_v6"))
    assert len(reader.syn_requests()) == 14


def test_unix_listeners(diag):
    reader, _wire = diag(UNIX)
    assert len(reader.unix_listeners()) == 5


def test_socket_is_closed_at_the_end(diag):
    reader, wire = diag()
    with reader:
        assert not wire.closed
    assert wire.closed


RETRIED = {
    "interrupted_once": [INTERRUPTED],
    "interrupted_three_times": [INTERRUPTED] * 3,
    "overrun_once": [OVERRUN],
    "overrun_at_once": [[os_error(errno.ENOBUFS)]],
    "overrun_three_times": [OVERRUN] * 3,
    "overrun_and_interrupted": [OVERRUN, INTERRUPTED, OVERRUN],
}


@pytest.mark.parametrize("failures", RETRIED.values(), ids=RETRIED)
def test_answer_is_asked_for_again(diag, failures):
    reader, wire = diag(*[list(failure) for failure in failures], V4, EMPTY)
    assert len(reader.tcp_listeners()) == 14
    assert len(wire.requests) == len(failures) + 2
    assert wire.timeouts[-1] == read.TIMEOUT


def test_rest_of_an_overrun_answer_is_thrown_away(diag):
    reader, wire = diag([V4[0], os_error(errno.ENOBUFS), V4[0], V4[1]], EMPTY, EMPTY)
    assert reader.tcp_listeners() == []
    assert wire.pending == []


GIVEN_UP = {
    "interrupted_four_times": ([INTERRUPTED] * 4, AnswerInterrupted, "the kernel's socket table changed during the dump; run again"),
    "overrun_four_times": ([OVERRUN] * 4, ReadError, "the socket dump failed: No buffer space available; run again"),
    "timeout": ([[TimeoutError("timed out")]], ReadError, "the socket dump failed: timed out; run again"),
    "timeout_after_rows": ([[V4[0], TimeoutError("timed out")]], ReadError, "the socket dump failed: timed out; run again"),
    "other_socket_error": ([[os_error(errno.ENOMEM)]], ReadError, "the socket dump failed: Cannot allocate memory; run again"),
    "datagram_truncated": (
        [[(V4[0], socket.MSG_TRUNC)]], AnswerError, "a netlink datagram did not fit into 65536 bytes; report this kernel's version",
    ),
    "empty_datagram": ([[V4[0], (b"", 0)]], AnswerError, "the netlink answer ends before its last message; run again"),
    "ENOENT": (
        [[error(errno.ENOENT)]], KernelRefused,
        "the kernel has no socket diagnosis for this family; load the modules tcp_diag, inet_diag and unix_diag",
    ),
    "EPERM": (
        [[error(errno.EPERM)]], KernelRefused,
        "the kernel does not permit socket diagnosis here; check seccomp and LSM policies of this process",
    ),
    "EOPNOTSUPP": (
        [[error(errno.EOPNOTSUPP)]], KernelRefused, "this kernel does not support the dump; a kernel of 3.3 or later is needed",
    ),
    "EINVAL": ([[error(errno.EINVAL)]], KernelRefused, "the kernel refused the socket dump with errno 22"),
    "error_at_the_end": ([[V4[0], done(-errno.ENOMEM)]], KernelRefused, "the kernel refused the socket dump with errno 12"),
    "error_in_the_second_family": (
        [V4, [error(errno.EPERM)]], KernelRefused,
        "the kernel does not permit socket diagnosis here; check seccomp and LSM policies of this process",
    ),
    "foreign_answer": ([[(message(20, sequence=99), 0)]], AnswerError, "the netlink answer belongs to request 99, not to 1; run again"),
}  # fmt: skip


@pytest.mark.parametrize("script, kind, sentence", GIVEN_UP.values(), ids=GIVEN_UP)
def test_given_up_with_one_sentence(diag, script, kind, sentence):
    reader, wire = diag(*[list(answer) for answer in script])
    with pytest.raises(kind) as caught:
        reader.tcp_listeners()
    assert caught.value.__class__ is kind
    assert str(caught.value) == sentence
    assert wire.script == []


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EAFNOSUPPORT])
def test_kernel_without_ipv6_has_ipv4_listeners(diag, number):
    reader, _wire = diag(V4, [error(number)])
    assert len(reader.tcp_listeners()) == 14


def test_kernel_without_ipv4_diagnosis_is_an_error_even_with_ipv6(diag):
    reader, _wire = diag([error(errno.ENOENT)], V6)
    with pytest.raises(KernelRefused):
        reader.tcp_listeners()


@pytest.mark.parametrize("number, text", [(errno.EPERM, "Operation not permitted"), (errno.EPROTONOSUPPORT, "Protocol not supported")])
def test_no_netlink_socket_at_all(monkeypatch, number, text):
    def refuse(*_arguments):
        raise os_error(number)

    monkeypatch.setattr(read.socket, "socket", refuse)
    with pytest.raises(ReadError) as caught:
        read.SockDiag()
    assert str(caught.value) == f"cannot open a NETLINK_SOCK_DIAG socket: {text}; check seccomp and LSM policies"


def test_answer_in_one_buffer_does_not_leak_into_the_next(diag):
    reader, _wire = diag(V4, EMPTY, EMPTY, EMPTY)
    assert len(reader.tcp_listeners()) == 14
    assert reader.tcp_listeners() == []
