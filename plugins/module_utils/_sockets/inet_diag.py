# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets of inet_diag: requests to bytes, answers to records.

Source: include/uapi/linux/inet_diag.h, include/uapi/linux/sock_diag.h, net/ipv4/inet_diag.c.
A dump with the state mask LISTEN alone walks the listening hash only: its cost does not depend on the number of
connections. Any second bit makes the kernel walk the host's whole connection hash, so SYN_RECV is a dump of its own.
"""

from sys import byteorder as BYTE_ORDER
from typing import NamedTuple, Optional

from .._errors import AnswerError
from .netlink import Layout, attributes, dump_request

AF_INET = 2
AF_INET6 = 10
IPPROTO_TCP = 6
TCP_SYN_RECV = 3
TCP_LISTEN = 10
TCPDIAG_GETSOCK = 18  # kernels before 3.3 (and RHEL 6) answer with the old type; the rows have the same layout
SOCK_DIAG_BY_FAMILY = 20
ROW_KINDS = (TCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY)
INET_DIAG_SKMEMINFO = 7
INET_DIAG_SKV6ONLY = 11
SK_MEMINFO_DROPS = 8  # index in the u32 array; kernels before 4.7 send a shorter array

# struct inet_diag_sockid; the ports are big-endian, hence two bytes each
SOCKID = (
    ("idiag_sport_hi", "B"),
    ("idiag_sport_lo", "B"),
    ("idiag_dport", "H"),
    ("idiag_src", "16s"),
    ("idiag_dst", "16s"),
    ("idiag_if", "I"),
    ("idiag_cookie", "Q"),
)
INET_DIAG_REQ_V2 = Layout(
    "inet_diag_req_v2",
    (
        ("sdiag_family", "B"),
        ("sdiag_protocol", "B"),
        ("idiag_ext", "B"),
        ("pad", "B"),
        ("idiag_states", "I"),
        ("id", "48s"),
    ),
)
INET_DIAG_MSG = Layout(
    "inet_diag_msg",
    (
        ("idiag_family", "B"),
        ("idiag_state", "B"),
        ("idiag_timer", "B"),
        ("idiag_retrans", "B"),
    )
    + SOCKID
    + (
        ("idiag_expires", "I"),
        ("idiag_rqueue", "I"),
        ("idiag_wqueue", "I"),
        ("idiag_uid", "I"),
        ("idiag_inode", "I"),
    ),
)


class ListenSocket(NamedTuple):
    """One listening socket. Lengths and limits are connections; ``drops`` are packets; ``None`` is unknown or does not apply.

    ``family`` is ``inet``, ``inet6`` or ``unix``; ``interface`` is the index of the device it is bound to, 0 for none;
    ``v6only`` is None outside inet6; ``cookie`` identifies the socket as long as it exists.
    """

    family: str
    local_address: Optional[str]
    local_port: Optional[int]
    path: Optional[str]
    interface: int
    v6only: Optional[bool]
    accept_queue_length: int
    accept_queue_limit: int
    drops: Optional[int]
    uid: Optional[int]
    inode: int
    cookie: int


class SynRequest(NamedTuple):
    """One half-open connection (SYN received, SYN-ACK sent, final ACK not received). It has no link to its listener."""

    family: str
    local_address: str
    local_port: int
    interface: int


FAMILY_NAMES = {AF_INET: "inet", AF_INET6: "inet6"}


def listen_request(family, sequence):
    """Return the request for all LISTEN sockets of ``family`` (AF_INET or AF_INET6) with their memory info."""
    return _request(family, sequence, 1 << TCP_LISTEN, 1 << (INET_DIAG_SKMEMINFO - 1))


def syn_recv_request(family, sequence):
    """Return the request for all half-open connections of ``family``: the kernel walks the whole connection hash for it."""
    return _request(family, sequence, 1 << TCP_SYN_RECV, 0)


def _request(family, sequence, states, extensions):
    body = INET_DIAG_REQ_V2.pack(sdiag_family=family, sdiag_protocol=IPPROTO_TCP, idiag_ext=extensions, idiag_states=states, id=b"\0" * 48)
    return dump_request(SOCK_DIAG_BY_FAMILY, sequence, body)


def listen_sockets(payloads):
    """Decode the rows of a LISTEN dump to ListenSocket records. Raises AnswerError."""
    return [_listen_socket(payload, row) for payload, row in _rows(payloads, TCP_LISTEN)]


def syn_requests(payloads):
    """Decode the rows of a SYN_RECV dump to SynRequest records. Raises AnswerError."""
    return [SynRequest(FAMILY_NAMES[row[0]], address_text(row[0], row[7]), row[4] << 8 | row[5], row[9]) for _payload, row in _rows(payloads, TCP_SYN_RECV)]


def _rows(payloads, state):
    size, unpack = INET_DIAG_MSG.size, INET_DIAG_MSG.unpack_from
    for payload in payloads:
        if len(payload) < size:
            raise AnswerError("a socket row is cut short (%d of %d bytes)" % (len(payload), size))
        row = unpack(payload)
        if row[0] not in FAMILY_NAMES or row[1] != state:
            raise AnswerError("a socket row has family %d and state %d where state %d was asked for" % (row[0], row[1], state))
        yield payload, row


def _listen_socket(payload, row):
    family, _state, _timer, _retrans, port_hi, port_lo, _dport, source, _dst, interface, cookie, _exp, length, limit, uid, inode = row
    extra = attributes(payload, INET_DIAG_MSG.size)
    v6only = extra.get(INET_DIAG_SKV6ONLY)
    return ListenSocket(
        FAMILY_NAMES[family],
        address_text(family, source),
        port_hi << 8 | port_lo,
        None,
        interface,
        bool(v6only[0]) if v6only else None,
        length,
        limit,
        _drops(extra.get(INET_DIAG_SKMEMINFO)),
        uid,
        inode,
        cookie,
    )


def _drops(meminfo):
    start = 4 * SK_MEMINFO_DROPS
    if meminfo is None or len(meminfo) < start + 4:
        return None
    return int.from_bytes(meminfo[start : start + 4], BYTE_ORDER)


_ADDRESSES = {}


def address_text(family, packed):
    """Return the text of a 16-byte address field as inet_ntop(3) writes it (``::ffff:10.0.0.1`` for mapped IPv4)."""
    known = _ADDRESSES.get((family, packed))
    if known is None:
        known = _ADDRESSES[family, packed] = _ipv4(packed[:4]) if family == AF_INET else _ipv6(packed)
    return known


def _ipv4(packed):
    return "%d.%d.%d.%d" % tuple(packed)


def _ipv6(packed):
    words = [packed[i] << 8 | packed[i + 1] for i in range(0, 16, 2)]
    start, length = _longest_zeros(words)
    if start == 0 and (length == 6 or (length == 5 and words[5] == 0xFFFF)):
        return ("::ffff:" if length == 5 else "::") + _ipv4(packed[12:])
    if length < 2:  # RFC 5952: a single zero group is not shortened
        return ":".join("%x" % word for word in words)
    head, tail = words[:start], words[start + length :]
    return ":".join("%x" % word for word in head) + "::" + ":".join("%x" % word for word in tail)


def _longest_zeros(words):
    best, run = (0, 0), 0
    for index, word in enumerate(words):
        run = run + 1 if word == 0 else 0
        if run > best[1]:
            best = (index - run + 1, run)
    return best
