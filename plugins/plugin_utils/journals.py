# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoints of many hosts for people, and what a mitigation set. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .text import visible, wrapped

COLUMNS = 100
SYSCTLS = "/proc/sys/"
DOTS_FOR_SLASHES = str.maketrans("/.", "./")  # net/ipv4/conf/eth0.5 is net.ipv4.conf.eth0/5
MANY = 8  # hosts, and changes, that are named; the others are counted

Row = Mapping[str, Any]


def checkpoint_table(journals: Mapping[str, Iterable[Row]], columns: int = COLUMNS) -> list[str]:
    """Return lines: the last checkpoints first, one entry for those of one id and state, with their hosts and what was changed.

    ``journals`` maps the name of a host to its rows of checkpoint_info. Then follows how to undo what waits, and what cannot be read.
    """
    groups: dict[tuple[str, str], dict[str, Row]] = {}
    for host, journal in journals.items():
        for row in journal:
            groups.setdefault((row["id"], row["state"]), {})[host] = row
    lines: list[str] = []
    for key in sorted(groups, key=lambda key: max(row["opened_at"] or "" for row in groups[key].values()), reverse=True):
        lines += _entry(*key, groups[key], columns)
    return lines or ["No checkpoint on %d hosts" % len(journals)]


def _entry(name: str, state: str, rows: Mapping[str, Row], columns: int) -> Iterator[str]:
    row = list(rows.values())[0]  # noqa: RUF015 -- next() would end this generator in silence
    yield from wrapped("%s  %s on %s" % (name, state, _some(list(rows))), columns, "", "    ")
    yield from wrapped("%s by %s: %s" % (row["opened_at"], row["owner"], row["reason"]), columns, "  ", "    ")
    changes = list(dict.fromkeys(_change(change) for each in rows.values() for change in each["changes"] if _tells(change)))
    for change in changes[:MANY]:
        yield from wrapped(change, columns, "    ", "      ")
    if len(changes) > MANY:
        yield "    and %d more" % (len(changes) - MANY)
    for host, each in rows.items():
        for sentence in _left_to_do(each):
            yield from wrapped("%s: %s" % (host, sentence), columns, "  ", "    ")


def _some(hosts: list[str]) -> str:
    names = ", ".join(hosts[:MANY])
    return names if len(hosts) <= MANY else "%s and %d more hosts" % (names, len(hosts) - MANY)


def _tells(change: Row) -> bool:
    """A limit that was only noted, because a reload might set it anew, was not changed, nor was one that the reload left as it was."""
    return change["kind"] != "nginx_reload" and (change["kind"] != "socket" or change["after"] not in {None, change["before"]})


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
        "listens": [socket for socket in sockets if socket["listen"] in known],
        "others": [socket for socket in sockets if socket["listen"] not in known],
    }


def _address(socket: Row) -> str:
    if "path" in socket:
        return str(socket["path"])
    address = str(socket["local_address"])
    return "%s:%s" % ("[%s]" % address if ":" in address else address, socket["local_port"])
