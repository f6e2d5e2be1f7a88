# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the kernel log: a capture, all wordings, and records of others that only look like it."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._kernel_log.kmsg import Flood, KernelMessages, Record, flood_of, parse_record
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture
from hypothesis import given
from hypothesis import strategies as st

CAPTURE = fixture("debian12-6.18-kmsg.txt").split(b"\n")
WARNING = b"6,958,27358141937,-;TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:57491. Sending cookies."

RECORDS = {
    "warning": (WARNING, Record(27358141937, WARNING.partition(b";")[2])),
    "caller": (WARNING.replace(b",-;", b",-,caller=T1;"), Record(27358141937, WARNING.partition(b";")[2])),
    "continuation": (b" SUBSYSTEM=SYN flooding", None),
    "of_a_user": (WARNING.replace(b"6,", b"14,", 1), None),
    "something_else": (b"3,962,27491550021,-;ip_local_port_range: prefer different parity for start/end values.", None),
    "no_text": (WARNING.replace(b";", b"-"), None),
    "no_number": (WARNING.replace(b"958", b"958").replace(b"6,", b"x,", 1), None),
    "too_few_fields": (b"6,958;SYN flooding", None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("line, expected", RECORDS.values(), ids=RECORDS)
def test_record(line, expected):
    assert parse_record(line) == expected


FLOODS = {
    "6.18": (b"TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:57491. Sending cookies.", Flood("127.0.0.1", 57491, "cookies")),
    "6.18_IPv6": (b"TCP: request_sock_TCPv6: Possible SYN flooding on port [::1]:44347. Dropping request.", Flood("::1", 44347, "drop")),
    "any_address": (b"TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:80. Dropping request.", Flood("0.0.0.0", 80, "drop")),
    "IPv6_without_brackets": (b"TCP: request_sock_TCPv6: Possible SYN flooding on port fe80::1:80. Sending cookies.", Flood("fe80::1", 80, "cookies")),
    "5.10": (b"TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.  Check SNMP counters.", Flood(None, 443, "cookies")),
    "3.10": (b"TCP: TCP: Possible SYN flooding on port 80. Dropping request.  Check SNMP counters.", Flood(None, 80, "drop")),
    "2.6": (b"possible SYN flooding on port 80. Sending cookies.", Flood(None, 80, "cookies")),
    "multipath": (b"TCP: request_sock_subflow_v4: Possible SYN flooding on port 80. Sending cookies.", Flood(None, 80, "cookies")),
    "unknown_wording": (b"Possible SYN flooding on port 80. Doing nothing.", None),
    "cut": (b"Possible SYN flooding on port 80. Send", None),
    "no_port": (b"Possible SYN flooding on port http. Sending cookies.", None),
}


@pytest.mark.parametrize("text, expected", FLOODS.values(), ids=FLOODS)
def test_flood(text, expected):
    assert flood_of(text) == expected


COUNTED = {
    "conntrack": (b"nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack_full"),
    "conntrack_6.18": (b"nf_conntrack: nf_conntrack: table full in netns 4026532177, dropping packet", "conntrack_full"),
    "conntrack_2.6": (b"ip_conntrack: table full, dropping packet.", "conntrack_full"),
    "oom": (b"Out of memory: Killed process 812 (nginx) total-vm:1kB, anon-rss:1kB", "oom_kills"),
    "oom_before_5.0": (b"Out of memory: Kill process 812 (nginx) score 9 or sacrifice child", "oom_kills"),
    "oom_of_a_cgroup": (b"Memory cgroup out of memory: Killed process 812 (nginx) total-vm:1kB", "oom_kills"),
    "tcp_memory": (b"TCP: out of memory -- consider tuning tcp_mem", "tcp_out_of_memory"),
    "name_that_looks_like_it": (b"x: Out of memory: Killed process 812", None),
}


@pytest.mark.parametrize("text, name", COUNTED.values(), ids=COUNTED)
@pytest.mark.parametrize("is_in_window, key", [(True, "in_window"), (False, "before")])
def test_counted(text, name, is_in_window, key):
    messages = KernelMessages()
    record = parse_record(b"4,1,2,-;" + text)
    messages.add(record, is_in_window)
    facts = messages.facts(10.0, ())
    found = {(kind, when) for kind in ("conntrack_full", "oom_kills", "tcp_out_of_memory") for when, number in facts[kind].items() if number}
    assert found == ({(name, key)} if name else set())
    assert facts["syn_flooding"] == []


def test_capture():
    messages = KernelMessages()
    for record in filter(None, map(parse_record, CAPTURE)):
        messages.add(record, False)
    facts = messages.facts(27400.0, {57491, 44347})
    assert [(each["port"], each["address"], each["action"], each["seconds_ago"]) for each in facts["syn_flooding"]] == [
        (44347, "::1", "drop", 40), (57491, "127.0.0.1", "cookies", 42),
    ]  # fmt: skip
    assert (facts["syn_flooding_more"], facts["conntrack_full"]) == (2, {"in_window": 0, "before": 2})


def flood(port, microseconds, address=b"0.0.0.0:"):
    return Record(microseconds, b"Possible SYN flooding on port %s%d. Sending cookies." % (address, port))


def test_same_warning_again_is_one_entry():
    messages = KernelMessages()
    messages.add(flood(80, 1_000_000), False)
    messages.add(flood(81, 2_000_000), False)
    messages.add(flood(80, 3_000_000), True)
    first, second = messages.facts(10.0, {80, 81})["syn_flooding"]
    assert (first["port"], first["count"], first["in_window"], first["seconds_ago"]) == (80, 2, True, 7)
    assert (second["port"], second["count"], second["in_window"], second["seconds_ago"]) == (81, 1, False, 8)


def test_warnings_of_other_ports_count_when_they_are_new():
    messages = KernelMessages()
    messages.add(flood(80, 1), False)
    messages.add(flood(81, 2), True)
    facts = messages.facts(10.0, ())
    assert ([each["port"] for each in facts["syn_flooding"]], facts["syn_flooding_more"]) == ([81], 1)


def test_many_warnings_are_counted():
    messages = KernelMessages()
    for port in range(1, 101):
        messages.add(flood(port, port), True)
    facts = messages.facts(10.0, ())
    assert ([each["port"] for each in facts["syn_flooding"]], facts["syn_flooding_more"]) == (list(range(100, 36, -1)), 36)


def test_clock_of_the_scheduler_may_be_ahead():
    messages = KernelMessages()
    messages.add(flood(80, 11_000_000), True)
    assert messages.facts(10.0, ())["syn_flooding"][0]["seconds_ago"] == 0


@given(st.binary(max_size=80))
def test_anything(data):
    messages = KernelMessages()
    record = parse_record(b"6,1,2,-;SYN flooding" + data)
    messages.add(record, True)
    messages.facts(1.0, ())
