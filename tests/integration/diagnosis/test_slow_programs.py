# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue is full because nobody takes anything out of it, or not fast enough."""

import pytest
from diagnosis_load import blocked, few_descriptors, half_requests, hoarding, never, promptly, serve, stop, visitors, waiting, working
from diagnosis_view import look

PORT = 8080
BACKLOG = 16
DESCRIPTORS = 40
ALL_OF_IT = 0.8  # of one processor
MAIN = "pid {folder}/nginx.pid; error_log {folder}/error.log info; user root; %s events {{ worker_connections %d; }}\n"
CONFIGURATION = "http { access_log off; server { listen 127.0.0.1:%d backlog=%d %s; return 204; } }"

WITH_STATUS = "http { access_log off; server { listen 127.0.0.1:%d; location = /status { stub_status; } } }"


def too_slow(seen, port, cause):
    """Assert that the program is to blame, and that nobody is told to make the queue longer."""
    found = seen.expect(port, "application_too_slow", cause)
    assert not [fix["id"] for fix in found["fixes"] if fix.get("role") == "backlog_tune"]
    return found


def test_a_stalled_accepter():
    port = serve(never, BACKLOG).told
    quiet = serve(promptly, BACKLOG).told
    visitors(port)
    seen = look()
    too_slow(seen, port, "accepter_stalled")
    assert seen.listeners(port)[0]["accept_queue_length"] == BACKLOG + 1
    assert seen.listeners(port)[0]["sample"]["longest_stall"] > 1
    seen.expect_healthy(quiet)


def test_a_stalled_accepter_on_a_unix_socket():
    path = serve(never, BACKLOG, path="/run/stalled.sock").told
    quiet = serve(promptly, BACKLOG, path="/run/quiet.sock").told
    visitors(path)
    visitors(quiet, number=1)
    seen = look()
    too_slow(seen, path, "accepter_stalled")
    assert seen.listeners(path)[0]["accept_queue_full"]
    seen.expect_healthy(quiet)


def test_a_worker_that_waits_for_somebody_else():
    port = serve(waiting(0.05), BACKLOG).told
    visitors(port)
    seen = look()
    too_slow(seen, port, "accepts_too_slowly")
    assert seen.workers(port)[0]["cpu"] < ALL_OF_IT
    assert seen.counted("ListenOverflows") > 0


def test_a_worker_that_computes_all_the_time():
    port = serve(working(0.01), BACKLOG).told
    visitors(port)
    seen = look()
    worker = seen.workers(port)[0]
    assert worker["states"]["R"] > 0.5
    # Where others compute, too, it does not get a whole processor, and that is what must be told.
    too_slow(seen, port, "workers_cpu_saturated" if worker["cpu"] >= ALL_OF_IT else "cpu_pressure")


def test_a_worker_whose_cgroup_is_throttled(cpu_quota):
    port = serve(working(0.005), BACKLOG, prepare=lambda: cpu_quota(0.05)).told
    visitors(port, number=2)
    seen = look()
    too_slow(seen, port, "cgroup_throttled")
    assert seen.facts["cgroups"][0]["cpu_quota"] == 0.05
    assert seen.facts["cgroups"][0]["throttled_seconds"] > 0


def test_a_worker_that_is_blocked_in_the_kernel():
    port = serve(blocked, BACKLOG).told
    visitors(port)
    seen = look()
    too_slow(seen, port, "workers_blocked_io")
    assert [(worker["state"], worker["states"]) for worker in seen.workers(port)] == [("D", {"D": 1})]


def test_a_worker_that_is_stopped():
    server = serve(promptly, BACKLOG)
    visitors(server.told)
    stop(server.pid)
    seen = look()
    too_slow(seen, server.told, "workers_stopped")
    assert [worker["state"] for worker in seen.workers(server.told)] == ["T"]


def test_no_file_descriptor_is_left():
    port = serve(hoarding, BACKLOG, prepare=few_descriptors(DESCRIPTORS)).told
    visitors(port)
    seen = look()
    too_slow(seen, port, "open_files_limit")
    worker = seen.workers(port)[0]
    assert worker["open_files"] >= worker["open_files_limit"] == DESCRIPTORS


def test_nginx_without_file_descriptors(nginx):
    server = nginx(CONFIGURATION % (PORT, BACKLOG, ""), main=MAIN % ("worker_rlimit_nofile 24;", 512))
    half_requests(60, PORT)
    visitors(PORT)
    seen = look()
    found = too_slow(seen, PORT, "open_files_limit")
    assert "accept4() failed (24: Too many open files)" in server.errors()
    assert any("Too many open files" in line for line in found["log"])


def test_nginx_without_connection_slots(nginx):
    server = nginx(CONFIGURATION % (PORT, 511, ""), main=MAIN % ("worker_processes 2;", 16))
    half_requests(60, PORT)
    visitors(PORT)
    seen = look()
    found = too_slow(seen, PORT, "worker_connections_exhausted")
    assert "16 worker_connections are not enough" in server.errors()
    assert any("worker_connections are not enough" in line for line in found["log"])
    assert seen.counted("ListenOverflows") == 0


def test_nginx_with_few_connection_slots_left(nginx):
    nginx(WITH_STATUS % PORT, main=MAIN % ("worker_processes 1;", 64))
    half_requests(54, PORT)
    seen = look()
    too_slow(seen, PORT, "worker_connections_nearly_used")


def nginx_with_one_stopped(nginx):
    server = nginx(CONFIGURATION % (PORT, BACKLOG, "reuseport"), main=MAIN % ("worker_processes 4;", 512))
    stop(server.workers()[1])
    return PORT


def group_with_one_stopped(_nginx):
    group = [serve(promptly, BACKLOG, reuseport=True)]
    group += [serve(promptly, BACKLOG, reuseport=True, port=group[0].told) for _turn in range(3)]
    stop(group[2].pid)
    return group[0].told


def group_with_one_asleep(_nginx):
    port = serve(never, BACKLOG, reuseport=True).told
    for _turn in range(3):
        serve(promptly, BACKLOG, reuseport=True, port=port)
    return port


@pytest.mark.parametrize(
    ("start", "cause"),
    [
        (nginx_with_one_stopped, "reuseport_worker_stalled"),
        (group_with_one_stopped, "workers_stopped"),
        (group_with_one_asleep, "reuseport_worker_stalled"),
    ],
    ids=["nginx", "stopped", "asleep"],
)
def test_one_of_four_workers_with_queues_of_their_own_stalls(nginx, start, cause):
    port = start(nginx)
    visitors(port)
    seen = look()
    found = too_slow(seen, port, cause)
    assert "reuseport_worker_stalled" in [cause, *(each["cause"] for each in found["also"])]
    verdicts = [each["verdict"] for each in seen.diagnoses(port)]
    assert verdicts == ["application_too_slow"] + ["healthy"] * 3, seen.explain(port)
    assert sorted(row["sample"]["drops"]["delta"] > 0 for row in seen.listeners(port)) == [False] * 3 + [True]
