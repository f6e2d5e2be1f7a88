# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters: captures of two kernels, columns in any order, and files that are cut, mixed up or empty."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.counters import COUNTERS, LISTED
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.proc_net import parse_counters
from ansible_collections.netops.listen_queue.plugins.module_utils._version import is_older
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture
from hypothesis import given
from hypothesis import strategies as st

NETSTAT = "debian12-6.18-netstat_after_drops.txt"
SNMP = "debian12-6.18-snmp_after_drops.txt"
RHEL8 = "composed-rhel8-4.18-netstat_overflows.txt"

CAPTURES = {
    "three_drops": (NETSTAT, {
        ("TcpExt", "ListenOverflows"): 3, ("TcpExt", "ListenDrops"): 3, ("TcpExt", "TCPDeferAcceptDrop"): 14,
        ("TcpExt", "SyncookiesSent"): 0, ("TcpExt", "TCPMigrateReqSuccess"): 0, ("IpExt", "InNoRoutes"): 0, ("MPTcpExt", "MPCapableSYNRX"): 0,
    }),
    "negative_and_repeated_names": (SNMP, {
        ("Tcp", "MaxConn"): -1, ("Tcp", "PassiveOpens"): 6, ("Tcp", "RtoMax"): 120000, ("Udp", "InErrors"): 0, ("UdpLite", "InErrors"): 0,
    }),
    "older_kernel": (RHEL8, {
        ("TcpExt", "ListenOverflows"): 1666, ("TcpExt", "ListenDrops"): 1671, ("TcpExt", "TCPReqQFullDrop"): 5,
        ("TcpExt", "IPReversePathFilter"): 31, ("IpExt", "InOctets"): 18446744073709551615,
    }),
}  # fmt: skip


@pytest.mark.parametrize("name, expected", CAPTURES.values(), ids=CAPTURES)
def test_capture(name, expected):
    values, problems = parse_counters(fixture(name))
    assert {key: values[key] for key in expected} == expected
    assert problems == []
    assert None not in values.values()


def test_every_listed_counter_is_in_this_kernel():
    found = {**parse_counters(fixture(NETSTAT), LISTED)[0], **parse_counters(fixture(SNMP), LISTED)[0]}
    assert set(found) == LISTED


def test_counters_that_an_older_kernel_lacks_are_those_that_are_younger():
    missing = {key for key in LISTED if key[0] == "TcpExt"} - set(parse_counters(fixture(RHEL8), LISTED)[0])
    assert missing == {("TcpExt", "TCPMigrateReqSuccess"), ("TcpExt", "TCPMigrateReqFailure")}
    assert missing == {counter[:2] for counter in COUNTERS if is_older("4.18.0-553.el8_10.x86_64", counter.since)}


@pytest.mark.parametrize("name", [NETSTAT, SNMP, RHEL8])
def test_file_cut_at_every_byte_has_right_values_or_none(name):
    data = fixture(name)
    whole, _problems = parse_counters(data)
    ends = [position + 1 for position, byte in enumerate(data) if byte == 10]
    whole_groups = {0, *ends[1::2]}
    for cut in range(len(data)):
        values, problems = parse_counters(data[:cut])
        assert values.items() <= whole.items()
        assert bool(problems) == (cut not in whole_groups)


HEAD, VALUES = b"TcpExt: ListenOverflows ListenDrops\n", b"TcpExt: 1 2\n"
GOOD = {("TcpExt", "ListenOverflows"): 1, ("TcpExt", "ListenDrops"): 2}
OTHER = {("IpExt", "InOctets"): 7}
SITUATIONS = {
    "plain": (HEAD + VALUES, GOOD, []),
    "empty": (b"", {}, []),
    "other_column_order": (b"TcpExt: ListenDrops Foo ListenOverflows\nTcpExt: 2 9 1\n", {**GOOD, ("TcpExt", "Foo"): 9}, []),
    "other_group_order": (b"IpExt: InOctets\nIpExt: 7\n" + HEAD + VALUES, {**GOOD, **OTHER}, []),
    "no_tcpext": (b"IpExt: InOctets\nIpExt: 7\n", OTHER, []),
    "same_name_in_two_groups": (b"A: X\nA: 1\nB: X\nB: 2\n", {("A", "X"): 1, ("B", "X"): 2}, []),
    "group_without_columns": (b"IcmpMsg:\nIcmpMsg:\n" + HEAD + VALUES, GOOD, []),
    "trailing_blank": (b"TcpExt: ListenOverflows ListenDrops \nTcpExt: 1 2 \n", GOOD, []),
    "one_value_missing": (HEAD + b"TcpExt: 1\n", {}, ["group TcpExt has 2 names and 1 values"]),
    "one_value_too_many": (HEAD + b"TcpExt: 1 2 3\n", {}, ["group TcpExt has 2 names and 3 values"]),
    "bad_group_before_a_good_one": (b"A: X\nA: 1 2\n" + HEAD + VALUES, GOOD, ["group A has 1 names and 2 values"]),
    "values_missing_at_the_end": (HEAD, {}, ["group TcpExt has no values"]),
    "values_missing_before_another_group": (HEAD + b"IpExt: InOctets\nIpExt: 7\n", OTHER, ["group TcpExt has no values"]),
    "header_cut": (HEAD[:20], {}, ["the last line is cut short"]),
    "values_cut_in_a_number": (HEAD + b"TcpExt: 1 1", {}, ["group TcpExt has no values", "the last line is cut short"]),
    "values_cut_before_the_newline": (HEAD + VALUES[:-1], {}, ["group TcpExt has no values", "the last line is cut short"]),
    "not_a_number": (HEAD + b"TcpExt: one 2\n", {**GOOD, ("TcpExt", "ListenOverflows"): None}, ["TcpExt.ListenOverflows is 'one', not a number"]),
    "not_ascii": (b"TcpExt: A\nTcpExt: \xff\n", {("TcpExt", "A"): None}, ["TcpExt.A is '\\\\xff', not a number"]),
    "line_without_group": (b"hello\n" + HEAD + VALUES, GOOD, ["line 1 has no group name"]),
    "empty_line_between": (HEAD + VALUES + b"\nIpExt: InOctets\nIpExt: 7\n", {**GOOD, **OTHER}, ["line 3 has no group name"]),
    "nul_bytes": (b"\0" * 20 + b"\n", {}, ["line 1 has no group name"]),
    "negative": (b"Tcp: MaxConn\nTcp: -1\n", {("Tcp", "MaxConn"): -1}, []),
    "64_bits": (b"T: A\nT: 18446744073709551615\n", {("T", "A"): (1 << 64) - 1}, []),
}


@pytest.mark.parametrize("data, values, problems", SITUATIONS.values(), ids=SITUATIONS)
def test_situation(data, values, problems):
    assert parse_counters(data) == (values, problems)


def test_only_wanted_counters_are_read_and_complained_about():
    data = b"TcpExt: Foo ListenDrops\nTcpExt: x 2\nIpExt: A\nIpExt: y\n"
    assert parse_counters(data, frozenset([("TcpExt", "ListenDrops")])) == ({("TcpExt", "ListenDrops"): 2}, [])
    assert parse_counters(data, frozenset()) == ({}, [])


@given(st.dictionaries(st.text("ABCabc019", min_size=1, max_size=5), st.integers(-1, (1 << 64) - 1), max_size=8), st.randoms())
def test_order_of_columns_makes_no_difference(counters, random):
    names = list(counters)
    random.shuffle(names)
    data = "TcpExt: %s\nTcpExt: %s\n" % (" ".join(names), " ".join(str(counters[name]) for name in names))
    assert parse_counters(data.encode()) == ({("TcpExt", name): value for name, value in counters.items()}, [])


@given(st.binary(max_size=200))
def test_random_bytes_do_no_harm(data):
    values, _problems = parse_counters(data)
    assert all(value is None or isinstance(value, int) for value in values.values())
