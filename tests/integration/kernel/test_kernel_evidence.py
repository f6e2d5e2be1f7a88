# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option diagnose says of the machine: its kernel log, what it dropped before TCP, and who waited for what."""

import os
import time
from pathlib import Path

import pytest
from kernel_rooms import Program, drop_privileges, in_child, sysctl
from kernel_traffic import listen, make_silent_peers, port_of, send_syns
from kernel_view import facts, problems
from kernel_window import in_the_window, ring

TRIES = 4  # the kernel limits the rate of its messages for the whole machine
PAUSE = 6  # seconds after which it lets some through again: net.core.message_cost


@pytest.fixture(autouse=True)
def ring_when_the_window_opens(monkeypatch):
    ring(monkeypatch)


def look(sample=0.4, **options):
    return facts(diagnose=True, sample=sample, sample_interval=0.05, **options)


def flood(address, port, begins_in_window):
    """More SYNs than the listener has room for, before the window or in it."""
    if begins_in_window:
        Program(lambda: None, in_the_window(lambda: send_syns(20, address, port), 0.1))
    else:
        send_syns(20, address, port)


ACTIONS = {"cookies": (1, "cookies", "Sending cookies"), "no_cookies": (0, "drop", "Dropping request")}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("cookies, action, words", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("is_in_window", [True, False], ids=["in_the_window", "before"])
def test_a_warning_of_the_kernel(address, cookies, action, words, is_in_window):
    make_silent_peers()
    sysctl("net.ipv4.tcp_syncookies", cookies)
    for attempt in range(TRIES):
        port = port_of(listen(address, 4))
        flood(address, port, is_in_window)
        found = [each for each in look()["kernel_log"]["syn_flooding"] if each["port"] == port]
        if found:
            break
        time.sleep(PAUSE * (attempt < TRIES - 1))
    warning = found[0]  # the latest; another listener may have had this port
    assert (warning["action"], warning["in_window"]) == (action, is_in_window)
    assert warning.get("address") in (address, None)  # older kernels do not name it
    assert words in warning["text"]
    assert warning["seconds_ago"] < 120


def test_what_another_process_writes_into_the_log_is_not_believed():
    port = port_of(listen("127.0.0.1", 4, port=7))  # no other test has it
    Path("/dev/kmsg").write_bytes(b"<6>TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:%d. Sending cookies." % port)
    assert [each for each in look(sample=0.1)["kernel_log"]["syn_flooding"] if each["port"] == port] == []


def test_the_log_is_not_taken_from_others():
    def first_record():
        file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(file, 1 << 14)
        finally:
            os.close(file)

    before = first_record()
    look(sample=0.1)
    assert first_record().partition(b";")[2] == before.partition(b";")[2]


def test_the_machine():
    answer = look()
    assert set(answer["softnet"]) == {"dropped", "time_squeeze"}
    assert answer["softnet"]["dropped"]["delta"] >= 0
    for name in ("cpu", "io", "memory"):
        shares = answer["pressure"][name]
        assert (shares is not None) == os.path.exists("/proc/pressure/" + name)
        assert shares is None or 0 <= shares["some"] <= 1
    assert set(answer["kernel_log"]) >= {"syn_flooding", "conntrack_full", "oom_kills", "tcp_out_of_memory"}


def test_connection_tracking_of_this_namespace():
    tracked = look(sample=0.1)["namespaces"][0].get("conntrack")
    assert (tracked is not None) == os.path.exists("/proc/sys/net/netfilter/nf_conntrack_count")
    if tracked:
        assert tracked["max"] == sysctl("net.netfilter.nf_conntrack_max")
        assert tracked["drop"] == {"delta": 0, "per_second": 0}


def test_who_is_not_root_is_told_what_is_missing():
    look(sample=0.1)
    answer = in_child(lambda: look(sample=0.1), before=drop_privileges)
    assert answer["complete"] is False
    assert (answer["kernel_log"] is None) == bool(problems(answer, "kernel_log_unreadable"))
    assert answer["softnet"] is not None


def test_nothing_of_it_is_there_without_the_option():
    port = port_of(listen("127.0.0.1", 4))
    answer = facts(sample=0.1, sample_interval=0.05)
    (row,) = [row for row in answer["namespaces"][0]["listeners"] if row.get("local_port") == port]
    assert not {"softnet", "pressure", "workers", "cgroups", "kernel_log"} & set(answer)
    assert "workers" not in row
    assert "longest_stall" not in row["sample"]
