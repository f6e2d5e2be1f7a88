# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of one host -> the flat rows that rules see, with ratios and rates computed. Pure.

JMESPath has no arithmetic and no way to a parent, so every number a rule compares is made here. A key that does not apply is
absent, a value that could not be learned is None; a value of an unexpected type counts as not learned. See fields.py for each field.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..programs.match import FIELD_NAMES, find_program, program_fields
from .diagnosed import diagnosis_fault

SCHEMA = 1
SOMAXCONN = "net.core.somaxconn"
LARGEST = 1 << 63  # counters of the kernel; what is larger was never measured, and has no ratio
Row = dict[str, Any]
Thresholds = Mapping[str, float]


class HostRows(NamedTuple):
    """Rows for rules `for_each` host (one), namespace and listener. `unread` counts the namespaces whose listeners are unknown."""

    host: Row
    namespaces: list[Row]
    listeners: list[Row]
    unread: int


def facts_fault(facts: Any) -> str | None:
    """Why `facts` are not facts of this schema, as the rest of a sentence that starts with their name; None when they are."""
    if not isinstance(facts, dict) or "schema" not in facts:
        return "are not listen_queue facts: the key schema is missing"
    if facts["schema"] != SCHEMA:
        return "have schema %s, this version reads schema %d: use the collection version that made them" % (facts["schema"], SCHEMA)
    namespaces = facts.get("namespaces")
    if not isinstance(namespaces, list) or not all(isinstance(each, dict) for each in namespaces):
        return "are broken: namespaces must be a list of mappings"
    for index, namespace in enumerate(namespaces):
        for key, kind in (("names", dict), ("sysctls", dict), ("counters", dict), ("counters_sample", dict), ("listeners", list)):
            if namespace.get(key) is not None and not isinstance(namespace[key], kind):
                return "are broken: namespaces[%d].%s must be a %s" % (index, key, "list" if kind is list else "mapping")
        if not all(isinstance(each, dict) for each in namespace.get("listeners") or ()):
            return "are broken: namespaces[%d].listeners must be a list of mappings" % index
    return diagnosis_fault(facts)


def host_rows(name: str, facts: Mapping[str, Any], thresholds: Thresholds) -> HostRows:
    """All rows of a host whose facts passed facts_fault()."""
    host = _host(name, facts)
    collected = _seconds(facts.get("collected_at"))
    namespaces: list[Row] = []
    listeners: list[Row] = []
    unread = 0
    at_cap: list[str] = []
    for source in ordered_namespaces(facts):
        namespace = _namespace(source)
        namespaces.append({"host": host, "namespace": namespace, "thresholds": thresholds})
        unread += "listeners" in source and source["listeners"] is None
        for each in source.get("listeners") or ():
            listener = _listener(each, source, collected)
            if namespace["is_container"] and _below(listener.get("at_cap"), listener.get("accept_queue_limit"), host.get("somaxconn")):
                at_cap.append("%s %s limit %d" % (namespace["label"], listener["address"], listener["accept_queue_limit"]))
            listeners.append({"host": host, "namespace": namespace, "listener": listener, "program": _program(each), "thresholds": thresholds})
    if facts.get("scope") == "all":
        host["containers_at_cap"], host["containers_at_cap_count"] = _containers(at_cap, host, namespaces)
    return HostRows({"host": host, "thresholds": thresholds}, namespaces, listeners, unread)


def _below(at_cap: Any, limit: Any, somaxconn: Any) -> bool:
    return at_cap is True and limit is not None and somaxconn is not None and limit < somaxconn


def _containers(at_cap: list[str], host: Row, namespaces: Iterable[Row]) -> tuple[list[str] | None, int | None]:
    """(list, count), or (None, None) where nothing was found but something could not be looked at."""
    counts = [row["namespace"].get("listener_count", 0) for row in namespaces if row["namespace"]["is_container"]]
    if at_cap or not counts or (None not in counts and (host.get("somaxconn") is not None or not any(counts))):
        return at_cap, len(at_cap)
    return None, None


def _host(name: str, facts: Mapping[str, Any]) -> Row:
    by = facts.get("collected_by")
    host: Row = {"name": name, "kernel": facts.get("kernel"), "collected_at": facts.get("collected_at"), "complete": _bool(facts.get("complete"))}
    host["uid"] = _int(by.get("uid")) if isinstance(by, dict) else None
    for namespace in facts["namespaces"]:
        if (namespace.get("names") or {}).get("host") is True and "sysctls" in namespace:
            host["somaxconn"] = _int((namespace["sysctls"] or {}).get(SOMAXCONN))
    sample = facts.get("sample")
    if isinstance(sample, dict):
        host["sample_seconds"] = _number(sample.get("seconds"))
    return host


def ordered_namespaces(facts: Mapping[str, Any]) -> list[Any]:
    """The namespaces in the order of the rows: the host's own first."""
    return sorted(facts["namespaces"], key=_namespace_order)


def _namespace_order(source: Mapping[str, Any]) -> tuple[bool, str]:
    return (source.get("names") or {}).get("host") is not True, str(source.get("netns"))


def _namespace(source: Mapping[str, Any]) -> Row:
    names = source.get("names") or {}
    kind, label = _named(names, source.get("netns"))
    row: Row = {
        "label": label,
        "kind": kind,
        "is_host": kind == "host",
        "is_container": bool(names.get("container") or names.get("pod_uid")),
        "netns": _int(source.get("netns")),
    }
    if "listeners" in source:
        row["listener_count"] = None if source["listeners"] is None else len(source["listeners"])
    for key in ("sysctls", "counters", "counters_sample"):
        if key in source:
            row[key] = source[key]
    if "counters_sample" in source:
        window = _at(source["counters_sample"], "TcpExt", "ListenOverflows")
        row["overflows_in_window"] = _int(_at(window, "delta"))
        row["overflows_per_second"] = _number(_at(window, "per_second"))
    if isinstance(source.get("nginx"), list):
        row["nginx_not_listening"] = [text for each in source["nginx"] if isinstance(each, dict) for text in _not_listening(each)]
    return row


def _not_listening(nginx: Mapping[str, Any]) -> Iterable[str]:
    """A text per address that nginx's configuration names, on which it does not listen, and why."""
    for each in nginx.get("not_listening") or ():
        if isinstance(each, dict):
            address = listener_address({**each, "family": "unix" if "path" in each else "inet"})
            yield "%s (%s: %s)" % (address, _at(each, "must_act", "who"), _at(each, "must_act", "because"))


def _named(names: Mapping[str, Any], netns: Any) -> tuple[str, str]:
    """(kind, label): the name an operator knows the namespace by, the most telling first."""
    if names.get("host") is True:
        return "host", "host"
    if isinstance(names.get("netns"), list) and names["netns"]:
        return "netns", "netns %s" % names["netns"][0]
    if names.get("pod_uid"):
        return "pod", "pod %s" % names["pod_uid"]
    if names.get("container"):
        return "container", "container %s" % str(names["container"])[:12]
    if names.get("unit"):
        return "unit", "unit %s" % names["unit"]
    return "unnamed", "netns %s" % netns


_LISTENER_FIELDS = (
    ("family", str),
    ("accept_queue_length", int),
    ("accept_queue_limit", int),
    ("accept_queue_full", bool),
    ("syn_queue_length", int),
    ("at_cap", bool),
    ("limited_by", str),
    ("stale_limit", bool),
    ("drops", int),
    ("processes", list),
)


def _listener(source: Mapping[str, Any], namespace: Mapping[str, Any], collected: float | None) -> Row:
    row: Row = {"address": listener_address(source), "reuseport_sockets": _int(source.get("reuseport_sockets", 1))}
    for key, kind in _LISTENER_FIELDS:
        if key in source:
            value = source[key]
            row[key] = value if value.__class__ is kind and (kind is not int or _int(value) is not None) else None
    if "drops" in row:
        row["drops"] = _queue_drops(row["drops"], _at(namespace.get("counters"), "TcpExt", "ListenDrops"))
    if "local_port" in source:
        row["port"] = _int(source["local_port"])
    length, limit = row.get("accept_queue_length"), row.get("accept_queue_limit")
    row["accept_queue_fill"] = None if length is None or limit is None else round(length / (limit or 1), 4)
    if "processes" in row:
        _add_age(row, collected)
    if isinstance(source.get("sample"), dict):
        _add_sample(row, source["sample"], _at(namespace.get("counters_sample"), "TcpExt", "ListenDrops"))
    return row


def _queue_drops(drops: Any, listen_drops: Any) -> Any:
    """Of what a socket dropped, what its queues can have dropped: never more than ListenDrops of its namespace.

    The kernel's counter of the socket also has the final ACKs that TCP_DEFER_ACCEPT holds back (net/ipv4/tcp_minisocks.c
    tcp_check_req(), then discard_and_relse in tcp_v4_rcv()): one for each well served connection.
    """
    return drops if drops is None or _number(listen_drops) is None else min(drops, listen_drops)


def listener_address(source: Mapping[str, Any]) -> str:
    """The address as `ss` writes it: 0.0.0.0:80, [::]:80, 0.0.0.0%3:80 when bound to interface 3; the path of a unix socket."""
    if source.get("family") == "unix":
        return str(source.get("path") or "(unnamed unix socket)")
    address = str(source.get("local_address"))
    if source.get("interface") is not None:
        address = "%s%%%s" % (address, source["interface"])
    return ("[%s]:%s" if ":" in address else "%s:%s") % (address, source.get("local_port"))


def _add_age(row: Row, collected: float | None) -> None:
    """The socket is at least as old as its holders' start only roughly: a socket may be inherited, so the oldest holder counts."""
    processes = row["processes"]
    if processes is None:
        row["process_age_seconds"] = None
    elif processes:
        started = [_seconds(each.get("started_at")) if isinstance(each, dict) else None for each in processes]
        known = [each for each in started if each is not None]
        age = None if collected is None or not known else int(collected - min(known))
        row["process_age_seconds"] = age if age is None or age >= 0 else None
    if "drops" not in row:
        return
    drops = row["drops"]
    if drops == 0:
        row["drops_per_hour"] = 0
    elif drops is None:
        row["drops_per_hour"] = None
    elif "process_age_seconds" in row:
        age = row["process_age_seconds"]
        row["drops_per_hour"] = None if age is None else round(drops * 3600 / max(age, 1), 2)


def _add_sample(row: Row, sample: Mapping[str, Any], listen_drops: Any) -> None:
    row["sample_reads"] = _int(sample.get("reads"))
    row["sample_max"] = _int(sample.get("max"))
    row["sample_mean"] = _number(sample.get("mean"))
    row["share_half_full"] = _number(sample.get("share_half_full"))
    row["share_full"] = _number(sample.get("share_full"))
    if "drops" in sample:
        row["drops_in_window"] = _queue_drops(_int(_at(sample["drops"], "delta")), _int(_at(listen_drops, "delta")))
        row["drops_per_second"] = _queue_drops(_number(_at(sample["drops"], "per_second")), _number(_at(listen_drops, "per_second")))


_UNKNOWN_PROGRAM: Row = dict.fromkeys(("name", "unit", *FIELD_NAMES))
_NO_PROGRAM: Row = {}


def _program(source: Mapping[str, Any]) -> Row:
    """What holds the socket: {} when nothing does or nobody asked, all None when the processes could not be read."""
    if "processes" not in source or source["processes"] == []:
        return _NO_PROGRAM
    processes = source["processes"]
    if not isinstance(processes, list) or not all(isinstance(each, dict) for each in processes):
        return _UNKNOWN_PROGRAM
    holders = [each for each in processes if isinstance(each.get("name"), str)]
    if not holders:
        return _UNKNOWN_PROGRAM
    row: Row = {"name": holders[0]["name"]}
    units = [each["unit"] if isinstance(each.get("unit"), str) else None for each in holders]
    if any(units):
        row["unit"] = next(filter(None, units))
    program = find_program((each["name"] for each in holders), units)
    if program is not None:
        row.update(program_fields(program, source.get("family")))
    return row


@functools.lru_cache(maxsize=4096)
def _seconds(text: Any) -> float | None:
    """Seconds since the epoch of 2026-11-20T21:22:42Z; None when `text` is something else."""
    if not isinstance(text, str) or not text.endswith("Z"):
        return None
    try:
        return datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        return None


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _int(value: Any) -> int | None:
    return value if value.__class__ is int and -LARGEST <= value <= LARGEST else None


def _number(value: Any) -> float | None:
    """Neither infinite nor no number at all: JSON of Python may hold both."""
    return value if (value.__class__ is int or value.__class__ is float) and -LARGEST <= value <= LARGEST else None


def _bool(value: Any) -> bool | None:
    return value if value.__class__ is bool else None
