# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories to cover, and what is mounted below them, from texts alone."""

import posixpath

from .._namespaces.model import unescaped

# Where a tmpfs can be mounted for a moment: standard directories, of which any will do that holds none of the files concerned.
SCRATCH = ("/mnt", "/media", "/srv", "/opt", "/home", "/tmp", "/run", "/boot", "/var", "/usr", "/etc")  # noqa: S108
# The kernel's own trees. What is written there is a device or a descriptor, not a file that stays.
NEVER_COVERED = ("/dev", "/proc", "/sys")


def is_below(path, folder):
    """True when ``path`` is ``folder`` or inside it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def mounts_below(mountinfo, folder):
    """Return the topmost visible mount points (bytes) below ``folder`` (bytes), in mount order: proc(5), fields 1, 2 and 5."""
    mounts = {}
    for line in mountinfo.split(b"\n"):
        fields = line.split(b" ")
        if len(fields) > 5:
            mounts[fields[0]] = (fields[1], unescaped(fields[4]))
    siblings = {}
    for parent, point in mounts.values():
        siblings.setdefault(parent, set()).add(point)
    below = folder.rstrip(b"/") + b"/"
    found = [point for number, (_parent, point) in mounts.items() if point.startswith(below) and not _is_hidden(number, mounts, siblings)]
    return [point for point in dict.fromkeys(found) if not any(point.startswith(other + b"/") for other in found)]


def _is_hidden(number, mounts, siblings):
    """True when a later mount lies over a directory on the way to the mount, or over one of those that it is mounted in."""
    while number in mounts:
        parent, point = mounts[number]
        above = point
        while above not in (b"/", b""):
            above = above.rpartition(b"/")[0] or b"/"
            if above in siblings[parent] and point != above:
                return True
        number = parent
    return False


def _overlap(one, other):
    return is_below(one, other) or is_below(other, one)


def scratch_candidates(paths):
    """Return the directories of SCRATCH that hold none of ``paths`` and are inside none of them."""
    return [folder for folder in SCRATCH if not any(_overlap(folder, path) for path in paths)]


def covers(folders):
    """Return the directories to cover, each once and none inside another: outer ones first. ``/`` cannot be covered."""
    wanted = sorted({posixpath.normpath(folder) for folder in folders})
    wanted = [folder for folder in wanted if folder != "/" and not any(is_below(folder, tree) for tree in NEVER_COVERED)]
    return [folder for folder in wanted if not any(folder != other and is_below(folder, other) for other in wanted)]
