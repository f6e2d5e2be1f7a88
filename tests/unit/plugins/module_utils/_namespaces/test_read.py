# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entering a namespace: always back, never into another one, no descriptor left open."""

import errno
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import NamespaceLost, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces import read
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.model import Namespace, NamespaceId
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree


@pytest.fixture
def tree(tmp_path):
    made = Tree(tmp_path)
    made.blue = made.file("6/ns/net").stat().st_ino
    made.red = made.file("7/ns/net").stat().st_ino
    return made


@pytest.fixture
def entered(monkeypatch):
    """The inodes handed to setns; ``refuse`` has the inode that fails and its errno."""
    log, refuse = [], {}

    def setns(fd):
        inode = os.fstat(fd).st_ino
        if inode in refuse:
            raise OSError(refuse[inode], os.strerror(refuse[inode]))
        log.append(inode)

    monkeypatch.setattr(read, "_setns", setns)
    log_and_refuse = log, refuse
    before = len(os.listdir("/proc/self/fd"))
    yield log_and_refuse
    assert len(os.listdir("/proc/self/fd")) == before


def enter(tree, target):
    return read.entered(tree.proc, read.own_namespace(tree.proc), target)


def namespace(inode, *handles):
    return Namespace(NamespaceId(1, inode), handles, (), (), False)


def test_own_namespace(tree):
    own = read.own_namespace(tree.proc)
    assert (own.id.inode, own.handles, own.is_own) == (tree.own, ("thread-self/ns/net",), True)


def test_own_namespace_before_thread_self(tmp_path):
    inode = Tree(tmp_path, own=0).file("self/ns/net").stat().st_ino
    own = read.own_namespace(ProcFS(str(tmp_path)))
    assert (own.id.inode, own.handles) == (inode, ("self/ns/net",))


def test_no_procfs(tmp_path):
    with pytest.raises(ReadError) as caught:
        read.own_namespace(ProcFS(str(tmp_path)))
    assert str(caught.value) == f"{tmp_path}/self/ns/net does not exist; mount procfs, and use a kernel with network namespaces"


def test_initial_namespace_has_the_global_sysctls(tree):
    assert not read.is_initial(tree.proc)
    tree.file("sys/net/core/netdev_max_backlog", b"1000\n")
    assert read.is_initial(tree.proc)


def test_own_namespace_is_not_entered(tree, entered):
    with enter(tree, read.own_namespace(tree.proc)):
        pass
    assert entered[0] == []


def test_in_and_back(tree, entered):
    with enter(tree, namespace(tree.blue, "6/ns/net")):
        assert entered[0] == [tree.own, tree.blue]
    assert entered[0] == [tree.own, tree.blue, tree.own]


def test_back_after_an_error_inside(tree, entered):
    with pytest.raises(ValueError, match="inside"), enter(tree, namespace(tree.blue, "6/ns/net")):
        raise ValueError("inside")
    assert entered[0] == [tree.own, tree.blue, tree.own]


HANDLES = {
    "first_process_ended": ("99/ns/net", "6/ns/net"),
    "pid_was_reused_in_another_namespace": ("7/ns/net", "6/ns/net"),
    "only_the_last_is_left": ("98/ns/net", "7/ns/net", "99/ns/net", "6/ns/net"),
}


@pytest.mark.parametrize("handles", HANDLES.values(), ids=HANDLES)
def test_next_handle_is_tried(tree, entered, handles):
    with enter(tree, namespace(tree.blue, *handles)):
        pass
    assert entered[0] == [tree.own, tree.blue, tree.own]


VANISHED = {
    "process_ended": (("99/ns/net",), FileNotFoundError),
    "pid_was_reused": (("7/ns/net",), ProcessLookupError),
    "both": (("7/ns/net", "99/ns/net"), FileNotFoundError),
    "no_handle": ((), ProcessLookupError),
}


@pytest.mark.parametrize("handles, kind", VANISHED.values(), ids=VANISHED)
def test_vanished_namespace(tree, entered, handles, kind):
    with pytest.raises(kind), enter(tree, namespace(tree.blue, *handles)):
        raise AssertionError("the body must not run")
    assert entered[0] == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL])
def test_refused_namespace(tree, entered, number):
    entered[1][tree.blue] = number
    with pytest.raises(OSError, match=os.strerror(number)), enter(tree, namespace(tree.blue, "6/ns/net")):
        raise AssertionError("the body must not run")
    assert entered[0] == [tree.own]


def test_way_back_is_tried_before_leaving(tree, entered):
    entered[1][tree.own] = errno.EPERM
    with pytest.raises(PermissionError), enter(tree, namespace(tree.blue, "6/ns/net")):
        raise AssertionError("the body must not run")
    assert entered[0] == []


def test_no_way_back_ends_everything(tree, entered):
    with pytest.raises(NamespaceLost) as caught, enter(tree, namespace(tree.blue, "6/ns/net")):
        entered[1][tree.own] = errno.EPERM
    assert str(caught.value) == "cannot return to the module's own network namespace (Operation not permitted); nothing that follows would be true"


@pytest.mark.parametrize("native", [True, False])
def test_setns_raises_what_the_kernel_says(tmp_path, monkeypatch, native):
    """A plain file is no namespace: EINVAL, by os.setns of Python 3.12 as well as by ctypes."""
    if not native:
        monkeypatch.delattr(os, "setns", raising=False)
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            read._setns(fd)
    finally:
        os.close(fd)
