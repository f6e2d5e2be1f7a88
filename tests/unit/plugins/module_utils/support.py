# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tests need: recorded dumps, a procfs made of files, and system calls that fail on demand."""

import json
import os
import struct
from pathlib import Path

from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.inet_diag import ListenSocket

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = "debian12-6.18"
SEQUENCE = 7  # of every recorded dump
KINDS = (18, 20)
HEADER = struct.Struct("=IHHII")


def fixture(name):
    return (FIXTURES / name).read_bytes()


def datagrams(situation):
    """The datagrams of a recorded dump."""
    data, position, found = fixture(f"{RECORDED}-{situation}.bin"), 0, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        found.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return found


def truth():
    """The recorded sockets as system calls told them."""
    return json.loads(fixture(f"{RECORDED}-sockets.json"))


def message(kind, payload=b"", flags=2, sequence=SEQUENCE, length=None):
    body = HEADER.pack(HEADER.size + len(payload) if length is None else length, kind, flags, sequence, 0) + payload
    return body + b"\0" * (-len(body) % 4)


def done(number=0, flags=2, sequence=SEQUENCE):
    return message(3, struct.pack("=i", number), flags, sequence)


def error(number):
    return message(2, struct.pack("=i", -number) + b"\0" * 16)


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def boundaries(datagram):
    """The offsets at which the messages of a datagram begin, and its end."""
    offsets, position = [], 0
    while position < len(datagram):
        offsets.append(position)
        position += (HEADER.unpack_from(datagram, position)[0] + 3) & ~3
    return [*offsets, len(datagram)]


def receiver(parts):
    """A ``receive`` that hands out ``parts``, then nothing."""
    rest = iter(parts)
    return lambda: next(rest, b"")


def listener(family="inet", address="0.0.0.0", port=80, **values):
    fields = {
        "path": None, "interface": 0, "v6only": None, "accept_queue_length": 0, "accept_queue_limit": 128, "drops": 0, "uid": 0,
        "inode": 1000 + port, "cookie": 5000 + port, **values,
    }  # fmt: skip
    return ListenSocket(family=family, local_address=address, local_port=port, **fields)


def unix_listener(path="/run/x.sock", **values):
    fields = {
        "interface": 0, "v6only": None, "accept_queue_length": 0, "accept_queue_limit": 128, "drops": None, "uid": 0,
        "inode": 77, "cookie": 78, **values,
    }  # fmt: skip
    return ListenSocket(family="unix", local_address=None, local_port=None, path=path, **fields)


class Tree:
    """A procfs made of files and links below ``root``. Links to namespaces and sockets dangle, as their text is all that counts."""

    def __init__(self, root, own=None):
        self.root = Path(root)
        self.proc = ProcFS(str(root))
        self.own = self.file("thread-self/ns/net").stat().st_ino if own is None else own
        self.link("self/ns/mnt", "mnt:[1]")
        self.file("self/mountinfo")

    def file(self, name, data=b""):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def link(self, name, target):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def process(self, pid, netns=None, **values):
        """``fds`` maps descriptors to links, ``threads`` tids to namespaces."""
        netns = self.own if netns is None else netns
        self.link(f"{pid}/ns/net", f"net:[{netns}]")
        self.link(f"{pid}/ns/mnt", "mnt:[%d]" % values.get("mntns", 1))
        for tid, inode in {pid: netns, **values.get("threads", {})}.items():
            self.link(f"{pid}/task/{tid}/ns/net", f"net:[{inode}]")
        (self.root / str(pid) / "fd").mkdir()
        for number, link in values.get("fds", {}).items():
            self.link(f"{pid}/fd/{number}", link)
        self.file(f"{pid}/stat", stat_line(pid, **{key: values[key] for key in ("name", "parent", "start") if key in values}))
        self.file(f"{pid}/cgroup", values.get("cgroup", b"0::/\n"))
        self.file(f"{pid}/mountinfo", values.get("mountinfo", b""))


def stat_line(pid, name=b"prog", parent=1, start=12345):
    fields = ["S", str(parent), *["0"] * 17, str(start), *["0"] * 30]
    return b"%d (%s) %s\n" % (pid, name, " ".join(fields).encode())


def mount_line(inode, point, kind="nsfs", root=None):
    root = f"net:[{inode}]" if root is None else root
    return f"500 27 0:4 {root} {point} rw shared:259 - {kind} nsfs rw\n".encode()


def fail(monkeypatch, function, ending, number):
    """Make ``os.<function>`` fail with errno ``number`` for paths that end with ``ending``."""
    real = getattr(os, function)

    def wrapper(path, *args, **kwargs):
        if str(path).endswith(ending):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, function, wrapper)
