# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces as records, and the text of /proc that names them."""

from typing import NamedTuple, Tuple


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
    if link is None or not link.startswith("net:["):
        return None
    digits = link[5:-1]
    return int(digits) if digits.isdigit() else None


def netns_mounts(mountinfo):
    """Return ``[(inode, mount point bytes)]`` of the network namespaces in a mountinfo file (proc(5), fields 4, 5 and 9)."""
    found = []
    for line in mountinfo.split(b"\n"):
        if b" - nsfs " in line:
            fields = line.split(b" ")
            inode = inode_of_link(fields[3].decode("ascii", "backslashreplace"))
            if inode is not None:
                found.append((inode, unescaped(fields[4])))
    return found


def unescaped(field):
    """Return a mountinfo field with its ``\\040`` escapes (blank, tab, newline, backslash) undone."""
    head, *rest = field.split(b"\\")
    return head + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)


def netns_name(mount_point):
    """Return the name that ``ip netns`` shows for a mount point, or ``None`` when it lies elsewhere (docker, CRI)."""
    folder, _slash, name = mount_point.rpartition("/")
    return name if folder in ("/run/netns", "/var/run/netns") else None
