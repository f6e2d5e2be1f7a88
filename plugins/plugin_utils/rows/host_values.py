# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's rows hold beside findings: the values an audit keeps, for dashboards and to compare with the next one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .host import HostRows

# What a listener keeps. Length and drops are of the moment; the rest is what a later audit is compared with.
KEPT = ("accept_queue_length", "accept_queue_limit", "drops", "drops_in_window")
NOT_KNOWN = "who wins is not known"  # how _sysctl_info/shape.py starts when a file could not be read


def host_values(rows: HostRows, facts: Mapping[str, Any]) -> dict[str, Any]:
    """{namespaces: [{namespace, kind, sysctls?, listeners?}], boot?} of one host.

    A key is absent when it was not asked for, and null when it could not be learned.
    """
    listeners: dict[int, list[dict[str, Any]]] = {}
    for row in rows.listeners:
        listeners.setdefault(id(row["namespace"]), []).append(_listener(row))
    namespaces = [_namespace(row["namespace"], sorted(listeners.get(id(row["namespace"]), ()), key=_order)) for row in rows.namespaces]
    values: dict[str, Any] = {"namespaces": sorted(namespaces, key=lambda each: (each["kind"] != "host", *_order(each)))}
    if "sysctl_boot" in facts:
        values["boot"] = _boot(facts["sysctl_boot"])
    return values


def _order(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """By name; of two with one name by what they hold."""
    return tuple(map(str, entry.values()))


def _namespace(row: Mapping[str, Any], listeners: list[dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"namespace": row["label"], "kind": row["kind"]}
    if "sysctls" in row:
        entry["sysctls"] = row["sysctls"]
    if "listener_count" in row:
        entry["listeners"] = None if row["listener_count"] is None else listeners
    return entry


def _listener(row: Mapping[str, Any]) -> dict[str, Any]:
    listener = row["listener"]
    return {"listener": listener["address"], "program": row["program"].get("name"), **{name: listener[name] for name in KEPT if name in listener}}


def _boot(facts: Any) -> dict[str, Any] | None:
    """Key -> the value after the next boot, null where nothing sets it. A key of which nobody knows who wins is left out."""
    sysctls = facts.get("sysctls") if isinstance(facts, dict) else None
    if not isinstance(sysctls, dict):
        return None
    return {key: each.get("boot_value") for key, each in sysctls.items() if isinstance(each, dict) and not _is_unknown(each)}


def _is_unknown(sysctl: Mapping[str, Any]) -> bool:
    return sysctl.get("boot_value") is None and str(sysctl.get("drift_reason")).startswith(NOT_KNOWN)


def add_unknown(values: Mapping[str, dict[str, Any]], unknown: Iterable[Any], left: Iterable[Any]) -> None:
    """Note with each host which rules could not judge it: {rule: {missing, count, waived}}.

    `unknown` are findings.build_report's entries (rule, missing, counts by host), `left` those that no waiver covers.
    """
    open_entries = {(each.rule.id, each.missing): each.counts for each in left}
    for entry in unknown:
        counts = open_entries.get((entry.rule.id, entry.missing), {})
        for host, count in entry.counts.items():
            noted = values[host].setdefault("unknown", {}).setdefault(entry.rule.id, {"missing": [], "count": 0, "waived": True})
            noted["missing"] += [name for name in entry.missing if name not in noted["missing"]]
            noted["count"] += count
            noted["waived"] = noted["waived"] and host not in counts
