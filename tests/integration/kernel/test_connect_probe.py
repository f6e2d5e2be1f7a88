# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connections come to: made, without an answer, refused, reset."""

import socket
import struct

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from ansible_collections.netops.listen_queue.plugins.module_utils._probe import read as probe_read
from kernel_modules import probe
from kernel_rooms import Program, new_netns, run
from kernel_traffic import connect, listen, port_of, queue_of


def counts(answer):
    return {name: answer[name] for name in ("attempts", "connected", "timeouts", "resets", "refused", "errors")}


def counted(attempts, **given):
    return {"attempts": attempts, "connected": 0, "timeouts": 0, "resets": 0, "refused": 0, "errors": 0, **given}


@pytest.mark.parametrize("listening, address", [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.5"), ("::", "::1"), ("::", "[::]"), ("0.0.0.0", "0.0.0.0")])
def test_connections_that_are_made(listening, address):
    listener = listen(listening, 50)
    answer = probe(address=address, port=port_of(listener), count=30)
    assert counts(answer) == counted(30, connected=30)
    assert queue_of(listener)[0] == 30
    latency = answer["latency"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p90"] <= latency["p95"] <= latency["p99"] <= latency["max"] <= 0.9
    assert latency["min"] <= latency["mean"] <= latency["max"]


def test_a_full_queue_shows_as_timeouts():
    listener = listen("127.0.0.1", 3)
    answer = probe(port=port_of(listener), count=7, timeout=0.05)
    assert counts(answer) == counted(7, connected=4, timeouts=3)
    assert answer["reasons"] == []


def test_the_time_for_all_is_bounded():
    listener = listen("127.0.0.1", 0)
    connect(1, "127.0.0.1", port_of(listener))
    answer = probe(port=port_of(listener), count=10000, timeout=0.05, max_time=0.12)
    assert answer["timeouts"] == answer["attempts"]
    assert answer["attempts"] in (1, 2, 3)
    assert answer["latency"] is None


def test_a_port_without_a_listener():
    assert counts(probe(port=1, count=5)) == counted(5, refused=5)


def test_a_network_that_is_not_there():
    answer = probe(address="192.0.2.1", port=80, count=3)
    assert (counts(answer), answer["reasons"]) == (counted(3, errors=3), ["Network is unreachable"])


def test_connections_that_are_reset_once_made():
    def then():
        while True:
            client = kept[0].accept()[0]
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    kept = []
    program = Program(lambda: (kept.append(listen("127.0.0.1", 50)), port_of(kept[0]))[1], then)
    probe_read.SHORTEST_WATCH = probe_read.LONGEST_WATCH = 5
    assert counts(probe(port=program.told, count=5)) == counted(5, resets=5)


def test_in_another_namespace():
    program = Program(lambda: (new_netns(), port_of(listen("127.0.0.1", 9)))[1])
    assert counts(probe(port=program.told, count=2, netns=str(program.pid))) == counted(2, connected=2)
    assert counts(probe(port=program.told, count=2)) == counted(2, refused=2)


WRONG = {
    "port": ({"port": 0}, "port: 0 is out of range; it takes 1 to 65535"),
    "count": ({"port": 1, "count": 10001}, "count: 10001 is out of range; it takes 1 to 10000"),
    "time": ({"port": 1, "max_time": 601}, "max_time: 601 is out of range; it takes 0.001 to 600"),
    "name": ({"port": 1, "address": "localhost"}, "address: names are not looked up; write the address of localhost instead"),
    "no_address": ({"port": 1, "address": "::g"}, "address: '[::g]:1' is no address and port (invalid IPv6 address); write it like 127.0.0.1:8080, "),
    "namespace": ({"port": 1, "netns": "red"}, "netns: there is no network namespace red; there is blue"),
}


@pytest.mark.parametrize("given, sentence", WRONG.values(), ids=WRONG)
def test_options_that_make_no_sense(given, sentence):
    run("ip", "netns", "add", "blue")
    with pytest.raises(ListenQueueError) as raised:
        probe(**given)
    assert str(raised.value).startswith(sentence)
