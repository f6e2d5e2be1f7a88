# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP rows: recorded dumps against what system calls say of the same sockets."""

import socket
import struct
from collections import Counter

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import inet_diag
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.netlink import dump_payloads
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.syn_queue import count_half_open
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import (
    KINDS,
    SEQUENCE,
    attribute,
    datagrams,
    done,
    message,
    receiver,
    truth,
)
from hypothesis import given
from hypothesis import strategies as st

LISTEN, SYN_RECV = "listen", "syn_recv"
# port: (drops, device); the deferring listeners of 7001 to 7006 count each ACK that they hold back
MEASURED = {
    8001: (0, 0), 8002: (3, 0), 8003: (0, 0), 8004: (0, 1), 8005: (0, 0), 8006: (0, 0), 8007: (0, 0),
    9001: (0, 0), 9002: (0, 0), 9003: (0, 0), 9004: (0, 0), 9005: (0, 0),
}  # fmt: skip


def payloads(situation):
    return list(dump_payloads(receiver(datagrams(situation)), SEQUENCE, KINDS))


def recorded_listeners():
    return [socket for name in ("v4", "v6") for socket in inet_diag.listen_sockets(payloads(f"listen_{name}"))]


def test_every_recorded_listener_is_what_system_calls_say():
    by_inode = {row.inode: row for row in recorded_listeners()}
    rows = truth()["tcp"]
    assert len(by_inode) == len(rows) == 22
    for row in rows:
        found = by_inode[row["inode"]]
        assert (found.family, found.local_address, found.local_port, found.uid) == (row["family"], row["address"], row["port"], row["uid"])
        assert found.v6only == row.get("v6only")
        assert found.path is None
        if row["port"] != 8007:  # the MPTCP socket has a TCP socket inside: same inode, other cookie
            assert (found.cookie, found.accept_queue_length, found.accept_queue_limit) == (row["cookie"], row["length"], row["limit"])


def test_drops_and_devices_of_recorded_listeners():
    found = {row.local_port: (row.drops, row.interface) for row in recorded_listeners() if row.local_port >= 8000}
    assert found == MEASURED


SITUATIONS = {
    "limit_0_holds_one": (8002, [(1, 0, 3)]),
    "limit_is_somaxconn": (8005, [(0, 4096, 0)]),
    "three_wait": (8006, [(3, 5, 0)]),
    "reuseport_with_two_limits": (8003, [(0, 5, 0), (0, 7, 0)]),
    "mptcp": (8007, [(0, 9, 0)]),
    "dual_stack_with_ipv4_clients": (9001, [(2, 511, 0)]),
    "deferred_accept_counts_held_back_acks": (7001, [(0, 50, 3)]),
}


@pytest.mark.parametrize("port, queues", SITUATIONS.values(), ids=SITUATIONS)
def test_recorded_queues(port, queues):
    found = [row for row in recorded_listeners() if row.local_port == port]
    assert sorted((row.accept_queue_length, row.accept_queue_limit, row.drops) for row in found) == queues


def test_recorded_half_open_connections():
    found = Counter((row.family, row.local_address, row.local_port, row.interface) for row in recorded_requests())
    assert found == {
        ("inet", "127.0.0.1", 7001, 0): 2, ("inet", "127.0.0.5", 7001, 0): 1, ("inet", "127.0.0.1", 7003, 0): 3,
        ("inet", "127.0.0.1", 7004, 1): 1, ("inet", "127.0.0.9", 7005, 0): 1, ("inet", "127.0.0.1", 7005, 0): 2,
        ("inet6", "::ffff:127.0.0.1", 7002, 0): 1, ("inet6", "::1", 7002, 0): 2, ("inet6", "::1", 7006, 0): 1,
    }  # fmt: skip


def recorded_requests():
    return [request for name in ("v4", "v6") for request in inet_diag.syn_requests(payloads(f"syn_recv_{name}"))]


def test_recorded_half_open_connections_find_their_listeners():
    found = count_half_open(recorded_listeners(), recorded_requests())
    assert {key: number for key, number in found.items() if number} == {
        ("inet", "0.0.0.0", 7001, 0): 3, ("inet6", "::", 7002, 0): 3, ("inet", "127.0.0.1", 7003, 0): 3, ("inet", "0.0.0.0", 7004, 1): 1,
        ("inet", "127.0.0.9", 7005, 0): 1, ("inet", "0.0.0.0", 7005, 0): 2, ("inet6", "::", 7006, 0): 1,
    }  # fmt: skip
    assert sum(found.values()) == len(recorded_requests()) == 14


def test_150_listeners_in_eight_datagrams():
    found = inet_diag.listen_sockets(payloads("listen_v4_many"))
    assert len(datagrams("listen_v4_many")) == 8
    assert {row.local_port: row.accept_queue_limit for row in found if row.local_port >= 10000} == {10000 + n: n for n in range(150)}


@pytest.mark.parametrize("name", ["v4", "v6"])
def test_no_listeners(name):
    assert inet_diag.listen_sockets(payloads(f"listen_{name}_empty")) == []


@pytest.mark.parametrize("situation", ["listen_v4", "listen_v6"])
def test_listener_row_cut_at_every_byte_is_an_error_or_lacks_what_it_lacks(situation):
    """A cut between two attributes cannot be seen: then a value is unknown, never another one."""
    for payload in payloads(situation):
        (whole,) = inet_diag.listen_sockets([payload])
        for cut in range(len(payload)):
            try:
                (found,) = inet_diag.listen_sockets([payload[:cut]])
            except AnswerError:
                continue
            assert cut >= 72
            assert found._replace(drops=whole.drops, v6only=whole.v6only) == whole
            assert found.drops in (None, whole.drops)
            assert found.v6only in (None, whole.v6only)


@pytest.mark.parametrize("situation", ["syn_recv_v4", "syn_recv_v6"])
def test_request_row_cut_at_every_byte_of_the_struct_is_an_error(situation):
    for payload in payloads(situation):
        for cut in range(72):
            with pytest.raises(AnswerError, match=rf"^a socket row is cut short \({cut} of 72 bytes\)$"):
                inet_diag.syn_requests([payload[:cut]])


def row(family=2, state=10, extra=b""):
    """One inet_diag_msg: 10.1.2.3:443, device 5, 3 of 10 wait, uid 33, inode 4711."""
    sockid = struct.pack(">HH", 443, 0) + socket.inet_aton("10.1.2.3") + b"\0" * 28 + struct.pack("=IQ", 5, 1 << 40)
    return struct.pack("=BBBB", family, state, 0, 0) + sockid + struct.pack("=IIIII", 0, 3, 10, 33, 4711) + extra


def meminfo(*values):
    return attribute(7, struct.pack("=%dI" % len(values), *values))


EXTRAS = {
    "no_memory_info": (b"", None, None),
    "memory_info_before_4_7_has_no_drops": (meminfo(0, 1, 2, 3, 4, 5, 6, 7), None, None),
    "memory_info_with_drops": (meminfo(0, 1, 2, 3, 4, 5, 6, 7, 18), 18, None),
    "longer_memory_info_of_a_later_kernel": (meminfo(0, 1, 2, 3, 4, 5, 6, 7, 18, 99), 18, None),
    "drops_near_the_wrap": (meminfo(*[0] * 8, 0xFFFFFFFF), 0xFFFFFFFF, None),
    "unknown_attributes": (attribute(200, b"new") + meminfo(*[0] * 8, 4) + attribute(16000, b""), 4, None),
    "v6only": (attribute(11, b"\1"), None, True),
    "not_v6only": (attribute(11, b"\0"), None, False),
    "v6only_without_value": (attribute(11, b""), None, None),
}


@pytest.mark.parametrize("extra, drops, v6only", EXTRAS.values(), ids=EXTRAS)
def test_attributes_of_a_listener(extra, drops, v6only):
    (found,) = inet_diag.listen_sockets([row(extra=extra)])
    assert found == inet_diag.ListenSocket("inet", "10.1.2.3", 443, None, 5, v6only, 3, 10, drops, 33, 4711, 1 << 40)


def test_old_type_rows_are_the_same_rows():
    rows = list(dump_payloads(receiver([message(18, row()), done()]), SEQUENCE, inet_diag.ROW_KINDS))
    assert [found.inode for found in inet_diag.listen_sockets(rows)] == [4711]


FOREIGN = {
    "established": (row(state=1), "a socket row has family 2 and state 1 where state 10 was asked for"),
    "syn_recv": (row(state=3), "a socket row has family 2 and state 3 where state 10 was asked for"),
    "unix": (row(family=1), "a socket row has family 1 and state 10 where state 10 was asked for"),
    "attribute_cut": (row(extra=b"\x08\0\x07\0\0"), "a netlink attribute claims 8 bytes where 5 are left"),
}


@pytest.mark.parametrize("payload, sentence", FOREIGN.values(), ids=FOREIGN)
def test_row_that_was_not_asked_for(payload, sentence):
    with pytest.raises(AnswerError) as caught:
        inet_diag.listen_sockets([row(), payload])
    assert str(caught.value) == sentence


def test_listener_among_half_open_connections_is_an_error():
    with pytest.raises(AnswerError, match=r"^a socket row has family 2 and state 10 where state 3 was asked for$"):
        inet_diag.syn_requests([row(state=3), row(state=10)])


REQUESTS = {
    "listen_v4": (inet_diag.listen_request(2, 9), (2, 6, 1 << 6, 0, 1 << 10)),
    "listen_v6": (inet_diag.listen_request(10, 9), (10, 6, 1 << 6, 0, 1 << 10)),
    "syn_recv_v4": (inet_diag.syn_recv_request(2, 9), (2, 6, 0, 0, 1 << 3)),
    "syn_recv_v6": (inet_diag.syn_recv_request(10, 9), (10, 6, 0, 0, 1 << 3)),
}


@pytest.mark.parametrize("data, body", REQUESTS.values(), ids=REQUESTS)
def test_request(data, body):
    """One state bit: LISTEN with any other makes the kernel walk all connections."""
    assert data == struct.pack("=IHHII", 72, 20, 0x301, 9, 0) + struct.pack("=BBBBI48x", *body)


WORDS = st.one_of(st.just(0), st.just(0xFFFF), st.integers(0, 0xFFFF))


@given(st.lists(WORDS, min_size=8, max_size=8))
def test_ipv6_address_is_written_as_inet_ntop_does(words):
    packed = struct.pack(">8H", *words)
    assert inet_diag.address_text(socket.AF_INET6, packed) == socket.inet_ntop(socket.AF_INET6, packed)


@given(st.binary(min_size=4, max_size=4))
def test_ipv4_address_is_written_as_inet_ntop_does(packed):
    assert inet_diag.address_text(socket.AF_INET, packed + b"\0" * 12) == socket.inet_ntop(socket.AF_INET, packed)


ADDRESSES = ["::", "::1", "::ffff:10.0.0.1", "fe80::1", "2001:db8:0:1:1:1:1:1", "2001:db8::1:0:0:1", "1:0:0:2::3", "::1:0:0", "1::", "::2:3"]


@pytest.mark.parametrize("text", ADDRESSES)
def test_ipv6_address_as_people_write_it(text):
    packed = socket.inet_pton(socket.AF_INET6, text)
    assert inet_diag.address_text(10, packed) == socket.inet_ntop(socket.AF_INET6, packed)


def test_same_bytes_in_two_families_are_two_addresses():
    packed = b"\x0a" + b"\0" * 15
    assert (inet_diag.address_text(2, packed), inet_diag.address_text(10, packed)) == ("10.0.0.0", "a00::")
