# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoints of many hosts for people, and what a mitigation set. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..text import clipped, visible, wrapped

COLUMNS = 100
SYSCTLS = "/proc/sys/"
DOTS_FOR_SLASHES = str.maketrans("/.", "./")  # net/ipv4/conf/eth0.5 is net.ipv4.conf.eth0/5
LONGEST = 2000  # columns of one sentence; a reason may be long, but not a book
MANY = 8  # hosts, and changes, that are named; the others are counted
KEPT = ("open", "rolling_back", "rollback_failed", "committed")  # there is something to take back
IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}\Z")  # as in module_utils/_checkpoint/entry.py
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
MAY_BE_UNKNOWN = ("opened_at", "owner", "reason", "undo_command", "problem")

Row = Mapping[str, Any]


def checkpoint_table(journals: Mapping[str, Any], columns: int = COLUMNS) -> list[str]:
    """Return lines: the last checkpoints first, one entry for those that tell the same, with their hosts and what was changed.

    ``journals`` maps the name of a host to its rows of checkpoint_info. Then follows how to undo what waits, and what cannot be read.
    """
    groups: dict[tuple[Any, ...], dict[str, Row]] = {}
    for host, journal in journals.items():
        for row in journal if _is_journal(journal) else ():
            groups.setdefault((row["id"], row["state"], row["owner"], row["reason"]), {})[host] = row
    lines: list[str] = []
    for key in sorted(groups, key=lambda key: max(row["opened_at"] or "" for row in groups[key].values()), reverse=True):
        lines += _entry(key[0], key[1], groups[key], columns)
    wrong = [line for host, journal in journals.items() if not _is_journal(journal) for line in wrapped("%s: what it answered is no journal" % host, columns)]
    return lines + wrong or ["No checkpoint on %d host%s" % (len(journals), "" if len(journals) == 1 else "s")]


def last_checkpoint(journals: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Return {"id", "opened_at", "hosts"} of the last checkpoint that was not rolled back, or of the one of this ``name``.

    A host is among ``hosts`` if it has this one and, without a name, nothing that it opened later: a host that claims to have an old
    one alone cannot make the others take theirs back. What a host says in another form than checkpoint_info does is left out.
    """
    rows = {host: journal for host, journal in journals.items() if _is_journal(journal)}
    if name:
        return {"id": name, "opened_at": "", "hosts": [host for host, journal in rows.items() if any(row["id"] == name for row in journal)]}
    kept = {host: max((row["opened_at"], row["id"]) for row in journal) for host, journal in _kept(rows)}
    opened_at, identifier = max(kept.values(), default=("", ""))
    return {"id": identifier, "opened_at": opened_at, "hosts": [host for host, last in kept.items() if last[1] == identifier]}


def _kept(rows: Mapping[str, Iterable[Row]]) -> Iterator[tuple[str, list[Row]]]:
    for host, journal in rows.items():
        kept = [row for row in journal if row["state"] in KEPT and IDENTIFIER.match(row["id"]) and TIME.match(row["opened_at"] or "")]
        if kept:
            yield host, kept


def _is_journal(journal: Any) -> bool:
    return isinstance(journal, list) and all(isinstance(row, Mapping) and _is_row(row) for row in journal)


def _is_row(row: Row) -> bool:
    """Whether everything that is read here has the type that checkpoint_info returns."""
    left, result, changes = row.get("seconds_left"), row.get("result"), row.get("changes")
    return (
        all(isinstance(row.get(key), str) for key in ("id", "state"))
        and all(key in row and isinstance(row[key], (str, type(None))) for key in MAY_BE_UNKNOWN)
        and isinstance(left, (int, type(None)))
        and (result is None or (isinstance(result, Mapping) and isinstance(result.get("steps") or [], list)))
        and isinstance(changes, list)
        and all(isinstance(change, Mapping) and _is_change(change) for change in changes)
    )


def _is_change(change: Row) -> bool:
    return all(isinstance(change.get(key), str) for key in ("kind", "target", "state")) and "before" in change and "after" in change


def _entry(name: str, state: str, rows: Mapping[str, Row], columns: int) -> Iterator[str]:
    row = list(rows.values())[0]  # noqa: RUF015 -- next() would end this generator in silence
    yield from wrapped(clipped("%s  %s on %s" % (name, state, _some(list(rows))), LONGEST), columns, "", "    ")
    yield from wrapped(clipped("%s by %s: %s" % (row["opened_at"], row["owner"], row["reason"]), LONGEST), columns, "  ", "    ")
    changes = list(dict.fromkeys(_change(change) for each in rows.values() for change in each["changes"] if _tells(change)))
    for change in changes[:MANY]:
        yield from wrapped(clipped(change, LONGEST), columns, "    ", "      ")
    if len(changes) > MANY:
        yield "    and %d more" % (len(changes) - MANY)
    for host, each in rows.items():
        for sentence in _left_to_do(each):
            yield from wrapped(clipped("%s: %s" % (host, sentence), LONGEST), columns, "  ", "    ")


def _some(hosts: list[str]) -> str:
    names = ", ".join(hosts[:MANY])
    return names if len(hosts) <= MANY else "%s and %d more hosts" % (names, len(hosts) - MANY)


def _tells(change: Row) -> bool:
    """A limit that was only noted, because a reload might set it anew, was not changed, nor was one that the reload left as it was."""
    return change["kind"] != "nginx_reload" and (change["kind"] != "socket" or change["after"] not in (None, change["before"]))


def _change(change: Row) -> str:
    if change["kind"] in ("file", "folder"):
        done = "made" if change["before"] is None else "removed" if change["after"] is None else "changed"
        return "%s %s%s" % (change["target"], done, _unless_applied(change))
    return "%s %s -> %s%s" % (_key(change["target"]), visible(change["before"]), visible(change["after"]), _unless_applied(change))


def _key(target: str) -> str:
    return target.removeprefix(SYSCTLS).translate(DOTS_FOR_SLASHES) if target.startswith(SYSCTLS) else target


def _unless_applied(change: Row) -> str:
    return "" if change["state"] == "applied" else " (%s)" % change["state"]


def _left_to_do(row: Row) -> Iterator[str]:
    if row["state"] == "open":
        left = "without a deadline" if row["seconds_left"] is None else "for another %d s" % row["seconds_left"]
        yield "waits %s; to undo it there: %s" % (left, row["undo_command"])
    if row["state"] == "rollback_failed":
        yield from (row["result"] or {}).get("steps") or ()
    if row["problem"]:
        yield row["problem"]


def mitigated(changes: Iterable[Row], configs: Iterable[Row]) -> dict[str, Any]:
    """Return what a checkpoint set last, as {"sysctls", "sockets", "listens", "others"}.

    ``configs`` are those of nginx_listen_info: what nginx listens on is among ``listens``, the sockets of other programs among ``others``.
    """
    sysctls, limits = {}, {}
    for change in changes:
        if change["kind"] == "sysctl" and change["after"] is not None:
            sysctls[_key(change["target"])] = change["after"]
        elif change["kind"] == "socket" and change["after"] is not None:
            limits[change["listen"]] = int(change["after"])
    sockets = [{"listen": listen, "backlog": limit} for listen, limit in limits.items()]
    known = {_address(socket) for config in configs for socket in config["sockets"] or ()}
    return {
        "sysctls": sysctls,
        "sockets": sockets,
        "listens": [{**socket, "listen": _as_nginx_writes(socket["listen"])} for socket in sockets if socket["listen"] in known],
        "others": [socket for socket in sockets if socket["listen"] not in known],
    }


def _as_nginx_writes(listen: str) -> str:
    return "unix:" + listen if listen.startswith("/") else listen


def _address(socket: Row) -> str:
    if "path" in socket:
        return str(socket["path"])
    address = str(socket["local_address"])
    return "%s:%s" % ("[%s]" % address if ":" in address else address, socket["local_port"])
