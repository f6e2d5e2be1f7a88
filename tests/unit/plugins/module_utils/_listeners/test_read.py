# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces as users name them."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._listeners.read import chosen_namespace, namespace_of_inode
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.read import own_namespace
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail


@pytest.fixture
def tree(tmp_path):
    """Processes 12 and 13, and the namespace blue; each namespace is a file."""
    tree = Tree(tmp_path)
    tree.link("12/ns/net", tree.file("door"))
    tree.file("self/root/run/netns/blue")
    tree.file("self/root/var/run/netns/old")
    tree.file("self/root/run/docker/netns/abc")
    return tree


def chosen(tree, *choice):
    return chosen_namespace(tree.proc, own_namespace(tree.proc), *choice)


NAMES = {
    "pid_as_text": (("12", None), "12/ns/net"),
    "pid": ((None, 12), "12/ns/net"),
    "name_before_pid": (("blue", 12), "self/root/run/netns/blue"),
    "name": (("blue",), "self/root/run/netns/blue"),
    "name_on_an_old_system": (("old",), "self/root/var/run/netns/old"),
    "path": (("/run/docker/netns/abc",), "self/root/run/docker/netns/abc"),
}


@pytest.mark.parametrize("choice, handle", NAMES.values(), ids=NAMES)
def test_namespace(tree, choice, handle):
    namespace = chosen(tree, *choice)
    assert (namespace.handles, namespace.id.inode, namespace.is_own) == ((handle,), (tree.root / handle).stat().st_ino, False)


@pytest.mark.parametrize("choice", [(), (None, None), ("", None), (" ", None)])
def test_own_namespace_by_default(tree, choice):
    assert chosen(tree, *choice).is_own


WRONG = {
    "name": ("red", "netns: there is no network namespace red; there is blue"),
    "way_out": ("../blue", "netns: there is no network namespace ../blue; there is blue"),
    "dots": ("..", "netns: there is no network namespace ..; there is blue"),
    "path": ("/run/netns/red", "netns: there is no network namespace /run/netns/red; there is blue"),
    "below_a_file": ("/run/netns/blue/x", "netns: there is no network namespace /run/netns/blue/x; there is blue"),
    "pid": ("99", "there is no process 99"),
    "inode": ("4026999999", "network namespace 4026999999 is not there"),
}


@pytest.mark.parametrize("name, sentence", WRONG.values(), ids=WRONG)
def test_no_such_namespace(tree, name, sentence):
    with pytest.raises(InputError) as raised:
        chosen(tree, name)
    assert str(raised.value) == sentence


def test_namespaces_without_names(tmp_path):
    with pytest.raises(InputError) as raised:
        chosen(Tree(tmp_path), "red")
    assert str(raised.value) == "netns: there is no network namespace red; name its process or its inode"


def test_a_namespace_that_may_not_be_seen(tree, monkeypatch):
    fail(monkeypatch, "stat", "12/ns/net", 13)
    with pytest.raises(Exception) as raised:
        chosen(tree, "12")
    assert str(raised.value) == "%s/12/ns/net may not be read; become root (CAP_SYS_PTRACE) on the host" % tree.root


def test_a_namespace_by_its_inode(tree):
    own = own_namespace(tree.proc)
    assert namespace_of_inode(tree.proc, own, own.id.inode) == own
    tree.process(20, netns=4026531999)
    assert namespace_of_inode(tree.proc, own, 4026531999).handles == ("20/ns/net",)
    assert chosen(tree, "4026531999").pids == (20,)


def test_an_inode_that_may_be_hidden(tree, monkeypatch):
    tree.process(20, netns=4026531999)
    fail(monkeypatch, "readlink", "20/ns/net", 13)
    with pytest.raises(InputError) as raised:
        chosen(tree, "4026531999")
    assert str(raised.value) == "network namespace 4026531999 is not there; become root (CAP_SYS_PTRACE) on the host to see all"
