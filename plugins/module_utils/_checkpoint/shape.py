# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint as plain data for people."""

from .._change import SOCKET, SYSCTL
from . import entry


def row_of(found, command, head=None, entries=(), result=None, armed=None, now=None, problem=None):
    """Return what checkpoint_info says about one checkpoint. What its journal does not tell is ``None``, and ``problem`` says why."""
    armed = armed or {}
    return {
        "id": found.id,
        "state": found.state,
        "reason": head and head.reason,
        "owner": head and head.owner,
        "opened_at": head and head.opened_at,
        "rollback_after": head and head.rollback_after,
        "seconds_left": seconds_left(found, head, now),
        "armed_by": armed.get("by"),
        "after_boot": armed.get("after_boot"),
        "undo_command": command,
        "changes": [change for each in entries for change in changes_of(each)],
        "result": result and {key: value for key, value in result.items() if key not in ("schema", "state")},
        "problem": problem,
    }


def seconds_left(found, head, now):
    """Return the whole seconds until an open checkpoint is rolled back; ``None`` when it will not be, or is not open."""
    if found.state != entry.OPEN or head is None or head.deadline is None or now is None:
        return None
    return 0 if head.is_expired(now) else int(head.deadline - now.seconds)


def changes_of(each):
    """Return one row for each change of an Entry."""
    rows = []
    for change in each.changes if each.number != entry.HOUSEKEEPING else ():
        row = {
            "module": each.module,
            "at": each.at,
            "state": each.state,
            "kind": change.kind,
            "target": entry.name_of(change.kind, change.target),
            "before": entry.shown(change.kind, change.before),
            "after": entry.shown(change.kind, change.after),
        }
        if change.kind in (SYSCTL, SOCKET):
            row["netns"] = change.target.netns
        if change.kind == SOCKET:
            row["listen"] = str(change.target)
        rows.append(row)
    for effect in each.effects if not rows else ():
        rows.append(
            {"module": each.module, "at": each.at, "state": each.state, "kind": effect.kind, "target": str(effect.target), "before": None, "after": None}
        )
    return rows
