# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer about one key: its value now, its value after the next boot, and who says so."""

import re

from .._sysctl.values import kept, same

DEFAULT = re.compile(r"([0-9]+)(?: \(([0-9]+) before ([0-9.]+)\))?\Z")


def key_facts(path, orders, loader, runtime, row, default, unread=None):
    """Return the facts of the key at ``path`` (below /proc/sys).

    ``orders`` maps each loader's flavour to its BootOrder, ``loader`` is the Loader of the system. ``runtime`` is the value now
    as text, or None when it is unknown; ``row`` the key's Sysctl; ``default`` what the kernel has when nobody sets it, or None. ``unread`` says which file
    could not be read, if any: then nobody knows who wins.
    """
    own = loader.flavour or next(iter(orders))
    rows = orders[own].assignments(path)
    winners = {flavour: order.winner(path) for flavour, order in orders.items()}
    winner = winners[own] if loader.name and not unread else None
    drift, reason = (None, "who wins is not known: %s" % unread) if unread else _drift(path, winners, winner, runtime, default)
    nobody = "nothing applies it at boot: %s" % loader.why if not loader.name else reason if unread else None
    return {
        "runtime_value": plain(runtime),
        "boot_value": None if winner is None else plain(kept(path, winner.value).value or winner.value),
        "boot_source": None if winner is None else _place(winner),
        "assignments": [_assignment_facts(row, nobody) for row in rows],
        "drift": drift,
        "drift_reason": reason,
        "per_namespace": row.per_namespace,
    }


def _place(assignment):
    place = {"path": assignment.path, "line": assignment.line}
    if assignment.via:
        place["via"] = assignment.via
    return place


def _assignment_facts(assignment, nobody):
    """``nobody`` says why no assignment is known to win; None when one is."""
    return dict(_place(assignment), value=assignment.value, wins=assignment.wins and nobody is None, why_not=nobody or assignment.why_not)


def _drift(path, winners, winner, runtime, default):
    """Return (True, False or None when it cannot be known, why)."""
    values = [None if found is None else kept(path, found.value).value or found.value for found in winners.values()]
    if values[0] != values[-1]:
        said = ["%s would set %s" % (flavour, "nothing" if value is None else value) for flavour, value in zip(winners, values)]
        return True, "the loaders disagree: " + ", ".join(said)
    if runtime is None:
        return None, "the value now is not known"
    if winner is None:
        if default is None:
            return None, "nothing sets it at boot, and what the kernel has then is not known"
        if runtime != default:
            return True, "it is %s now; nothing sets it at boot, and the kernel's default is %s" % (runtime, default)
        return False, None
    if not same(path, winner.value, runtime):
        return True, "it is %s now and will be %s after the next boot" % (runtime, kept(path, winner.value).value or winner.value)
    return False, None


def kernel_default(row, is_older):
    """Return what the kernel has when nobody sets the key, as text, or None. ``is_older(version)`` tells the kernel's age."""
    match = DEFAULT.match(row.default)
    if match is None or row.in_new_namespace != "constant":
        return None
    value, before, version = match.groups()
    return before if before and is_older(version) else value


def plain(text):
    """Return a number as int, any other text as it is."""
    try:
        return int(text)
    except (TypeError, ValueError):
        return text
