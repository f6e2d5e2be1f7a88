# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real loaders of sysctl.d, of this machine and of other releases, each in a root of its own, and what they do with a tree of files.

A tree is {path: text, or {"symlink": target}, or {"dir": {name: text}}}. Nothing here can write a global sysctl: /proc/sys of a
loader holds nothing but the `net` of the room's network namespace.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import Root
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.conf_file import SYSTEMD
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_boot.read import procps_flavour
from kernel_rooms import MS_BIND, mount, run

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache" / "loaders"
SHARED = ("etc", "run", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d")  # the places of a tree
KEYS = {
    "net/core/somaxconn": "4096",
    "net/ipv4/tcp_max_syn_backlog": "2048",
    "net/ipv4/ip_local_port_range": "32768 60999",
    **{"net/ipv4/conf/%s/rp_filter" % device: "0" for device in ("all", "default", "lo", "v.1", "v2")},
}


class Loader(NamedTuple):
    """One program: a name for people, whose rules it follows, its root and its command."""

    name: str
    flavour: str
    root: Path
    command: tuple


def of_this_machine(folder):
    """Copy the loaders of this machine into a root below ``folder``."""
    root, found = folder / "here", []
    for places, options in ((("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"), ("--prefix=/net",)), (("/usr/sbin/sysctl",), ("--system",))):
        program = next((place for place in places if os.path.exists(place)), None)
        if program:
            _copy_with_libraries(program, root)
            found.append((program, *options))
    return _loaders("this machine", root, found)


def of_release(suite):
    """The loaders of another release of Debian, as tools/releases.sh unpacked them; none when it could not."""
    root = CACHE / suite
    if not (root / "usr").is_dir():
        return []
    programs = []
    for place in ("usr/lib/systemd/systemd-sysctl", "lib/systemd/systemd-sysctl"):
        if (root / place).exists():
            programs.append(("/" + place, "--prefix=/net"))
            break
    for place in ("usr/sbin/sysctl", "sbin/sysctl"):
        if (root / place).exists():
            programs.append(("/" + place, "--system"))
            break
    return _loaders(suite, root, programs)


def _loaders(where, root, programs):
    loaders = []
    for command in programs:
        version = run("chroot", str(root), command[0], "--version").split("\n")[0]
        number = re.search(r"[0-9]+[0-9.]*", version).group()
        program = Path(command[0]).name
        with Root(str(root)) as inside:
            flavour = SYSTEMD if program == SYSTEMD else procps_flavour(inside)
        loaders.append(Loader(f"{program} {number} of {where}", flavour, root, command))
    return loaders


def _copy_with_libraries(program, root):
    libraries = re.findall(r"(/\S+) \(0x", run("ldd", program))
    for source in [program, *libraries]:
        target = root / source.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    # The dynamic linker is named in the program by its path, the libraries are found in the standard directories.


class Trees:
    """Inside a room: runs loaders on trees, each from the same initial values."""

    def __init__(self, loaders):
        self.loaders = loaders
        self.roots = sorted({loader.root for loader in loaders})
        self.base = Path("/run/tree")
        run("ip", "link", "add", "v2", "type", "veth", "peer", "name", "v.1")
        for place in SHARED:
            (self.base / place).mkdir(parents=True)
        (self.base / "lib").symlink_to("usr/lib")
        for root in self.roots:
            for place in SHARED:
                (root / place).mkdir(parents=True, exist_ok=True)
                mount(str(self.base / place), str(root / place), "none", MS_BIND)
            (root / "proc").mkdir(exist_ok=True)
            mount("tmpfs", str(root / "proc"), "tmpfs")
            (root / "proc/sys/net").mkdir(parents=True)
            mount("/proc/sys/net", str(root / "proc/sys/net"), "none", MS_BIND)

    def lay(self, tree):
        """Replace the files by those of ``tree``."""
        for place in SHARED:
            for entry in (self.base / place).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for name, content in tree.items():
            path = self.base / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, dict) and "symlink" in content:
                path.symlink_to(content["symlink"])
            elif isinstance(content, dict):
                path.mkdir()
                for inner, text in content["dir"].items():
                    (path / inner).write_bytes(as_bytes(text))
            else:
                path.write_bytes(as_bytes(content))

    def values(self, loader):
        """Run one loader and return {path: value}, from the initial values."""
        for path, value in KEYS.items():
            Path("/proc/sys", path).write_text(value + "\n")
        command = ["chroot", str(loader.root), *loader.command]
        subprocess.run(command, capture_output=True, timeout=20, check=False, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
        return {path: " ".join(Path("/proc/sys", path).read_text().split()) for path in KEYS}


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def global_values():
    """The sysctls of the machine that no loader of a test may touch."""
    found = {}
    for folder in ("kernel", "vm", "fs"):
        for path in sorted(Path("/proc/sys", folder).glob("*")):
            if path.is_file() and path.stat().st_mode & 0o200 and path.name not in CHANGING:
                try:
                    found[str(path)] = path.read_bytes()
                except OSError:
                    continue
    return found


CHANGING = {"ns_last_pid", "pty", "random", "dentry-state", "file-nr", "inode-nr", "inode-state"}
