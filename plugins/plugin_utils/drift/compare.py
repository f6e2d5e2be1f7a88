# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two reports -> what became of findings and values between them. Pure, linear in what the reports hold.

Only what could be looked at both times is compared. A host that did not answer once, a check without a result and a rule that is not
used any more make nothing new and nothing resolved: they are listed as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..rules.rule import SEVERITIES
from ..text import plural

Report = Mapping[str, Any]
Key = tuple[str, str, Any, Any]
LOOKED_AT = ("audited", "partial")
# Namespaces of these kinds get another name each time they are made: they are recognised by what listens in them.
SHORT_LIVED = ("container", "pod", "unnamed")


class _Side(NamedTuple):
    """One report, looked up by what identifies a finding. `aliases` are by host: the namespace's name now -> its name then."""

    report: Report
    findings: dict[Key, Mapping[str, Any]]
    waived: dict[Key, Mapping[str, Any]]
    rules: set[str]
    not_sampled: set[str]

    def judged(self, rule: str, host: str, namespace: str | None) -> bool:
        """Whether `rule` had a result for this place: a finding or a quiet look."""
        if rule not in self.rules or rule in (self.report["values"].get(host, {}).get("unknown") or ()):
            return False
        known = self.report["hosts"][host]
        if rule in self.not_sampled and "sample_seconds" not in known:
            return False
        return known["status"] == "audited" or namespace is None or namespace in _labels(self.report, host)


def build_drift(now: Report, then: Report, path: str) -> dict[str, Any]:
    """The key `drift` of the report `now`: see docs/baseline.md. `path` is where `then` was read from."""
    compared = [host for host in now["hosts"] if _looked_at(now, host) and _looked_at(then, host)]
    aliases = {host: _aliases(now["values"].get(host, {}), then["values"].get(host, {})) for host in compared}
    old, new = _side(then, {}), _side(now, aliases)
    appeared, changed_severity = _new(old, new, aliases)
    resolved, not_judged = _gone(old, new, aliases)
    values = (entry for host in compared for entry in _changed(host, now, then, aliases[host]))
    changed = [*changed_severity, *_changed_diagnoses(now, then, aliases), *values]
    return {
        "baseline": {"generated_at": then["generated_at"], "path": path},
        "new": appeared,
        "resolved": resolved,
        "changed": changed,
        "not_judged": not_judged,
        "hosts_gone": [host for host in then["hosts"] if host not in now["hosts"]],
        "hosts_new": [host for host in now["hosts"] if host not in then["hosts"]],
        "hosts_not_compared": [
            {"host": host, "before": then["hosts"][host]["status"], "after": each["status"]}
            for host, each in now["hosts"].items()
            if host in then["hosts"] and host not in aliases
        ],
        "counts": {"new": _by_severity(appeared), "resolved": _by_severity(resolved), "changed": len(changed), "not_judged": len(not_judged)},
    }


def _by_severity(findings: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in findings:
        counts[finding["severity"]] += 1
    return counts


def _looked_at(report: Report, host: str) -> bool:
    return host in report["hosts"] and report["hosts"][host]["status"] in LOOKED_AT


def _side(report: Report, aliases: Mapping[str, Mapping[str, str]]) -> _Side:
    return _Side(
        report,
        {_key(finding, aliases): finding for finding in report["findings"]},
        {_key(finding, aliases): finding for finding in report["waived"]},
        {rule["id"] for rule in report["rules"]},
        {each["rule"] for each in report["not_sampled"]},
    )


def _key(finding: Mapping[str, Any], aliases: Mapping[str, Mapping[str, str]]) -> Key:
    """What makes it the same finding: not the numbers in it."""
    host, namespace = finding["host"], finding["namespace"]
    return finding["rule"], host, aliases.get(host, {}).get(namespace, namespace), finding["listener"]


# --- findings


def _new(old: _Side, new: _Side, aliases: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(new findings, each with `drift`: why it is one; severities that fell)."""
    found, fell = [], []
    for key, finding in new.findings.items():
        host = finding["host"]
        if host not in old.report["hosts"]:
            found.append({**finding, "drift": "host_added"})
        elif host in aliases:
            before = old.findings.get(key)
            why = _why_new(key, old) if before is None else "more_severe" if _rank(finding) < _rank(before) else None
            if why:
                found.append({**finding, "drift": why})
            elif before is not None and _rank(finding) > _rank(before):
                fell.append(_entry(host, finding["namespace"], finding["listener"], "severity of %s" % key[0], before["severity"], finding["severity"]))
    return found, fell


def _why_new(key: Key, old: _Side) -> str:
    rule, host, namespace, _listener = key
    if key in old.waived:
        return "waiver_ended"
    if rule not in old.rules:
        return "rule_added"
    return "appeared" if old.judged(rule, host, namespace) else "not_judged_before"


def _gone(old: _Side, new: _Side, aliases: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(resolved findings, findings of which nobody knows, each with `drift`: why)."""
    resolved, not_judged = [], []
    for key, finding in old.findings.items():
        rule, host = key[:2]
        if key in new.findings or host not in aliases:
            continue
        if key in new.waived:
            not_judged.append({**finding, "drift": "waived"})
        elif rule not in new.rules:
            not_judged.append({**finding, "drift": "rule_removed"})
        elif new.judged(rule, host, _name_now(key[2], aliases[host])):
            resolved.append(dict(finding))
        else:
            not_judged.append({**finding, "drift": "not_known"})
    return resolved, not_judged


def _name_now(namespace: str | None, aliases: Mapping[str, str]) -> str | None:
    return next((now for now, then in aliases.items() if then == namespace), namespace)


def _rank(finding: Mapping[str, Any]) -> int:
    return SEVERITIES.index(finding["severity"])


def _changed_diagnoses(now: Report, then: Report, aliases: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """Listeners that were diagnosed both times, with another verdict."""
    before = {(each["host"], each["namespace"], each["listener"]): each["verdict"] for each in then.get("diagnoses") or ()}
    for each in now.get("diagnoses") or ():
        host, namespace, listener = each["host"], each["namespace"], each["listener"]
        old = before.get((host, aliases.get(host, {}).get(namespace, namespace), listener))
        if old is not None and old != each["verdict"]:
            yield _entry(host, namespace, listener, "diagnosis", old, each["verdict"])


# --- namespaces


def _labels(report: Report, host: str) -> set[str]:
    return {each["namespace"] for each in report["values"].get(host, {}).get("namespaces", ())}


def _aliases(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, str]:
    """Name now -> name then of the namespaces that were made anew: the same kind, and the same addresses listen in it."""
    before, after = _by_name(then), _by_name(now)
    lost: dict[Any, list[str]] = {}
    for name, namespace in before.items():
        if name not in after and namespace["kind"] in SHORT_LIVED:
            lost.setdefault(_signature(namespace), []).append(name)
    aliases = {}
    for name, namespace in after.items():
        if name not in before and lost.get(_signature(namespace)):
            aliases[name] = lost[_signature(namespace)].pop(0)
    return aliases


def _signature(namespace: Mapping[str, Any]) -> tuple[str, ...]:
    return (namespace["kind"], *sorted(each["listener"] for each in namespace.get("listeners") or ()))


def _by_name(values: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The namespaces of a host by name; of two with one name the first."""
    names: dict[str, Mapping[str, Any]] = {}
    for each in values.get("namespaces", ()):
        names.setdefault(each["namespace"], each)
    return names


# --- values


def _entry(host: str, namespace: str | None, listener: str | None, what: str, before: Any, after: Any) -> dict[str, Any]:
    return {"host": host, "namespace": namespace, "listener": listener, "what": what, "before": before, "after": after}


def _changed(host: str, now: Report, then: Report, aliases: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Values that are known both times and differ, and namespaces and listeners that came or went."""
    kernels = [report["hosts"][host].get("kernel") for report in (then, now)]
    yield from (_entry(host, None, None, *each) for each in _differences({"kernel": kernels[0]}, {"kernel": kernels[1]}))
    before, after = then["values"].get(host, {}), now["values"].get(host, {})
    for key, old, new in _differences(before.get("boot") or {}, after.get("boot") or {}, null_is_known=True):
        yield _entry(host, None, None, "%s at boot" % key, old, new)
    namespaces, were = _by_name(after), _by_name(before)
    for name in sorted(namespaces, key=lambda each: (each != "host", each)):
        old_namespace = were.pop(aliases.get(name, name), None)
        if old_namespace is not None:
            yield from _changed_in(host, name, old_namespace, namespaces[name])
        elif then["hosts"][host]["status"] == "audited":
            yield _entry(host, name, None, "namespace", None, _listeners(namespaces[name]))
    if now["hosts"][host]["status"] == "audited":
        for name in sorted(were):
            yield _entry(host, name, None, "namespace", _listeners(were[name]), None)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], null_is_known: bool = False) -> Iterator[tuple[str, Any, Any]]:
    for key, old in before.items():
        new = after.get(key)
        if key in after and old != new and (null_is_known or (old is not None and new is not None)):
            yield key, old, new


def _changed_in(host: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (_entry(host, name, None, *each) for each in _differences(before.get("sysctls") or {}, after.get("sysctls") or {}))
    if before.get("listeners") is None or after.get("listeners") is None:
        return
    were = {each["listener"]: each for each in reversed(before["listeners"])}
    are = {each["listener"]: each for each in reversed(after["listeners"])}
    for address in sorted({**were, **are}):
        if address not in were:
            yield _entry(host, name, address, "listener", None, _limit(are[address]))
        elif address not in are:
            yield _entry(host, name, address, "listener", _limit(were[address]), None)
        else:
            pairs = [{key: each.get(key) for key in ("accept_queue_limit", "program")} for each in (were[address], are[address])]
            yield from (_entry(host, name, address, *each) for each in _differences(pairs[0], pairs[1]))


def _listeners(namespace: Mapping[str, Any]) -> str:
    return plural(len(namespace.get("listeners") or ()), "listener")


def _limit(listener: Mapping[str, Any]) -> str:
    limit = listener.get("accept_queue_limit")
    return "limit %s" % ("unknown" if limit is None else limit)
