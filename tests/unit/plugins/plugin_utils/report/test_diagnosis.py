# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of a report about diagnoses: in a terminal, and as Markdown."""

import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.diagnosis import headline, markdown_lines, terminal_lines
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.model import markdown_report, verdict
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.text import width
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import diagnosed, listener, situation

CAPPED = {
    "sample": {"max": 17, "mean": 1.0, "share_half_full": 0.04, "share_full": 0.03, "drops": 50, "longest_stall": 0.2},
    "counted": {"ListenOverflows": 50, "ListenDrops": 50},
    "sysctls": {"net.core.somaxconn": 16},
    "listener": {"accept_queue_limit": 16, "limited_by": "somaxconn"},
    "kernel_log": None,
}
STOPPED = {"worker": {"states": {"T": 1.0}}}


def lines(*hosts, columns=100):
    return [text for text, _style in terminal_lines(diagnosed(*hosts), columns)]


TERMINAL = """
Diagnoses: 1 limit_too_small, 1 healthy.

WARNING  limit_too_small: capped_by_somaxconn  (1 listener, 1 host)
  The kernel cuts listen(fd, backlog) down to net.core.somaxconn of the socket's own network
  namespace. The workers had time left, so a longer queue would have been served.
  web1  0.0.0.0:80 in host: the queue was full at its limit of 16, all that net.core.somaxconn of
    the namespace allows
    confidence high
    evidence   accept_queue_limit=16, limit_from=somaxconn, limit_pressed=yes,
               workers.had_time_left=yes, drops_in_window=50, share_full=0.03, sample_max=17,
               longest_stall=0.20, workers.cpu_mean=0.05
    from       sock_diag (ss -ltn); /proc/PID/stat
    also       burst: 0.0.0.0:80 in host: the queue was full in 0.03 of 101 reads only (longest 17,
               limit 16, 50 packets dropped) and was drained at once
    unseen     workers_stopped, reuseport_worker_stalled, workers_blocked_io, open_files_limit,
               worker_connections_exhausted, cgroup_throttled, workers_cpu_saturated, cpu_pressure,
               accepter_stalled, stale_limit, capped_by_program, accepts_too_slowly, syn_flood,
               syn_queue_pressure, syn_three_quarters, listen_drops_without_overflow, rp_filter,
               softnet_drops, firewall_suspected
    size       limit 128: at most 55.0 arrivals per second (SYNs that were sent again count again) x
               0.20 s without an accept = 11, which the present limit of 16 holds on average, but
               not in bursts: so twice that, and less than 128 is small for any program, rounded up;
               when it is full it takes 0.5 MiB and the last in it waits 2.6 s at the 50.0
               connections per second that were accepted in the window
  what to do on web1, 0.0.0.0:80, in this order:
   1. Set backlog=128 in the one listen directive of 0.0.0.0:80 that carries its options, and
      net.core.somaxconn to at least that, first. The role does both, tests the configuration,
      reloads, proves it on the live sockets, or takes it back.
      role backlog_tune: {"backlog_tune_listens": [{"backlog": 128, "listen": "0.0.0.0:80"}],
        "backlog_tune_netns": "", "backlog_tune_reason": "diagnosis: the accept queue of 0.0.0.0:80
        is too small", "backlog_tune_sysctls": {"net.core.somaxconn": 4096}}

OK  healthy  (1 listener, 1 host)
  web2  0.0.0.0:80 in host: longest queue 3 of 511 in 101 reads, nothing dropped"""


def test_terminal():
    assert "\n".join(lines(situation(**CAPPED), situation())) == TERMINAL


def test_the_audit_table_holds_it():
    made = diagnosed(situation(**STOPPED))
    assert "CRITICAL  application_too_slow: workers_stopped  (1 listener, 1 host)" in table(made, 100)
    assert "      $ kill -CONT 813" in table(made, 100)


def test_what_is_unknown_stands_beside_the_verdict():
    text = " ".join(" ".join(lines(situation(**{**CAPPED, "listener": {"accept_queue_limit": 16, "limited_by": "somaxconn", "workers": None}}))).split())
    assert "unknown workers_stopped (workers.all_stopped, workers.stopped, workers.stopped_share); " in text
    assert "capped_by_somaxconn (workers.had_time_left)" in text


def test_many_listeners_are_cut_and_say_so():
    hosts = [situation(**STOPPED) for _turn in range(20)] + [situation(listeners=[listener(local_port=port) for port in range(100, 120)])]
    shown = lines(*hosts)
    assert sum("confidence" in line for line in shown) == 3
    assert shown.count("  ... and 5 more (see the report files)") == 1, "three in full, twelve by their summary"
    assert shown.count("  ... and 8 more (see the report files)") == 1, "twelve of twenty that are healthy"
    assert sum("what to do" in line for line in shown) == 1, "the same is not told twice"


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_columns(columns):
    assert max(map(width, lines(situation(**CAPPED), situation(**STOPPED), columns=columns))) <= columns


def test_the_fleet():
    shown = lines(*[situation() for _turn in range(5)], situation(worker={"cpu": 0.9}))
    assert shown[-2:] == [
        "FLEET (hosts far above their peers)",
        "  web6: nginx on 80 uses 0.90 of one CPU in its busiest worker, the median of 6 hosts is 0.05",
    ]


def test_markdown():
    text = "\n".join(markdown_lines(diagnosed(situation(**CAPPED), situation())))
    assert "### limit\\_too\\_small: capped\\_by\\_somaxconn (warning)" in text
    assert "- `web1` 0.0.0.0:80 in host: the queue was full at its limit of 16, all that net.core.somaxconn of the namespace allows" in text
    assert "  - confidence high; from sock\\_diag (ss -ltn); /proc/PID/stat" in text
    assert "  - `listener.drops_in_window`: `50`" in text
    assert "  - not seen: no process that accepts was stopped; " in text
    assert "What to do on `web1 0.0.0.0:80`, in this order:\n\n1. Set backlog=128 in" in text
    assert '   - role `backlog_tune`: `{"backlog_tune_listens": [{"backlog": 128, "listen": "0.0.0.0:80"}]' in text
    assert "### healthy (ok)" in text
    assert text in markdown_report(diagnosed(situation(**CAPPED), situation()))


def test_markdown_of_what_is_unknown_and_of_the_fleet():
    hosts = [situation(**CAPPED, worker={"states": None}), *[situation() for _turn in range(5)], situation(worker={"cpu": 0.9})]
    text = "\n".join(markdown_lines(diagnosed(*hosts)))
    assert re.search(r"  - not known: `workers_stopped`, for want of `workers.all_stopped`, ", text)
    assert "## Hosts far above their peers\n\n- web1: nginx on 80 drops 5.0 packets" in text


def test_headline():
    assert headline({"diagnosis_counts": {}}) == "Diagnoses: no listener."
    assert headline(diagnosed(situation(), situation(**STOPPED))) == "Diagnoses: 1 application_too_slow, 1 healthy."


@pytest.mark.parametrize(
    ("fail_on", "sentence"),
    [
        ("critical", "The audit fails (backlog_audit_fail_on: critical): 1 listener with a critical diagnosis."),
        ("warning", "The audit fails (backlog_audit_fail_on: warning): 1 listener with a critical diagnosis, 2 listeners with a warning diagnosis."),
        ("never", ""),
    ],
)
def test_a_diagnosis_fails_an_audit(fail_on, sentence):
    assert verdict(diagnosed(situation(**STOPPED), situation(**CAPPED), situation(**CAPPED), situation()), fail_on) == sentence
