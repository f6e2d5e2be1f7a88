# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept queues that are really full: every number as ss, the socket itself and the kernel's counters tell it."""

import socket
import time

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.listen_queue import accept_queue_full
from kernel_rooms import run, sysctl
from kernel_traffic import (
    ANY_IPV4,
    IPPROTO_MPTCP,
    accept_all,
    connect,
    connect_or_give_up,
    keep,
    knock,
    listen,
    listen_unix,
    port_of,
    queue_of,
    vanish,
    wait_until,
)
from kernel_view import assert_same_as_ss, facts, listener_on, listeners_on, own_namespace, problems, tcp_ext, unix_listener

EXTRA = 9
BACKLOGS = (0, 1, 5, 128)
# situation: (what the listener binds to, where the clients connect to, what the facts say of it)
PLACES = {
    "IPv4": ({"address": "127.0.0.1"}, "127.0.0.1", {"family": "inet", "local_address": "127.0.0.1"}),
    "IPv4 wildcard": ({"address": ANY_IPV4}, "127.0.0.1", {"family": "inet", "local_address": ANY_IPV4}),
    "IPv6": ({"address": "::1"}, "::1", {"family": "inet6", "local_address": "::1"}),
    "IPv6 wildcard alone": ({"address": "::", "v6only": True}, "::1", {"family": "inet6", "local_address": "::", "dual_stack": False}),
    "dual stack, IPv6 clients": ({"address": "::", "v6only": False}, "::1", {"family": "inet6", "local_address": "::", "dual_stack": True}),
    "dual stack, IPv4 clients": ({"address": "::", "v6only": False}, "127.0.0.1", {"family": "inet6", "local_address": "::", "dual_stack": True}),
    "mapped IPv4 address": ({"address": "::ffff:127.0.0.1", "v6only": False}, "127.0.0.1", {"family": "inet6", "local_address": "::ffff:127.0.0.1"}),
    "bound to a device": ({"address": "127.0.0.1", "device": "lo"}, "127.0.0.1", {"family": "inet", "local_address": "127.0.0.1", "interface": 1}),
    "bound to a device, IPv6": ({"address": "::", "device": "lo"}, "::1", {"family": "inet6", "local_address": "::", "interface": 1}),
    "multipath TCP": ({"address": "127.0.0.1", "protocol": IPPROTO_MPTCP}, "127.0.0.1", {"family": "inet", "local_address": "127.0.0.1"}),
}
PLACE = pytest.mark.parametrize(("bound", "client", "shown"), PLACES.values(), ids=PLACES)


def state_of(port):
    row = listener_on(own_namespace(), port)
    return row["accept_queue_length"], row["accept_queue_limit"], row["accept_queue_full"]


@pytest.mark.parametrize("backlog", BACKLOGS)
@PLACE
def test_a_full_queue_holds_one_more_than_its_limit(bound, client, shown, backlog):
    full, quiet = listen(backlog=backlog, **bound), listen(backlog=backlog, **bound)
    port = port_of(full)
    before = own_namespace()
    connect(backlog, client, port)
    assert state_of(port) == (backlog, backlog, False)
    connect(1, client, port)
    assert state_of(port) == (backlog + 1, backlog, True)
    knock(EXTRA, client, port)
    after = own_namespace()
    row = listener_on(after, port)
    assert row == dict(row, accept_queue_length=backlog + 1, accept_queue_limit=backlog, accept_queue_full=True, drops=EXTRA, syn_queue_length=0, **shown)
    assert {"interface", "dual_stack"} & set(row) == {"interface", "dual_stack"} & set(shown) or shown["local_address"] == "::"
    other = listener_on(after, port_of(quiet))
    assert (other["accept_queue_length"], other["accept_queue_full"], other["drops"]) == (0, False, 0)
    counted = [now - then for now, then in zip(*(tcp_ext(view, "ListenOverflows", "ListenDrops") for view in (after, before)), strict=True)]
    assert counted == [EXTRA, EXTRA]
    if "protocol" not in bound:
        assert queue_of(full) == (backlog + 1, backlog)
    assert accept_queue_full(backlog + 1, backlog)
    assert_same_as_ss(after)
    assert accept_all(full) == backlog + 1
    assert state_of(port) == (0, backlog, False)
    assert listener_on(own_namespace(), port)["drops"] == EXTRA


def test_drops_survive_a_second_listen_and_the_counter_counts_retransmits():
    listener = listen("127.0.0.1", 0)
    port = port_of(listener)
    connect(1, "127.0.0.1", port)
    stubborn = keep(socket.socket())
    stubborn.setblocking(False)
    stubborn.connect_ex(("127.0.0.1", port))
    assert listener_on(own_namespace(), port)["drops"] == 1
    wait_until(lambda: listener_on(own_namespace(), port)["drops"] == 2)
    stubborn.close()
    listener.listen(7)
    namespace = own_namespace()
    row = listener_on(namespace, port)
    assert (row["drops"], row["accept_queue_length"], row["accept_queue_limit"], row["accept_queue_full"]) == (2, 1, 7, False)
    assert tcp_ext(namespace, "ListenOverflows") == [2]
    assert_same_as_ss(namespace)


def test_each_socket_of_a_reuseport_group_has_its_own_queue_limit_and_drops():
    backlogs = (1, 2, 3, 8)
    first = listen("127.0.0.1", backlogs[0], reuseport=True)
    port = port_of(first)
    group = [first] + [listen("127.0.0.1", backlog, port=port, reuseport=True) for backlog in backlogs[1:]]
    alone = listen("127.0.0.1", 5)
    connect_or_give_up(300, "127.0.0.1", port)
    namespace = own_namespace()
    rows = listeners_on(namespace, port)
    assert sorted((row["accept_queue_length"], row["accept_queue_limit"]) for row in rows) == [(backlog + 1, backlog) for backlog in backlogs]
    assert sorted((row["accept_queue_length"], row["accept_queue_limit"]) for row in rows) == sorted(map(queue_of, group))
    assert all(row["accept_queue_full"] and row["reuseport_sockets"] == len(group) and row["drops"] > 0 for row in rows)
    assert sum(row["drops"] for row in rows) == 300 - sum(backlogs) - len(group) == tcp_ext(namespace, "ListenDrops")[0]
    assert "reuseport_sockets" not in listener_on(namespace, port_of(alone))
    assert_same_as_ss(namespace)


def test_sockets_that_share_only_the_port_are_no_reuseport_group():
    first = listen("127.0.0.1", 1)
    port = port_of(first)
    for others in ({"address": "127.0.0.2"}, {"address": "::1"}):
        listen(backlog=2, port=port, **others)
    namespace = own_namespace()
    assert len(listeners_on(namespace, port)) == 3
    assert not any("reuseport_sockets" in row for row in listeners_on(namespace, port))
    assert_same_as_ss(namespace)


@pytest.mark.parametrize("abort", [0, 1])
def test_a_final_ack_that_meets_a_full_queue(abort):
    sysctl("net.ipv4.tcp_abort_on_overflow", abort)
    listener = listen("127.0.0.1", 8, defer=30)
    port = port_of(listener)
    late = connect(4, "127.0.0.1", port)  # half-open for the server until they send something
    assert listener_on(own_namespace(), port)["syn_queue_length"] == 4
    for client in connect(9, "127.0.0.1", port):
        client.send(b"x")
    for client in late:
        client.send(b"x")
        vanish(client)  # it would send again and again
    namespace = own_namespace(counters="all")
    row = listener_on(namespace, port)
    assert (row["accept_queue_length"], row["accept_queue_limit"], row["syn_queue_length"]) == (9, 8, 0 if abort else 4)
    assert namespace["sysctls"]["net.ipv4.tcp_abort_on_overflow"] == abort
    overflows, drops, resets = tcp_ext(namespace, "ListenOverflows", "ListenDrops", "EmbryonicRsts")
    assert (overflows >= 4, drops == overflows, resets) == (True, True, 4 * abort)
    assert_same_as_ss(namespace)


def test_a_deferring_listener_counts_an_empty_ack_as_a_drop_though_nothing_is_lost():
    listener = listen("127.0.0.1", 8, defer=30)
    for client in connect(5, "127.0.0.1", port_of(listener)):
        client.send(b"x")
    namespace = own_namespace()
    row = listener_on(namespace, port_of(listener))
    assert (row["accept_queue_length"], row["drops"]) == (5, 5)
    assert tcp_ext(namespace, "ListenDrops", "ListenOverflows", "TCPDeferAcceptDrop") == [0, 0, 5]
    assert_same_as_ss(namespace)


# name on the socket: what the facts show
HOSTILE = {
    b"/run/plain.sock": "/run/plain.sock",
    b"/run/with blanks  and\ttab": "/run/with blanks  and\ttab",
    b"/run/two\nlines LISTEN 0 0": "/run/two\nlines LISTEN 0 0",
    b"/run/\xff\xfe": "/run/\\xff\\xfe",
    "/run/\u00fcml\u00e4ut".encode(): "/run/\u00fcml\u00e4ut",
    b"/run/{{ lookup('pipe', 'id') }}": "/run/{{ lookup('pipe', 'id') }}",
    b"/run/'\"\\": "/run/'\"\\",
    b"/run/" + b"x" * 102: "/run/" + "x" * 102,
    b"\0abstract": "@abstract",
    b"\0": "@",
    b"\0with\0zeros\0": "@with\\x00zeros\\x00",
    b"\0two\nlines": "@two\nlines",
    b"\0\xff": "@\\xff",
    b"\0" + b"y" * 107: "@" + "y" * 107,
}


def test_names_of_unix_sockets():
    for number, name in enumerate(HOSTILE):
        listen_unix(name, 20 + number, socket.SOCK_SEQPACKET if number % 2 else socket.SOCK_STREAM)
    namespace = own_namespace()
    shown = {row["path"]: row["accept_queue_limit"] for row in namespace["listeners"]}
    assert shown == {text: 20 + number for number, text in enumerate(HOSTILE.values())}
    assert_same_as_ss(namespace)


@pytest.mark.parametrize("backlog", BACKLOGS)
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET], ids=["stream", "seqpacket"])
@pytest.mark.parametrize("name", [b"/run/full.sock", b"\0full"], ids=["path", "abstract"])
def test_a_full_unix_queue_holds_one_more_than_its_limit(name, kind, backlog):
    listener, _quiet = listen_unix(name, backlog, kind), listen_unix(name + b"2", backlog, kind)
    for _turn in range(backlog + 1):
        keep(socket.socket(socket.AF_UNIX, kind)).connect(name)
    with socket.socket(socket.AF_UNIX, kind) as refused:
        refused.setblocking(False)
        with pytest.raises(BlockingIOError):
            refused.connect(name)
    namespace = own_namespace()
    row = unix_listener(namespace, name.decode().replace("\0", "@"))
    assert row["family"] == "unix"
    assert (row["accept_queue_length"], row["accept_queue_limit"], row["accept_queue_full"]) == (backlog + 1, backlog, True)
    assert not {"drops", "syn_queue_length", "local_port", "local_address"} & set(row)
    assert_same_as_ss(namespace)
    assert accept_all(listener) == backlog + 1
    assert unix_listener(own_namespace(), row["path"])["accept_queue_length"] == 0


def test_datagram_and_connected_sockets_are_no_listeners():
    keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)).bind(b"\0datagram")
    listener = listen("127.0.0.1", 5)
    connect(3, "127.0.0.1", port_of(listener))
    keep(socket.socket()).bind(("127.0.0.1", 0))
    namespace = own_namespace()
    assert len(namespace["listeners"]) == 1
    assert_same_as_ss(namespace)


def test_ports_choose_listeners_and_leave_unix_out():
    wanted, other = listen("127.0.0.1", 5), listen("127.0.0.1", 5)
    also = listen("::1", 6, port=port_of(wanted))
    listen_unix(b"\0name", 5)
    rows = own_namespace(ports=[port_of(wanted)])["listeners"]
    assert [(row["family"], row["local_port"]) for row in rows] == [("inet", port_of(wanted)), ("inet6", port_of(also))]
    assert port_of(other) not in [row["local_port"] for row in rows]


def test_a_device_of_its_own():
    run("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1")
    run("ip", "link", "set", "wire0", "up")
    port = port_of(listen(ANY_IPV4, 3))
    listen(ANY_IPV4, 4, port=port + 1, device="wire0")
    listen(ANY_IPV4, 5, port=port + 1, device="lo")
    connect(2, "127.0.0.1", port + 1)
    namespace = own_namespace()
    by_device = {row["interface"]: row["accept_queue_length"] for row in listeners_on(namespace, port + 1)}
    assert by_device == {socket.if_nametoindex("wire0"): 0, socket.if_nametoindex("lo"): 2}
    assert not any("reuseport_sockets" in row for row in namespace["listeners"])
    assert_same_as_ss(namespace)


def test_a_link_local_address_is_bound_to_its_device():
    run("ip", "address", "add", "fe80::77/64", "dev", "lo", "nodad")
    port = port_of(listen("fe80::77%lo", 3))
    connect(4, "fe80::77%lo", port)
    namespace = own_namespace()
    row = listener_on(namespace, port)
    assert row == dict(row, local_address="fe80::77", interface=socket.if_nametoindex("lo"), accept_queue_length=4, accept_queue_full=True)
    assert_same_as_ss(namespace)


def test_five_hundred_listeners_fit_into_the_answer():
    first = port_of(listen("127.0.0.1", 1))
    listeners = [listen("127.0.%d.%d" % (1 + number // 200, 1 + number % 200), number, port=first) for number in range(500)]
    begin = time.monotonic()
    answer = facts()
    assert time.monotonic() - begin < 2
    assert not problems(answer, "sockets_unreadable")
    assert len(answer["namespaces"][0]["listeners"]) == len(listeners) + 1
    assert_same_as_ss(answer["namespaces"][0])
