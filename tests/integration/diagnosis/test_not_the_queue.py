# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""It is not the queue: packets are lost on their way to it."""

import pytest
from diagnosis_load import again_and_again, knocking, promptly, serve, visitors
from diagnosis_view import look
from diagnosis_wire import HERE, behind_a_wire, can_fill_conntrack, fill_conntrack, track_connections
from kernel_rooms import run, sysctl
from kernel_traffic import ANY_IPV4, send_syns, wait_until
from kernel_view import own_namespace, tcp_ext


@pytest.fixture
def conntrack_limit():
    if not can_fill_conntrack():
        pytest.skip("a full conntrack table: net.netfilter.nf_conntrack_max of this machine is not known, or too large to be filled")


def test_packets_that_the_reverse_path_filter_drops():
    port = serve(promptly, address=ANY_IPV4).told
    behind_a_wire(again_and_again(lambda: send_syns(5, HERE, port)))
    sysctl("net.ipv4.conf.wire0.rp_filter", 1)
    visitors(port, number=1)
    seen = look()
    seen.expect(port, "not_the_queue", "rp_filter")
    assert seen.counted("IPReversePathFilter") > 100


@pytest.mark.usefixtures("conntrack_limit")
def test_a_conntrack_table_that_is_full():
    port = serve(promptly, address=ANY_IPV4).told
    track_connections()
    fill_conntrack()
    behind_a_wire(again_and_again(lambda: knocking(4, port, HERE)))
    seen = look()
    seen.expect(port, "not_the_queue", "conntrack_full")
    table = seen.namespace["conntrack"]
    assert table["count"] >= table["max"]
    assert table["drop"]["delta"] > 100


def test_handshakes_whose_last_packet_a_firewall_drops():
    port = serve(promptly, address=ANY_IPV4).told
    run("iptables", "-A", "INPUT", "-i", "wire0", "-p", "tcp", "--tcp-flags", "SYN,ACK", "ACK", "-j", "DROP")
    behind_a_wire(again_and_again(lambda: knocking(2, port, HERE), pause=0.1, patience=60))
    wait_until(lambda: tcp_ext(own_namespace(), "TCPSynRetrans")[0] > 0)
    seen = look()
    seen.expect(port, "not_the_queue", "firewall_suspected", "low")
    assert seen.listeners(port)[0]["syn_queue_length"] > 5
