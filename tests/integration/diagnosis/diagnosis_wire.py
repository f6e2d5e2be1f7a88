# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a client and the listener: another network namespace behind a pair of wires, and a conntrack table that is full."""

import os
import socket
import struct

from kernel_rooms import Program, new_netns, run, sysctl

HERE, THERE, NET = "10.1.0.1", "10.1.0.2", "/24"
LARGEST_TABLE = 600_000  # about 320 bytes of the kernel's memory for each
UDP, DNS = 17, 53
NETLINK_NETFILTER = 12
CT_NEW, REQUEST_CREATE = 1 << 8, 0x401
SEEN_REPLY_ASSURED_CONFIRMED = 2 | 4 | 8
TUPLE_ORIG, TUPLE_REPLY, STATUS, TIMEOUT = 1, 2, 3, 7
NESTED = 1 << 15
ANYBODY = bytes((10, 254, 253))


def behind_a_wire(then):
    """A program in a namespace of its own, at THERE; this side of the wire, wire0, is HERE. It calls ``then()`` there."""

    def move_out():
        new_netns()
        run("ip", "link", "add", "wire1", "type", "veth", "peer", "name", "wire0", "netns", str(os.getppid()))
        run("ip", "address", "add", THERE + NET, "dev", "wire1")
        run("ip", "link", "set", "wire1", "up")

    program = Program(move_out, then)
    run("ip", "address", "add", HERE + NET, "dev", "wire0")
    run("ip", "link", "set", "wire0", "up")
    return program


def track_connections():
    """Let this namespace have a conntrack table; without a rule that looks into it there is none."""
    run("iptables", "-A", "INPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT")


def can_fill_conntrack():
    """The table's size belongs to the machine, so it is not made smaller: it is filled, where that is cheap."""
    return sysctl("net.netfilter.nf_conntrack_max") <= LARGEST_TABLE


def fill_conntrack():
    """Fill the table with connections that look well used, so that the kernel will not make room by dropping one of them."""
    size = sysctl("net.netfilter.nf_conntrack_max")
    batch = b"".join(_new_connection(ANYBODY + bytes((last,))) for last in range(256))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        for number in range(size // 256 + 8):
            netlink.send(batch.replace(ANYBODY, bytes((11, number >> 8, number & 0xFF))))
    assert sysctl("net.netfilter.nf_conntrack_count") >= size, "the conntrack table could not be filled"


def _attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def _tuple(kind, source, destination, source_port, destination_port):
    """CTA_TUPLE_*: of CTA_TUPLE_IP (1) and CTA_TUPLE_PROTO (2)."""
    addresses = _attribute(1, source) + _attribute(2, destination)
    ports = _attribute(1, bytes((UDP,))) + _attribute(2, struct.pack("!H", source_port)) + _attribute(3, struct.pack("!H", destination_port))
    return _attribute(kind | NESTED, _attribute(1 | NESTED, addresses) + _attribute(2 | NESTED, ports))


def _new_connection(client):
    """An IPCTNL_MSG_CT_NEW of ctnetlink."""
    server = socket.inet_aton("10.9.9.9")
    body = struct.pack("=BBH", socket.AF_INET, 0, 0)
    body += _tuple(TUPLE_ORIG, client, server, 1000, DNS) + _tuple(TUPLE_REPLY, server, client, DNS, 1000)
    body += _attribute(STATUS, struct.pack("!I", SEEN_REPLY_ASSURED_CONFIRMED)) + _attribute(TIMEOUT, struct.pack("!I", 300))
    return struct.pack("=IHHII", 16 + len(body), CT_NEW, REQUEST_CREATE, 0, 0) + body
