# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests change no sysctl of the machine they run on.

python3 tools/machine_keys.py save FILE       notes every value
python3 tools/machine_keys.py compare FILE    fails, naming those that differ now, with the command that restores them
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path("/proc/sys")
# What the kernel counts or lowers by itself, and what is another value at each reading.
MOVING = (
    "fs/aio-nr",
    "fs/dentry-state",
    "fs/file-nr",
    "fs/inode-nr",
    "fs/inode-state",
    "fs/quota",
    "kernel/ns_last_pid",
    "kernel/perf_event_max_sample_rate",
    "kernel/pty/nr",
    "kernel/random/entropy_avail",
    "kernel/random/uuid",
    "kernel/tainted",
    "net/ipv4/route",
    "net/netfilter/nf_conntrack_count",
)


def values() -> dict[str, str]:
    """{key with slashes: value} of every sysctl that can be read, but those that move by themselves."""
    found = {}
    for folder, _folders, names in os.walk(ROOT):
        for name in names:
            path = Path(folder, name)
            key = path.relative_to(ROOT).as_posix()
            if not key.startswith(MOVING):
                try:
                    found[key] = path.read_text(encoding="ascii").strip()
                except (OSError, UnicodeDecodeError):
                    continue
    return found


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Sentences on values that differ. Keys come and go with kernel modules and network interfaces; these are left out."""
    return [
        "%s was %r and is %r now; restore it with: sysctl -w '%s=%s'" % (key, value, after[key], key, value)
        for key, value in before.items()
        if after.get(key, value) != value
    ]


def main(action: str, file: str) -> int:
    """The exit code."""
    if action == "save":
        Path(file).write_text(json.dumps(values()), encoding="utf-8")
        return 0
    sentences = changed(json.loads(Path(file).read_text(encoding="utf-8")), values())
    print("\n".join(sentences) or "No sysctl of this machine was changed")
    return int(bool(sentences))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
