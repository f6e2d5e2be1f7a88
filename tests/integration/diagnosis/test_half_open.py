# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handshakes that are not finished: floods with each setting of tcp_syncookies, and the rule of three quarters."""

import collections
import contextlib

import pytest
from diagnosis_load import clients, flood, knocking, promptly, serve, visitors
from diagnosis_view import look
from kernel_rooms import sysctl
from kernel_traffic import make_silent_peers

BACKLOG = 16


def flooded(cookies, backlog=BACKLOG, max_syn_backlog=2048):
    """A program that serves well, under 1000 SYNs per second of peers that never answer; its port."""
    make_silent_peers()
    sysctl("net.ipv4.tcp_syncookies", cookies)
    sysctl("net.ipv4.tcp_max_syn_backlog", max_syn_backlog)
    port = serve(promptly, backlog).told
    flood(port)
    visitors(port, number=1)
    return port


@pytest.mark.parametrize("cookies", [0, 1, 2], ids=["off", "when full", "always"])
def test_a_flood_of_half_open_connections_with_cookies(cookies):
    port = flooded(cookies)
    quiet = serve(promptly, BACKLOG).told
    seen = look()
    seen.expect(port, "syn_queue", "syn_flood")
    assert seen.counted("TCPReqQFullDoCookies" if cookies else "TCPReqQFullDrop") > 1000
    assert seen.counted("ListenOverflows") == 0
    if cookies != 2:  # else nothing tells which listener the SYNs are for
        assert seen.listeners(port)[0]["syn_queue_length"] >= BACKLOG
        seen.expect_healthy(quiet)


def test_drops_by_the_rule_of_three_quarters():
    port = flooded(0, 511, 64)
    seen = look()
    seen.expect(port, "listen_drops_without_overflow", "syn_three_quarters")
    assert seen.counted("ListenDrops") > 1000
    assert (seen.counted("ListenOverflows"), seen.counted("TCPReqQFullDrop")) == (0, 0)
    assert seen.listeners(port)[0]["syn_queue_length"] == 49


def test_slow_clients_at_a_short_syn_queue():
    port = serve(promptly, BACKLOG, defer=30).told  # it sees a client when its request has come; until then that one is half-open
    thinking = collections.deque()

    def come_and_think():
        thinking.extend(knocking(1, port, request=b""))
        if len(thinking) <= 3 * BACKLOG:
            return []
        client = thinking.popleft()
        with contextlib.suppress(OSError):  # it got a cookie, and its answer already
            client.send(b"GET / HTTP/1.0\r\n\r\n")
        return [client]

    clients(come_and_think, pause=0.005)
    seen = look()
    seen.expect(port, "syn_queue", "syn_queue_pressure")
    assert seen.counted("SyncookiesRecv") > 10
