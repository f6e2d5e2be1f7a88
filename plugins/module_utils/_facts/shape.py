# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns records into the facts that the module returns: plain dicts, lists, numbers and text.

A key that does not apply, or was not asked for, is absent; an unknown value is ``None``.
"""

from .._sockets.listen_queue import accept_queue_full, at_cap, endpoint, limited_by, stale_limit


def namespace_names(initial, own, mounts, owner):
    """Return the ``names`` of a namespace: only the keys that apply."""
    names = {}
    if initial:
        names["host"] = True
    if own:
        names["own"] = True
    if mounts:
        names["netns"] = mounts
    for key in ("unit", "container", "runtime", "pod_uid"):
        if getattr(owner, key) is not None and not initial:
            names[key] = getattr(owner, key)
    return names


def listener_facts(listener, somaxconn, group_size):
    """Return the facts of one ListenSocket that need nothing but the socket and its namespace's somaxconn (or None).

    ``group_size`` is the number of sockets of its endpoint. What the program asked for is not known here.
    """
    facts = {"family": listener.family}
    if listener.family == "unix":
        facts["path"] = listener.path
    else:
        facts["local_address"] = listener.local_address
        facts["local_port"] = listener.local_port
        if listener.local_address == "::" and listener.v6only is not None:
            facts["dual_stack"] = not listener.v6only
        if listener.interface:
            facts["interface"] = listener.interface
        if group_size > 1:
            facts["reuseport_sockets"] = group_size
        facts["drops"] = listener.drops
    length, limit = listener.accept_queue_length, listener.accept_queue_limit
    facts["accept_queue_length"] = length
    facts["accept_queue_limit"] = limit
    facts["accept_queue_full"] = accept_queue_full(length, limit)
    facts["limited_by"] = limited_by(None, limit)
    facts["at_cap"] = at_cap(limit, somaxconn)
    facts["stale_limit"] = stale_limit(None, limit, somaxconn)
    return facts


def half_open_facts(listener, half_open, group_size):
    """Return the facts on half-open connections; ``half_open`` is ``{endpoint: number}``, or None when it was not counted."""
    number = None if half_open is None else half_open[endpoint(listener)]
    if group_size > 1 and number:
        return {"syn_queue_length": None, "syn_queue_group_length": number}
    return {"syn_queue_length": number}


def grouped(values, wanted):
    """Return ``{group: {name: value}}`` of ``{(group, name): value}`` for the ``wanted`` keys; a missing one is None."""
    groups = {}
    for group, name in sorted(wanted):
        groups.setdefault(group, {})[name] = values.get((group, name))
    return groups


def sort_key(listener):
    """Order of listeners in the answer: family, port, address, path."""
    return listener.family, listener.local_port or 0, listener.local_address or "", listener.path or "", listener.inode
