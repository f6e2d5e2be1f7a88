# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel makes of the text that is written to a sysctl: the value it keeps, or its refusal.

Source: kernel/sysctl.c proc_get_long(), do_proc_dointvec(), do_proc_douintvec() and their ranges; every row and every rule
was measured by writes in new network namespaces on Linux 6.18.
"""

import re
from typing import NamedTuple, Optional

INT_MAX = 2147483647
ANY = (-INT_MAX - 1, INT_MAX)
NATURAL, BYTE = (0, INT_MAX), (0, 255)
SECONDS = (-2147483, 2147483)  # kept in jiffies

# Path below /proc/sys: (how many numbers, their range). Only the first number of a longer text counts.
NUMBERS = {
    "net/core/somaxconn": (1, NATURAL),
    "net/core/optmem_max": (1, NATURAL),
    "net/core/netdev_max_backlog": (1, ANY),
    "net/core/netdev_budget": (1, ANY),
    "net/ipv4/tcp_max_syn_backlog": (1, ANY),
    "net/ipv4/tcp_max_tw_buckets": (1, ANY),
    "net/ipv4/tcp_max_orphans": (1, ANY),
    "net/ipv4/tcp_fastopen": (1, ANY),
    "net/ipv4/tcp_syncookies": (1, BYTE),
    "net/ipv4/tcp_abort_on_overflow": (1, BYTE),
    "net/ipv4/tcp_synack_retries": (1, BYTE),
    "net/ipv4/tcp_keepalive_probes": (1, BYTE),
    "net/ipv4/tcp_migrate_req": (1, (0, 1)),
    "net/ipv4/tcp_syn_retries": (1, (1, 127)),
    "net/ipv4/tcp_syn_linear_timeouts": (1, (0, 127)),
    "net/ipv4/tcp_tw_reuse": (1, (0, 2)),
    "net/ipv4/tcp_fin_timeout": (1, SECONDS),
    "net/ipv4/tcp_keepalive_time": (1, SECONDS),
    "net/ipv4/tcp_keepalive_intvl": (1, SECONDS),
    "net/ipv4/ip_unprivileged_port_start": (1, (0, 65535)),
    "net/ipv4/ip_local_port_range": (2, (1, 65535)),
    "net/ipv4/tcp_rmem": (3, (1, INT_MAX)),
    "net/ipv4/tcp_wmem": (3, (1, INT_MAX)),
    "net/ipv6/bindv6only": (1, BYTE),
    "net/unix/max_dgram_qlen": (1, ANY),
}
PORT_RANGE = "net/ipv4/ip_local_port_range"
FIRST_PORT = 1024  # net.ipv4.ip_unprivileged_port_start, unless somebody has changed that
DEVICE = re.compile(r"net/ipv4/conf/[^/]+/[a-z_]+\Z")
NUMBER = re.compile(r"(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(?=[ \t\n]|\Z)")
LONGEST_NUMBER = 21  # TMPBUFLEN - 1: a longer one is refused, even with zeros in front


class Kept(NamedTuple):
    """``value`` is the text that reads back, or None when it is not known; ``refused`` says why the kernel takes none."""

    value: Optional[str]
    refused: Optional[str]


def kept(path, text):
    """Return what the kernel keeps when ``text`` is written to ``path`` (below /proc/sys)."""
    count, limits = NUMBERS.get(path) or ((1, ANY) if DEVICE.match(path) else (0, ANY))
    if not count:
        return Kept(" ".join(text.split()), None)
    words = []
    rest = text.lstrip(" \t\n\v\f\r")
    while rest and len(words) < count:
        match = NUMBER.match(rest)
        if match is None or len(match.group()) > LONGEST_NUMBER:
            return Kept(None, "%r is no whole number" % rest)
        number = _number(match)
        if not limits[0] <= number <= limits[1]:
            return Kept(None, "%d is out of range; it takes %d to %d" % ((number,) + limits))
        words.append(str(number))
        rest = rest[match.end() :].lstrip(" \t\n\v\f\r")
    if not words:
        return Kept(None, "the value is empty")
    if path == PORT_RANGE and (int(words[0]) < FIRST_PORT or int(words[0]) > int(words[-1])):
        return Kept(None, "it takes two ports, the lower one first, from %d on" % FIRST_PORT)
    # The kernel takes fewer numbers than it has and keeps the others: what reads back depends on them.
    return Kept(" ".join(words) if len(words) == count else None, None)


def _number(match):
    sign, digits = match.groups()
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return int(digits, base) * (-1 if sign else 1)


def same(path, left, right):
    """Whether two texts are the same value for the kernel."""
    return (kept(path, left).value or left).split() == (kept(path, right).value or right).split()
