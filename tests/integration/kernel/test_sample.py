# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window: what happens between its ends is seen, and what comes or goes meanwhile does no harm."""

import os
import socket
import time

import pytest
from kernel_rooms import Program, netns, new_netns
from kernel_traffic import accept_all, connect, keep, knock, listen, listen_again, listen_unix, port_of
from kernel_view import assert_same_as_ss, facts, listener_on, listeners_on, unix_listener
from kernel_window import in_the_window, ring

BACKLOG = 4
REFUSED = 3
BEGINS, ENDS, WINDOW = 0.2, 0.5, 1.0  # seconds


@pytest.fixture(autouse=True)
def ring_when_the_window_opens(monkeypatch):
    ring(monkeypatch)


def burst_on(listener):
    """A program that fills the queue after a while, knocks in vain, and has accepted all before the window ends."""
    port = port_of(listener)

    def burst():
        connect(BACKLOG + 1, "127.0.0.1", port)
        knock(REFUSED, "127.0.0.1", port)
        time.sleep(ENDS - BEGINS)
        accept_all(listener)

    return Program(lambda: None, in_the_window(burst, BEGINS))


def test_a_burst_between_two_points_is_seen_by_many_reads():
    listener, quiet = listen("127.0.0.1", BACKLOG), listen("127.0.0.1", BACKLOG)
    seen = {}
    for interval in (WINDOW, 0.05):
        burst_on(listener)
        answer = facts(sample=WINDOW, sample_interval=interval)
        namespace = answer["namespaces"][0]
        row = seen[interval] = listener_on(namespace, port_of(listener))
        assert row["sample"]["reads"] == answer["sample"]["reads"]
        assert WINDOW <= answer["sample"]["seconds"] < WINDOW + 0.3
        assert answer["sample"]["interval"] == interval
        assert (row["accept_queue_length"], row["accept_queue_full"]) == (0, False)
        assert row["sample"]["drops"]["delta"] == REFUSED
        counters = namespace["counters_sample"]["TcpExt"]
        assert [counters[name]["delta"] for name in ("ListenOverflows", "ListenDrops")] == [REFUSED, REFUSED]
        assert abs(counters["ListenDrops"]["per_second"] - REFUSED / answer["sample"]["seconds"]) < 1.5
        assert namespace["counters_sample"]["Tcp"]["PassiveOpens"]["delta"] == BACKLOG + 1
        other = listener_on(namespace, port_of(quiet))["sample"]
        assert (other["max"], other["mean"], other["share_half_full"], other["share_full"], other["drops"]["delta"]) == (0, 0, 0, 0, 0)
        assert_same_as_ss(namespace)
    blind, sighted = seen[WINDOW]["sample"], seen[0.05]["sample"]
    assert (blind["reads"], blind["max"], blind["share_full"]) == (2, 0, 0)
    assert sighted["reads"] >= 8
    assert sighted["max"] == BACKLOG + 1
    assert 0 < sighted["share_full"] <= sighted["share_half_full"] < 1
    assert 0 < sighted["mean"] < BACKLOG + 1
    assert seen[0.05]["drops"] == 2 * REFUSED


def test_a_queue_that_stays_full_or_half_full():
    full, half, _unix = listen("127.0.0.1", 3), listen("127.0.0.1", 8), listen_unix(b"\0full", 2)
    connect(4, "127.0.0.1", port_of(full))
    connect(4, "127.0.0.1", port_of(half))
    for _turn in range(3):
        keep(socket.socket(socket.AF_UNIX)).connect(b"\0full")
    namespace = facts(sample=0.15, sample_interval=0.05)["namespaces"][0]
    shares = [
        [row["sample"][key] for key in ("max", "mean", "share_half_full", "share_full")]
        for row in (listener_on(namespace, port_of(full)), listener_on(namespace, port_of(half)), unix_listener(namespace, "@full"))
    ]
    assert shares == [[4, 4, 1, 1], [4, 4, 1, 0], [3, 3, 1, 1]]
    assert "drops" not in unix_listener(namespace, "@full")["sample"]


def test_a_limit_that_changes_in_the_window():
    listener = listen("127.0.0.1", 2)
    connect(3, "127.0.0.1", port_of(listener))

    Program(lambda: None, in_the_window(lambda: listen_again(listener, 100), 0.2))
    row = listener_on(facts(sample=0.5, sample_interval=0.05)["namespaces"][0], port_of(listener))
    assert (row["accept_queue_limit"], row["accept_queue_full"]) == (100, False)
    assert 0 < row["sample"]["share_full"] < 1


def test_a_socket_that_takes_the_place_of_another_starts_anew():
    place = port_of(listen("127.0.0.1", 5))

    def first_life():
        listener = listen("127.0.0.1", 0, port=place + 1)
        connect(1, "127.0.0.1", place + 1)
        knock(5, "127.0.0.1", place + 1)
        return listener

    lives = []

    def second_life():
        lives[0].close()
        listen("127.0.0.1", 3, port=place + 1)

    Program(lambda: lives.append(first_life()), in_the_window(second_life, 0.2))
    row = listener_on(facts(sample=0.5, sample_interval=0.05)["namespaces"][0], place + 1)
    assert (row["accept_queue_limit"], row["drops"], row["sample"]["max"]) == (3, 0, 0)
    assert row["sample"]["drops"] == {"delta": 0, "per_second": 0}


def test_the_window_looks_into_every_namespace():
    def far_away():
        inode, listener = new_netns(), listen("127.0.0.1", BACKLOG)
        burst_on(listener)
        return inode, port_of(listener)

    inode, port = Program(far_away).told
    here = port_of(listen("127.0.0.1", 1))
    answer = facts(sample=WINDOW, sample_interval=0.05, namespaces="all", gather_subset=["min"])
    by_inode = {namespace["netns"]: namespace for namespace in answer["namespaces"]}
    there = listener_on(by_inode[inode], port)["sample"]
    assert (there["max"], there["drops"]["delta"]) == (BACKLOG + 1, REFUSED)
    assert by_inode[inode]["counters_sample"]["TcpExt"]["ListenOverflows"]["delta"] == REFUSED
    assert listener_on(by_inode[netns()], here)["sample"]["max"] == 0
    assert by_inode[netns()]["counters_sample"]["TcpExt"]["ListenOverflows"]["delta"] == 0


def test_a_namespace_that_vanishes_in_the_window():
    inode = Program(lambda: (new_netns(), listen("127.0.0.1", 5))[0], in_the_window(lambda: os._exit(0), 0.2)).told
    listener = listen("127.0.0.1", 5)
    answer = facts(sample=0.5, sample_interval=0.05, namespaces="all")
    assert listener_on(answer["namespaces"][0], port_of(listener))["sample"]["reads"] == answer["sample"]["reads"]
    assert [problem["code"] for problem in answer["problems"] if problem.get("netns") == inode] == ["netns_vanished"]
    assert answer["complete"] is False


def test_listeners_that_come_and_go_in_the_window():
    stays = port_of(listen("127.0.0.1", 5))
    Program(lambda: None, in_the_window(lambda: listen("127.0.0.1", 6, port=stays + 1), 0.2))
    Program(lambda: port_of(listen("127.0.0.1", 7, port=stays + 2)), in_the_window(lambda: os._exit(0), 0.2))
    answer = facts(sample=0.5, sample_interval=0.05)
    namespace = answer["namespaces"][0]
    reads = answer["sample"]["reads"]
    assert listener_on(namespace, stays)["sample"]["reads"] == reads
    assert 1 <= listener_on(namespace, stays + 1)["sample"]["reads"] < reads
    assert listeners_on(namespace, stays + 2) == []
    assert_same_as_ss(namespace)
