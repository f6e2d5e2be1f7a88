# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is gathered of one network namespace, before it is given its shape."""


class NamespaceView:
    """The records of one namespace. ``None`` is "not read": not asked for, or a problem says why."""

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

    def listeners(self):
        """All ListenSocket records that could be read."""
        return (self.tcp or []) + (self.unix or [])

    def somaxconn(self):
        value = (self.sysctls or {}).get("net.core.somaxconn")
        return value if isinstance(value, int) else None
