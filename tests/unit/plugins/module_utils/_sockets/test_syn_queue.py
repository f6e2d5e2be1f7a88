# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SYN queue's model against what was measured, and whose a half-open connection is."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.inet_diag import SynRequest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.syn_queue import count_half_open, syn_queue_capacity
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener

# limit, tcp_max_syn_backlog, tcp_syncookies: most SYN_RECV seen on 6.18 (4.4 to 6.12: one less where the limit decides)
MEASURED = (
    (511, 16, 1, 512), (511, 128, 1, 512), (511, 2048, 1, 512), (511, 65536, 1, 512), (10, 2048, 1, 11), (0, 2048, 1, 1), (50, 2048, 1, 51),
    (4096, 64, 0, 49), (4096, 128, 0, 97), (4096, 256, 0, 193), (4096, 1000, 0, 751), (4096, 1024, 0, 769), (4096, 7, 0, 7), (4096, 0, 0, 1),
    (10, 2048, 0, 11), (0, 2048, 0, 1), (50, 2048, 0, 51), (511, 128, 0, 97), (511, 512, 0, 385), (511, 1024, 0, 512), (511, 65536, 0, 512),
    (511, 2048, 2, 0), (0, 0, 2, 0), (128, 64, 2, 0),
    (511, 16, 3, 512), (511, 16, 255, 512),
)  # fmt: skip


@pytest.mark.parametrize("limit, backlog, cookies, held", MEASURED)
def test_measured_capacity(limit, backlog, cookies, held):
    capacity = syn_queue_capacity(limit, backlog, cookies)
    assert capacity.at_most == held
    assert capacity.at_least == (held - 1 if cookies != 2 and held == limit + 1 else held)


ANY, SPECIFIC, OTHER = listener(), listener(address="10.0.0.1"), listener(address="10.0.0.2")
DUAL, ONLY6 = listener("inet6", "::", v6only=False), listener("inet6", "::", v6only=True)
BOUND = listener(interface=3)
MAPPED = listener("inet6", "::ffff:10.0.0.1", v6only=False)
V4 = SynRequest("inet", "10.0.0.1", 80, 0)
V4_MAPPED = SynRequest("inet6", "::ffff:10.0.0.1", 80, 0)
V6 = SynRequest("inet6", "2001:db8::1", 80, 0)
V4_ON_3 = V4._replace(interface=3)

# listeners, requests, {index of a listener: its half-open connections}
SITUATIONS = {
    "nothing": ([], [], {}),
    "no_requests": ([ANY], [], {0: 0}),
    "wildcard": ([ANY], [V4, V4], {0: 2}),
    "request_without_listener": ([OTHER], [V4], {0: 0}),
    "other_port": ([listener(port=81)], [V4], {0: 0}),
    "specific_before_wildcard": ([ANY, SPECIFIC], [V4, V4._replace(local_address="10.0.0.9")], {0: 1, 1: 1}),
    "specific_before_wildcard_in_any_order": ([SPECIFIC, ANY], [V4], {0: 1, 1: 0}),
    "ipv4_is_not_for_an_ipv6_listener": ([DUAL], [V4], {0: 0}),
    "dual_stack_takes_mapped": ([DUAL], [V4_MAPPED, V6], {0: 2}),
    "v6only_takes_no_mapped": ([ONLY6], [V4_MAPPED, V6], {0: 1}),
    "mapped_listener": ([MAPPED, DUAL], [V4_MAPPED, V6], {0: 1, 1: 1}),
    "mapped_is_not_for_an_ipv4_listener": ([ANY, DUAL], [V4_MAPPED], {0: 0, 1: 1}),
    "both_families_with_their_own": ([ANY, ONLY6], [V4, V6], {0: 1, 1: 1}),
    "bound_device_before_any": ([ANY, BOUND], [V4_ON_3, V4], {0: 1, 1: 1}),
    "device_of_a_vrf_or_link_local_peer": ([ANY], [V4_ON_3], {0: 1}),
    "other_device": ([listener(interface=4)], [V4_ON_3], {0: 0}),
    "address_before_device": ([BOUND, SPECIFIC], [V4_ON_3], {0: 0, 1: 1}),
    "address_and_device": ([SPECIFIC, SPECIFIC._replace(interface=3)], [V4_ON_3], {0: 0, 1: 1}),
}  # fmt: skip


@pytest.mark.parametrize("listeners, requests, expected", SITUATIONS.values(), ids=SITUATIONS)
def test_half_open_connections_belong_to_the_most_specific_listener(listeners, requests, expected):
    keys = [(row.family, row.local_address, row.local_port, row.interface) for row in listeners]
    assert count_half_open(listeners, requests) == {keys[index]: number for index, number in expected.items()}


def test_reuseport_group_has_one_sum():
    group = [listener(inode=1), listener(inode=2), listener(inode=3)]
    assert count_half_open(group, [V4] * 7) == {("inet", "0.0.0.0", 80, 0): 7}


def test_other_listeners_keep_their_keys():
    assert count_half_open([listener(), listener(port=81), unix_listener()][:2], [V4]) == {("inet", "0.0.0.0", 80, 0): 1, ("inet", "0.0.0.0", 81, 0): 0}
