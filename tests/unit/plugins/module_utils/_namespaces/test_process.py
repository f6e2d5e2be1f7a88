# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for namespaces in a procfs made of files, in which processes end and are hidden."""

import errno

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.model import Namespace, NamespaceId
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.process import HANDLES_KEPT, Finder, mount_names
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.read import own_namespace
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail, mount_line

DENIED = "the network namespace of some processes could not be read; become root (CAP_SYS_PTRACE) to see all"
VANISHED = [errno.ENOENT, errno.ESRCH]


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def found(tree, *pids):
    problems = Problems()
    finder = Finder(tree.proc, own_namespace(tree.proc), problems)
    finder.find(pids)
    own, *others = finder.namespaces()
    assert (own.is_own, own.id.inode, own.handles[0]) == (True, tree.own, "thread-self/ns/net")
    assert [entry.is_own for entry in others] == [False] * len(others)
    return {entry.id.inode: (entry.pids, entry.handles, entry.mounts) for entry in others}, problems.as_list()


def test_nothing_but_the_own_one(tree):
    tree.process(5)
    assert found(tree, 5) == ({}, [])


def test_process_in_another_namespace(tree):
    tree.process(5)
    tree.process(6, 1111)
    tree.process(7, 1111)
    assert found(tree, 5, 6, 7) == ({1111: ((6, 7), ("6/ns/net", "7/ns/net"), ())}, [])


def test_few_handles_and_all_pids_are_kept(tree):
    for pid in range(10, 20):
        tree.process(pid, 1111)
    ((pids, handles, _mounts),) = found(tree, *range(10, 20))[0].values()
    assert (len(pids), len(handles)) == (10, HANDLES_KEPT)


def test_order_is_by_inode_and_the_own_one_first(tree):
    for pid, inode in ((5, 3), (6, 1), (7, 2)):
        tree.process(pid, inode)
    assert list(found(tree, 5, 6, 7)[0]) == [1, 2, 3]


def test_thread_alone_in_a_namespace(tree):
    tree.process(5, threads={8: 2222, 9: 2222})
    assert found(tree, 5) == ({2222: ((5,), ("5/task/8/ns/net", "5/task/9/ns/net"), ())}, [])


def test_bind_mount_alone(tree):
    tree.file("self/mountinfo", mount_line(3333, "/run/netns/blue"))
    assert found(tree) == ({3333: ((), ("self/root/run/netns/blue",), ("/run/netns/blue",))}, [])


def test_mount_of_another_mount_namespace_is_reached_through_its_process(tree):
    tree.process(5, mntns=2, mountinfo=mount_line(3333, r"/run/docker/netns/a\040b"))
    tree.process(6, mntns=2, mountinfo=mount_line(4444, "/not/looked/at"))
    assert found(tree, 5, 6)[0] == {3333: ((), ("5/root/run/docker/netns/a b",), ("/run/docker/netns/a b",))}


def test_mount_seen_from_two_mount_namespaces_is_one(tree):
    tree.file("self/mountinfo", mount_line(3333, "/run/netns/blue"))
    tree.process(5, mntns=2, mountinfo=mount_line(3333, "/run/netns/blue"))
    assert found(tree, 5)[0] == {3333: ((), ("self/root/run/netns/blue",), ("/run/netns/blue",))}


def test_process_and_mounts_of_one_namespace(tree):
    tree.file("self/mountinfo", mount_line(3333, "/run/netns/blue") + mount_line(3333, "/run/netns/azure"))
    tree.process(5, 3333)
    pids, handles, mounts = found(tree, 5)[0][3333]
    assert (pids, mounts) == ((5,), ("/run/netns/blue", "/run/netns/azure"))
    assert handles == ("self/root/run/netns/azure", "self/root/run/netns/blue", "5/ns/net")  # mounts outlive processes


def test_own_namespace_has_its_names_too(tree):
    tree.file("self/mountinfo", mount_line(tree.own, "/run/netns/mine"))
    finder = Finder(tree.proc, own_namespace(tree.proc), Problems())
    finder.find(())
    assert mount_names(finder.namespaces()[0]) == ["mine"]


@pytest.mark.parametrize("number", VANISHED)
@pytest.mark.parametrize("ending, remaining", [
    ("6/ns/net", {7}), ("6/ns/mnt", {6, 7}), ("6/task", {6, 7}), ("6/mountinfo", {6, 7}),
])  # fmt: skip
def test_process_that_ends_is_left_out_without_a_problem(tree, monkeypatch, ending, remaining, number):
    tree.process(6, 1111, mntns=2)
    tree.process(7, 2222)
    for function in ("readlink", "stat", "open", "listdir"):
        fail(monkeypatch, function, ending, number)
    namespaces, problems = found(tree, 6, 7)
    assert ({pid for pids, _handles, _mounts in namespaces.values() for pid in pids}, problems) == (remaining, [])


@pytest.mark.parametrize("number", VANISHED)
def test_thread_that_ends_is_left_out(tree, monkeypatch, number):
    tree.process(5, threads={8: 2222, 9: 3333})
    fail(monkeypatch, "readlink", "5/task/8/ns/net", number)
    assert found(tree, 5) == ({3333: ((5,), ("5/task/9/ns/net",), ())}, [])


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("ending", ["6/ns/net", "6/ns/mnt", "6/task/8/ns/net", "6/mountinfo"])
def test_denied_process_is_one_problem_and_the_others_are_found(tree, monkeypatch, ending, number):
    tree.process(6, threads={8: 3333}, mntns=2)
    tree.process(7, 2222)
    for function in ("readlink", "open"):
        fail(monkeypatch, function, ending, number)
    namespaces, problems = found(tree, 6, 7)
    assert 2222 in namespaces
    assert problems == [{"code": "processes_denied", "message": DENIED, "count": 1}]


def test_many_denied_processes_are_one_problem(tree, monkeypatch):
    for pid in range(10, 20):
        tree.process(pid)
    fail(monkeypatch, "readlink", "/ns/net", errno.EACCES)
    assert found(tree, *range(10, 20))[1] == [{"code": "processes_denied", "message": DENIED, "count": 1}]


def test_kernel_thread_without_namespace_is_left_out(tree):
    tree.file("2/stat")
    assert found(tree, 2) == ({}, [])


def test_namespace_behind_a_descriptor(tree):
    finder = Finder(tree.proc, own_namespace(tree.proc), Problems())
    finder.find(())
    assert finder.add_descriptor(5555, 7, 12)
    assert not finder.add_descriptor(5555, 8, 13)
    assert not finder.add_descriptor(tree.own, 8, 14)
    assert finder.namespaces()[1][1:] == (("7/fd/12",), (), (), False)


def named(*mounts):
    return mount_names(Namespace(NamespaceId(4, 5), (), (), mounts, False))


NAMES = {
    "none": ((), []),
    "one": (("/run/netns/blue",), ["blue"]),
    "sorted_and_unique": (("/var/run/netns/b", "/run/netns/b", "/run/netns/a"), ["a", "b"]),
    "docker_has_none": (("/run/docker/netns/1a2b",), []),
    "not_utf8": (("/run/netns/caf\udce9",), ["caf\\xe9"]),
    "newline": (("/run/netns/a\nb",), ["a\nb"]),
    "empty": (("/run/netns/",), []),
}


@pytest.mark.parametrize("mounts, names", NAMES.values(), ids=NAMES)
def test_names(mounts, names):
    assert named(*mounts) == names
