# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says of processes and connections, outside of servers. Source: nginx's core and event modules."""

import re
from typing import NamedTuple, Optional

PASSES = frozenset(b"proxy_pass fastcgi_pass uwsgi_pass scgi_pass grpc_pass memcached_pass".split())
_ADDRESS = re.compile(rb"[0-9]+\.[0-9.]+\Z|[0-9a-fA-F:]*:[0-9a-fA-F:.]*\Z")


class Settings(NamedTuple):
    """``worker_processes`` is a number or ``auto``; ``worker_connections`` are slots of one worker: a proxied request takes two."""

    worker_processes: object
    worker_connections: Optional[int]
    worker_rlimit_nofile: Optional[int]
    is_proxy: bool


def settings_of(nodes, directives=()):
    """Return the Settings of a configuration's nodes and of the Directives of ``-g``. The last of several counts."""
    values, is_proxy = {}, False
    for node in nodes:
        name = node.directive.name
        if name in PASSES:
            is_proxy = True
        elif node.parent < 0 or (name == b"worker_connections" and nodes[node.parent].directive.name == b"events"):
            values[name] = node.directive.args
    values.update((directive.name, directive.args) for directive in directives)
    processes = (values.get(b"worker_processes") or (b"1",))[0]
    return Settings(
        "auto" if processes == b"auto" else _number(processes),
        _number((values.get(b"worker_connections") or (b"512",))[0]),
        _number(values[b"worker_rlimit_nofile"][0]) if values.get(b"worker_rlimit_nofile") else None,
        is_proxy,
    )


def _number(text):
    return int(text) if text.isdigit() else None


def parse_hosts(data):
    """Return ``{name: [IPv4 addresses]}`` of a hosts file (hosts(5)); of a name without IPv4 address the others.

    nginx takes all addresses of a name that suit the machine; which IPv6 addresses do, only the machine knows.
    """
    found = {}
    for line in data.split(b"\n"):
        words = line.partition(b"#")[0].split()
        if len(words) > 1 and _ADDRESS.match(words[0]):
            for name in words[1:]:
                found.setdefault(name.decode("utf-8", "backslashreplace"), []).append(words[0].decode("ascii"))
    return {name: [address for address in addresses if ":" not in address] or addresses for name, addresses in found.items()}
