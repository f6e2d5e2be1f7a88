# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision table: for every cause facts that make it, near misses that do not, conflicts of two causes, and what is unknown."""

import pytest
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import cgroup, diagnosed, diagnosis, listener, situation, worker

FULL = {"max": 512, "mean": 500.0, "share_half_full": 0.9, "share_full": 0.7, "drops": 300, "longest_stall": 0.5}
STILL = {"max": 512, "mean": 512.0, "share_half_full": 1.0, "share_full": 1.0, "drops": 300, "longest_stall": 10.0}
BURST = {"max": 512, "mean": 9.0, "share_half_full": 0.04, "share_full": 0.03, "drops": 50, "longest_stall": 0.2}
OVERFLOWS = {"ListenOverflows": 300, "ListenDrops": 300}
FEW = {"ListenOverflows": 50, "ListenDrops": 50}
FLOOD = {"TCPReqQFullDoCookies": 9000, "SyncookiesSent": 9000, "PassiveOpens": 500}
THREADS = {"name": "java", "role": None, "threads": 200}
BUSY = {"cpu": 0.97, "states": {"R": 1.0}}
SMALL = {"accept_queue_limit": 16}


def of_another_program(**changes):
    return {"processes": [{"pid": 900, "name": "shop"}], "workers": [900], **changes}


def two(first, second):
    """Two listeners of one namespace."""
    return [listener(first), listener(second, local_port=81)]


HEALTHY = {
    "nothing_wrong": ({}, "healthy"),
    "busy_and_healthy": ({"worker": BUSY, "counted": {"PassiveOpens": 90000}}, "healthy"),
    "throttled_but_in_time": ({"cgroups": [cgroup(cpu_quota=0.5, periods=100, throttled_periods=60)]}, "healthy"),
    "reads_nothing_and_nobody_came": ({"sample": {"max": 0}, "counted": {"PassiveOpens": 0}}, "no_traffic"),
    "empty_but_others_are_served": ({"sample": {"max": 0}}, "healthy"),
    "blocked_and_nobody_waits": ({"worker": {"states": {"D": 1.0}}}, "healthy"),
    "a_unix_socket": ({"listener": {"family": "unix", "path": "/run/x", "drops": "absent"}, "sample": {"drops": "absent"}}, "healthy"),
    "drops_of_another_listener": ({"counted": OVERFLOWS}, "healthy"),
    "acks_held_back_by_deferred_accept": ({"sample": {"drops": 300}}, "healthy"),
    "a_stray_packet_of_rp_filter": ({"counted": {"IPReversePathFilter": 3}}, "healthy"),
    "conntrack_lost_a_race": ({"namespace": {"conntrack": {"count": 50, "max": 65536, "drop": {"delta": 3}}}}, "healthy"),
    "cookies_for_all_and_all_came_back": ({"counted": {**FLOOD, "SyncookiesRecv": 8990}, "sysctls": {"net.ipv4.tcp_syncookies": 2}}, "healthy"),
    "slots_nearly_half_used": ({"nginx": {"stub_status": {"active": 250, "gap": 0}}}, "healthy"),
    "one_request_waits_for_long": ({"sample": {"max": 1, "longest_stall": 9.0}, "worker": {"cpu": 0.3}}, "healthy"),
}
TOO_SLOW = {
    "stopped": ({"sample": STILL, "counted": OVERFLOWS, "worker": {"state": "T", "states": {"T": 1.0}}}, "workers_stopped"),
    "stopped_by_a_debugger": ({"worker": {"states": {"t": 0.9, "S": 0.1}}}, "workers_stopped"),
    "blocked": ({"sample": FULL, "counted": OVERFLOWS, "worker": {"states": {"D": 0.9, "S": 0.1}, "wchan": "rpc_wait_bit_killable"}}, "workers_blocked_io"),
    "half_of_the_threads_blocked": (
        {"sample": FULL, "counted": OVERFLOWS, "worker": {**THREADS, "states": {"D": 1.0}, "threads_blocked": 100}},
        "workers_blocked_io",
    ),
    "no_files_left": ({"worker": {"open_files": 1020}}, "open_files_limit"),
    "no_files_left_says_the_log": ({"log": {"too_many_open_files": 2}}, "open_files_limit"),
    "no_slots_left_says_the_log": ({"log": {"worker_connections": 9}}, "worker_connections_exhausted"),
    "slots_nearly_used": ({"nginx": {"stub_status": {"active": 450, "gap": 0}}}, "worker_connections_nearly_used"),
    "throttled": (
        {"sample": FULL, "counted": OVERFLOWS, "cgroups": [cgroup(cpu_quota=0.1, periods=100, throttled_periods=90, throttled_seconds=8.0)]},
        "cgroup_throttled",
    ),
    "computes": ({"sample": FULL, "counted": OVERFLOWS, "worker": BUSY}, "workers_cpu_saturated"),
    "one_of_two_computes": (
        {"sample": FULL, "counted": OVERFLOWS, "listener": {"workers": [813, 814]}, "workers": [worker(**BUSY), worker(814)]},
        "workers_cpu_saturated",
    ),
    "threads_without_a_cpu_left": (
        {
            "sample": FULL,
            "counted": OVERFLOWS,
            "worker": {**THREADS, "cpu": 3.9},
            "pressure": {"cpu": {"some": 0.6}},
            "listener": of_another_program(workers=[813]),
        },
        "workers_cpu_saturated",
    ),
    "waits_for_a_cpu": (
        {"sample": FULL, "counted": OVERFLOWS, "worker": {"cpu": 0.3, "states": {"R": 0.9, "S": 0.1}}, "pressure": {"cpu": {"some": 0.7}}},
        "cpu_pressure",
    ),
    "never_accepts": ({"sample": STILL, "counted": {**OVERFLOWS, "PassiveOpens": 0}, "worker": {"states": {"S": 1.0}, "cpu": 0.0}}, "accepter_stalled"),
    "never_accepts_one": (
        {"sample": {"max": 1, "longest_stall": 9.9}, "counted": {"PassiveOpens": 1}, "worker": {"states": {"S": 1.0}, "cpu": 0.0}},
        "accepter_stalled",
    ),
    "accepts_now_and_then": ({"sample": STILL, "counted": {**OVERFLOWS, "PassiveOpens": 5000}, "worker": {"cpu": 0.1}}, "accepts_too_slowly"),
    "always_half_full": ({"sample": {"max": 400, "share_half_full": 0.8}}, "accepts_too_slowly"),
    "accepts_slowly_and_sleeps_in_between": ({"sample": STILL, "counted": {**OVERFLOWS, "PassiveOpens": 5000}, "worker": {"cpu": 0.0}}, "accepts_too_slowly"),
    "a_large_queue_overflows_for_long": (
        {"sample": {**FULL, "share_half_full": 0.4, "share_full": 0.3}, "counted": OVERFLOWS, "listener": {"accept_queue_limit": 8192}},
        "accepts_too_slowly",
    ),
}
LIMITS = {
    "capped_by_somaxconn": (
        {"sample": BURST, "counted": FEW, "listener": {"accept_queue_limit": 128, "limited_by": "somaxconn"}, "sysctls": {"net.core.somaxconn": 128}},
        "capped_by_somaxconn",
    ),
    "at_the_cap_and_nobody_knows_why": (
        {"sample": BURST, "counted": FEW, "listener": {"accept_queue_limit": 128, "at_cap": True}, "sysctls": {"net.core.somaxconn": 128}},
        "capped_by_somaxconn",
    ),
    "stale": ({"sample": BURST, "counted": FEW, "listener": {"accept_queue_limit": 128, "stale_limit": True, "listen_backlog": 2048}}, "stale_limit"),
    "capped_by_program": ({"sample": BURST, "counted": FEW, "listener": SMALL}, "capped_by_program"),
    "capped_by_program_at_the_same_number": (
        {"sample": BURST, "counted": FEW, "listener": {**SMALL, "at_cap": True, "limited_by": "backlog"}, "sysctls": {"net.core.somaxconn": 16}},
        "capped_by_program",
    ),
    "often_full_at_its_default": ({"sample": {**BURST, "share_full": 0.3, "share_half_full": 0.4}, "counted": FEW}, "capped_by_program"),
    "larger_than_the_sysctl_now": (
        {"sample": BURST, "counted": FEW, "listener": {**SMALL, "stale_limit": True}, "sysctls": {"net.core.somaxconn": 8}},
        "capped_by_program",
    ),
    "a_unix_socket_is_full": (
        {"sample": {**BURST, "drops": "absent"}, "listener": {**SMALL, "family": "unix", "path": "/run/x", "drops": "absent"}},
        "capped_by_program",
    ),
}
BURSTS = {
    "with_drops": ({"sample": BURST, "counted": FEW}, "burst"),
    "without_drops": ({"sample": {**BURST, "drops": 0}}, "burst"),
    "between_two_reads": ({"sample": {"drops": 50}, "counted": FEW}, "burst"),
    "at_a_large_limit": ({"sample": BURST, "counted": FEW, "listener": {"accept_queue_limit": 4096, "at_cap": True}}, "burst"),
}
SYN = {
    "flood_cookies_when_full": ({"counted": FLOOD, "listener": {"syn_queue_length": 512}}, "syn_flood"),
    "flood_cookies_for_all": ({"counted": FLOOD, "sysctls": {"net.ipv4.tcp_syncookies": 2}}, "syn_flood"),
    "flood_without_cookies": (
        {
            "counted": {"TCPReqQFullDrop": 9000, "ListenDrops": 9000},
            "sample": {"drops": 9000},
            "listener": {"syn_queue_length": 512},
            "sysctls": {"net.ipv4.tcp_syncookies": 0},
        },
        "syn_flood",
    ),
    "flood_and_only_one_listener": ({"counted": FLOOD}, "syn_flood"),
    "many_at_once_that_answer": ({"counted": {**FLOOD, "SyncookiesRecv": 8900}, "listener": {"syn_queue_length": 512}}, "syn_queue_pressure"),
    "a_few_met_a_full_queue": (
        {"counted": {"TCPReqQFullDoCookies": 9, "SyncookiesSent": 9}, "listener": {"syn_queue_length": 512}},
        "syn_queue_pressure",
    ),
}
UNEXPLAINED = {
    "three_quarters": (
        {
            "counted": {"ListenDrops": 900},
            "sample": {"drops": 900},
            "listener": {"syn_queue_length": 49},
            "sysctls": {"net.ipv4.tcp_syncookies": 0, "net.ipv4.tcp_max_syn_backlog": 64},
        },
        "syn_three_quarters",
    ),
    "three_quarters_are_free": (
        {"counted": {"ListenDrops": 3}, "sample": {"drops": 3}, "sysctls": {"net.ipv4.tcp_syncookies": 0, "net.ipv4.tcp_max_syn_backlog": 64}},
        "listen_drops_without_overflow",
    ),
    "no_memory": ({"counted": {"ListenDrops": 3}, "sample": {"drops": 3}}, "listen_drops_without_overflow"),
}
ELSEWHERE = {
    "rp_filter": ({"counted": {"IPReversePathFilter": 300}}, "rp_filter"),
    "conntrack": ({"namespace": {"conntrack": {"count": 65536, "max": 65536, "drop": {"delta": 300}}}}, "conntrack_full"),
    "conntrack_told_by_the_log": (
        {
            "namespace": {"conntrack": {"count": 65536, "max": 65536, "drop": {"delta": None}}},
            "kernel_log": {"syn_flooding": [], "conntrack_full": {"in_window": 2, "before": 0}},
        },
        "conntrack_full",
    ),
    "softnet": ({"softnet": {"dropped": {"delta": 300, "per_second": 30.0}}}, "softnet_drops"),
    "no_answers_to_syn_acks": ({"counted": {"TCPSynRetrans": 200, "PassiveOpens": 10}, "listener": {"syn_queue_length": 40}}, "firewall_suspected"),
}
VERDICTS = {
    "healthy": HEALTHY,
    "application_too_slow": TOO_SLOW,
    "limit_too_small": LIMITS,
    "burst": BURSTS,
    "syn_queue": SYN,
    "listen_drops_without_overflow": UNEXPLAINED,
    "not_the_queue": ELSEWHERE,
}
TABLE = [pytest.param(verdict, *row, id="%s-%s" % (verdict, name)) for verdict, rows in VERDICTS.items() for name, row in rows.items()]


@pytest.mark.parametrize(("verdict", "changes", "cause"), TABLE)
def test_decision(verdict, changes, cause):
    found = diagnosis(**changes)
    assert (found["verdict"], found["cause"]) == (verdict, cause), found


NEAR_MISSES = {
    "one_of_four_is_stopped": (
        {
            "sample": FULL,
            "counted": OVERFLOWS,
            "listener": {"workers": [1, 2, 3, 4]},
            "workers": [worker(1, states={"T": 1.0}), worker(2), worker(3), worker(4)],
        },
        "workers_stopped",
    ),
    "one_thread_of_many_waits_for_a_disk": ({"worker": {**THREADS, "states": {"D": 1.0}, "threads_blocked": 1}}, "workers_blocked_io"),
    "many_files_and_room_for_more": ({"worker": {"open_files": 960}}, "open_files_limit"),
    "throttled_now_and_then": (
        {"sample": FULL, "counted": OVERFLOWS, "cgroups": [cgroup(cpu_quota=2.0, periods=100, throttled_periods=10)]},
        "cgroup_throttled",
    ),
    "half_busy": ({"sample": FULL, "counted": OVERFLOWS, "worker": {"cpu": 0.79}}, "workers_cpu_saturated"),
    "pressure_by_others": ({"sample": FULL, "counted": OVERFLOWS, "pressure": {"cpu": {"some": 0.9}}}, "cpu_pressure"),
    "a_standstill_in_which_others_are_served": ({"sample": STILL, "counted": {**OVERFLOWS, "PassiveOpens": 5000}}, "accepter_stalled"),
    "busy_and_capped": ({"sample": FULL, "counted": OVERFLOWS, "worker": BUSY, "listener": SMALL}, "capped_by_program"),
    "stopped_and_capped": ({"sample": BURST, "counted": FEW, "worker": {"states": {"T": 1.0}}, "listener": SMALL}, "capped_by_program"),
    "never_drained_and_capped": ({"sample": {**FULL, "share_half_full": 0.99}, "counted": OVERFLOWS, "listener": SMALL}, "capped_by_program"),
    "stale_and_not_under_pressure": ({"listener": {"stale_limit": True}}, "stale_limit"),
    "full_for_long": ({"sample": FULL, "counted": OVERFLOWS}, "burst"),
    "drops_of_the_syn_queue_are_no_burst": ({"sample": {"drops": 9}, "counted": {"ListenDrops": 9, "TCPReqQFullDrop": 9}}, "burst"),
    "a_flood_that_met_another_listener": ({"counted": FLOOD, "listeners": two({}, {})}, "syn_flood"),
    "old_line_of_the_log": (
        {"kernel_log": {"syn_flooding": [{"port": 80, "in_window": False}]}, "counted": FLOOD, "listeners": two({}, {})},
        "syn_flood",
    ),
    "rp_filter_cannot_meet_loopback": ({"counted": {"IPReversePathFilter": 300}, "listener": {"local_address": "127.0.0.1"}}, "rp_filter"),
    "rp_filter_is_of_ipv4": ({"counted": {"IPReversePathFilter": 300}, "listener": {"family": "inet6", "local_address": "2001:db8::1"}}, "rp_filter"),
    "many_retransmits_and_more_that_work": ({"counted": {"TCPSynRetrans": 200}, "listener": {"syn_queue_length": 40}}, "firewall_suspected"),
}


@pytest.mark.parametrize(("changes", "cause"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_miss(changes, cause):
    for found in diagnosed(situation(**changes))["diagnoses"]:
        assert found["cause"] != cause
        assert cause not in [each["cause"] for each in found["also"]]


CONFLICTS = {
    "stopped_before_everything": (
        {"sample": STILL, "counted": OVERFLOWS, "worker": {"states": {"T": 1.0}, "open_files": 1024}, "listener": SMALL},
        "workers_stopped",
        ["open_files_limit"],
    ),
    "throttled_before_saturated": (
        {"sample": FULL, "counted": OVERFLOWS, "worker": BUSY, "cgroups": [cgroup(cpu_quota=1.0, periods=100, throttled_periods=90, throttled_seconds=1.0)]},
        "cgroup_throttled",
        ["workers_cpu_saturated"],
    ),
    "blocked_before_a_small_limit": ({"sample": BURST, "counted": FEW, "worker": {"states": {"D": 1.0}}, "listener": SMALL}, "workers_blocked_io", ["burst"]),
    "limit_before_burst": ({"sample": BURST, "counted": FEW, "listener": SMALL}, "capped_by_program", ["burst"]),
    "queue_before_flood": (
        {"sample": FULL, "counted": {**OVERFLOWS, **FLOOD}, "worker": BUSY, "listener": {"syn_queue_length": 512}},
        "workers_cpu_saturated",
        ["syn_flood"],
    ),
    "queue_before_rp_filter": ({"sample": FULL, "counted": {**OVERFLOWS, "IPReversePathFilter": 300}, "worker": BUSY}, "workers_cpu_saturated", ["rp_filter"]),
    "conntrack_before_rp_filter": (
        {"counted": {"IPReversePathFilter": 300}, "namespace": {"conntrack": {"count": 9, "max": 9, "drop": {"delta": 9}}}},
        "conntrack_full",
        ["rp_filter"],
    ),
    "slots_gone_before_nearly_gone": (
        {"log": {"worker_connections": 9}, "nginx": {"stub_status": {"active": 512, "gap": 9}}},
        "worker_connections_exhausted",
        ["worker_connections_nearly_used"],
    ),
}


@pytest.mark.parametrize(("changes", "cause", "also"), CONFLICTS.values(), ids=CONFLICTS)
def test_who_wins(changes, cause, also):
    found = diagnosis(**changes)
    assert (found["cause"], [each["cause"] for each in found["also"]]) == (cause, also)
    assert not set(also) & {each["cause"] for each in found["not_seen"]}


UNKNOWN = {
    "the_owners_are_not_readable": ({"sample": BURST, "counted": FEW, "listener": {**SMALL, "workers": None}}, "burst", "low", ["capped_by_program"]),
    "no_owners_and_full_for_long": (
        {"sample": {**BURST, "share_full": 0.3}, "counted": FEW, "listener": {"workers": None}},
        "unknown",
        "low",
        ["capped_by_program", "accepts_too_slowly"],
    ),
    "no_drops_and_no_shares": ({"sample": {"drops": None, "share_full": None, "share_half_full": None}}, "unknown", "low", ["healthy"]),
    "threads_that_may_be_saturated": (
        {"sample": FULL, "counted": OVERFLOWS, "worker": {**THREADS, "cpu": 3.9}, "listener": of_another_program(workers=[813])},
        "accepts_too_slowly",
        "medium",
        ["workers_cpu_saturated"],
    ),
    "a_flood_and_nobody_knows_at_whom": ({"counted": FLOOD, "listeners": two({}, {})}, "healthy", "high", ["syn_flood"]),
    "rp_filter_was_reset": ({"counted": {"IPReversePathFilter": None}}, "healthy", "medium", ["rp_filter"]),
    "the_error_log_is_not_readable": ({"log": {"worker_connections": None}}, "healthy", "medium", ["worker_connections_exhausted"]),
}


@pytest.mark.parametrize(("changes", "cause", "confidence", "unknown"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_is_not_fine(changes, cause, confidence, unknown):
    found = diagnosed(situation(**changes))["diagnoses"][0]
    assert (found["cause"], set(unknown) - {each["cause"] for each in found["unknown"]}) == (cause, set()), found
    assert all(each["missing"] for each in found["unknown"])
    assert found["confidence"] == confidence or cause == "healthy"


def test_the_kernel_log_tells_whom_a_flood_meets():
    log = {"syn_flooding": [{"port": 81, "address": "0.0.0.0", "in_window": True}]}
    made = diagnosed(situation(counted=FLOOD, kernel_log=log, listeners=two({}, {})))
    assert [(each["listener"], each["cause"], each["confidence"]) for each in made["diagnoses"]] == [
        ("0.0.0.0:81", "syn_flood", "high"),
        ("0.0.0.0:80", "healthy", "high"),
    ]


def test_a_stalled_socket_of_a_group():
    """The others of the group are healthy, and nobody is told to raise a limit."""
    group = {"reuseport_sockets": 4}
    full = listener({**STILL, "drops": 300}, **group, syn_queue_length=None)
    idle = [listener({"drops": 0}, **group, syn_queue_length=None) for _turn in range(3)]
    workers = [worker(states={"T": 1.0}), worker(814), worker(815), worker(816)]
    for each in (full, *idle):
        each["workers"] = [812, 813, 814, 815, 816]
    made = diagnosed(situation(listeners=[full, *idle], counted=OVERFLOWS, workers=workers))
    assert [each["cause"] for each in made["diagnoses"]] == ["reuseport_worker_stalled", "healthy", "healthy", "healthy"]
    assert "kill -CONT 813" in [fix.get("command") for fix in made["diagnoses"][0]["fixes"]]


def test_a_program_that_holds_no_socket_is_none():
    found = diagnosis(sample=FULL, counted=OVERFLOWS, listener={"workers": [], "processes": []})
    assert (found["cause"], found["program"]) == ("accepts_too_slowly", None)
    assert {each["cause"] for each in found["unknown"]} == set()


def test_parents_do_not_accept():
    """An application server's parent sleeps for ever, and must not make its stopped children look like half of the workers."""
    workers = [worker(900, role=None, children=1, cpu=0.0), worker(901, role=None, states={"T": 1.0})]
    found = diagnosis(sample=STILL, counted=OVERFLOWS, workers=workers, listener=of_another_program(workers=[900, 901]))
    assert (found["cause"], found["evidence"]["workers.count"]) == ("workers_stopped", 1)
