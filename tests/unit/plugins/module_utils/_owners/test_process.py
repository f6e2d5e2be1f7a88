# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan over descriptor tables: what it finds, when it stops, and what it may not read."""

import errno
from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._owners import process
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail

VANISHED = [errno.ENOENT, errno.ESRCH]


class SizedProc(ProcFS):
    """Since kernel 6.2 the size of /proc/<pid>/fd is the number of descriptors; ``sizes`` says it here."""

    def __init__(self, root):
        super().__init__(root)
        self.sizes = {}

    def status(self, name):
        found = super().status(name)
        if found is not None and name.endswith("/fd"):
            return SimpleNamespace(st_size=self.sizes.get(int(name.split("/")[0]), 0))
        return found


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A tree, the pids that were scanned in order, and a clock of CPU seconds that stands still unless told."""
    tree = Tree(tmp_path)
    tree.proc = SizedProc(str(tmp_path))
    tree.scanned, tree.cpu = [], 0.0
    tree.cost = 0.0
    real = process.links

    def links(proc, pid, first=None):
        tree.scanned.append((pid, first))
        tree.cpu += tree.cost
        return real(proc, pid, first)

    monkeypatch.setattr(process, "links", links)
    monkeypatch.setattr(process, "time", SimpleNamespace(process_time=lambda: tree.cpu))
    return tree


def scan(world, wanted, pids, on_namespace=None):
    made = process.OwnerScan(world.proc, wanted, on_namespace)
    made.run(pids)
    return made


def sockets(*inodes):
    return {3 + index: f"socket:[{inode}]" for index, inode in enumerate(inodes)}


def test_each_socket_has_its_holder(world):
    world.process(5, fds={0: "/dev/null", **sockets(33)})
    world.process(6, fds=sockets(99, 44))
    made = scan(world, {33, 44}, [5, 6])
    assert (made.owners, made.denied) == ({33: [5], 44: [6]}, set())


def test_scan_ends_with_the_last_socket(world):
    world.proc.sizes = dict.fromkeys((5, 6, 7), 3)
    world.process(5, fds=sockets(33))
    world.process(6, fds=sockets(33))
    world.process(7, fds=sockets(33))
    made = scan(world, {33}, [5, 6, 7])
    assert (made.owners, world.scanned) == ({33: [5]}, [(5, None)])


def test_socket_that_no_process_holds(world):
    world.process(5, fds=sockets(44))
    made = scan(world, {33}, [5])
    assert (made.owners, made.finished) == ({}, True)


def test_nothing_wanted_scans_nothing(world):
    world.process(1, fds=sockets(33))
    world.process(5, fds=sockets(33))
    assert scan(world, set(), [1, 5]).owners == {}
    assert world.scanned == []


def test_smallest_table_first_and_the_beginning_of_large_ones_before_the_rest(world):
    world.proc.sizes = {5: 100000, 6: 10, 7: 64, 8: 65, 9: 0}
    for pid in (5, 6, 7, 8, 9):
        world.process(pid)
    scan(world, {33}, [5, 6, 7, 8, 9])
    assert world.scanned == [(6, None), (7, None), (9, 64), (8, 64), (5, 64), (9, None), (8, None), (5, None)]


def test_descriptor_behind_the_first_ones_of_a_large_table(world):
    world.proc.sizes = {5: 100000}
    world.process(5, fds={64: "socket:[33]"})
    assert scan(world, {33}, [5]).owners == {33: [5]}


def test_process_is_its_holder_once(world):
    world.proc.sizes = {5: 100000}
    world.process(5, fds={3: "socket:[33]", 4: "socket:[33]", 70: "socket:[33]"})
    assert scan(world, {33, 44}, [5]).owners == {33: [5]}


def test_init_and_the_service_it_started_both_hold_the_socket(world):
    """Socket activation: systemd keeps the descriptor."""
    world.process(1, fds=sockets(33, 44))
    world.process(5, fds=sockets(33))
    assert scan(world, {33, 44}, [1, 5]).owners == {33: [1, 5], 44: [1]}


def test_namespaces_behind_descriptors_are_told(world):
    found = []
    world.proc.sizes = {5: 3}
    world.process(5, fds={3: "net:[7777]", 4: "mnt:[1]", 5: "socket:[33]"})
    scan(world, {33}, [5], lambda *told: found.append(told))
    assert found == [(7777, 5, 3)]


def test_budget_for_sockets_that_are_not_found(world):
    world.cost = 0.4
    for pid in range(10, 20):
        world.process(pid)
    made = scan(world, {33}, range(10, 20))
    assert (made.finished, len(world.scanned)) == (False, 3)


def test_budget_for_namespaces_behind_descriptors(world):
    world.cost = 0.004
    for pid in range(10, 20):
        world.process(pid)
    made = scan(world, set(), range(10, 20), lambda *_told: None)
    assert (made.finished, len(world.scanned)) == (False, 2)


def test_budget_for_a_second_holder_starts_when_all_are_found(world):
    world.cost = 0.004
    world.process(1, fds=sockets(33))
    for pid in range(10, 20):
        world.process(pid)
    made = scan(world, {33}, [1, *range(10, 20)])
    assert (made.owners, made.finished, len(world.scanned)) == ({33: [1]}, False, 3)


@pytest.mark.parametrize("number", VANISHED)
@pytest.mark.parametrize("function", ["stat", "open"])
def test_process_that_ends_is_not_denied(world, monkeypatch, function, number):
    world.process(5, fds=sockets(33))
    world.process(6, fds=sockets(44))
    fail(monkeypatch, function, "5/fd", number)
    made = scan(world, {33, 44}, [5, 6])
    assert (made.owners, made.denied, made.finished) == ({44: [6]}, set(), True)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("function", ["stat", "open"])
def test_denied_process_is_noted_and_the_others_are_read(world, monkeypatch, function, number):
    world.process(5, fds=sockets(33))
    world.process(6, fds=sockets(44))
    fail(monkeypatch, function, "5/fd", number)
    made = scan(world, {33, 44}, [5, 6])
    assert (made.owners, made.denied, made.finished) == ({44: [6]}, {5}, True)


def test_denied_init(world, monkeypatch):
    world.process(1, fds=sockets(33))
    world.process(5, fds=sockets(33))
    fail(monkeypatch, "open", "1/fd", errno.EACCES)
    made = scan(world, {33}, [1, 5])
    assert (made.owners, made.denied) == ({33: [5]}, {1})
