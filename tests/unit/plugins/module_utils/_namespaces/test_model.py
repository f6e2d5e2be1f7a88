# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links and mounts of namespaces, with the names that people and attackers choose."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.model import inode_of_link, netns_mounts, netns_name, unescaped
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import mount_line
from hypothesis import given
from hypothesis import strategies as st

LINKS = {
    "network": ("net:[4026531840]", 4026531840), "mount": ("mnt:[4026531840]", None), "vanished": (None, None), "empty": ("", None),
    "socket": ("socket:[7]", None), "file": ("/run/netns/net:[5]", None), "no_digits": ("net:[x]", None), "no_inode": ("net:[]", None),
    "negative": ("net:[-1]", None), "deleted_file_of_that_name": ("net:[5] (deleted)", None),
}  # fmt: skip


@pytest.mark.parametrize("link, inode", LINKS.values(), ids=LINKS)
def test_inode_of_link(link, inode):
    assert inode_of_link(link) == inode


ROOT = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
MOUNTS = {
    "none": (b"", []),
    "no_namespaces": (ROOT, []),
    "ip_netns": (ROOT + mount_line(5, "/run/netns/blue"), [(5, b"/run/netns/blue")]),
    "docker": (mount_line(5, "/run/docker/netns/1a2b3c"), [(5, b"/run/docker/netns/1a2b3c")]),
    "same_namespace_twice": (mount_line(5, "/run/netns/a") + mount_line(5, "/run/netns/b"), [(5, b"/run/netns/a"), (5, b"/run/netns/b")]),
    "blank_tab_newline_backslash": (mount_line(5, r"/run/netns/a\040b\011c\012d\134e"), [(5, b"/run/netns/a b\tc\nd\\e")]),
    "escape_that_is_part_of_a_name": (mount_line(5, r"/run/netns/x\134040y"), [(5, b"/run/netns/x\\040y")]),
    "fake_separator_in_a_name": (mount_line(5, r"/run/netns/x\040-\040nsfs\040y"), [(5, b"/run/netns/x - nsfs y")]),
    "other_namespaces": (mount_line(5, "/run/x", root="mnt:[5]") + mount_line(6, "/run/y", root="uts:[6]"), []),
    "other_filesystem_with_such_a_root": (mount_line(5, "/run/netns/blue", kind="ext4"), []),
    "not_utf8": (mount_line(5, "/run/netns/blue").replace(b"blue", b"\xe9"), [(5, b"/run/netns/\xe9")]),
    "without_optional_fields": (b"500 27 0:4 net:[5] /run/netns/blue rw - nsfs nsfs rw\n", [(5, b"/run/netns/blue")]),
    "with_two_optional_fields": (b"500 27 0:4 net:[5] /run/netns/blue rw shared:2 master:3 - nsfs nsfs rw\n", [(5, b"/run/netns/blue")]),
    "file_below_a_namespace_is_none": (mount_line(5, "/run/netns/blue", root="/net:[5]"), []),
}


@pytest.mark.parametrize("mountinfo, found", MOUNTS.values(), ids=MOUNTS)
def test_mounts_of_network_namespaces(mountinfo, found):
    assert netns_mounts(mountinfo) == found


@given(st.binary(max_size=40))
def test_escaping_is_undone(name):
    """seq_path() escapes exactly these four bytes, as three octal digits."""
    escaped = b"".join(b"\\%03o" % byte if byte in b" \t\n\\" else bytes([byte]) for byte in name)
    assert unescaped(escaped) == name


NAMES = {
    "run": ("/run/netns/blue", "blue"), "var_run": ("/var/run/netns/blue", "blue"), "docker": ("/run/docker/netns/1a2b", None),
    "cni": ("/var/run/netns/cni-1234", "cni-1234"), "deeper": ("/run/netns/a/b", None), "chroot": ("/mnt/run/netns/blue", None),
    "nothing": ("", None), "blank": ("/run/netns/a b", "a b"), "folder_itself": ("/run/netns", None), "unlinked": ("/run/netns/blue//deleted", None),
}  # fmt: skip


@pytest.mark.parametrize("mount_point, name", NAMES.values(), ids=NAMES)
def test_name_as_ip_netns_shows_it(mount_point, name):
    assert netns_name(mount_point) == name
