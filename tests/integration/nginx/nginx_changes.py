# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls what the changing modules call, and looks at what they leave."""

import ctypes
import os
import struct
from pathlib import Path

from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.session import Session
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_listen import control as listen_control
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_reload import control as reload_control
from ansible_collections.netops.listen_queue.plugins.modules import nginx_listen, nginx_reload
from kernel_rooms import LINUX_CAPABILITY_VERSION_3, call

CAP_SYS_ADMIN = 21
STATE = "/run/state"  # of the room
IN_WRITES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400  # MODIFY ATTRIB CLOSE_WRITE MOVED_FROM MOVED_TO CREATE DELETE DELETE_SELF


def parameters(module, given):
    values = {name: option.get("default") for name, option in module.ARGUMENT_SPEC.items()}
    assert set(given) <= set(values)
    return {**values, **given}


def change(server, is_check=False, **given):
    """The Answer of nginx_listen for a server's configuration, unless another one is given."""
    given = {"config": str(server.conf), "prefix": str(server.folder), **given}
    return listen_control.act(parameters(nginx_listen, given), is_check, "/proc", Session("/proc", str(server.folder.parent / "state")))


def reload(is_check=False, **given):
    """The Answer of nginx_reload."""
    return reload_control.act(parameters(nginx_reload, given), is_check, "/proc", Session("/proc", STATE))


def tree(*folders):
    """{path: everything that a change could touch} of all files below some folders."""
    found = {}
    for folder in folders:
        for path in [Path(folder), *sorted(Path(folder).rglob("*"))]:
            status = path.lstat()
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else os.readlink(path) if path.is_symlink() else None
            found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, data)
    return found


def without_sys_admin():
    """Give up the capability that mount namespaces need, for good."""
    with open("/proc/self/status", encoding="ascii") as file:
        mask = int(next(line for line in file if line.startswith("CapEff")).split()[1], 16) & ~(1 << CAP_SYS_ADMIN)
    call("prctl", 24, ctypes.c_ulong(CAP_SYS_ADMIN), 0, 0, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    call("capset", struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0), struct.pack("=6I", low, low, 0, high, high, 0))


class Watch:
    """Everything that is written, made, moved or removed in some folders (inotify)."""

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder in folders:
            assert libc.inotify_add_watch(self._descriptor, os.fsencode(folder), IN_WRITES) >= 0

    def events(self):
        """The names concerned, in order."""
        names = []
        while True:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return names
            while data:
                (length,) = struct.unpack_from("=12xI", data)
                names.append(data[16 : 16 + length].rstrip(b"\0").decode())
                data = data[16 + length :]
