# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files inside a root: links stay inside, and what is no regular file is never opened."""

import os
import socket

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._roots import read as roots_read
from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import ClosedFolder, Root

MOST = 1000


@pytest.fixture
def root(tmp_path):
    """A root with etc/x (inside), beside a secret that no path may reach."""
    (tmp_path / "secret").write_bytes(b"outside")
    (tmp_path / "root/etc/deep").mkdir(parents=True)
    (tmp_path / "root/etc/x").write_bytes(b"inside")
    (tmp_path / "root/secret").write_bytes(b"inside too")
    return tmp_path / "root"


def link(root, name, target):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


# what: (links to make, path, real path)
READABLE = {
    "plain": ({}, "/etc/x", "/etc/x"),
    "dots_and_slashes": ({}, "//etc/./deep//../x", "/etc/x"),
    "above_the_root": ({}, "/../../secret", "/secret"),
    "absolute_link": ({"etc/l": "/etc/x"}, "/etc/l", "/etc/x"),
    "relative_link": ({"etc/deep/l": "../x"}, "/etc/deep/l", "/etc/x"),
    "link_above_the_root": ({"etc/l": "../../../../../secret"}, "/etc/l", "/secret"),
    "link_to_a_directory": ({"conf": "/etc"}, "/conf/x", "/etc/x"),
    "relative_link_to_a_directory_on_the_way": ({"a/b": "../etc/deep"}, "/a/b/../x", "/etc/x"),
    "chain": ({"etc/a": "b", "etc/b": "/etc/c", "etc/c": "x"}, "/etc/a", "/etc/x"),
    "forty_links": ({f"l{n}": f"l{n + 1}" if n < 39 else "etc/x" for n in range(40)}, "/l0", "/etc/x"),
}


@pytest.mark.parametrize("links, path, real", READABLE.values(), ids=READABLE)
def test_reads_inside_the_root(root, links, path, real):
    for name, target in links.items():
        link(root, name, target)
    with Root(str(root)) as files:
        for _again in range(2):
            found = files.read(path, MOST)
            status = os.stat(str(root) + real)
            assert found == ((root / real[1:]).read_bytes(), real, status.st_dev, status.st_ino)


# what: (links, path, sentence)
UNREADABLE = {
    "missing": ({}, "/etc/y", "No such file or directory"),
    "missing_directory": ({}, "/no/y", "No such file or directory"),
    "file_on_the_way": ({}, "/etc/x/y", "Not a directory"),
    "dangling_link": ({"etc/l": "/secret2"}, "/etc/l", "No such file or directory"),
    "link_to_itself": ({"etc/l": "l"}, "/etc/l", "Too many levels of symbolic links"),
    "forty_one_links": ({f"l{n}": f"l{n + 1}" for n in range(42)}, "/l0", "Too many levels of symbolic links"),
    "nul": ({}, "/etc/x\0y", "the name has a NUL byte"),
    "long_name": ({}, "/etc/" + "x" * 300, "File name too long"),
    "directory": ({}, "/etc", "it is a directory, not a file"),
    "the_root": ({}, "/", "it is a directory, not a file"),
    "device": ({"etc/zero": "/dev/zero"}, "/etc/zero", "No such file or directory"),  # the root has no /dev
}


@pytest.mark.parametrize("links, path, sentence", UNREADABLE.values(), ids=UNREADABLE)
def test_says_why_it_reads_not(root, links, path, sentence):
    for name, target in links.items():
        link(root, name, target)
    with Root(str(root)) as files, pytest.raises((OSError, ReadError)) as caught:
        files.read(path, MOST)
    assert getattr(caught.value, "strerror", str(caught.value)) == sentence


def test_never_opens_what_is_no_file(root, monkeypatch):
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(root)
        listener.bind("socket")
        os.chdir(here)
    opened = []
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(path) or real_open(path, *rest, **more))
    for name in ("fifo", "socket"):
        with Root(str(root)) as files, pytest.raises(ReadError, match=f"it is a {name}, not a file".replace("fifo", "FIFO")):
            files.read("/" + name, MOST)
    assert not {"fifo", "socket"} & set(opened)
    with Root("/dev") as files, pytest.raises(ReadError, match="it is a device, not a file"):
        files.read("/zero", MOST)


def test_sizes(root):
    (root / "exact").write_bytes(b"x" * MOST)
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    with Root(str(root)) as files:
        assert len(files.read("/exact", MOST).data) == MOST
        with pytest.raises(ReadError, match=r"^it has 1073741824 bytes, and more than 1000 are not read$"):
            files.read("/sparse", MOST)
    with Root("/proc") as files, pytest.raises(ReadError, match=r"^it grew beyond 10 bytes, and more are not read$"):
        files.read("/self/status".replace("self", str(os.getpid())), 10)  # procfs says size 0


def test_file_that_is_replaced_between_look_and_open(root, monkeypatch):
    real_open = os.open

    def swapping(path, *rest, **more):
        if path == "x":
            (root / "etc/x").unlink()
            (root / "etc/x").symlink_to("/secret")
        return real_open(path, *rest, **more)

    monkeypatch.setattr(os, "open", swapping)
    with Root(str(root)) as files, pytest.raises(OSError, match="Too many levels of symbolic links"):
        files.read("/etc/x", MOST)


def test_names(root):
    link(root, "etc/dangling", "/nothing")
    (root / "etc" / os.fsdecode(b"\xff")).touch()
    with Root(str(root)) as files:
        assert sorted(files.names("/etc")) == [b"dangling", b"deep", b"x", b"\xff"]
        assert [files.exists(name) for name in ("/etc/x", "/etc/dangling", "/etc/nothing", "/etc/x/y", "/")] == [True, True, False, False, True]


def test_many_directories_need_few_descriptors(root, monkeypatch):
    monkeypatch.setattr(roots_read, "MOST_FOLDERS", 5)
    for number in range(30):
        (root / f"d{number}/e").mkdir(parents=True)
        (root / f"d{number}/e/f").write_bytes(b"%d" % number)
    before = len(os.listdir("/proc/self/fd"))
    with Root(str(root)) as files:
        for number in list(range(30)) * 2:
            assert files.read(f"/d{number}/e/f", MOST).data == b"%d" % number
        assert len(os.listdir("/proc/self/fd")) - before < 12
    assert len(os.listdir("/proc/self/fd")) == before


def test_root_that_is_none(tmp_path):
    with pytest.raises(
        ReadError, match=rf"^the directory {tmp_path}/no cannot be entered: No such file or directory; run as root, and look whether it exists$"
    ):
        Root(str(tmp_path / "no"))


# links to make, path: where the way ends
CLOSED = {
    "itself": ({}, "/srv", "/srv"),
    "below": ({}, "/srv/www/x", "/srv"),
    "through_a_link": ({"var/www": "/srv/www"}, "/var/www/x", "/srv"),
    "link_above": ({"l": "etc/../srv"}, "/l", "/srv"),
    "missing": ({}, "/srv/nothing", "/srv"),
}


@pytest.mark.parametrize("links, path, where", CLOSED.values(), ids=CLOSED)
def test_closed_directory_is_never_touched(root, monkeypatch, links, path, where):
    (root / "srv/www").mkdir(parents=True)
    for name, target in links.items():
        link(root, name, target)
    touched, real = [], os.stat
    monkeypatch.setattr(os, "stat", lambda name, **options: touched.append(name) or real(name, **options))
    with Root(str(root), frozenset(("/srv",))) as files:
        for look in (files.real_path, files.descriptor):
            with pytest.raises(ClosedFolder) as caught:
                look(path)
            assert (caught.value.path, str(caught.value)) == (where, f"{where} may not be touched, as it is on a file system that may hang")
    assert "srv" not in touched


def test_beside_a_closed_directory(root):
    with Root(str(root), frozenset(("/srv", "/etc/deep"))) as files:
        assert files.real_path("/etc/./x") == "/etc/x"
        descriptor = files.descriptor("/etc/x")
    assert os.read(descriptor, 100) == b"inside"
    os.close(descriptor)
