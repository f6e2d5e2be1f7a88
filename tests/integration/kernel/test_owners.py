# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose socket it is: the master of its workers, the holder in another namespace, nobody, or unknown."""

import os
import socket
import time

from ansible_collections.netops.listen_queue.plugins.module_utils._owners.process import OwnerScan
from kernel_rooms import CLONE_NEWNET, Program, in_child, libc, netns, new_netns
from kernel_traffic import keep, listen, listen_unix, port_of
from kernel_view import facts, listener_on, namespace_of, own_namespace, unix_listener


def pids_of(row):
    return [process["pid"] for process in row["processes"]]


def rename(name):
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(name)


def test_a_program_and_its_listeners():
    def prepare():
        rename("my (odd) name")
        listen_unix(b"\0name", 5)
        return port_of(listen("127.0.0.1", 5)), port_of(listen("::1", 5))

    program = Program(prepare)
    begin = time.time()
    namespace = own_namespace()
    rows = [listener_on(namespace, port) for port in program.told] + [unix_listener(namespace, "@name")]
    for row in rows:
        assert [(process["pid"], process["name"]) for process in row["processes"]] == [(program.pid, "my (odd) name")]
        started = time.mktime(time.strptime(row["processes"][0]["started_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        assert abs(begin - started) < 10


def test_of_a_master_and_its_workers_the_master():
    def prepare():
        listener = listen("127.0.0.1", 5)
        return port_of(listener), [Program(lambda: None).pid for _turn in range(4)]

    master = Program(prepare)
    port, workers = master.told
    assert len(workers) == 4
    assert pids_of(listener_on(own_namespace(), port)) == [master.pid]


def test_of_workers_with_a_socket_each_the_holder():
    first = listen("127.0.0.1", 5, reuseport=True)
    port = port_of(first)
    first.close()
    workers = [Program(lambda: port_of(listen("127.0.0.1", 5, port=port, reuseport=True))).pid for _turn in range(3)]
    rows = [row for row in own_namespace()["listeners"] if row["local_port"] == port]
    assert sorted(pid for row in rows for pid in pids_of(row)) == sorted(workers)
    assert [len(row["processes"]) for row in rows] == [1, 1, 1]


def test_a_socket_that_was_handed_over_to_an_unrelated_program():
    """As socket activation does it: two programs of which neither started the other hold one socket."""
    near, far = socket.socketpair()

    def give():
        listener = listen("127.0.0.1", 5)
        socket.send_fds(near, [b"x"], [listener.fileno()])
        return port_of(listener)

    def take():
        return keep(socket.socket(fileno=socket.recv_fds(far, 1, 1)[1][0])).getsockname()[1]

    giver = Program(give)
    taker = Program(take)
    assert giver.told == taker.told
    found = pids_of(listener_on(own_namespace(), giver.told))
    assert found
    assert set(found) <= {giver.pid, taker.pid}
    giver.kill()
    assert pids_of(listener_on(own_namespace(), giver.told)) == [taker.pid]


def test_the_starter_that_kept_no_descriptor_is_not_the_owner():
    def prepare():
        listener = listen("127.0.0.1", 5)
        port, worker = port_of(listener), Program(lambda: None)
        listener.close()
        return port, worker.pid

    port, worker = Program(prepare).told
    assert pids_of(listener_on(own_namespace(), port)) == [worker]


def test_an_owner_in_another_namespace_than_its_socket():
    def prepare():
        home = netns()
        listener = listen("127.0.0.1", 5)
        return home, port_of(listener), new_netns()

    program = Program(prepare)
    home, port, elsewhere = program.told
    assert home == netns() != elsewhere
    assert pids_of(listener_on(own_namespace(), port)) == [program.pid]
    answer = facts(namespaces="all")
    assert pids_of(listener_on(namespace_of(answer, home), port)) == [program.pid]
    assert namespace_of(answer, elsewhere)["listeners"] == []


def test_a_socket_held_by_nothing_but_a_message_on_its_way():
    near, _far = map(keep, socket.socketpair())
    listener = listen("127.0.0.1", 5)
    port = port_of(listener)
    socket.send_fds(near, [b"x"], [listener.fileno()])
    listener.close()
    row = listener_on(own_namespace(), port)
    assert row["accept_queue_limit"] == 5
    assert not row["processes"]


def test_an_owner_that_ends_before_it_is_looked_for(monkeypatch):
    program, other = Program(lambda: port_of(listen("127.0.0.1", 5))), Program(lambda: port_of(listen("127.0.0.1", 6)))
    original = OwnerScan.run

    def kill_first(scan, *arguments):
        program.kill()
        return original(scan, *arguments)

    monkeypatch.setattr(OwnerScan, "run", kill_first)
    namespace = own_namespace()
    assert not listener_on(namespace, program.told)["processes"]
    assert pids_of(listener_on(namespace, other.told)) == [other.pid]


def test_a_program_with_many_descriptors_that_listens_late():
    def prepare():
        for _turn in range(500):
            keep(os.open("/dev/null", os.O_RDONLY))
        return port_of(listen("127.0.0.1", 5))

    program = Program(prepare)
    assert pids_of(listener_on(own_namespace(), program.told)) == [program.pid]


def test_a_child_that_looks_sees_its_parents_sockets():
    listener = listen("127.0.0.1", 5)
    assert pids_of(listener_on(in_child(own_namespace), port_of(listener))) == [os.getpid()]


def test_without_the_subset_there_are_no_processes():
    listener = listen("127.0.0.1", 5)
    assert "processes" not in listener_on(own_namespace(gather_subset=["!processes"]), port_of(listener))


def test_a_namespace_behind_a_socket_alone_is_not_found():
    """What the documentation says: nothing but a socket holds it."""

    def prepare():
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        inode = new_netns()
        listen("127.0.0.1", 5)
        assert libc.setns(home, CLONE_NEWNET) == 0
        return inode

    inode = Program(prepare).told
    assert inode not in [namespace["netns"] for namespace in facts(namespaces="all")["namespaces"]]
