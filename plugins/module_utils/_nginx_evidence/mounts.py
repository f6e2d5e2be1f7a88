# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file system a path is on, from the text of mountinfo alone: asking the file system itself may hang (NFS)."""

from typing import NamedTuple

from .._namespaces.model import unescaped

# Their server may be gone, and then whoever touches a path sleeps in state D. autofs mounts such a one on being touched.
NETWORK = frozenset(b"nfs nfs4 cifs smb3 smbfs ncpfs afs ceph 9p virtiofs glusterfs lustre gpfs beegfs orangefs pvfs2 coda ocfs2 gfs2 autofs".split())


class Mount(NamedTuple):
    """One line: proc(5), fields 1, 2, 5 and 9. ``point`` is inside the root of the process that the file belongs to."""

    number: bytes
    parent: bytes
    point: bytes
    kind: bytes


def is_network(kind):
    """True for a type whose data is elsewhere: NETWORK, and all of FUSE but the block devices."""
    return kind in NETWORK or kind == b"fuse" or kind.startswith(b"fuse.")


def parse_mounts(mountinfo):
    """Return the Mounts in a mountinfo file, in its order."""
    found = []
    for line in mountinfo.split(b"\n"):
        fields, dash, tail = line.partition(b" - ")
        columns, kind = fields.split(b" "), tail.split(b" ")
        if dash and len(columns) > 5 and len(kind) > 2:
            found.append(Mount(columns[0], columns[1], unescaped(columns[4]), kind[0]))
    return found


class MountTable:
    """The mounts that one process sees."""

    def __init__(self, mounts):
        numbers = {mount.number for mount in mounts}
        # What the process cannot see (of a chroot, the file system that it is on) is the parent None. Of two mounts at one place, the later one is on top.
        self._inner = {(mount.parent if mount.parent in numbers - {mount.number} else None, mount.point): mount for mount in mounts}
        self.network_points = frozenset(mount.point for mount in mounts if is_network(mount.kind))

    def kind_of(self, path):
        """Return the type of the file system that an absolute path (bytes, without links) is on; ``None`` when it is unknown."""
        here, number = None, None
        for place in _prefixes(path):
            while (number, place) in self._inner:
                here = self._inner[number, place]
                number = here.number
        return here.kind if here else None


def _prefixes(path):
    yield b"/"
    above = b""
    for part in path.split(b"/"):
        if part:
            above += b"/" + part
            yield above
