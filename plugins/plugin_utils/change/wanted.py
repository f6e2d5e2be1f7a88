# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold on a host after a change, and what was seen there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..text import aligned, visible

COLUMNS = 120  # the workers of an nginx: two times with milliseconds, a path and a pid
HOSTS_IN_FULL = 10
CHECK = {"check", "subject", "expected", "seen", "ok"}
SIGNS: Mapping[Any, str] = {True: "ok", False: "WRONG"}


def wanted_state(sysctls: Mapping[str, Any], listens: Mapping[str, Any], sockets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return {"listeners", "sysctls", "boot_sysctls"} as listen_queue_verify takes them.

    ``sysctls`` is a result of sysctl_dropin and ``listens`` that of a loop with nginx_listen, real or of check mode; either may be one
    that was skipped. ``sockets`` are {"listen", "backlog", "netns"}. Of two limits for one address the later one holds.
    """
    rows: Mapping[str, Any] = sysctls.get("sysctls") or {}
    limits: dict[str, dict[str, Any]] = {listen: {"listen": listen, "limit": limit} for listen, limit in _limits(listens)}
    for socket in sockets:
        wanted = {"listen": str(socket["listen"]), "limit": int(socket["backlog"])}
        if socket.get("netns"):
            limits["%(listen)s in %(netns)s" % socket] = {**wanted, "netns": socket["netns"]}
        else:
            limits[str(socket["listen"])] = wanted
    return {
        "listeners": list(limits.values()),
        "sysctls": {key: row["after"]["runtime"] for key, row in rows.items() if row["after"]["runtime"] is not None},
        "boot_sysctls": {key: row["after"]["boot"] for key, row in rows.items() if row["after"]["boot"] is not None},
    }


def _limits(listens: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for result in listens.get("results") or ():
        item = result[result.get("ansible_loop_var", "item")]
        if item.get("backlog") is None or item.get("state") == "absent":
            continue
        for directive in result.get("directives") or ():
            for address in directive["listen"]:
                yield address.removeprefix("unix:"), int(item["backlog"])


def _sign(is_ok: Any) -> str:
    return SIGNS[is_ok] if isinstance(is_ok, bool) else "?"


def _are_checks(checks: Any) -> bool:
    """Whether this is what listen_queue_verify returns. What a host answers instead verifies nothing."""
    return isinstance(checks, list) and all(isinstance(check, Mapping) and check.keys() >= CHECK for check in checks)


def verification_table(verified: Mapping[str, Any], columns: int = COLUMNS) -> list[str]:
    """Return lines: what was expected and seen on each host. Of many hosts only what does not hold, and one line for all the rest.

    ``verified`` maps the name of a host to its result of listen_queue_verify; None where there is none.
    """
    known = {host: result["checks"] for host, result in verified.items() if result and _are_checks(result.get("checks"))}
    is_short = len(verified) > HOSTS_IN_FULL
    cells = [
        [visible(host), visible(check["check"]), visible(check["subject"]), visible(check["expected"]), visible(check["seen"]), _sign(check["ok"])]
        for host, checks in known.items()
        for check in checks
        if not is_short or check["ok"] is not True
    ]
    lines = aligned([["host", "check", "subject", "expected", "seen", ""], *cells], columns) if cells else []
    if is_short:
        good = sum(all(check["ok"] is True for check in checks) for checks in known.values())
        lines.append("  everything holds on %d of %d hosts" % (good, len(verified)))
    missing = [visible(host) for host in verified if host not in known]
    return lines + (["  not verified: " + ", ".join(missing)] if missing else [])
