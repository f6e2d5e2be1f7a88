# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole machine for a run of the facts: a procfs made of files, namespaces that are files, and a kernel that is a dict."""

import os
import time

from ansible_collections.netops.listen_queue.plugins.module_utils._errors import KernelRefused
from ansible_collections.netops.listen_queue.plugins.module_utils._facts import read as facts_read
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import checked
from ansible_collections.netops.listen_queue.plugins.module_utils._half_open import read as half_open_read
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces import read as namespaces_read
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.inet_diag import SynRequest
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.gathered import GATHERED
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.names import path_of
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import RECORDED, Tree, fixture, mount_line

DEFAULTS = {
    "gather_subset": ["all"], "namespaces": "own", "ports": [], "counters": "listed", "sample": 0.0, "sample_interval": 0.1, "nginx_status": False,
    "diagnose": False,
}  # fmt: skip


class WorldProc(ProcFS):
    """A procfs whose global sysctls show in the initial namespace only."""

    def __init__(self, world):
        super().__init__(str(world.root))
        self._world = world

    def status(self, name):
        if name == "sys/net/core/netdev_max_backlog" and self._world.here != self._world.initial:
            return None
        return super().status(name)


class World(Tree):
    """``kernel`` maps a namespace to ``{tcp, unix, syn, refused, unix_refused}``; ``refuse`` one that cannot be entered to its errno."""

    def __init__(self, root, monkeypatch):
        super().__init__(root)
        self.kernel, self.refuse, self.entered, self._doors = {}, {}, [], {}
        self.proc = WorldProc(self)
        self.here = self.initial = self.own
        self.syn_cost = self.cpu_step = self.cpu = 0.0
        for name in ("netstat", "snmp"):
            self.file(f"thread-self/net/{name}", fixture(f"{RECORDED}-{name}_after_drops.txt"))
        for row in GATHERED:
            self.file("sys/" + path_of(row.key), b"4096\n")
        self.file("sys/net/core/netdev_max_backlog", b"1000\n")
        self.file("sys/kernel/random/boot_id", b"8f2c0000-0000-4000-8000-000000000000\n")
        self.link("self/ns/pid", "pid:[4026531836]")
        self.process(1)
        (self.root / "self/root").mkdir(exist_ok=True)
        self.file("self/status", b"Name:\tpython3\nCapEff:\t0000000000001000\n")
        monkeypatch.setattr(namespaces_read, "_setns", self._setns)
        for module in (facts_read, half_open_read):
            monkeypatch.setattr(module, "SockDiag", lambda: Diag(self))
        monkeypatch.setattr(time, "process_time", self._process_time)
        self._open = os.open
        monkeypatch.setattr(os, "open", self._open_door)

    def namespace(self, name, mounted=True):
        """Make a namespace that is a file below /run/netns; return its inode."""
        path = self.file(f"self/root/run/netns/{name}")
        if mounted:
            with (self.root / "self/mountinfo").open("ab") as mountinfo:
                mountinfo.write(mount_line(path.stat().st_ino, f"/run/netns/{name}"))
        return path.stat().st_ino

    def way_in(self, inode, handle):
        """Let a link that shows ``net:[inode]`` lead to the namespace's file, as the kernel's links do."""
        (target,) = (path for path in (self.root / "self/root/run/netns").iterdir() if path.stat().st_ino == inode)
        self._doors[str(self.root / handle)] = target

    def _open_door(self, path, *args, **kwargs):
        return self._open(self._doors.get(path, path), *args, **kwargs)

    def change(self, name, old, new):
        path = self.root / name
        data = path.read_bytes()
        assert data.count(old) == 1
        path.write_bytes(data.replace(old, new))

    def _process_time(self):
        self.cpu += self.cpu_step
        return self.cpu

    def _setns(self, fd):
        inode = os.fstat(fd).st_ino
        if inode in self.refuse:
            raise OSError(self.refuse[inode], os.strerror(self.refuse[inode]))
        self.entered.append(inode)
        self.here = inode

    def answer(self, key):
        state = self.kernel[self.here]
        number = state.get("refused") or (state.get("unix_refused") if key == "unix" else None)
        if number:
            raise KernelRefused("the kernel refused the socket dump with errno %d" % number, number)
        rows = state.get(key, [])
        if key == "syn":
            self.cpu += self.syn_cost
        return rows() if callable(rows) else rows

    def facts(self, release="6.18.44", **options):
        gathering = facts_read.Gathering(checked({**DEFAULTS, **options}), self.proc)
        gathering.release = release
        gathering.gather()
        return gathering.facts()


class Diag:
    """SockDiag of a World."""

    def __init__(self, world):
        self._world = world

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass

    def tcp_listeners(self):
        return list(self._world.answer("tcp"))

    def unix_listeners(self):
        return list(self._world.answer("unix"))

    def syn_requests(self):
        return [SynRequest(*row) for row in self._world.answer("syn")]
