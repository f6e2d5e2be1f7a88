# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UNIX stream listeners of unix_diag: requests to bytes, answers to ListenSocket records.

Source: include/uapi/linux/unix_diag.h, net/unix/diag.c. The accept queue of a UNIX socket has the same limit,
min(backlog, somaxconn), and the same "full" test as TCP, but no counter of refused connections.
"""

import struct

from .._errors import AnswerError
from .inet_diag import SOCK_DIAG_BY_FAMILY, TCP_LISTEN, ListenSocket
from .netlink import Layout, attributes, dump_request

AF_UNIX = 1
ROW_KINDS = (SOCK_DIAG_BY_FAMILY,)
SOCK_STREAM = 1
SOCK_SEQPACKET = 5
UDIAG_SHOW_NAME = 0x01
UDIAG_SHOW_RQLEN = 0x10
UDIAG_SHOW_UID = 0x40
UNIX_DIAG_NAME = 0
UNIX_DIAG_RQLEN = 4
UNIX_DIAG_UID = 7  # since kernel 5.3; absent on older ones
RQLEN = struct.Struct("=II")  # struct unix_diag_rqlen: udiag_rqueue, udiag_wqueue
UID = struct.Struct("=I")

UNIX_DIAG_REQ = Layout(
    "unix_diag_req",
    (
        ("sdiag_family", "B"),
        ("sdiag_protocol", "B"),
        ("pad", "H"),
        ("udiag_states", "I"),
        ("udiag_ino", "I"),
        ("udiag_show", "I"),
        ("udiag_cookie", "Q"),
    ),
)
UNIX_DIAG_MSG = Layout(
    "unix_diag_msg",
    (
        ("udiag_family", "B"),
        ("udiag_type", "B"),
        ("udiag_state", "B"),
        ("pad", "B"),
        ("udiag_ino", "I"),
        ("udiag_cookie", "Q"),
    ),
)


def listen_request(sequence):
    """Return the request for all listening UNIX sockets with name, queue lengths and owner."""
    body = UNIX_DIAG_REQ.pack(sdiag_family=AF_UNIX, udiag_states=1 << TCP_LISTEN, udiag_show=UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID)
    return dump_request(SOCK_DIAG_BY_FAMILY, sequence, body)


def listen_sockets(payloads):
    """Decode the rows to ListenSocket records (stream and seqpacket: the two kinds that queue connections). Raises AnswerError."""
    sockets = []
    for payload in payloads:
        if len(payload) < UNIX_DIAG_MSG.size:
            raise AnswerError("a UNIX socket row is cut short (%d of %d bytes)" % (len(payload), UNIX_DIAG_MSG.size))
        family, kind, state, _pad, inode, cookie = UNIX_DIAG_MSG.unpack_from(payload)
        if family != AF_UNIX or state != TCP_LISTEN:
            raise AnswerError("a UNIX socket row has family %d and state %d where listeners were asked for" % (family, state))
        if kind in (SOCK_STREAM, SOCK_SEQPACKET):
            sockets.append(_listen_socket(attributes(payload, UNIX_DIAG_MSG.size), inode, cookie))
    return sockets


def _listen_socket(extra, inode, cookie):
    queue, uid = extra.get(UNIX_DIAG_RQLEN, b""), extra.get(UNIX_DIAG_UID, b"")
    if len(queue) < RQLEN.size:
        raise AnswerError("the row of UNIX socket %d has no queue lengths" % inode)
    length, limit = RQLEN.unpack_from(queue)
    return ListenSocket(
        "unix",
        None,
        None,
        name_text(extra.get(UNIX_DIAG_NAME)),
        0,
        None,
        length,
        limit,
        None,
        UID.unpack_from(uid)[0] if len(uid) >= UID.size else None,
        inode,
        cookie,
    )


def name_text(name):
    """Return a socket's name as text: ``@name`` for an abstract one, ``None`` for an unnamed one.

    Bytes that are no UTF-8, and NUL bytes inside an abstract name, are shown as ``\\xNN``.
    """
    if not name:
        return None
    if name[:1] == b"\0":
        return "@" + name[1:].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return name.rstrip(b"\0").decode("utf-8", "backslashreplace")
