# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a file inside a root: symbolic links mean what they mean in there, nothing blocks, nothing is followed out of it."""

import os
import socket

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._files import read
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS

PROC = ProcFS("/proc")


@pytest.fixture
def root(tmp_path):
    """A root with one file and links to it; beside it a file that no link may reach."""
    (tmp_path / "secret").write_bytes(b"outside")
    root = tmp_path / "root"
    (root / "etc/nginx/sites-available").mkdir(parents=True)
    (root / "etc/nginx/sites-enabled").mkdir()
    (root / "etc/nginx/sites-available/a").write_bytes(b"inside")
    for name, target in LINKS.items():
        (root / "etc/nginx/sites-enabled" / name).symlink_to(target)
    (root / "srv").symlink_to("/etc/nginx")
    return root


REAL = "/etc/nginx/sites-available/a"
LINKS = {
    "relative": "../sites-available/a",
    "absolute": REAL,
    "chain": "absolute",
    "chain_of_three": "chain",
    "through_a_linked_folder": "/srv/sites-available/a",
    "above_the_root": "../../../../../../.." + REAL,
    "out": "../../../../secret",
    "dangling": "../sites-available/b",
    "nowhere": "/gone/b",
    "loop": "loop",
    "folder": "../sites-available",
}
FOUND = ("relative", "absolute", "chain", "chain_of_three", "through_a_linked_folder", "above_the_root")


@pytest.mark.parametrize("name", FOUND)
def test_links_are_followed_inside_the_root_f16(root, name):
    with read.locate(str(root), "/etc/nginx/sites-enabled/" + name) as place:
        assert place.path == REAL
        assert read.see(place).state.data == b"inside"


ABSENT = {"dangling": "/etc/nginx/sites-available/b", "out": "/secret"}


@pytest.mark.parametrize("name, path", ABSENT.items(), ids=ABSENT)
def test_link_to_nothing_is_the_place_of_a_new_file(root, name, path):
    with read.locate(str(root), "/etc/nginx/sites-enabled/" + name) as place:
        assert (place.path, read.see(place)) == (path, None)


REFUSED = {
    "nowhere": "/etc/nginx/sites-enabled/nowhere: No such file or directory (on the way, at /)",
    "loop": "/etc/nginx/sites-enabled/loop: Too many levels of symbolic links (on the way, at /etc/nginx/sites-enabled)",
    "folder": "/etc/nginx/sites-enabled/folder: Is a directory (on the way, at /etc/nginx/sites-available)",
    "": "/etc/nginx/sites-enabled/: Is a directory",
    "..": "/etc/nginx/sites-enabled/..: Is a directory",
    "x" * 300: "/etc/nginx/sites-enabled/%s: File name too long" % ("x" * 300),
    "relative/below": "/etc/nginx/sites-enabled/relative/below: Not a directory (on the way, at /etc/nginx/sites-available)",
}


@pytest.mark.parametrize("name, sentence", REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_place_for_a_file_f16_f56(root, name, sentence):
    with pytest.raises(ReadError) as error:
        read.locate(str(root), "/etc/nginx/sites-enabled/" + name)
    assert str(error.value) == sentence


def make_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a UNIX socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket], ids=["fifo", "socket"])
def test_what_is_no_file_is_refused_and_does_not_block_f22(tmp_path, make):
    make(tmp_path / "x")
    with read.locate(str(tmp_path), "/x") as place, pytest.raises(ReadError, match=r"^/x (is not a regular file|cannot be read: No such device or address)$"):
        read.see(place)


def test_sparse_file_does_not_fill_the_memory_f61(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MOST_BYTES", 3 << 20)
    with open(tmp_path / "x", "wb") as file:
        file.truncate(1 << 40)
    with read.locate(str(tmp_path), "/x") as place, pytest.raises(ReadError, match=r"^/x is larger than 3 MiB; that is no configuration file$"):
        read.see(place)


def test_file_swapped_for_a_link_is_not_followed_f58(root, tmp_path):
    with read.locate(str(root), REAL) as place:
        (root / REAL[1:]).unlink()
        (root / REAL[1:]).symlink_to(tmp_path / "secret")
        with pytest.raises(ReadError, match=r"^/etc/nginx/sites-available/a cannot be read: Too many levels of symbolic links$"):
            read.see(place)


def test_all_of_a_file_is_seen(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff\0\r\n")
    (tmp_path / "x").chmod(0o640)
    os.link(tmp_path / "x", tmp_path / "y")
    with read.locate(str(tmp_path), "/x") as place:
        seen = read.see(place)
        assert seen.state[:4] == (b"\xff\0\r\n", 0o640, os.geteuid(), os.getegid())
        assert (seen.names, seen.inode) == (2, (tmp_path / "y").stat().st_ino)
        assert read.why_not_replaceable(PROC, place, seen) == (
            "/x has 2 names (hard links), and replacing it would leave the others with the old text; remove the other names, or make them symbolic links"
        )
        assert read.why_not_replaceable(PROC, place, seen._replace(names=1)) is None
        assert not read.is_mount_point(PROC, place)


def test_no_descriptor_stays_open(root):
    before = os.listdir("/proc/self/fd")
    for name in LINKS:
        try:
            read.locate(str(root), "/etc/nginx/sites-enabled/" + name).close()
        except ReadError:
            continue
    assert len(os.listdir("/proc/self/fd")) == len(before)
