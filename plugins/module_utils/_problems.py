# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could not be known, collected on the way. A problem makes an answer partial; it never ends a run."""


class Problems:
    """Problems by (code, message): the same problem in 200 namespaces is one entry with ``count`` 200."""

    def __init__(self):
        self._entries = {}
        self.partial = False

    def add(self, code, message, netns=None, partial=True):
        """Note one problem.

        ``netns`` is the inode of the namespace that it concerns, if it concerns one. ``partial`` is False for what
        no other run on this kernel could know either: it does not make the answer incomplete.
        """
        self.partial = self.partial or partial
        entry = self._entries.setdefault((code, message), {"code": code, "message": message, "count": 0, "_netns": set()})
        entry["count"] += 1
        if netns is not None:
            entry["_netns"].add(netns)

    def as_list(self):
        """Return ``[{code, message, count, netns?}]`` in the order of first appearance; ``netns`` only when it is exactly one."""
        result = []
        for entry in self._entries.values():
            row = {key: entry[key] for key in ("code", "message", "count")}
            if len(entry["_netns"]) == 1:
                row["netns"] = next(iter(entry["_netns"]))
            result.append(row)
        return result
