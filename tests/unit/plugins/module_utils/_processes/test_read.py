# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors, facts and ancestors of processes that may end at any moment."""

import errno
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.containers import NOBODY
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.read import ProcessBook, links
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail

VANISHED = [errno.ENOENT, errno.ESRCH]
DENIED = [errno.EACCES, errno.EPERM]
NGINX = b"0::/system.slice/nginx.service\n"


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


@pytest.fixture
def book(tree):
    made = ProcessBook(tree.proc)
    made._boot, made._ticks = 1700000000.0, 100
    return made


def test_descriptors(tree):
    tree.process(5, fds={0: "/dev/null", 3: "socket:[33]", 70: "anon_inode:[eventpoll]"})
    assert dict(links(tree.proc, 5)) == {0: "/dev/null", 3: "socket:[33]", 70: "anon_inode:[eventpoll]"}


def test_first_descriptors(tree):
    tree.process(5, fds={0: "/dev/null", 3: "socket:[33]", 64: "socket:[34]"})
    assert list(links(tree.proc, 5, 64)) == [(0, "/dev/null"), (3, "socket:[33]")]


@pytest.mark.parametrize("number", VANISHED)
@pytest.mark.parametrize("first", [None, 64])
def test_process_that_ended_has_no_descriptors(tree, monkeypatch, number, first):
    tree.process(5, fds={3: "socket:[33]"})
    fail(monkeypatch, "open", "5/fd", number)
    assert list(links(tree.proc, 5, first)) == []


@pytest.mark.parametrize("number", VANISHED)
def test_process_that_ends_before_the_list(tree, monkeypatch, number):
    tree.process(5, fds={3: "socket:[33]"})

    def listdir(_fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "listdir", listdir)
    assert list(links(tree.proc, 5)) == []


@pytest.mark.parametrize("number", VANISHED)
@pytest.mark.parametrize("first", [None, 64])
def test_descriptor_that_is_closed_meanwhile(tree, monkeypatch, number, first):
    tree.process(5, fds={3: "socket:[33]", 4: "socket:[34]"})
    fail(monkeypatch, "readlink", "3", number)
    assert list(links(tree.proc, 5, first)) == [(4, "socket:[34]")]


@pytest.mark.parametrize("number", DENIED)
@pytest.mark.parametrize("function, ending", [("open", "5/fd"), ("readlink", "3")])
def test_denied_descriptors(tree, monkeypatch, number, function, ending):
    tree.process(5, fds={3: "socket:[33]"})
    fail(monkeypatch, function, ending, number)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(PermissionError):
        list(links(tree.proc, 5))
    assert len(os.listdir("/proc/self/fd")) == before


FACTS = {
    "service": (NGINX, {"unit": "nginx.service"}),
    "no_unit": (b"0::/\n", {}),
    "no_cgroups": (b"", {}),
    "container": (b"0::/docker/%s\n" % (b"a" * 64), {"container": "a" * 64}),
    "pod": (b"0::/kubepods/pod%s/crio-%s\n" % (b"b" * 32, b"a" * 64), {"container": "a" * 64, "pod_uid": "b" * 32}),
}


@pytest.mark.parametrize("cgroup, keys", FACTS.values(), ids=FACTS)
def test_description(tree, book, cgroup, keys):
    tree.process(5, name=b"nginx", start=12345, cgroup=cgroup)
    assert book.describe(5) == {"pid": 5, "name": "nginx", "started_at": "2023-11-14T22:15:23Z", **keys}


@pytest.mark.parametrize("number", VANISHED)
def test_process_that_ended_has_no_description(tree, book, monkeypatch, number):
    tree.process(5)
    fail(monkeypatch, "open", "5/stat", number)
    assert book.describe(5) is None
    assert book.stat(5) is None


@pytest.mark.parametrize("number", VANISHED + DENIED)
def test_unknown_cgroup_leaves_the_rest(tree, book, monkeypatch, number):
    tree.process(5, cgroup=NGINX)
    fail(monkeypatch, "open", "5/cgroup", number)
    assert book.owner(5) is None
    assert book.describe(5) == {"pid": 5, "name": "prog", "started_at": "2023-11-14T22:15:23Z"}


def test_each_file_is_read_once(tree, book):
    tree.process(5, fds={3: "socket:[33]"}, cgroup=NGINX)
    first = book.describe(5), book.owner(5), book.sockets(5)
    for name in ("stat", "cgroup", "fd/3"):
        (tree.root / "5" / name).unlink()
    assert (book.describe(5), book.owner(5), book.sockets(5)) == first


def test_sockets(tree, book):
    tree.process(5, fds={0: "/dev/null", 3: "socket:[33]", 4: "socket:[44]", 5: "net:[7]"})
    assert book.sockets(5) == {33, 44}
    assert book.sockets(6) == frozenset()


def test_sockets_of_a_denied_process(tree, book, monkeypatch):
    tree.process(5, fds={3: "socket:[33]"})
    fail(monkeypatch, "open", "5/fd", errno.EACCES)
    assert book.sockets(5) == frozenset()


def test_owner_in_the_root_cgroup_is_nobody(tree, book):
    tree.process(5)
    assert book.owner(5) == NOBODY


SHARED = {3: "socket:[33]"}
# processes as {pid: (parent, fds, cgroup)}; the holder of socket 33 that stands for all, seen from pid 12
FAMILIES = {
    "worker_of_a_master": ({10: (1, SHARED, NGINX), 12: (10, SHARED, NGINX)}, 10),
    "three_generations": ({8: (1, SHARED, NGINX), 10: (8, SHARED, NGINX), 12: (10, SHARED, NGINX)}, 8),
    "child_of_init": ({12: (1, SHARED, NGINX)}, 12),
    "orphan": ({12: (0, SHARED, NGINX)}, 12),
    "parent_does_not_hold_it": ({10: (1, {}, NGINX), 12: (10, SHARED, NGINX)}, 12),
    "grandparent_holds_it_but_not_the_parent": ({8: (1, SHARED, NGINX), 10: (8, {}, NGINX), 12: (10, SHARED, NGINX)}, 12),
    "parent_in_another_unit": ({10: (1, SHARED, b"0::/system.slice/supervisor.service\n"), 12: (10, SHARED, NGINX)}, 12),
    "parent_in_a_container": ({10: (1, SHARED, b"0::/docker/%s\n" % (b"a" * 64)), 12: (10, SHARED, NGINX)}, 12),
    "parent_ended": ({12: (10, SHARED, NGINX)}, 12),
    "without_cgroups": ({10: (1, SHARED, b""), 12: (10, SHARED, b"")}, 10),
}


@pytest.mark.parametrize("family, holder", FAMILIES.values(), ids=FAMILIES)
def test_topmost_holder(tree, book, family, holder):
    for pid, (parent, fds, cgroup) in family.items():
        tree.process(pid, parent=parent, fds=fds, cgroup=cgroup)
    assert book.topmost_holder(12, 33) == holder


def test_topmost_holder_of_a_process_that_ended(book):
    assert book.topmost_holder(12, 33) == 12


def test_topmost_holder_below_a_denied_parent(tree, book, monkeypatch):
    tree.process(10, fds=SHARED, cgroup=NGINX)
    tree.process(12, parent=10, fds=SHARED, cgroup=NGINX)
    fail(monkeypatch, "open", "10/fd", errno.EACCES)
    assert book.topmost_holder(12, 33) == 12
