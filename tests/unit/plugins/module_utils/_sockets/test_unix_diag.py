# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UNIX rows: a recorded dump against what system calls say, and rows of other kernels."""

import struct

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import unix_diag
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.netlink import dump_payloads
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import SEQUENCE, attribute, datagrams, receiver, truth

# name as bound (latin-1): (path, connections waiting, limit)
EXPECTED = {
    "web.sock": ("web.sock", 4, 3),
    "seq.sock": ("seq.sock", 0, 12),
    "caf\xe9.sock": ("caf\\xe9.sock", 0, 1),
    "\0demo": ("@demo", 0, 4096),
    "\0a\0b\xff": ("@a\\x00b\\xff", 0, 2),
}


def payloads():
    return list(dump_payloads(receiver(datagrams("listen_unix")), SEQUENCE, unix_diag.ROW_KINDS))


def test_every_recorded_listener_is_what_system_calls_say():
    by_inode = {row.inode: row for row in unix_diag.listen_sockets(payloads())}
    rows = truth()["unix"]
    assert set(rows) == set(EXPECTED)
    assert len(by_inode) == len(rows)
    for name, row in rows.items():
        found = by_inode[row["inode"]]
        assert (found.path, found.accept_queue_length, found.accept_queue_limit) == EXPECTED[name]
        assert (found.family, found.uid, found.cookie, found.drops, found.local_address) == ("unix", row["uid"], row["cookie"], None, None)


def test_row_cut_at_every_byte_is_an_error_or_lacks_its_owner():
    for payload in payloads():
        (whole,) = unix_diag.listen_sockets([payload])
        for cut in range(len(payload)):
            try:
                (found,) = unix_diag.listen_sockets([payload[:cut]])
            except AnswerError:
                continue
            assert found in (whole, whole._replace(uid=None))


def row(kind=1, family=1, state=10, extra=b""):
    return struct.pack("=BBBBIQ", family, kind, state, 0, 4711, 1 << 33) + extra


QUEUE = attribute(4, struct.pack("=II", 3, 10))
ROWS = {
    "unnamed": (QUEUE, None, None),
    "path": (attribute(0, b"/run/x.sock\0") + QUEUE, "/run/x.sock", None),
    "path_without_end_mark": (attribute(0, b"/run/x.sock") + QUEUE, "/run/x.sock", None),
    "path_with_blanks_and_newline": (attribute(0, b"/run/a b\n.sock\0") + QUEUE, "/run/a b\n.sock", None),
    "path_utf8": (attribute(0, "/run/é.sock\0".encode()) + QUEUE, "/run/é.sock", None),
    "path_of_108_bytes": (attribute(0, b"/" + b"x" * 107) + QUEUE, "/" + "x" * 107, None),
    "abstract": (attribute(0, b"\0web") + QUEUE, "@web", None),
    "abstract_empty": (attribute(0, b"\0") + QUEUE, "@", None),
    "abstract_with_trailing_nul": (attribute(0, b"\0web\0") + QUEUE, "@web\\x00", None),
    "autobound": (attribute(0, b"\x00000a1") + QUEUE, "@000a1", None),
    "since_5_3_with_owner": (QUEUE + attribute(7, struct.pack("=I", 33)), None, 33),
    "owner_too_short": (QUEUE + attribute(7, b"\1"), None, None),
    "unknown_attributes": (attribute(50, b"new") + QUEUE + attribute(51, b""), None, None),
}


@pytest.mark.parametrize("extra, path, uid", ROWS.values(), ids=ROWS)
def test_row(extra, path, uid):
    (found,) = unix_diag.listen_sockets([row(extra=extra)])
    assert (found.path, found.uid, found.accept_queue_length, found.accept_queue_limit) == (path, uid, 3, 10)
    assert (found.inode, found.cookie) == (4711, 1 << 33)


def test_datagram_sockets_are_left_out():
    kinds = {1: 1, 2: 0, 5: 1}
    assert {kind: len(unix_diag.listen_sockets([row(kind, extra=QUEUE)])) for kind in kinds} == kinds


BROKEN = {
    "cut": (row()[:15], "a UNIX socket row is cut short (15 of 16 bytes)"),
    "not_listening": (row(state=1), "a UNIX socket row has family 1 and state 1 where listeners were asked for"),
    "other_family": (row(family=2), "a UNIX socket row has family 2 and state 10 where listeners were asked for"),
    "no_queue_lengths": (row(), "the row of UNIX socket 4711 has no queue lengths"),
    "queue_lengths_cut": (row(extra=attribute(4, b"\0\0\0\0")), "the row of UNIX socket 4711 has no queue lengths"),
}


@pytest.mark.parametrize("payload, sentence", BROKEN.values(), ids=BROKEN)
def test_broken_row(payload, sentence):
    with pytest.raises(AnswerError) as caught:
        unix_diag.listen_sockets([row(extra=QUEUE), payload])
    assert str(caught.value) == sentence


def test_request_asks_for_listeners_with_name_queue_and_owner():
    assert unix_diag.listen_request(9) == struct.pack("=IHHII", 40, 20, 0x301, 9, 0) + struct.pack("=BBHIIIQ", 1, 0, 0, 1 << 10, 0, 0x51, 0)
