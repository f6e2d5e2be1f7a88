# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of /dev/kmsg that say something about listening sockets.

Sources: Documentation/ABI/testing/dev-kmsg (``priority,sequence,microseconds,flags[,...];text``, then lines with a blank in front);
net/ipv4/tcp_input.c tcp_syn_flood_action(), net/netfilter/nf_conntrack_core.c, mm/oom_kill.c, net/ipv4/tcp.c. The kernel writes
"possible SYN flooding" once in the life of a listening socket, and limits the rate of the others.
"""

import re
from typing import NamedTuple, Optional

KERNEL = 0  # facility; who writes to /dev/kmsg gets another one
MOST_FLOODS = 64

# 2.6: "possible SYN flooding on port 80. Sending cookies."; 3.x: "TCP: request_sock_TCP: Possible SYN flooding on port 80. Dropping
# request.  Check SNMP counters."; since 6.2 with the address: "on port 0.0.0.0:80." and "on port [::]:80."
_FLOOD = re.compile(rb"ossible SYN flooding on port (?:(\S+):)?([0-9]+)\. (Sending cookies|Dropping request)")
_COUNTED = (
    ("conntrack_full", re.compile(rb"(?:nf|ip)_conntrack: table full\b.*dropping packet")),
    ("oom_kills", re.compile(rb"\A(?:Memory cgroup out of memory|Out of memory): Kill(?:ed)? process ")),
    ("tcp_out_of_memory", re.compile(rb"\A(?:TCP: )?out of memory -- consider tuning tcp_mem")),
)
# All of them have one of these; most records have none, and are done with.
_WORDS = (b"SYN flooding", b"conntrack: table full", b"ut of memory")


class Record(NamedTuple):
    """One record: ``microseconds`` since boot by the scheduler's clock, which may be some seconds off the monotonic one."""

    microseconds: int
    text: bytes


class Flood(NamedTuple):
    """One warning. ``address`` is ``None`` before kernel 6.2."""

    address: Optional[str]
    port: int
    action: str  # cookies or drop


def parse_record(line):
    """Return the Record of one line; ``None`` when it is no record of the kernel's own, or says nothing about listeners."""
    if not any(word in line for word in _WORDS):
        return None
    head, semicolon, text = line.partition(b";")
    fields = head.split(b",")
    if not semicolon or len(fields) < 4 or not fields[0].isdigit() or not fields[2].isdigit() or int(fields[0]) >> 3 != KERNEL:
        return None
    return Record(int(fields[2]), text)


def flood_of(text):
    """Return the Flood that the text of a record warns of, or ``None``."""
    match = _FLOOD.search(text)
    if not match:
        return None
    address, port, action = match.groups()
    address = address.decode("ascii", "backslashreplace").strip("[]") if address else None
    return Flood(address, int(port), "cookies" if action.startswith(b"Sending") else "drop")


class KernelMessages:
    """What the records of one run say."""

    def __init__(self):
        self._floods = {}
        self._counts = {name: {"in_window": 0, "before": 0} for name, _pattern in _COUNTED}

    def add(self, record, is_in_window):
        """Add one Record."""
        flood = flood_of(record.text)
        if flood:
            known = self._floods.pop(flood, {"count": 0, "in_window": False})
            known["count"] += 1
            known["in_window"] = known["in_window"] or is_in_window
            known["record"] = record
            self._floods[flood] = known  # the last one is the latest
        for name, pattern in _COUNTED:
            if pattern.search(record.text):
                self._counts[name]["in_window" if is_in_window else "before"] += 1

    def facts(self, now, ports):
        """Return plain data: the latest floods first, of before the window those of ``ports``. ``now`` are seconds of the monotonic clock."""
        floods = [(flood, known) for flood, known in reversed(list(self._floods.items())) if known["in_window"] or flood.port in ports]
        shown = [_flood_facts(flood, known, now) for flood, known in floods[:MOST_FLOODS]]
        more = len(self._floods) - len(shown)
        return {"syn_flooding": shown, **({"syn_flooding_more": more} if more else {}), **self._counts}


def _flood_facts(flood, known, now):
    facts = {"port": flood.port, "action": flood.action}
    if flood.address is not None:
        facts["address"] = flood.address
    record = known["record"]
    facts.update(
        count=known["count"], in_window=known["in_window"], seconds_ago=round(max(0.0, now - record.microseconds / 1e6)),
        text=record.text.decode("utf-8", "backslashreplace"),
    )  # fmt: skip
    return facts
