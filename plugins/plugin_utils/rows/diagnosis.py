# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that were gathered for a diagnosis -> more fields in the rows of rows.py. Pure. See fields.py for each field.

Counters belong to a whole namespace, so what they say about one listener is worked out here: by its own drops, by how long its
queues are, and by what the kernel logged about its port. Where that does not tell, the answer is None.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ..values import above, at, at_least, both, dicts, either, negated, number, share, text, total, whole
from .host import HostRows, ordered_namespaces
from .worker import IDLE_CPU, Machine, Row, Thresholds, had_time_left, worker_fields

ALWAYS_COOKIES = 2
NEARLY = 0.9  # of a queue: some requests of a flood are just being given up when it is read
NETWORK_FILE_SYSTEMS = frozenset("nfs nfs4 cifs smb3 smbfs ceph 9p afs lustre gfs gfs2 ocfs2 glusterfs beegfs gpfs virtiofs fuse".split())


def add_diagnosis(rows: HostRows, facts: Mapping[str, Any], thresholds: Thresholds) -> None:
    """Add the fields to the rows of this host; `facts` are those that the rows were made of."""
    machine = Machine(facts)
    rows.host["host"].update(_host(facts))
    listeners = iter(rows.listeners)
    for row, source in zip(rows.namespaces, ordered_namespaces(facts), strict=True):
        namespace = row["namespace"]
        namespace.update(_namespace(source, namespace))
        own = [(next(listeners), each) for each in source.get("listeners") or ()]
        masters = {each["pid"]: each for each in dicts(source.get("nginx")) if whole(each.get("pid"))}
        for each, listener in own:
            each["workers"] = worker_fields(listener, each["program"], machine, thresholds)
            each["nginx"] = _nginx(listener, masters)
            _add_queue(each, listener, thresholds)
            if each["workers"].get("count") != 0:
                each["workers"]["had_time_left"] = had_time_left(each["workers"], each["listener"], thresholds)
        _add_siblings([each for each, _source in own], [source for _each, source in own])
        _add_syn_queue([pair for pair in own if pair[0]["listener"].get("family") != "unix"], namespace, facts.get("kernel_log"), thresholds)


def _host(facts: Mapping[str, Any]) -> Row:
    log, softnet = facts.get("kernel_log"), at(facts.get("softnet"), "dropped")
    return {
        **{"%s_pressure" % name: number(at(facts.get("pressure"), name, "some")) for name in ("cpu", "io", "memory")},
        "softnet_dropped_in_window": whole(at(softnet, "delta")),
        "softnet_dropped_per_second": number(at(softnet, "per_second")),
        "conntrack_full_logged": whole(at(log, "conntrack_full", "in_window")),
        "tcp_out_of_memory_logged": whole(at(log, "tcp_out_of_memory", "in_window")),
    }


_COUNTERS = (
    ("listen_drops_in_window", "TcpExt", "ListenDrops"),
    ("passive_opens_in_window", "Tcp", "PassiveOpens"),
    ("syn_queue_drops_in_window", "TcpExt", "TCPReqQFullDrop"),
    ("syn_queue_cookies_in_window", "TcpExt", "TCPReqQFullDoCookies"),
    ("cookies_sent_in_window", "TcpExt", "SyncookiesSent"),
    ("cookies_received_in_window", "TcpExt", "SyncookiesRecv"),
)


def _namespace(source: Mapping[str, Any], known: Row) -> Row:
    counters = source.get("counters_sample")
    row: Row = {name: whole(at(counters, group, counter, "delta")) for name, group, counter in _COUNTERS}
    listeners = source.get("listeners")
    row.update(
        is_pod=bool(at(source.get("names"), "pod_uid")),
        tune_netns="" if known["is_host"] else str(known["netns"] or ""),
        tcp_listener_count=None if listeners is None else sum(each.get("family") != "unix" for each in listeners),
        passive_opens_per_second=number(at(counters, "Tcp", "PassiveOpens", "per_second")),
        syn_retransmits_per_second=number(at(counters, "TcpExt", "TCPSynRetrans", "per_second")),
        syn_queue_full_per_second=_sum(number(at(counters, "TcpExt", name, "per_second")) for name in ("TCPReqQFullDrop", "TCPReqQFullDoCookies")),
        unanswered_share=_unanswered(row),
    )
    table = source.get("conntrack")
    if isinstance(table, dict):
        row["conntrack_count"], row["conntrack_max"] = whole(table.get("count")), whole(table.get("max"))
        row["conntrack_fill"] = share(row["conntrack_count"], row["conntrack_max"])
        row["conntrack_drops_in_window"] = whole(at(table, "drop", "delta"))
    return row


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else round(sum(value or 0 for value in known), 3)


def _unanswered(row: Mapping[str, Any]) -> float | None:
    """Of the SYNs that met a full SYN queue, the share that became no connection.

    With cookies: those whose cookie did not come back. Without: the drops, beside the connections that were completed meanwhile.
    """
    sent, received, dropped = row["cookies_sent_in_window"], row["cookies_received_in_window"], row["syn_queue_drops_in_window"]
    if sent is None or received is None or dropped is None:
        return None
    if sent:
        return round(1 - min(received, sent) / sent, 4)
    completed = row["passive_opens_in_window"]
    return 0.0 if not dropped else share(dropped, total((dropped, completed)))


# --- the accept queue


def _add_queue(row: Row, source: Mapping[str, Any], thresholds: Thresholds) -> None:
    listener, namespace, sample = row["listener"], row["namespace"], source.get("sample")
    is_unix = listener.get("family") == "unix"
    full, half_full = number(listener.get("share_full")), number(listener.get("share_half_full"))
    listener["overflowed"], listener["other_drops"] = (above(full, 0), False) if is_unix else _drops(listener, namespace)
    listener["limit_pressed"] = either(listener["overflowed"], above(full, thresholds["burst_share"]))
    listener["under_pressure"] = either(listener["overflowed"], above(half_full, thresholds["share_of_reads"]))
    listener["longest_stall"] = number(at(sample, "longest_stall"))
    listener["stall_share"] = share(listener["longest_stall"], number(row["host"].get("sample_seconds")))
    listener["arrivals_seen"] = whole(at(sample, "arrivals_seen"))
    listener["limit_from"] = _limit_from(listener, namespace)
    listener["is_loopback"] = not is_unix and _is_loopback(source.get("local_address"))
    if "listen_backlog" in source:
        listener["listen_backlog"] = whole(source["listen_backlog"])
        listener["source"] = "%s:%s" % (at(source.get("source"), "path"), at(source.get("source"), "line"))
    listener["nothing_accepted"] = _nothing_accepted(row, is_unix)
    if not is_unix and not listener["is_loopback"] and (listener.get("family") == "inet" or source.get("dual_stack")):
        listener["rp_filter_drops_per_second"] = number(at(namespace.get("counters_sample"), "TcpExt", "IPReversePathFilter", "per_second"))


def _nothing_accepted(row: Row, is_unix: bool) -> bool | None:
    """Fewer connections than waited mean that none was taken out; more are this listener's only where there is no other one.

    Else it is the CPU time that tells, and not much: who accepts now and then uses next to none either.
    """
    used, listener, namespace = row["workers"].get("cpu_max"), row["listener"], row["namespace"]
    slept = None if used is None else used < IDLE_CPU
    if is_unix:
        return slept
    taken = at_least(namespace["passive_opens_in_window"], (listener.get("sample_max") or 0) + 2)
    return False if taken and namespace["tcp_listener_count"] == 1 else either(negated(taken), slept)


def _drops(listener: Row, namespace: Row) -> tuple[bool | None, bool | None]:
    """(overflowed, other drops). ListenOverflows are a part of ListenDrops, both of the namespace; only the sum of both is the listener's own."""
    own, overflows, drops = listener.get("drops_in_window"), namespace.get("overflows_in_window"), namespace["listen_drops_in_window"]
    if own == 0 or overflows == 0:
        return False, above(own, 0)
    if own is None or overflows is None or drops is None:
        return None, None
    if drops <= overflows:
        return True, False
    longest, limit = listener.get("sample_max"), listener.get("accept_queue_limit")
    was_full = own > drops - overflows or (longest is not None and limit is not None and longest > limit)
    return True if was_full else None, True if own > overflows else None


def _limit_from(listener: Row, namespace: Row) -> str | None:
    limit, somaxconn = listener.get("accept_queue_limit"), whole(at(namespace.get("sysctls"), "net.core.somaxconn"))
    if limit is None or somaxconn is None:
        return None
    if listener.get("stale_limit") is True and limit < somaxconn:
        return "stale"
    if listener.get("limited_by") == "somaxconn" or (limit == somaxconn and listener.get("limited_by") != "backlog"):
        return "somaxconn"
    return "program"


def _is_loopback(address: Any) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _add_siblings(rows: list[Row], sources: list[Mapping[str, Any]]) -> None:
    """Each socket of a reuseport group has a queue of its own: how many of the others have room?"""
    groups: dict[Any, list[Row]] = {}
    for row, source in zip(rows, sources, strict=True):
        if row["listener"].get("family") != "unix" and (row["listener"]["reuseport_sockets"] or 1) > 1:
            groups.setdefault((row["listener"]["address"], bool(source.get("dual_stack"))), []).append(row)
    for group in groups.values():
        pressed = [row["listener"]["under_pressure"] for row in group]
        idle, unknown = pressed.count(False), pressed.count(None)
        for row, own in zip(group, pressed, strict=True):
            others = len(group) - 1
            row["listener"]["siblings_idle_share"] = None if unknown - (own is None) else share(idle - (own is False), others)


# --- the SYN queue


def _add_syn_queue(own: list[tuple[Row, Mapping[str, Any]]], namespace: Row, log: Any, thresholds: Thresholds) -> None:
    cookies = whole(at(namespace.get("sysctls"), "net.ipv4.tcp_syncookies"))
    most = whole(at(namespace.get("sysctls"), "net.ipv4.tcp_max_syn_backlog"))
    quarters = None if most is None else most - (most >> 2)
    events = total((namespace["syn_queue_drops_in_window"], namespace["syn_queue_cookies_in_window"]))
    floods = dicts(at(log, "syn_flooding"))
    for row, source in own:
        listener = row["listener"]
        listener["syn_queue_capacity"] = _capacity(listener, cookies, quarters)
        listener["syn_flood_logged"] = None if log is None else any(_is_about(flood, source) for flood in floods)
        length = _half_open(listener, source)
        uses_rule = both(None if cookies is None else cookies == 0, None if quarters is None else at_least(length, quarters * NEARLY))
        listener["syn_queue_three_quarters"] = uses_rule
        listener["syn_queue_full"] = _syn_queue_full(listener, length, events, cookies, thresholds)
    if events and own and all(row["listener"]["syn_queue_full"] is False for row, _source in own):
        for row, _source in own:  # it was one of them: where there are more, nothing tells which
            row["listener"]["syn_queue_full"] = True if len(own) == 1 else None


def _capacity(listener: Row, cookies: int | None, quarters: int | None) -> int | None:
    """Measured: a queue with the limit N holds N + 1 before a SYN finds it full; without cookies at most 3/4 of tcp_max_syn_backlog + 1."""
    limit = listener.get("accept_queue_limit")
    if limit is None or cookies is None or (cookies == 0 and quarters is None):
        return None
    return (min(limit, quarters) if cookies == 0 and quarters is not None else limit) + 1


def _half_open(listener: Row, source: Mapping[str, Any]) -> int | None:
    """Of one socket of a reuseport group only the sum is known: it gets its share."""
    length = listener.get("syn_queue_length")
    if length is None:
        length = whole(source.get("syn_queue_group_length"))
        length = None if length is None else -(-length // (listener["reuseport_sockets"] or 1))
    return length


def _is_about(flood: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    """The kernel names the socket's own address since 6.2."""
    return flood.get("in_window") is True and flood.get("port") == source.get("local_port") and flood.get("address") in (None, source.get("local_address"))


def _syn_queue_full(listener: Row, length: int | None, events: int | None, cookies: int | None, thresholds: Thresholds) -> bool | None:
    """Counters tell that it happened in the namespace; the length of the queue, drops and the log tell to whom.

    With tcp_syncookies=2 no queue is used: then it may be each of them.
    """
    if not events or cookies is None:
        return None if events is None or cookies is None else False
    if cookies == ALWAYS_COOKIES or listener["syn_flood_logged"]:
        return True
    if cookies == 0 and listener["other_drops"]:
        return True
    capacity = listener["syn_queue_capacity"]
    return None if capacity is None else at_least(length, capacity * thresholds["fill"])


# --- nginx


def _nginx(source: Mapping[str, Any], masters: Mapping[int, Row]) -> Row:
    """The part `nginx` of a listener that nginx holds; {} for other programs."""
    found = next((masters[each["pid"]] for each in dicts(source.get("processes")) if whole(each.get("pid")) in masters), None)
    if found is None:
        return {}
    log, slots = found.get("error_log"), whole(found.get("worker_connections"))
    lines = at(log, "lines")
    row: Row = {
        "worker_connections": slots,
        "log_worker_connections": whole(at(log, "counts", "worker_connections")),
        "log_too_many_open_files": whole(at(log, "counts", "too_many_open_files")),
        "log_lines": [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else [],
        "network_file_systems": [_mount(each) for each in dicts(found.get("file_systems")) if _is_network(each.get("type"))],
    }
    status = found.get("stub_status")
    if isinstance(status, dict):
        workers = whole(found.get("workers"))
        row["gap"] = whole(status.get("gap"))
        row["slots_used"] = share(whole(status.get("active")), None if slots is None or workers is None else slots * workers)
    return row


def _is_network(kind: Any) -> bool:
    return isinstance(kind, str) and (kind in NETWORK_FILE_SYSTEMS or kind.startswith("fuse."))


def _mount(mount: Mapping[str, Any]) -> str:
    return "%s %s (%s)" % (text(mount.get("directive")), text(mount.get("path")), mount["type"])
