# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories are covered, and what is mounted below them."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sandbox.mounts import covers, is_below, mounts_below, scratch_candidates

MOUNTS = {
    "none": ([], []),
    "elsewhere": (["/", "/var", "/var/logs"], []),
    "itself": (["/var/log"], []),
    "below": (["/", "/var/log/a", "/var/log/b"], [b"/var/log/a", b"/var/log/b"]),
    "nested_ones_move_with_the_outer": (["/var/log/a", "/var/log/a/b", "/var/log/ab"], [b"/var/log/a", b"/var/log/ab"]),
    "nested_ones_mounted_first": (["/var/log/a/b", "/var/log/a"], [b"/var/log/a"]),
    "twice_at_one_place": (["/var/log/a", "/var/log/a"], [b"/var/log/a"]),
    "blank_in_the_name": (["/var/log/a\\040b"], [b"/var/log/a b"]),
}


def mountinfo(*mounts):
    """The text for (number, parent, mount point)."""
    return b"".join(b"%d %d 0:4 / %s rw - tmpfs tmpfs rw\n" % (number, parent, point.encode()) for number, parent, point in mounts)


@pytest.mark.parametrize("points, found", MOUNTS.values(), ids=MOUNTS)
def test_mounts_below_a_folder(points, found):
    """Each in the file system of its own number."""
    text = mountinfo(*[(number, 100 + number, point) for number, point in enumerate(points, 1)])
    assert mounts_below(text, b"/var/log") == found
    assert mounts_below(text[:-1], b"/var/log") == found


VISIBLE = {
    "in_the_same_file_system": ([(1, 0, "/"), (2, 1, "/run/a"), (3, 1, "/run/b")], [b"/run/a", b"/run/b"]),
    "in_one_that_is_mounted_there": ([(1, 0, "/"), (2, 1, "/run"), (3, 2, "/run/a"), (4, 3, "/run/a/b")], [b"/run/a"]),
    "hidden_by_a_later_mount_over_the_folder": ([(1, 0, "/"), (2, 1, "/run/a"), (3, 1, "/run")], []),
    "hidden_by_a_second_mount_at_one_place": ([(1, 0, "/"), (2, 1, "/run"), (3, 2, "/run/a"), (4, 2, "/run"), (5, 4, "/run/b")], [b"/run/b"]),
    "inside_a_hidden_one": ([(1, 0, "/"), (2, 1, "/run/a"), (3, 2, "/run/a/b"), (4, 1, "/run")], []),
    "mounted_over_itself": ([(1, 0, "/"), (2, 1, "/run/a"), (3, 2, "/run/a")], [b"/run/a"]),
    "root_mounted_over": ([(1, 0, "/"), (2, 1, "/run/a"), (3, 1, "/"), (4, 3, "/run/b")], [b"/run/b"]),
}


@pytest.mark.parametrize("mounts, found", VISIBLE.values(), ids=VISIBLE)
def test_hidden_mounts_do_not_count(mounts, found):
    assert mounts_below(mountinfo(*mounts), b"/run") == found


@pytest.mark.parametrize("text", [b"", b"\n\n", b"1 2 3\n", b"500 27 0:4 / "])
def test_mountinfo_that_is_cut_short(text):
    assert mounts_below(text, b"/var/log") == []


COVERED = {
    "each_once": (["/run", "/run/", "/run/."], ["/run"]),
    "inner_ones_are_covered_by_the_outer": (["/var/log/nginx", "/var", "/var/lib"], ["/var"]),
    "names_that_begin_alike": (["/var/log", "/var/log2"], ["/var/log", "/var/log2"]),
    "the_root_cannot_be": (["/", "/run"], ["/run"]),
    "kernel_trees": (["/dev", "/dev/shm", "/proc/self/fd", "/sys", "/devices"], ["/devices"]),
    "nothing": ([], []),
}  # fmt: skip


@pytest.mark.parametrize("folders, found", COVERED.values(), ids=COVERED)
def test_folders_to_cover(folders, found):
    assert covers(folders) == found


SCRATCHES = {
    "anything": (["/etc/nginx/nginx.conf"], "/mnt"),
    "configuration_there": (["/mnt/nginx.conf", "/media/logs"], "/srv"),
    "folder_inside": (["/mnt", "/etc/nginx"], "/media"),
    "whole_folder": (["/mn"], "/mnt"),
}


@pytest.mark.parametrize("paths, first", SCRATCHES.values(), ids=SCRATCHES)
def test_place_for_the_tmpfs(paths, first):
    found = scratch_candidates(paths)
    assert found[0] == first
    assert not any(is_below(path, folder) for path in paths for folder in found)


def test_no_place_for_the_tmpfs():
    assert scratch_candidates(["/"]) == []
