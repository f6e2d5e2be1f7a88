# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel counters that are reported, with what each proves and what it does not.

Source: net/ipv4/proc.c (names), include/uapi/linux/snmp.h, net/ipv4/tcp_input.c tcp_conn_request(),
net/ipv4/tcp_ipv4.c tcp_v4_syn_recv_sock(), net/ipv4/tcp_minisocks.c tcp_check_req(), net/ipv4/syncookies.c; the
behaviour of the queue counters was measured on Linux 6.18. All are counted per network namespace since it exists, and
all count packets or events: one client that retries counts many times, so none of them is a number of clients.
"""

from typing import NamedTuple


class Counter(NamedTuple):
    """One counter: ``group`` and ``name`` as the kernel writes them, the kernel that introduced it, and its meaning."""

    group: str
    name: str
    since: str
    proves: str
    proves_not: str


COUNTERS = tuple(
    Counter(*row)
    for row in (
        (
            "TcpExt",
            "ListenOverflows",
            "2.4",
            "a SYN or a final ACK met a full accept queue",
            "how many clients were affected: retransmits count again; which listener it was: see its drops",
        ),
        (
            "TcpExt",
            "ListenDrops",
            "2.4",
            "a listener dropped a SYN or a final ACK for any reason, overflows included",
            "a full accept queue: a full SYN queue without cookies, the 3/4 rule and lack of memory count here too",
        ),
        (
            "TcpExt",
            "TCPReqQFullDrop",
            "2.6.37",
            "the SYN queue was full and SYN cookies were off: the SYN was dropped",
            "an attack: a burst of slow clients does the same",
        ),
        (
            "TcpExt",
            "TCPReqQFullDoCookies",
            "2.6.37",
            "the SYN queue was full and a SYN cookie was wanted",
            "that a cookie was sent: with a full accept queue the SYN is dropped all the same",
        ),
        (
            "TcpExt",
            "SyncookiesSent",
            "2.4",
            "SYN-ACKs were sent as cookies, because the SYN queue was full or cookies are forced",
            "a loss: these clients can connect",
        ),
        (
            "TcpExt",
            "SyncookiesRecv",
            "2.4",
            "ACKs with a valid cookie arrived",
            "as many connections: with a full accept queue every retry counts again, so it can exceed SyncookiesSent",
        ),
        (
            "TcpExt",
            "SyncookiesFailed",
            "2.4",
            "ACKs arrived that match no request and carry no valid cookie",
            "an attack: late ACKs of closed connections count here",
        ),
        (
            "TcpExt",
            "TCPBacklogDrop",
            "2.6.34",
            "packets of established connections met a full socket backlog (rcvbuf + sndbuf)",
            "anything about the listen backlog: only the word is the same",
        ),
        ("TcpExt", "TCPSynRetrans", "3.15", "SYNs or SYN-ACKs of this side were retransmitted", "an overflow here: the peer's queue or the path may lose them"),
        ("TcpExt", "EmbryonicRsts", "2.4", "resets ended half-open connections, also by tcp_abort_on_overflow", "who reset: the peer's resets count as well"),
        ("TcpExt", "TCPDeferAcceptDrop", "2.6.32", "final ACKs without data were held back by TCP_DEFER_ACCEPT", "a loss: this is what the option is for"),
        (
            "TcpExt",
            "TCPMigrateReqSuccess",
            "5.14",
            "requests of a closed reuseport socket moved to another one",
            "that none was lost: see TCPMigrateReqFailure",
        ),
        ("TcpExt", "TCPMigrateReqFailure", "5.14", "requests of a closed reuseport socket could not move", "a full queue of the target alone"),
        ("TcpExt", "TCPAbortOnMemory", "2.4", "connections were ended because TCP memory or orphans ran out", "anything about listen queues"),
        ("TcpExt", "TCPTimeouts", "2.4", "retransmission timers expired", "a problem of this host: the path or the peer may be slow"),
        (
            "TcpExt",
            "IPReversePathFilter",
            "2.6.39",
            "packets were dropped by rp_filter before TCP saw them",
            "a full queue: it looks the same to the client, though",
        ),
        ("Tcp", "PassiveOpens", "2.4", "connections that listeners completed: the arrival rate", "that the program accepted them"),
        ("Tcp", "ActiveOpens", "2.4", "connections that this side opened", "that they were established"),
        (
            "Tcp",
            "AttemptFails",
            "2.4",
            "connections ended before they were established, on either side",
            "an overflow: a dropped SYN leaves no connection to fail",
        ),
        ("Tcp", "EstabResets", "2.4", "established connections were reset", "who reset"),
        ("Tcp", "RetransSegs", "2.4", "segments were retransmitted, all connections together", "which side of the path loses"),
        ("Tcp", "OutRsts", "2.4", "resets were sent: closed ports count here", "an overflow: its SYNs are dropped silently"),
    )
)

LISTED = frozenset((counter.group, counter.name) for counter in COUNTERS)
