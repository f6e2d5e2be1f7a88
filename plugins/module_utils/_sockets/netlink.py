# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink framing: requests to bytes, datagrams to message payloads.

Source: RFC 3549 section 2.2, include/uapi/linux/netlink.h, Documentation/userspace-api/netlink/intro.rst.
An answer that is cut short anywhere raises: a shorter list is never an answer.
"""

import struct

from .._errors import AnswerError, AnswerInterrupted, KernelRefused

# struct nlmsghdr: nlmsg_len, nlmsg_type, nlmsg_flags, nlmsg_seq, nlmsg_pid
NLMSGHDR = struct.Struct("=IHHII")
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x01
NLM_F_DUMP = 0x300
NLM_F_DUMP_INTR = 0x10
# struct nlattr: nla_len, nla_type; the two upper bits of nla_type are flags
NLATTR = struct.Struct("=HH")
NLA_TYPE_MASK = 0x3FFF
ERRNO = struct.Struct("=i")


class Layout:
    """A kernel struct as a table of (field name, struct code): ``pack`` by name, ``unpack`` to a tuple, ``index`` of a name."""

    def __init__(self, name, fields):
        self.name = name
        self.names = tuple(field for field, _code in fields)
        self._struct = struct.Struct("=" + "".join(code for _field, code in fields))
        self.size = self._struct.size
        self.unpack_from = self._struct.unpack_from

    def index(self, *names):
        return tuple(self.names.index(name) for name in names)

    def pack(self, **values):
        unknown = set(values) - set(self.names)
        if unknown:
            raise KeyError("%s has no field %s" % (self.name, ", ".join(sorted(unknown))))
        return self._struct.pack(*(values.get(name, 0) for name in self.names))


def dump_request(kind, sequence, payload):
    """Return the bytes of a dump request of message type ``kind``."""
    return NLMSGHDR.pack(NLMSGHDR.size + len(payload), kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0) + payload


def dump_payloads(receive, sequence, kinds):
    """Yield the payloads of one dump. What was yielded counts only when the iteration ends without an error.

    ``receive()`` returns the next datagram as bytes. ``kinds`` are the message types that carry rows.
    Raises AnswerError (malformed, foreign or truncated), AnswerInterrupted, KernelRefused.
    """
    interrupted = False
    while True:
        data = receive()
        if not data:
            raise AnswerError("the netlink answer ends before its last message; run again")
        for kind, flags, number, payload in _messages(data):
            if number != sequence:
                raise AnswerError("the netlink answer belongs to request %d, not to %d; run again" % (number, sequence))
            interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                _check_end(kind, payload)
                if interrupted:
                    raise AnswerInterrupted("the kernel's socket table changed during the dump; run again")
                return
            if kind not in kinds:
                raise AnswerError("the netlink answer holds an unexpected message of type %d; report this kernel's version" % kind)
            yield payload


def _messages(data):
    position, end, size = 0, len(data), NLMSGHDR.size
    while position < end:
        if end - position < size:
            raise AnswerError("the netlink answer is cut short in a message header (%d of %d bytes)" % (end - position, size))
        length, kind, flags, number, _port = NLMSGHDR.unpack_from(data, position)
        if length < size or length > end - position:
            raise AnswerError("a netlink message claims %d bytes where %d are left" % (length, end - position))
        yield kind, flags, number, data[position + size : position + length]
        position += (length + 3) & ~3


def _check_end(kind, payload):
    # NLMSG_DONE carries the dump's result, NLMSG_ERROR the negative errno; an ACK (0) in a dump ends nothing well.
    if len(payload) < ERRNO.size:
        raise AnswerError("the netlink answer's last message is cut short (%d bytes)" % len(payload))
    number = -ERRNO.unpack_from(payload)[0]
    if number > 0:
        raise KernelRefused("the kernel refused the socket dump with errno %d" % number, number)
    if kind == NLMSG_ERROR:
        raise AnswerError("the kernel acknowledged the dump request instead of answering it; run again")


def attributes(payload, position):
    """Return ``{type: bytes}`` of the attributes that follow the fixed part; unknown types are kept. Raises AnswerError."""
    found = {}
    end = len(payload)
    unpack = NLATTR.unpack_from
    while position + 4 <= end:
        length, kind = unpack(payload, position)
        if length < 4 or position + length > end:
            raise AnswerError("a netlink attribute claims %d bytes where %d are left" % (length, end - position))
        found[kind & NLA_TYPE_MASK] = payload[position + 4 : position + length]
        position += (length + 3) & ~3
    if position < end:
        raise AnswerError("a netlink message ends inside an attribute header (%d bytes left over)" % (end - position))
    return found
