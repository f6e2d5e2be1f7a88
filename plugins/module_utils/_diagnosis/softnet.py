# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses /proc/net/softnet_stat: one line of hexadecimal numbers per CPU that is online.

Source: net/core/net-procfs.c softnet_seq_show(). The second number counts packets that found the CPU's backlog full
(net.core.netdev_max_backlog), the third how often the work was put off because the budget of one round was used up.
"""

from typing import NamedTuple


class Softnet(NamedTuple):
    """Sums over all CPUs, since boot."""

    dropped: int
    time_squeeze: int


def parse_softnet(data):
    """Return the Softnet of the file's bytes; ``None`` when they are cut short or malformed."""
    if not data.endswith(b"\n"):
        return None
    try:
        rows = [[int(field, 16) for field in line.split()[:3]] for line in data.splitlines()]
    except ValueError:
        return None
    if any(len(row) < 3 for row in rows):
        return None
    return Softnet(sum(row[1] for row in rows), sum(row[2] for row in rows))
