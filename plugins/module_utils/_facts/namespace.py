# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is gathered of one network namespace, before it is given its shape."""

from .._sockets.listen_queue import endpoint


class NamespaceView:
    """The records of one namespace. ``None`` is "not read": not asked for, or a problem says why.

    ``counted_at`` is a monotonic time and ``window`` a duration, both in seconds; ``series`` maps (family, cookie) to
    the QueueSeries of a sampled socket and ``requested`` to facts of what a configuration asks for it, ``half_open`` an
    endpoint to its half-open connections. ``nginx`` are facts of those that run here. A diagnosis adds ``conntrack``, and to
    ``evidence`` facts on each listener, by its inode.
    """

    def __init__(self, namespace):
        self.namespace = namespace
        self.netns = namespace.id.inode
        self.readable = False
        self.initial = False
        self.sysctls = None
        self.counters = None
        self.counters_before = None
        self.counted_at = None
        self.window = None
        self.tcp = None
        self.unix = None
        self.half_open = None
        self.series = {}
        self.requested = {}
        self.nginx = []
        self.conntrack = None
        self.evidence = None

    def listeners(self):
        """All ListenSocket records that could be read."""
        return (self.tcp or []) + (self.unix or [])

    def inodes(self):
        """The inodes of all listeners that have one."""
        return {listener.inode for listener in self.listeners() if listener.inode}

    def group_sizes(self):
        """Return ``{endpoint: number of sockets}`` of the TCP listeners: more than one is a reuseport group."""
        sizes = {}
        for listener in self.tcp or ():
            key = endpoint(listener)
            sizes[key] = sizes.get(key, 0) + 1
        return sizes

    def somaxconn(self):
        """The namespace's somaxconn, or ``None`` when it is unknown."""
        value = (self.sysctls or {}).get("net.core.somaxconn")
        return value if isinstance(value, int) else None
