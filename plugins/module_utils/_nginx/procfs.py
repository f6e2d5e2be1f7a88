# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of /proc/<pid>/stat, status and limits, as far as it says how an nginx process does (proc(5))."""

from typing import NamedTuple, Optional


class Usage(NamedTuple):
    """``cpu_ticks`` are clock ticks. ``arguments`` is the address of the arguments and ``title_area`` the bytes of them and the
    environment, both 0 when the kernel does not tell us."""

    state: str
    cpu_ticks: int
    arguments: int
    title_area: int


def parse_usage(stat):
    """Return the Usage in a stat file; ``None`` when it is cut short."""
    fields = stat[stat.rfind(b")") + 2 :].split()  # from field 3 on
    if len(fields) < 49:  # before kernel 3.5 there are no fields 48 to 51
        return Usage(fields[0].decode("ascii", "replace"), int(fields[11]) + int(fields[12]), 0, 0) if len(fields) > 12 else None
    arguments, _end, environment, environment_end = (int(field) for field in fields[45:49])
    area = max(environment_end, int(fields[46])) - arguments if arguments and environment else 0
    return Usage(fields[0].decode("ascii", "replace"), int(fields[11]) + int(fields[12]), arguments, area)


def parse_limit(limits):
    """Return the soft limit of open files in a limits file; ``None`` when it is not there or unlimited."""
    for line in limits.split(b"\n"):
        if line.startswith(b"Max open files"):
            soft = line[len(b"Max open files") :].split()[:1]
            return int(soft[0]) if soft and soft[0].isdigit() else None
    return None


class Identity(NamedTuple):
    """Who a process is: its effective user, and its pid in its own PID namespace. ``None`` is unknown."""

    uid: Optional[int]
    inner_pid: Optional[int]


def parse_identity(status):
    """Return the Identity in a status file."""
    uid = inner = None
    for line in status.split(b"\n"):
        if line.startswith(b"Uid:"):
            uid = int(line.split()[2])
        elif line.startswith(b"NSpid:"):  # since kernel 4.1
            inner = int(line.split()[-1])
    return Identity(uid, inner)
