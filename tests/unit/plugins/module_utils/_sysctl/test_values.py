# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel keeps of a text, as writes in a new network namespace of Linux 6.18 showed."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.values import kept, same

SOMAXCONN, SYNCOOKIES, RANGE, RMEM = "net/core/somaxconn", "net/ipv4/tcp_syncookies", "net/ipv4/ip_local_port_range", "net/ipv4/tcp_rmem"
KEPT = {
    "number": (SOMAXCONN, "4096", "4096"),
    "zero": (SOMAXCONN, "0", "0"),
    "largest": (SOMAXCONN, "2147483647", "2147483647"),
    "octal": (SOMAXCONN, "0100", "64"),
    "hexadecimal": (SOMAXCONN, "0x400", "1024"),
    "hexadecimal_in_capitals": (SOMAXCONN, "0X1F", "31"),
    "only_the_first_number_counts": (SOMAXCONN, "12 34", "12"),
    "comment_after_a_blank": (SOMAXCONN, "1013 # why", "1013"),
    "blanks_around": (SOMAXCONN, " \t7\t", "7"),
    "negative_where_it_may_be": ("net/ipv4/tcp_max_syn_backlog", "-5", "-5"),
    "byte": (SYNCOOKIES, "255", "255"),
    "two_ports": (RANGE, "10000 20001", "10000 20001"),
    "three_numbers": (RMEM, "4096\t131072   6291456", "4096 131072 6291456"),
    "too_few_numbers_depend_on_the_others": (RMEM, "4096", None),
    "of_a_device": ("net/ipv4/conf/eth0.1/rp_filter", "02", "2"),
    "one_port_keeps_the_other": (RANGE, "10000", None),
    "unknown_key_is_text": ("net/ipv4/tcp_congestion_control", " bbr ", "bbr"),
}
REFUSED = {
    "word": (SOMAXCONN, "abc", "'abc' is no whole number"),
    "comment_without_a_blank": (SOMAXCONN, "1014#why", "'1014#why' is no whole number"),
    "quotes": (SOMAXCONN, '"1015"', "'\"1015\"' is no whole number"),
    "underscore": (SOMAXCONN, "4_096", "'4_096' is no whole number"),
    "no_octal_digit": (SOMAXCONN, "08", "'08' is no whole number"),
    "empty": (SOMAXCONN, "", "the value is empty"),
    "sign": (SOMAXCONN, "+5", "'+5' is no whole number"),
    "negative": (SOMAXCONN, "-1", "-1 is out of range; it takes 0 to 2147483647"),
    "too_large": (SOMAXCONN, "2147483648", "2147483648 is out of range; it takes 0 to 2147483647"),
    "more_digits_than_the_kernel_reads": (SOMAXCONN, "0" * 21 + "5", "'0000000000000000000005' is no whole number"),
    "byte": (SYNCOOKIES, "256", "256 is out of range; it takes 0 to 255"),
    "low_port": (RANGE, "1001", "it takes two ports, the lower one first, from 1024 on"),
    "ports_in_the_wrong_order": (RANGE, "20001 10000", "it takes two ports, the lower one first, from 1024 on"),
    "second_number_is_none": (RMEM, "12 # x", "'# x' is no whole number"),
}


@pytest.mark.parametrize("path, text, value", KEPT.values(), ids=KEPT)
def test_kept(path, text, value):
    assert kept(path, text) == (value, None)


@pytest.mark.parametrize("path, text, sentence", REFUSED.values(), ids=REFUSED)
def test_refused(path, text, sentence):
    assert kept(path, text) == (None, sentence)


@pytest.mark.parametrize(
    "path, left, right, expected", [(SOMAXCONN, "0x10", "16", True), (SOMAXCONN, "16", "17", False), (RMEM, "1\t2\t3", "1 2 3", True), ("x", "a", "a ", True)]
)
def test_same(path, left, right, expected):
    assert same(path, left, right) is expected
