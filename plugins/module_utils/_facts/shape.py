# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns records into the facts that the module returns: plain dicts, lists, numbers and text.

A key that does not apply, or was not asked for, is absent; an unknown value is ``None``.
"""

from .._sockets.listen_queue import accept_queue_full, at_cap, endpoint, limited_by, stale_limit


def namespace_facts(view, names, subsets, processes):
    """Return the facts of one NamespaceView. ``processes`` is ``{socket inode: [process facts] or None}``."""
    facts = {"netns": view.netns, "names": names}
    if "sysctls" in subsets:
        facts["sysctls"] = view.sysctls
    if "counters" in subsets:
        facts["counters"] = view.counters
        if view.window is not None:
            from .._sockets.sampling import counter_changes

            facts["counters_sample"] = counter_changes(view.counters_before, view.counters, view.window)
    if "sockets" in subsets or "unix" in subsets:
        facts["listeners"] = _listeners(view, subsets, processes) if view.readable else None
    if view.nginx:
        facts["nginx"] = view.nginx
    if view.conntrack:
        facts["conntrack"] = view.conntrack
    return facts


def _listeners(view, subsets, processes):
    somaxconn, sizes = view.somaxconn(), view.group_sizes()
    rows = []
    for listener in sorted(view.listeners(), key=_sort_key):
        size = sizes.get(endpoint(listener), 1)
        facts = listener_facts(listener, somaxconn, size, view.requested.get((listener.family, listener.cookie)))
        if "syn_queue" in subsets and listener.family != "unix":
            facts.update(half_open_facts(listener, view.half_open, size))
        if "processes" in subsets:
            facts["processes"] = processes.get(listener.inode)
        if view.evidence is not None:
            facts.update(view.evidence.get(listener.inode, {"workers": None}))
        if view.series:
            facts["sample"] = view.series[listener.family, listener.cookie].summary()
        rows.append(facts)
    return rows


def _sort_key(listener):
    return listener.family, listener.local_port or 0, listener.local_address or "", listener.path or "", listener.inode


def listener_facts(listener, somaxconn, group_size, requested=None):
    """Return the facts of one ListenSocket that need nothing but the socket and its namespace's somaxconn (or None).

    ``group_size`` is the number of sockets of its endpoint, ``requested`` facts of what its program's configuration asks
    for, when that is known.
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
    asked = requested["listen_backlog"] if requested else None
    facts["limited_by"] = limited_by(asked, limit)
    facts["at_cap"] = at_cap(limit, somaxconn)
    facts["stale_limit"] = stale_limit(asked, limit, somaxconn)
    facts.update(requested or {})
    return facts


def half_open_facts(listener, half_open, group_size):
    """Return the facts on half-open connections; ``half_open`` is ``{endpoint: number}``, or None when it was not counted."""
    number = None if half_open is None else half_open[endpoint(listener)]
    if group_size > 1 and number:
        return {"syn_queue_length": None, "syn_queue_group_length": number}
    return {"syn_queue_length": number}


def namespace_names(initial, own, mounts, owner):
    """Return the ``names`` of a namespace, only the keys that apply. ``owner`` is the Owner of a process inside, or None."""
    names = {}
    if initial:
        names["host"] = True
    if own:
        names["own"] = True
    if mounts:
        names["netns"] = mounts
    for key in ("unit", "container", "runtime", "pod_uid") if owner else ():
        if getattr(owner, key) is not None:
            names[key] = getattr(owner, key)
    return names


def counter_groups(values, wanted):
    """Return ``{group: {name: value}}`` of ``{(group, name): value}`` for the ``wanted`` keys; a missing one is None."""
    groups = {}
    for group, name in sorted(wanted):
        groups.setdefault(group, {})[name] = values.get((group, name))
    return groups
