# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a file where the machine is against it: what was there stays, nothing is left, and one sentence says why."""

import os
import resource
import shutil
import struct

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import Change, FileState, FileTarget
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ReadError, WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._files.read import locate, see, why_not_replaceable
from ansible_collections.netops.listen_queue.plugins.module_utils._files.write import apply_files
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from kernel_rooms import MS_BIND, drop_privileges, in_child, mount, run

PROC = ProcFS("/proc")
MS_RDONLY_REMOUNT = 1 | 32 | MS_BIND
OLD = b"old\n"


def path_of(folder, name="nginx.conf"):
    path = folder / name
    path.write_bytes(OLD)
    return path


def replace(*paths, data=b"new\n"):
    changes = []
    for path in paths:
        with locate("/", str(path)) as place:
            seen = see(place)
            before = seen.state if seen else None
            after = (before or FileState(b"", 0o644, 0, 0))._replace(data=data)
            changes.append(Change("file", FileTarget("/", place.path), before, after))
    apply_files(changes, PROC)


def refusal(*paths, **options):
    with pytest.raises(WriteError) as error:
        replace(*paths, **options)
    return str(error.value)


def obstacle(path):
    """What check mode says."""
    with locate("/", str(path)) as place:
        return why_not_replaceable(PROC, place, see(place))


def test_full_disk_f11(tmp_path):
    mount("tmpfs", tmp_path, "tmpfs", 0, "size=64k")
    first, second = path_of(tmp_path, "a"), path_of(tmp_path, "b")
    assert refusal(first, second, data=b"x" * 50000).endswith("b: the new version cannot be written: No space left on device; nothing was changed")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert (first.read_bytes(), second.read_bytes()) == (OLD, OLD)
    replace(first, second)
    assert (first.read_bytes(), second.read_bytes()) == (b"new\n", b"new\n")


def test_no_inode_left_f12(tmp_path):
    mount("tmpfs", tmp_path, "tmpfs", 0, "size=1m,nr_inodes=3")
    first, second = path_of(tmp_path, "a"), path_of(tmp_path, "b")
    assert refusal(first, second).endswith("a: the new version cannot be written: No space left on device; nothing was changed")
    assert (sorted(os.listdir(tmp_path)), first.read_bytes()) == (["a", "b"], OLD)


def test_too_many_open_files_f12(tmp_path):
    path = path_of(tmp_path)

    def starved():
        used = len(os.listdir("/proc/self/fd")) - 1
        sentences = set()
        for more in range(12):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + more, 4096))
            try:
                replace(path)
            except (ReadError, WriteError) as error:
                sentences.add("Too many open files" in str(error))
                assert path.read_bytes() == OLD
            else:
                break
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        return sentences, os.listdir(tmp_path), path.read_bytes()

    assert in_child(starved) == ({True}, ["nginx.conf"], b"new\n")


def test_read_only_mount_is_seen_before_anything_f13(tmp_path):
    path = path_of(tmp_path)
    mount(tmp_path, tmp_path, "none", MS_BIND)
    mount("none", tmp_path, "none", MS_RDONLY_REMOUNT)
    sentence = f"{path} is on a read-only file system; nothing was changed"
    assert (obstacle(path), refusal(path)) == (sentence, sentence)


FLAGS = {
    "immutable_file": ("+i", "{path} is immutable or append-only; take the flag away with chattr, or leave the file as it is"),
    "append_only_file": ("+a", "{path} is immutable or append-only; take the flag away with chattr, or leave the file as it is"),
    "immutable_folder": ("+i.", "the directory of {path} is immutable or append-only; take the flag away with chattr, or leave the file as it is"),
    "append_only_folder": ("+a.", "the directory of {path} is immutable or append-only; take the flag away with chattr, or leave the file as it is"),
}


@pytest.mark.parametrize("flag, sentence", FLAGS.values(), ids=FLAGS)
def test_immutable_and_append_only_f15(tmp_path, flag, sentence):
    path = path_of(tmp_path)
    target = tmp_path if flag.endswith(".") else path
    run("chattr", flag[:2], str(target))
    try:
        assert obstacle(path) == refusal(path) == sentence.format(path=path)
        assert (path.read_bytes(), os.listdir(tmp_path)) == (OLD, ["nginx.conf"])
    finally:
        run("chattr", "-" + flag[1], str(target))
    replace(path)


def test_file_that_is_a_mount_f15(tmp_path):
    path, host = path_of(tmp_path), path_of(tmp_path, "host")
    mount(host, path, "none", MS_BIND)
    sentence = f"{path} is a mount of its own and cannot be replaced from here; change the file that is mounted there"
    assert (obstacle(path), refusal(path)) == (sentence, sentence)
    assert sorted(os.listdir(tmp_path)) == ["host", "nginx.conf"]


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY_READS = acl((1, 6, 0xFFFFFFFF), (2, 4, 65534), (4, 4, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF))
ALL_READ = acl((1, 7, 0xFFFFFFFF), (2, 7, 65534), (4, 7, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 7, 0xFFFFFFFF))
ATTRIBUTES = {
    "system.posix_acl_access": NOBODY_READS,
    "security.selinux": b"system_u:object_r:httpd_config_t:s0\0",
    "security.capability": struct.pack("<IIIII", 0x02000000, 0x400, 0, 0, 0),
    "user.note": b"keep",
    "trusted.note": b"keep",
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_extended_attributes_stay_f19(tmp_path, name):
    path = path_of(tmp_path)
    os.setxattr(path, name, ATTRIBUTES[name])
    mode = path.stat().st_mode
    replace(path)
    assert (path.read_bytes(), path.stat().st_mode, os.listxattr(path)) == (b"new\n", mode, [name])
    assert os.getxattr(path, name) == ATTRIBUTES[name]


def test_default_acl_of_the_directory_opens_no_file_f19(tmp_path):
    path = path_of(tmp_path)
    path.chmod(0o600)
    os.setxattr(tmp_path, "system.posix_acl_default", ALL_READ)
    replace(path)
    assert (path.stat().st_mode & 0o7777, os.listxattr(path)) == (0o600, [])


def test_owner_group_and_mode_stay_in_a_setgid_directory_f19(tmp_path):
    path = path_of(tmp_path)
    os.chown(tmp_path, 0, 50)
    tmp_path.chmod(0o2755)
    os.chown(path, 33, 4)
    path.chmod(0o4640)
    replace(path)
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (33, 4, 0o4640)


def test_directory_of_others_is_refused_before_anything(tmp_path):
    os.mkdir("/run/etc", 0o755)
    shutil.copy(path_of(tmp_path), "/run/etc/nginx.conf")
    sentence = "the directory of /run/etc/nginx.conf may not be written; become root"
    assert in_child(lambda: obstacle("/run/etc/nginx.conf"), before=drop_privileges) == sentence


def test_device_in_the_place_of_a_file_f22(tmp_path):
    os.mknod(tmp_path / "null", 0o20666, os.makedev(1, 3))
    with pytest.raises(ReadError, match="null is not a regular file"):
        replace(tmp_path / "null")
