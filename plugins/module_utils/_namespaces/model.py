# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces as records, and the text of /proc that names them."""

import re
from typing import NamedTuple, Tuple

NSFS_ROOT = re.compile(rb"net:\[(\d+)\]\Z")
OCTAL = re.compile(rb"\\([0-7]{3})")


class NamespaceId(NamedTuple):
    """What identifies a namespace while it exists: device and inode of its nsfs file."""

    device: int
    inode: int


class Namespace(NamedTuple):
    """One network namespace: where it can be opened (any of ``handles``, below the procfs root), its pids, and its names."""

    id: NamespaceId
    handles: Tuple[str, ...]
    pids: Tuple[int, ...]
    mounts: Tuple[str, ...]
    is_own: bool


def inode_of_link(link):
    """Return the inode of a ``net:[4026531840]`` link, or ``None`` when it is something else."""
    if link is None or not link.startswith("net:[") or not link.endswith("]"):
        return None
    return int(link[5:-1])


def netns_mounts(mountinfo):
    """Return ``[(inode, mount point bytes)]`` of the network namespaces in a mountinfo file (proc(5), fields 4, 5 and 9)."""
    found = []
    for line in mountinfo.split(b"\n"):
        if b" - nsfs " not in line:
            continue
        fields = line.split(b" ")
        match = NSFS_ROOT.match(fields[3])
        if match:
            found.append((int(match.group(1)), OCTAL.sub(lambda octal: bytes([int(octal.group(1), 8)]), fields[4])))
    return found


def netns_name(mount_point):
    """Return the name that ``ip netns`` shows for a mount point, or ``None`` when it lies elsewhere (docker, CRI)."""
    folder, _slash, name = mount_point.rpartition("/")
    return name if folder in ("/run/netns", "/var/run/netns") else None
