# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Half-open connections: whose they are, how many fit, and what the kernel does with the next one."""

import os
import re
import socket

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.syn_queue import syn_queue_capacity
from kernel_rooms import run, sysctl
from kernel_traffic import ANY_IPV4, accept_all, connect, family_of, keep, listen, make_silent_peers, port_of, queue_of, send_syns
from kernel_view import assert_same_as_ss, facts, listener_on, listeners_on, own_namespace, problems, ss_half_open, tcp_ext

# Since 6.13 the SYN queue, too, holds one more than the limit; older kernels differ by their stable updates.
HOLDS_ONE_MORE = (6, 13)

ANY4, ANY6 = {"address": ANY_IPV4}, {"address": "::", "v6only": False}
# situation: ({name: what it binds to}, {address: SYNs}, {name: half-open connections} or None)
LANDSCAPES = {
    "wildcard alone": ({"any": ANY4}, {"127.0.0.1": 3, "127.0.0.2": 2}, {"any": 5}),
    "address before wildcard": ({"any": ANY4, "one": {"address": "127.0.0.1"}}, {"127.0.0.1": 3, "127.0.0.2": 2}, {"any": 2, "one": 3}),
    "dual stack alone": ({"both": ANY6}, {"127.0.0.1": 3, "::1": 2}, {"both": 5}),
    "dual stack beside IPv4": ({"both": ANY6, "four": ANY4}, {"127.0.0.1": 3, "::1": 2}, {"both": 2, "four": 3}),
    "IPv6 alone beside IPv4": ({"six": {"address": "::", "v6only": True}, "four": ANY4}, {"127.0.0.1": 3, "::1": 2}, {"six": 2, "four": 3}),
    "dual stack beside an IPv4 address": ({"both": ANY6, "four": {"address": "127.0.0.1"}}, {"127.0.0.1": 3, "127.0.0.2": 4, "::1": 2}, {"both": 6, "four": 3}),
    "mapped address before dual stack": (
        {"both": ANY6, "mapped": {"address": "::ffff:127.0.0.1", "v6only": False}},
        {"127.0.0.1": 3, "127.0.0.2": 4, "::1": 2},
        {"both": 6, "mapped": 3},
    ),
    "IPv6 address before wildcard": ({"both": ANY6, "one": {"address": "::1"}}, {"127.0.0.1": 3, "::1": 2}, {"both": 3, "one": 2}),
    "bound devices": (
        {"lo": {"address": ANY_IPV4, "device": "lo"}, "wire0": {"address": ANY_IPV4, "device": "wire0"}},
        {"127.0.0.1": 3},
        {"lo": 3, "wire0": 0},
    ),
    "address before bound device": (
        {"one": {"address": "127.0.0.1"}, "lo": {"address": ANY_IPV4, "device": "lo"}},
        {"127.0.0.1": 3, "127.0.0.2": 2},
        {"one": 3, "lo": 2},
    ),
    # Which of these two the kernel prefers depends on their order and family, so only the kernel can tell.
    "bound device beside any": ({"any": ANY4, "lo": dict(ANY4, device="lo")}, {"127.0.0.1": 3}, None),
    "any beside bound device": ({"lo": dict(ANY4, device="lo"), "any": ANY4}, {"127.0.0.1": 3}, None),
    "bound device beside any, IPv6": ({"any": ANY6, "lo": dict(ANY6, device="lo")}, {"127.0.0.1": 3, "::1": 2}, None),
    "any beside bound device, IPv6": ({"lo": dict(ANY6, device="lo"), "any": ANY6}, {"127.0.0.1": 3, "::1": 2}, None),
    "another port": ({"any": ANY4}, {}, {"any": 0}),
}


@pytest.mark.parametrize(("places", "syns", "expected"), LANDSCAPES.values(), ids=LANDSCAPES)
def test_half_open_connections_belong_to_the_most_specific_listener(places, syns, expected):
    make_silent_peers()
    run("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1")
    busy = port_of(listen(ANY_IPV4, 50))
    port = 0
    listeners = {}
    for number, (name, place) in enumerate(places.items()):
        listeners[name] = listen(backlog=50 + number, port=port, reuseport=True, **place)
        port = port_of(listeners[name])
    send_syns(7, "127.0.0.1", busy)
    for address, number in syns.items():
        send_syns(number, address, port)
    namespace = own_namespace()
    counted = {
        name: row["syn_queue_length"]
        for name, listener in listeners.items()
        for row in listeners_on(namespace, port)
        if row["accept_queue_limit"] == queue_of(listener)[1]
    }
    assert counted == (expected or counted)
    assert listener_on(namespace, busy)["syn_queue_length"] == 7
    assert_same_as_ss(namespace)
    # The proof that the kernel agrees: the listener that gets a client's whole connection is the one that got its SYN.
    for address, number in syns.items():
        connect(number, address, port)
    assert {name: accept_all(listener) for name, listener in listeners.items()} == counted


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_reuseport_group_knows_only_its_sum(address):
    make_silent_peers()
    group = [listen(address, 50, reuseport=True)]
    port = port_of(group[0])
    group += [listen(address, 50, port=port, reuseport=True) for _turn in range(3)]
    empty = [listen(address, 50, reuseport=True)]
    empty.append(listen(address, 50, port=port_of(empty[0]), reuseport=True))
    alone = listen(address, 50)
    send_syns(20, address, port)
    send_syns(2, address, port_of(alone))
    answer = facts()
    namespace = answer["namespaces"][0]
    rows = listeners_on(namespace, port)
    assert [(row["syn_queue_length"], row["syn_queue_group_length"]) for row in rows] == [(None, 20)] * 4
    assert [row["syn_queue_length"] for row in listeners_on(namespace, port_of(empty[0]))] == [0, 0]
    assert listener_on(namespace, port_of(alone))["syn_queue_length"] == 2
    assert "syn_queue_group_length" not in listener_on(namespace, port_of(alone))
    assert [problem["count"] for problem in problems(answer, "syn_queue_split")] == [1]
    assert answer["complete"] is True
    assert_same_as_ss(namespace)


def test_deferred_connections_are_half_open_until_data_comes():
    listener = listen("::", 50, v6only=False, defer=30)
    port = port_of(listener)
    clients = connect(3, "127.0.0.1", port) + connect(2, "::1", port)
    row = listener_on(own_namespace(), port)
    assert (row["syn_queue_length"], row["accept_queue_length"]) == (5, 0)
    assert ss_half_open() == {("inet6", "::ffff:127.0.0.1", port): 3, ("inet6", "::1", port): 2}
    for client in clients[1:]:
        client.send(b"x")
    row = listener_on(own_namespace(), port)
    assert (row["syn_queue_length"], row["accept_queue_length"]) == (1, 4)


def test_without_the_subset_half_open_connections_are_not_mentioned():
    listener = listen("127.0.0.1", 5)
    assert "syn_queue_length" not in listener_on(own_namespace(gather_subset=["!syn_queue"]), port_of(listener))


def test_half_open_connections_of_a_closed_listener_belong_to_nobody():
    make_silent_peers()
    closed, other = listen("127.0.0.1", 5, reuseport=True), listen("127.0.0.1", 5)
    send_syns(3, "127.0.0.1", port_of(closed))
    closed.close()
    assert listener_on(own_namespace(), port_of(other))["syn_queue_length"] == 0


# (backlog, somaxconn, tcp_max_syn_backlog, tcp_syncookies)
CAPACITIES = (
    (0, 4096, 2048, 1),
    (1, 4096, 2048, 1),
    (10, 4096, 2048, 1),
    (10, 4096, 4, 1),
    (511, 4096, 16, 1),
    (100, 50, 2048, 1),
    (10, 4096, 2048, 3),
    (0, 4096, 2048, 0),
    (1, 4096, 2048, 0),
    (10, 4096, 2048, 0),
    (100, 50, 2048, 0),
    (511, 4096, 64, 0),
    (511, 4096, 128, 0),
    (511, 4096, 512, 0),
    (511, 4096, 1024, 0),
    (100, 4096, 7, 0),
    (100, 4096, 4, 0),
    (100, 4096, 1, 0),
    (100, 4096, 0, 0),
    (63, 4096, 83, 0),
    (0, 4096, 2048, 2),
    (10, 4096, 2048, 2),
    (511, 4096, 16, 2),
)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("backlog", "somaxconn", "max_syn_backlog", "cookies"), CAPACITIES)
def test_the_capacity_formula_is_the_kernels(backlog, somaxconn, max_syn_backlog, cookies, address):
    make_silent_peers()
    sysctl("net.core.somaxconn", somaxconn)
    sysctl("net.ipv4.tcp_max_syn_backlog", max_syn_backlog)
    sysctl("net.ipv4.tcp_syncookies", cookies)
    listener = listen(address, backlog)
    quiet = listen(address, backlog)
    sent = backlog + 30
    send_syns(sent, address, port_of(listener))
    namespace = own_namespace()
    row = listener_on(namespace, port_of(listener))
    sysctls = namespace["sysctls"]
    capacity = syn_queue_capacity(row["accept_queue_limit"], sysctls["net.ipv4.tcp_max_syn_backlog"], sysctls["net.ipv4.tcp_syncookies"])
    if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= HOLDS_ONE_MORE:
        assert row["syn_queue_length"] == capacity.at_most
    else:
        assert capacity.at_least <= row["syn_queue_length"] <= capacity.at_most
    refused = sent - row["syn_queue_length"]
    sent_cookies, drops, overflows = tcp_ext(namespace, "SyncookiesSent", "ListenDrops", "ListenOverflows")
    assert (sent_cookies, drops, overflows) == ((refused, 0, 0) if cookies else (0, refused, 0))
    assert row["drops"] == drops
    assert (row["accept_queue_length"], row["accept_queue_full"]) == (0, False)
    other = listener_on(namespace, port_of(quiet))
    assert (other["syn_queue_length"], other["drops"]) == (0, 0)
    assert_same_as_ss(namespace)


@pytest.mark.parametrize("cookies", [0, 1, 2])
def test_a_full_accept_queue_takes_no_half_open_connection(cookies):
    make_silent_peers()
    sysctl("net.ipv4.tcp_syncookies", cookies)
    listener = listen("127.0.0.1", 3)
    connect(4, "127.0.0.1", port_of(listener))
    baseline = tcp_ext(own_namespace(), "SyncookiesSent")[0]
    send_syns(30, "127.0.0.1", port_of(listener))
    namespace = own_namespace()
    row = listener_on(namespace, port_of(listener))
    assert (row["accept_queue_full"], row["syn_queue_length"], row["drops"]) == (True, 0, 30)
    overflows, drops, sent = tcp_ext(namespace, "ListenOverflows", "ListenDrops", "SyncookiesSent")
    assert (overflows, drops, sent - baseline) == (30, 30, 0)
    assert_same_as_ss(namespace)


def test_clients_with_a_cookie_are_in_no_queue_until_they_are_accepted():
    sysctl("net.ipv4.tcp_syncookies", 2)
    listener = listen("127.0.0.1", 3)
    port = port_of(listener)
    for _turn in range(2):
        client = keep(socket.socket(family_of("127.0.0.1")))
        client.connect(("127.0.0.1", port))
    namespace = own_namespace()
    row = listener_on(namespace, port)
    assert (row["syn_queue_length"], row["accept_queue_length"]) == (0, 2)
    assert tcp_ext(namespace, "SyncookiesSent", "SyncookiesRecv") == [2, 2]
    assert_same_as_ss(namespace)
