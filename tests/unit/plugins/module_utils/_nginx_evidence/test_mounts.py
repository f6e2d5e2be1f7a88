# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file system a path is on: mounts in mounts, over others, in a chroot, and names with blanks."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_evidence.mounts import Mount, MountTable, is_network, parse_mounts
from hypothesis import given
from hypothesis import strategies as st

# Debian 12: an NFS share below /srv, and a tmpfs inside of it
HOST = b"""\
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
31 27 0:28 / /sys rw,nosuid shared:7 - sysfs sysfs rw
60 27 0:52 / /srv/www rw,relatime shared:31 - nfs4 nas:/www rw,vers=4.2
61 60 0:53 / /srv/www/cache rw,relatime - tmpfs tmpfs rw
62 27 0:54 / /srv/a\\040b rw,relatime - fuse.sshfs u@h:/ rw
"""
# A bind mount of the share over a directory, and a tmpfs over a directory that hides what was mounted below
COVERED = HOST + b"70 27 0:60 / /srv rw - tmpfs tmpfs rw\n71 70 0:52 /x /srv/www/deep rw - nfs nas:/www rw\n"
STACKED = HOST + b"80 60 0:61 / /srv/www rw - ext4 /dev/vdb rw\n"
CHROOT = b"61 60 0:53 / /cache rw,relatime - tmpfs tmpfs rw\n"  # what the process is on is above its root

KINDS = {
    "root": (HOST, b"/", b"ext4"),
    "plain": (HOST, b"/var/www/html", b"ext4"),
    "share": (HOST, b"/srv/www", b"nfs4"),
    "below_the_share": (HOST, b"/srv/www/a/b", b"nfs4"),
    "mount_in_the_share": (HOST, b"/srv/www/cache/x", b"tmpfs"),
    "name_that_begins_alike": (HOST, b"/srv/www2", b"ext4"),
    "slashes": (HOST, b"//srv///www/", b"nfs4"),
    "blank": (HOST, b"/srv/a b/c", b"fuse.sshfs"),
    "hidden_by_a_later_mount": (COVERED, b"/srv/www/cache", b"tmpfs"),
    "beside_what_is_hidden": (COVERED, b"/srv/www", b"tmpfs"),
    "in_the_later_mount": (COVERED, b"/srv/www/deep/x", b"nfs"),
    "mount_over_a_mount": (STACKED, b"/srv/www/cache", b"ext4"),
    "chroot": (CHROOT, b"/var/www", None),
    "mount_in_a_chroot": (CHROOT, b"/cache/x", b"tmpfs"),
    "empty": (b"", b"/x", None),
    "cut": (HOST[:40], b"/x", None),
}


@pytest.mark.parametrize("mountinfo, path, kind", KINDS.values(), ids=KINDS)
def test_kind(mountinfo, path, kind):
    assert MountTable(parse_mounts(mountinfo)).kind_of(path) == kind


def test_points_that_are_never_touched():
    assert MountTable(parse_mounts(HOST)).network_points == {b"/srv/www", b"/srv/a b"}


def test_mount_that_is_its_own_parent_does_not_loop():
    assert MountTable([Mount(b"1", b"1", b"/", b"rootfs")]).kind_of(b"/x") == b"rootfs"


NETWORK = {
    "nfs": (b"nfs", True), "cifs": (b"cifs", True), "fuse": (b"fuse", True), "sshfs": (b"fuse.sshfs", True), "autofs": (b"autofs", True),
    "ext4": (b"ext4", False), "block_device_by_fuse": (b"fuseblk", False), "overlay": (b"overlay", False), "nfsd": (b"nfsd", False),
}  # fmt: skip


@pytest.mark.parametrize("kind, expected", NETWORK.values(), ids=NETWORK)
def test_network(kind, expected):
    assert is_network(kind) == expected


@given(st.binary(max_size=60))
def test_any_mountinfo(data):
    MountTable(parse_mounts(data.replace(b"\\", b""))).kind_of(b"/a/b")
