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
    """Return the topmost mount points (bytes) below ``folder`` (bytes), in mount order: proc(5), field 5."""
    found = []
    for line in mountinfo.split(b"\n"):
        fields = line.split(b" ")
        if len(fields) > 4:
            point = unescaped(fields[4])
            if point != folder and point.startswith(folder.rstrip(b"/") + b"/") and point not in found:
                found.append(point)
    return [point for point in found if not any(point != other and point.startswith(other + b"/") for other in found)]


def scratch_candidates(paths):
    """Return the directories of SCRATCH that hold none of ``paths`` and are inside none of them."""
    return [folder for folder in SCRATCH if not any(is_below(path, folder) or is_below(folder, path) for path in paths)]


def covers(folders):
    """Return the directories to cover, each once and none inside another: outer ones first. ``/`` cannot be covered."""
    wanted = sorted({posixpath.normpath(folder) for folder in folders})
    wanted = [folder for folder in wanted if folder != "/" and not any(is_below(folder, tree) for tree in NEVER_COVERED)]
    return [folder for folder in wanted if not any(folder != other and is_below(folder, other) for other in wanted)]
