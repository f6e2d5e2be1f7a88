# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan for all holders of a socket: what it finds, what it may not read, and when it stops."""

import errno
from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._workers import process
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail


@pytest.fixture
def world(tmp_path, monkeypatch):
    tree = Tree(tmp_path)
    tree.cpu = tree.cost = 0.0
    tree.scanned = []
    real = process.links

    def links(proc, pid, first=None):
        tree.scanned.append((pid, first))
        tree.cpu += tree.cost
        return real(proc, pid, first)

    monkeypatch.setattr(process, "links", links)
    monkeypatch.setattr(process, "time", SimpleNamespace(process_time=lambda: tree.cpu))
    return tree


def scan(world, wanted, pids):
    made = process.HolderScan(world.proc, wanted)
    made.run(pids)
    return made


def test_every_holder_is_found(world):
    for pid in (5, 6, 7):
        world.process(pid, fds={0: "/dev/null", 3: "socket:[33]", 4: f"socket:[{pid}]", 5: "anon_inode:[eventpoll]"})
    world.process(8, fds={3: "socket:[99]"})
    made = scan(world, {33, 6, 44}, [5, 6, 7, 8])
    assert (made.holders, made.denied, made.finished) == ({33: {5, 6, 7}, 6: {6}}, set(), True)


def test_process_that_ended_holds_nothing(world):
    made = scan(world, {33}, [5])
    assert (made.holders, made.denied, made.finished) == ({}, set(), True)


@pytest.mark.parametrize("function, ending", [("stat", "6/fd"), ("open", "6/fd")])
def test_tables_that_may_not_be_read_are_named(world, monkeypatch, function, ending):
    for pid in (5, 6):
        world.process(pid, fds={3: "socket:[33]"})
    fail(monkeypatch, function, ending, errno.EACCES)
    made = scan(world, {33}, [5, 6])
    assert (made.holders, made.denied) == ({33: {5}}, {6})


def test_beginnings_of_large_tables_come_before_their_rest(world, monkeypatch):
    for pid in (5, 6, 7):
        world.process(pid, fds={3: "socket:[33]", 70: "socket:[44]"})
    sizes = {5: 100, 6: 3, 7: 0}  # 0: before kernel 6.2 the size is not told
    monkeypatch.setattr(world.proc, "status", lambda name: SimpleNamespace(st_size=sizes[int(name.split("/")[0])]))
    made = scan(world, {33, 44}, [5, 6, 7])
    assert world.scanned == [(6, None), (5, 64), (7, 64), (5, None), (7, None)]
    assert made.holders == {33: {5, 6, 7}, 44: {5, 6, 7}}


def test_scan_stops_when_its_time_is_over(world):
    for pid in range(5, 15):
        world.process(pid, fds={3: "socket:[33]"})
    world.cost = 0.3
    made = scan(world, {33}, range(5, 15))
    assert (len(made.holders[33]), made.finished) == (4, False)
