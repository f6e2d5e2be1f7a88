# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.netops.listen_queue.plugins.filter.verification_table import verification_table as table_filter
from ansible_collections.netops.listen_queue.plugins.filter.wanted_state import wanted_state as state_filter
from ansible_collections.netops.listen_queue.plugins.plugin_utils.change.wanted import verification_table, wanted_state

SOMAXCONN = "net.core.somaxconn"


def listened(item, *addresses):
    return {"item": item, "directives": [{"file": "/etc/nginx/nginx.conf", "line": 3, "listen": list(addresses)}]}


def dropped_in(runtime, boot):
    return {"sysctls": {SOMAXCONN: {"before": {"runtime": "128", "boot": None}, "after": {"runtime": runtime, "boot": boot}}}}


LIMITS = {
    "one_address": ([listened({"listen": "80", "backlog": 4096}, "0.0.0.0:80")], [], [("0.0.0.0:80", 4096)]),
    "all_addresses_of_a_configuration": (
        [listened({"listen": "all", "backlog": 4096}, "0.0.0.0:80", "[::]:80")], [], [("0.0.0.0:80", 4096), ("[::]:80", 4096)],
    ),
    "later_item_for_one_of_all": (
        [listened({"listen": "all", "backlog": 4096}, "0.0.0.0:80", "0.0.0.0:443"), listened({"listen": 443, "backlog": 8192}, "0.0.0.0:443")], [],
        [("0.0.0.0:80", 4096), ("0.0.0.0:443", 8192)],
    ),
    "unix_socket": ([listened({"listen": "unix:/run/x.sock", "backlog": 64}, "unix:/run/x.sock")], [], [("/run/x.sock", 64)]),
    "only_reuseport": ([listened({"listen": "80", "reuseport": True}, "0.0.0.0:80")], [], []),
    "backlog_removed": ([listened({"listen": "80", "backlog": 1, "state": "absent"}, "0.0.0.0:80")], [], []),
    "item_that_was_skipped": ([{"item": {"listen": "80", "backlog": 5}, "skipped": True}], [], []),
    "no_directive_has_to_carry_it": ([{"item": {"listen": "80", "backlog": 5}, "directives": []}], [], []),
    "another_loop_variable": (
        [{"ansible_loop_var": "each", "each": {"listen": "80", "backlog": 7}, "directives": [{"listen": ["0.0.0.0:80"]}]}], [], [("0.0.0.0:80", 7)],
    ),
    "socket_of_another_program": ([], [{"listen": "127.0.0.1:6379", "backlog": "2048"}], [("127.0.0.1:6379", 2048)]),
    "socket_after_the_listen": (
        [listened({"listen": "80", "backlog": 4096}, "0.0.0.0:80")], [{"listen": "0.0.0.0:80", "backlog": 9}], [("0.0.0.0:80", 9)],
    ),
}  # fmt: skip
VALUES = {
    "now_and_at_boot": (dropped_in("4096", "4096"), {SOMAXCONN: "4096"}, {SOMAXCONN: "4096"}),
    "no_file_counts_in_a_container": (dropped_in("4096", None), {SOMAXCONN: "4096"}, {}),
    "only_the_next_boot": (dropped_in(None, "4096"), {}, {SOMAXCONN: "4096"}),
    "task_was_skipped": ({"changed": False, "skipped": True}, {}, {}),
}


@pytest.mark.parametrize("results, sockets, expected", LIMITS.values(), ids=LIMITS)
def test_limits(results, sockets, expected):
    rows = wanted_state({}, {"results": results}, sockets)["listeners"]
    assert [(row["listen"], row["limit"]) for row in rows] == expected


def test_socket_in_another_namespace_is_one_of_its_own():
    rows = wanted_state({}, {}, [{"listen": "0.0.0.0:80", "backlog": 1}, {"listen": "0.0.0.0:80", "backlog": 2, "netns": "blue"}])["listeners"]
    assert rows == [{"listen": "0.0.0.0:80", "limit": 1}, {"listen": "0.0.0.0:80", "limit": 2, "netns": "blue"}]


@pytest.mark.parametrize("result, runtime, boot", VALUES.values(), ids=VALUES)
def test_values(result, runtime, boot):
    wanted = wanted_state(result, {}, [])
    assert (wanted["sysctls"], wanted["boot_sysctls"]) == (runtime, boot)


def check(ok, subject="0.0.0.0:80", expected=4096, seen=(4096,)):
    return {"check": "limit", "subject": subject, "expected": expected, "seen": list(seen), "ok": ok, "time": 0.0}


def test_table_of_a_few_hosts_has_every_check():
    assert verification_table({"web1": {"checks": [check(True), check(False, "[::]:80", 4096, [511, 511])]}, "web2": {"checks": [check(None)]}}) == [
        "  host  check  subject     expected  seen",
        "  web1  limit  0.0.0.0:80  4096      [4096]      ok",
        "  web1  limit  [::]:80     4096      [511, 511]  WRONG",
        "  web2  limit  0.0.0.0:80  4096      [4096]      ?",
    ]


def test_table_of_many_hosts_has_what_does_not_hold():
    hosts = {"web%02d" % number: {"checks": [check(number != 7)]} for number in range(20)}
    assert verification_table({**hosts, "db1": None, "db2": {"checks": None}}) == [
        "  host   check  subject     expected  seen",
        "  web07  limit  0.0.0.0:80  4096      [4096]  WRONG",
        "  everything holds on 19 of 22 hosts",
        "  not verified: db1, db2",
    ]


@pytest.mark.parametrize("hosts, lines", [(10, 11), (11, 1)])
def test_ten_hosts_are_told_in_full(hosts, lines):
    assert len(verification_table({"web%02d" % number: {"checks": [check(True)]} for number in range(hosts)})) == lines


def test_line_has_at_most_120_columns():
    lines = verification_table({"web1": {"checks": [check(True, "/run/" + "x" * 200)]}})
    assert max(len(line) for line in lines) == 120


def test_text_from_hosts_is_harmless():
    [_header, line] = verification_table({"web\x1b[2J": {"checks": [check(True, "\u202e80")]}})
    assert "\x1b" not in line and "\u202e" not in line


NO_DATA = object()  # as failed results of core 2.19 hold
ITEM = {"listen": "80", "backlog": 7}
WRONG = {
    "no_backlog": (lambda: state_filter({}, {}, [{"listen": "80"}]), "wanted_state: KeyError('backlog') is missing or wrong in what it was given"),
    "no_item": (lambda: state_filter({}, {"results": [{"directives": []}]}), "wanted_state: KeyError('item') is missing or wrong in what it was given"),
    "no_number": (lambda: state_filter({}, {}, [{"listen": "80", "backlog": "many"}]), "wanted_state: ValueError("),
    "no_mapping": (lambda: state_filter(7), "wanted_state: TypeError("),
    "no_mapping_in_a_loop": (lambda: state_filter({}, {"results": [7]}), "wanted_state: AttributeError("),
    "no_data": (lambda: state_filter({"sysctls": {"a": NO_DATA}}), "wanted_state: NotPlain("),
    "checks_that_are_no_data": (lambda: table_filter({"a": {"v": {"checks": [NO_DATA]}}}, ["a"], "v"), "verification_table: NotPlain("),
    "text_in_place_of_a_result": (lambda: table_filter({"a": {"v": "x"}}, ["a"], "v"), "verification_table: AttributeError("),
}


@pytest.mark.parametrize("call, sentence", WRONG.values(), ids=WRONG)
def test_filters_say_what_is_wrong(call, sentence):
    with pytest.raises(AnsibleFilterError, match="^" + re.escape(sentence)):
        call()


@pytest.mark.parametrize("name", ["item", "each"])
def test_filter_takes_results_with_what_is_no_data(name):
    result = {"ansible_loop_var": name, name: ITEM, "directives": [{"listen": ["0.0.0.0:80"]}], "exception": NO_DATA}
    assert state_filter({"skipped": True, "exception": NO_DATA}, {"results": [result]})["listeners"] == [{"listen": "0.0.0.0:80", "limit": 7}]
    assert state_filter(dropped_in("1", "2"), {"results": []}) == {"listeners": [], "sysctls": {SOMAXCONN: "1"}, "boot_sysctls": {SOMAXCONN: "2"}}
    assert state_filter({}) == {"listeners": [], "sysctls": {}, "boot_sysctls": {}}


def test_filter_collects_the_results_of_hosts():
    assert table_filter({"web1": {"verified": {"checks": [check(True)], "failed": False}}, "web2": {}}, ["web1", "web2"], "verified") == [
        "  host  check  subject     expected  seen",
        "  web1  limit  0.0.0.0:80  4096      [4096]  ok",
        "  not verified: web2",
    ]


@pytest.mark.parametrize("checks", ["x", [1], [{"check": "limit"}], {"a": 1}, 5], ids=["text", "numbers", "without_the_rest", "mapping", "number"])
def test_what_is_no_verification_verifies_nothing(checks):
    assert verification_table({"liar": {"checks": checks}, "web1": {"checks": [check(True)]}})[1:] == [
        verification_table({"web1": {"checks": [check(True)]}})[1],
        "  not verified: liar",
    ]


def test_megabytes_are_cut_and_what_is_not_true_is_not_ok():
    [_header, line] = verification_table({"liar": {"checks": [check("x") | {"check": "\x1b[2J", "ok": {}, "subject": "y" * 3_000_000}]}})
    assert "\\x1b[2J" in line and line.endswith("?") and len(line) <= 120
