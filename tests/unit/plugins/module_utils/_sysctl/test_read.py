# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysctl names, values, and files that are missing, masked or not readable."""

import errno
from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.names import path_of
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.read import read_sysctls, value_of
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail

NAMES = {
    "dots": ("net.core.somaxconn", "net/core/somaxconn"),
    "slashes": ("net/core/somaxconn", "net/core/somaxconn"),
    "vlan_with_dots_first": ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    "vlan_with_slashes_first": ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    "one_word": ("kernel", "kernel"),
}


@pytest.mark.parametrize("key, path", NAMES.values(), ids=NAMES)
def test_path(key, path):
    assert path_of(key) == path


VALUES = {
    "number": (b"4096\n", 4096),
    "negative": (b"-1\n", -1),
    "zero": (b"0\n", 0),
    "without_newline": (b"128", 128),
    "larger_than_64_bits": (b"99999999999999999999\n", 99999999999999999999),
    "three_numbers": (b"4096\t131072\t6291456\n", "4096 131072 6291456"),
    "word": (b"cubic\n", "cubic"),
    "empty": (b"\n", ""),
    "nothing": (b"", ""),
    "hexadecimal_is_text": (b"0x10\n", "0x10"),
    "not_utf8": (b"\xff\n", "\\xff"),
}


@pytest.mark.parametrize("raw, value", VALUES.values(), ids=VALUES)
def test_value(raw, value):
    assert value_of(raw) == value
    assert value_of(raw).__class__ is value.__class__


def row(key, since="2.6.24"):
    return SimpleNamespace(key=key, since=since)


SOMAXCONN, MIGRATE = row("net.core.somaxconn"), row("net.ipv4.tcp_migrate_req", "5.14")


def test_values_are_read_by_key(tmp_path):
    tree, problems = Tree(tmp_path), Problems()
    tree.file("sys/net/core/somaxconn", b"4096\n")
    tree.file("sys/net/ipv4/tcp_migrate_req", b"0\n")
    assert read_sysctls(tree.proc, (SOMAXCONN, MIGRATE), "6.1.0", problems, 7) == {"net.core.somaxconn": 4096, "net.ipv4.tcp_migrate_req": 0}
    assert problems.as_list() == []


MISSING = {
    "hidden": (SOMAXCONN, "4.18.0", True, "net.core.somaxconn does not exist here; this kernel hides it from the namespace, or /proc/sys is masked"),
    "younger_than_the_kernel": (MIGRATE, "4.18.0-553.el8.x86_64", False, "net.ipv4.tcp_migrate_req does not exist in this kernel; it came with 5.14"),
    "younger_key_hidden": (
        MIGRATE, "5.14.0-503.el9", True,
        "net.ipv4.tcp_migrate_req does not exist here; this kernel hides it from the namespace, or /proc/sys is masked",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wanted, release, partial, sentence", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESRCH])
@pytest.mark.parametrize("gone", ["the key", "its folder"])
def test_missing_key_is_null_with_a_problem(tmp_path, monkeypatch, gone, number, wanted, release, partial, sentence):
    tree, problems = Tree(tmp_path), Problems()
    path = "sys/" + path_of(wanted.key)
    if "folder" in gone:
        fail(monkeypatch, "open", path.rsplit("/", 1)[0], number)
    else:
        tree.file(path, b"1\n")
        fail(monkeypatch, "open", path.rsplit("/", 1)[1], number)
    assert read_sysctls(tree.proc, (wanted,), release, problems, 7) == {wanted.key: None}
    assert problems.as_list() == [{"code": "sysctl_missing", "message": sentence, "count": 1, "netns": 7}]
    assert problems.partial is partial


@pytest.mark.parametrize("number, text", [(errno.EACCES, "Permission denied"), (errno.EIO, "Input/output error")])
def test_unreadable_key_is_null_and_the_others_are_read(tmp_path, monkeypatch, number, text):
    tree, problems = Tree(tmp_path), Problems()
    tree.file("sys/net/ipv4/tcp_migrate_req", b"1\n")
    tree.file("sys/net/core/somaxconn", b"4096\n")
    fail(monkeypatch, "open", "somaxconn", number)
    values = read_sysctls(tree.proc, (SOMAXCONN, MIGRATE), "6.1.0", problems, None)
    assert values == {"net.core.somaxconn": None, "net.ipv4.tcp_migrate_req": 1}
    assert problems.as_list() == [{"code": "sysctl_unreadable", "message": f"net.core.somaxconn cannot be read: {text}", "count": 1}]
    assert problems.partial
