# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses /proc/net/stat/nf_conntrack: a line of names, then one line of hexadecimal numbers per CPU.

Source: net/netfilter/nf_conntrack_standalone.c ct_cpu_seq_show(). Columns came and went, so values are found by name.
"""

# drop: no room, or the first packet of a connection that lost a race; early_drop: an entry was thrown out to make room;
# insert_failed: the entry clashed with another one.
EVENTS = ("drop", "early_drop", "insert_failed")


def parse_conntrack(data):
    """Return ``{name: sum over all CPUs}`` of EVENTS; ``None`` when the bytes are cut short or malformed."""
    lines = data.splitlines()
    if not data.endswith(b"\n") or len(lines) < 2:
        return None
    names = [name.decode("ascii", "replace") for name in lines[0].split()]
    sums = dict.fromkeys(EVENTS, 0)
    for line in lines[1:]:
        values = line.split()
        if len(values) != len(names):
            return None
        for name, value in zip(names, values):
            if name in sums:
                try:
                    sums[name] += int(value, 16)
                except ValueError:
                    return None
    return sums if set(EVENTS) <= set(names) else None
