# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of sysctl.d inside a root, and what applies them when that system boots."""

import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import Root
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_boot.read import MOST_BYTES, boot_files, find_loader

KEY = "net.core.somaxconn"


def make(root, tree):
    """{path: text, bytes, ("->", target) or None for a directory} below ``root``."""
    for name, content in tree.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir()
        elif isinstance(content, tuple):
            path.symlink_to(content[1])
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(path):
    problems = Problems()
    with Root(str(path)) as root:
        return boot_files(root, problems), problems


FOUND = {
    "nothing": ({}, []),
    "directories_in_their_order": (
        {"/usr/lib/sysctl.d/b.conf": "1", "/run/sysctl.d/b.conf": "2", "/etc/sysctl.d/b.conf": "3", "/usr/local/lib/sysctl.d/b.conf": "4"},
        [("/etc/sysctl.d/b.conf", b"3"), ("/run/sysctl.d/b.conf", b"2"), ("/usr/local/lib/sysctl.d/b.conf", b"4"), ("/usr/lib/sysctl.d/b.conf", b"1")],
    ),
    "sysctl_conf_last": ({"/etc/sysctl.conf": "1", "/usr/lib/sysctl.d/b.conf": "2"}, [("/usr/lib/sysctl.d/b.conf", b"2"), ("/etc/sysctl.conf", b"1")]),
    "merged_usr_shows_a_file_once": ({"/usr/lib/sysctl.d/b.conf": "1", "/lib": ("->", "usr/lib")}, [("/usr/lib/sysctl.d/b.conf", b"1")]),
    "split_usr": ({"/usr/lib/sysctl.d/b.conf": "1", "/lib/sysctl.d/c.conf": "2"}, [("/usr/lib/sysctl.d/b.conf", b"1"), ("/lib/sysctl.d/c.conf", b"2")]),
    "absolute_link_stays_inside_the_root": (
        {"/etc/sysctl.conf": "1", "/etc/sysctl.d/99-sysctl.conf": ("->", "/etc/sysctl.conf")},
        [("/etc/sysctl.d/99-sysctl.conf", b"1"), ("/etc/sysctl.conf", b"1")],
    ),
    "dangling_link": ({"/etc/sysctl.d/b.conf": ("->", "nowhere")}, [("/etc/sysctl.d/b.conf", None)]),
    "link_to_itself": ({"/etc/sysctl.d/b.conf": ("->", "b.conf")}, [("/etc/sysctl.d/b.conf", None)]),
    "directory_with_the_name_of_a_file": ({"/etc/sysctl.d/b.conf": None}, [("/etc/sysctl.d/b.conf", None)]),
    "name_without_the_suffix": ({"/etc/sysctl.d/99-web": "1", "/etc/sysctl.d/sub": None}, [("/etc/sysctl.d/99-web", b"1")]),
    "sysctl_conf_is_a_directory": ({"/etc/sysctl.conf": None}, []),
    "name_that_is_no_text": ({os.fsdecode(b"/etc/sysctl.d/\xff.conf"): "1"}, [(os.fsdecode(b"/etc/sysctl.d/\xff.conf"), b"1")]),
}


@pytest.mark.parametrize("tree, expected", FOUND.values(), ids=FOUND)
def test_files_that_are_found(tmp_path, tree, expected):
    make(tmp_path, tree)
    files, _problems = read(tmp_path)
    assert [(file.path, file.data) for file in files] == expected


def test_link_names_the_real_file(tmp_path):
    make(tmp_path, {"/etc/sysctl.conf": "1", "/etc/sysctl.d/99-sysctl.conf": ("->", "../sysctl.conf")})
    assert [file.real for file in read(tmp_path)[0]] == ["/etc/sysctl.conf", "/etc/sysctl.conf"]


def test_fifo_does_not_block(tmp_path):
    make(tmp_path, {"/etc/sysctl.d": None})
    os.mkfifo(tmp_path / "etc/sysctl.d/b.conf")
    (file,) = read(tmp_path)[0]
    assert (file.data, file.fault) == (None, "it is a FIFO, not a file")


def test_file_that_is_far_too_large_is_a_problem(tmp_path):
    make(tmp_path, {"/etc/sysctl.d/b.conf": ""})
    os.truncate(tmp_path / "etc/sysctl.d/b.conf", 1 << 40)
    files, problems = read(tmp_path)
    assert files[0].data is None
    sentence = f"/etc/sysctl.d/b.conf cannot be used: it has {1 << 40} bytes, and more than {MOST_BYTES} are not read"
    assert problems.as_list() == [{"code": "sysctl_files_unreadable", "message": sentence, "count": 1}]
    assert problems.partial


SYSTEMD, INIT, SYSCTL = "/usr/lib/systemd/systemd-sysctl", "/sbin/init", "/usr/sbin/sysctl"
BOOTED = {"/run/systemd/system": None, SYSTEMD: "x"}
LOADERS = {
    "systemd_runs": (BOOTED, "auto", ("systemd-sysctl", "systemd-sysctl", "systemd is running")),
    "image_with_systemd": (
        {"/usr/lib/systemd/systemd": "x", SYSTEMD: "x", INIT: ("->", "../usr/lib/systemd/systemd")}, "auto",
        ("systemd-sysctl", "systemd-sysctl", "/sbin/init is systemd"),
    ),
    "systemd_without_its_loader": ({"/run/systemd/system": None}, "auto", (None, None, "systemd is here, but systemd-sysctl is not installed")),
    "masked_by_a_link": (
        {**BOOTED, "/etc/systemd/system/systemd-sysctl.service": ("->", "/dev/null"), "/dev/null": ""}, "auto",
        (None, None, "systemd-sysctl.service is masked"),
    ),
    "unit_of_the_admin": (
        {**BOOTED, "/etc/systemd/system/systemd-sysctl.service": "[Unit]"}, "auto", ("systemd-sysctl", "systemd-sysctl", "systemd is running"),
    ),
    "sysvinit": (
        {INIT: "x", "/etc/init.d/procps": "x", SYSCTL: b"\0procps-ng 4.0.2\0"}, "auto",
        ("procps", "procps", "there is no systemd, and an init script runs sysctl --system"),
    ),
    "container_without_init": ({SYSCTL: b"procps-ng 4.0.2"}, "auto", (None, None, "no init system that reads sysctl.d was found")),
    "empty_root": ({}, "auto", (None, None, "no init system that reads sysctl.d was found")),
    "asked_for": ({}, "systemd-sysctl", ("systemd-sysctl", "systemd-sysctl", "it was asked for")),
    "old_procps": ({SYSCTL: b"%s from %s\0procps-ng 3.3.17\0"}, "procps", ("procps", "procps-3.3", "it was asked for")),
    "procps_4_0_4": ({"/sbin/sysctl": b"procps-ng 4.0.4"}, "procps", ("procps", "procps", "it was asked for")),
    "procps_4_0_5": ({"/usr/bin/sysctl": b"procps-ng 4.0.5"}, "procps", ("procps", "procps-4.0.5", "it was asked for")),
    "no_procps_at_all": ({}, "procps", ("procps", "procps", "it was asked for")),
}  # fmt: skip


@pytest.mark.parametrize("tree, wanted, expected", LOADERS.values(), ids=LOADERS)
def test_loader(tmp_path, tree, wanted, expected):
    make(tmp_path, tree)
    with Root(str(tmp_path)) as root:
        assert tuple(find_loader(root, wanted)) == expected
