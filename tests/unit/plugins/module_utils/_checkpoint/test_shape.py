# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint as people see it: what is known of it, and what its journal does not tell."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import Change, Effect, NginxTarget, SysctlTarget
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.entry import Clock, Entry, Head
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.read import Found
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.shape import changes_of, row_of, seconds_left

HEAD = Head("x", "why", "alice", "2026-07-29T12:00:00Z", Clock("boot-1", 100.0), 600, "/usr/bin/python3", 7)
OPEN = Found("x", "open", "/j/x")
RAISED = Entry(1, "applied", "sysctl_dropin", "t", (Change("sysctl", SysctlTarget(7, "net/core/somaxconn"), "128", "4096"),))
RELOADED = Entry(2, "applied", "nginx_reload", "t", (), (Effect("nginx_reload", NginxTarget(812, 5, "/", "/etc/nginx/nginx.conf")),))
UNIT = RAISED._replace(number=0)

LEFT = {
    "open": (OPEN, HEAD, Clock("boot-1", 160.5), 539),
    "over": (OPEN, HEAD, Clock("boot-1", 900.0), 0),
    "booted": (OPEN, HEAD, Clock("boot-2", 1.0), 0),
    "no_deadline": (OPEN, HEAD._replace(rollback_after=None), Clock("boot-1", 160.5), None),
    "committed": (OPEN._replace(state="committed"), HEAD, Clock("boot-1", 160.5), None),
    "torn": (OPEN, None, Clock("boot-1", 160.5), None),
}


@pytest.mark.parametrize("found, head, now, seconds", LEFT.values(), ids=LEFT)
def test_seconds_left(found, head, now, seconds):
    assert seconds_left(found, head, now) == seconds


def test_changes_in_order_without_what_is_there_only_while_it_is_open():
    rows = [row for each in (UNIT, RAISED, RELOADED) for row in changes_of(each)]
    assert [(row["kind"], row["target"], row["before"], row["after"]) for row in rows] == [
        ("sysctl", "/proc/sys/net/core/somaxconn", "128", "4096"),
        ("nginx_reload", "nginx 812 (/etc/nginx/nginx.conf)", None, None),
    ]
    assert rows[0]["netns"] == 7


def test_row_of_a_whole_journal():
    result = {"by": "bob", "schema": 1, "state": "rolled_back", "at": "t"}
    row = row_of(OPEN, "undo", HEAD, (RAISED,), result, {"by": "systemd", "after_boot": "unit"}, Clock("boot-1", 101.0))
    assert (row["reason"], row["owner"], row["armed_by"], row["after_boot"], row["seconds_left"]) == ("why", "alice", "systemd", "unit", 599)
    assert (row["result"], row["undo_command"], row["problem"], len(row["changes"])) == ({"by": "bob", "at": "t"}, "undo", None, 1)


def test_row_of_a_torn_journal_says_what_is_not_known():
    row = row_of(OPEN, None, problem="it is torn")
    assert (row["id"], row["state"], row["problem"], row["changes"]) == ("x", "open", "it is torn", [])
    assert {row[name] for name in ("reason", "owner", "opened_at", "rollback_after", "seconds_left", "undo_command", "result")} == {None}
