# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check, when it holds, when it does not, and when nobody can tell."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._probe.latency import Attempt
from ansible_collections.netops.listen_queue.plugins.module_utils._verify.checks import (
    Check,
    Timeline,
    boot_check,
    drops_check,
    failure,
    limit_check,
    probe_check,
    queue_check,
    sysctl_check,
    url_check,
)
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener

WHERE = "0.0.0.0:80"


def rows(*limits):
    return [listener(accept_queue_limit=limit) for limit in limits]


def waiting(length, limit):
    return listener(accept_queue_length=length, accept_queue_limit=limit)


def dropped(*drops):
    return [listener(drops=number, cookie=cookie) for cookie, number in enumerate(drops)]


NOBODY = "whether 0.0.0.0:80 drops connections is not known"
BOOT = {"boot_value": 512, "boot_source": {"path": "/etc/sysctl.d/a.conf", "line": 3}}
LOADER = {"name": "systemd-sysctl", "why": "systemd is running"}
UNREACHED = "no process was found through which 0.0.0.0:80 could be reached"
# situation: (check, seen, ok, sentence when it is not ok)
CHECKS = {
    "limit": (limit_check(WHERE, 5, rows(5, 5)), [5, 5], True, None),
    "limit_of_nothing": (limit_check(WHERE, 5, []), [], False, "nothing listens on 0.0.0.0:80"),
    "other_limit": (limit_check(WHERE, 5, rows(4)), [4], False, "the limit of 0.0.0.0:80 is 4 and not 5"),
    "a_larger_limit_is_another_one": (limit_check(WHERE, 5, rows(6, 6)), [6, 6], False, "the limit of 0.0.0.0:80 is 6 and not 5"),
    "mixed_limits": (limit_check(WHERE, 5, rows(5, 4, 5)), [4, 5, 5], False, "the 3 sockets of 0.0.0.0:80 have the limits 4, 5 and not 5 alone"),
    "empty_queue": (queue_check(WHERE, [waiting(0, 0)]), 0.0, True, None),
    "queue_below_half": (queue_check(WHERE, [waiting(4, 9), waiting(0, 9)]), 0.4, True, None),
    "queue_half_full": (queue_check(WHERE, [waiting(0, 9), waiting(5, 9)]), 0.5, False, "the accept queue of 0.0.0.0:80 is 50 % full (5 connections wait)"),
    "queue_of_one_full": (queue_check(WHERE, [waiting(1, 0)]), 1.0, False, "the accept queue of 0.0.0.0:80 is 100 % full (1 connections wait)"),
    "shrunk_queue": (queue_check(WHERE, [waiting(40, 4)]), 8.0, False, "the accept queue of 0.0.0.0:80 is 800 % full (40 connections wait)"),
    "no_drops": (drops_check(WHERE, {0: 7, 1: 1}, dropped(7, 1)), 0, True, None),
    "drops": (drops_check(WHERE, {0: 7, 1: 1}, dropped(7, 3)), 2, False, "0.0.0.0:80 still drops connections (2 packets since the look before)"),
    "drops_of_a_new_socket": (drops_check(WHERE, {0: 7}, dropped(7, 3)), 3, False, "0.0.0.0:80 still drops connections (3 packets since the look before)"),
    "a_socket_that_went_takes_its_drops_along": (drops_check(WHERE, {0: 7, 5: 9}, dropped(7)), 0, True, None),
    "first_look_at_drops": (drops_check(WHERE, None, dropped(7)), None, None, NOBODY),
    "kernel_without_drops": (drops_check(WHERE, {0: None}, dropped(None)), None, None, NOBODY),
    "sysctl": (sysctl_check("k", "net/core/somaxconn", "4096", "4096"), "4096", True, None),
    "sysctl_in_hexadecimal": (sysctl_check("k", "net/core/somaxconn", "0x1000", "4096"), "4096", True, None),
    "sysctl_of_words": (sysctl_check("k", "net/ipv4/tcp_rmem", "1\t2  3", "1 2 3"), "1 2 3", True, None),
    "other_sysctl": (sysctl_check("net.core.somaxconn", "net/core/somaxconn", "4096", "128"), "128", False, "net.core.somaxconn is 128 and not 4096"),
    "missing_sysctl": (sysctl_check("net.x", "net/x", "1", None), None, False, "net.x does not exist here or cannot be read"),
    "boot": (boot_check("k", "net/core/somaxconn", "512", BOOT, LOADER), 512, True, None),
    "other_boot": (
        boot_check("k", "net/core/somaxconn", "4096", BOOT, LOADER), 512, False, "k will be 512 after the next boot (/etc/sysctl.d/a.conf:3) and not 4096",
    ),
    "no_boot": (
        boot_check("k", "net/core/somaxconn", "512", {"boot_value": None, "boot_source": None}, LOADER), None, False,
        "nothing sets k at boot (systemd is running)",
    ),
    "connected": (probe_check(WHERE, Attempt("connected", 0.1)), "connected", True, None),
    "timeout": (probe_check(WHERE, Attempt("timeouts", 0.9)), "timeouts", False, "a connection to 0.0.0.0:80 got no answer in time"),
    "refused": (probe_check(WHERE, Attempt("refused", 0)), "refused", False, "a connection to 0.0.0.0:80 was refused"),
    "reset": (probe_check(WHERE, Attempt("resets", 0)), "resets", False, "a connection to 0.0.0.0:80 was reset"),
    "failed": (probe_check(WHERE, Attempt("errors", 0, "No route to host")), "errors", False, "a connection to 0.0.0.0:80 failed (No route to host)"),
    "unreached": (probe_check(WHERE, None), None, None, UNREACHED),
    "url": (url_check("u", (), 204, None), 204, True, None),
    "url_redirects": (url_check("u", (), 302, None), 302, True, None),
    "url_with_an_error_that_is_wanted": (url_check("u", (401, 403), 403, None), 403, True, None),
    "url_with_an_error": (url_check("u", (), 503, None), 503, False, "u: the answer is 503"),
    "url_with_another_success": (url_check("u", (200,), 204, None), 204, False, "u: the answer is 204"),
    "url_without_an_answer": (url_check("u", (), None, "there is no answer (timed out)"), None, False, "u: there is no answer (timed out)"),
}  # fmt: skip


@pytest.mark.parametrize("check, seen, ok, sentence", CHECKS.values(), ids=CHECKS)
def test_check(check, seen, ok, sentence):
    assert (check.seen, check.ok) == (seen, ok)
    assert ok or check.sentence == sentence


def test_unix_sockets_have_limits_and_queues_too():
    row = unix_listener(accept_queue_limit=5)
    assert (limit_check("unix:/x", 5, [row]).ok, queue_check("unix:/x", [row]).ok) == (True, True)


def test_a_check_is_as_it_is_since_it_changed():
    timeline = Timeline()
    good, bad, other = Check("a", "x", 1, 1, True), Check("a", "x", 1, 2, False), Check("a", "y", 1, None, None)
    assert timeline.rows([bad, other], 0.1) == [
        {"check": "a", "subject": "x", "expected": 1, "seen": 2, "ok": False, "time": 0.1},
        {"check": "a", "subject": "y", "expected": 1, "seen": None, "ok": None, "time": 0.1},
    ]
    assert [row["time"] for row in timeline.rows([good, other], 1.25)] == [1.25, 0.1]
    assert [row["time"] for row in timeline.rows([good, other], 2)] == [1.25, 0.1]
    assert [row["time"] for row in timeline.rows([bad], 3)] == [3]


def test_failure_names_what_does_not_hold():
    checks = [
        Check("a", "x", 1, 1, True, "no"),
        Check("b", "x", 1, 2, False, "b is 2"),
        Check("c", "x", 1, None, None, "no"),
        Check("d", "x", 1, 2, False, "d"),
    ]
    assert failure(checks, 29.96) == "after 30.0 seconds this does not hold: b is 2; d"
    assert failure(checks[:1] + checks[2:3], 1) is None
