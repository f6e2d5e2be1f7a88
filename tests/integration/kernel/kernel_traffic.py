# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening sockets, and what happens to them: connections that wait, SYNs that are dropped, handshakes that never end."""

import errno
import os
import socket
import struct
import time

from kernel_rooms import libc, run

ANY_IPV4 = "0.0.0.0"
IPPROTO_MPTCP = 262
TCP_CLOSE = 7
TCP_REPAIR = 19
SILENT_IPV4 = "10.99.%d.%d"
SILENT_IPV6 = "fd99::%x"
_kept = []


def keep(thing):
    """Hold on to a socket until the process ends."""
    _kept.append(thing)
    return thing


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(address, backlog, port=0, v6only=None, device=None, reuseport=False, defer=0, protocol=0):
    """Return a listening TCP socket; ``backlog`` goes to listen(2) as it is (Python's own listen() makes -1 a 0)."""
    listener = keep(socket.socket(family_of(address), socket.SOCK_STREAM, protocol))
    if v6only is not None:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    if device:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    if reuseport:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if defer:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, defer)
    listener.bind(place_of(address, port))
    listen_again(listener, backlog)
    return listener


def place_of(address, port):
    """What bind(2) and connect(2) want; a link-local address carries its device."""
    return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][4] if "%" in address else (address, port)


def listen_unix(name, backlog, kind=socket.SOCK_STREAM):
    """Return a listening UNIX socket; ``name`` is bytes, an abstract one starts with NUL."""
    listener = keep(socket.socket(socket.AF_UNIX, kind))
    listener.bind(name)
    listen_again(listener, backlog)
    return listener


def listen_again(listener, backlog):
    assert libc.listen(listener.fileno(), backlog) == 0


def port_of(listener):
    return listener.getsockname()[1]


def queue_of(listener):
    """Length and limit as the socket itself tells them to its owner: TCP_INFO, tcpi_unacked and tcpi_sacked of a listener."""
    return struct.unpack_from("=II", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32), 24)


def connect(number, address, port):
    """Make ``number`` connections that succeed; return the clients."""
    clients = []
    for _turn in range(number):
        client = keep(socket.socket(family_of(address), socket.SOCK_STREAM))
        client.settimeout(2)
        client.connect(place_of(address, port))
        clients.append(client)
    return clients


def knock(number, address, port):
    """Send ``number`` SYNs, each from a client that gives up at once. On loopback connect(2) returns after the SYN was handled."""
    for _turn in range(number):
        with socket.socket(family_of(address), socket.SOCK_STREAM) as client:
            client.setblocking(False)
            code = client.connect_ex((address, port))
            assert code == errno.EINPROGRESS, os.strerror(code)


def connect_or_give_up(number, address, port):
    """Try ``number`` connections; who got none gives up before it would send its SYN again."""
    clients = []
    for _turn in range(number):
        client = keep(socket.socket(family_of(address), socket.SOCK_STREAM))
        client.setblocking(False)
        client.connect_ex((address, port))
        clients.append(client)
    for client in clients:
        try:
            client.getpeername()
        except OSError:
            client.close()


def vanish(client):
    """Close a connection without a word to the peer (TCP_REPAIR), as a host that lost its power."""
    try:
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except PermissionError:  # it is closed already
        assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == bytes([TCP_CLOSE])
    client.close()


def accept_all(listener):
    """Accept what waits; return how many it was."""
    listener.setblocking(False)
    number = 0
    while True:
        try:
            keep(listener.accept()[0])
        except BlockingIOError:
            return number
        number += 1


def wait_until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within %d seconds" % seconds
        time.sleep(0.01)


def make_silent_peers():
    """Make addresses that have a route and never answer: the loopback device drops what is not for this host."""
    run("ip", "route", "add", SILENT_IPV4 % (0, 0) + "/16", "dev", "lo")
    run("ip", "-6", "route", "add", SILENT_IPV6 % 0 + "/64", "dev", "lo")


def send_syns(number, address, port):
    """Send ``number`` SYNs in the name of different silent peers: each becomes a half-open connection, if there is room."""
    build = _ipv6_syn if family_of(address) == socket.AF_INET6 else _ipv4_syn
    with socket.socket(family_of(address), socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for _turn in range(number):
            send_syns.sent += 1
            raw.sendto(build(send_syns.sent, address, port), (address, 0))


send_syns.sent = 0


def _checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _tcp_syn(source, destination, number, port):
    header = struct.pack("!HHIIBBHHH", 1024 + number % 60000, port, number, 0, 5 << 4, 0x02, 65535, 0, 0)
    pseudo = source + destination + struct.pack("!II", len(header), socket.IPPROTO_TCP)
    return header[:16] + struct.pack("!H", _checksum(pseudo + header)) + header[18:]


def _ipv4_syn(number, address, port):
    source = socket.inet_pton(socket.AF_INET, SILENT_IPV4 % (1 + number // 250, 1 + number % 250))
    destination = socket.inet_pton(socket.AF_INET, address)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, number & 0xFFFF, 0, 64, socket.IPPROTO_TCP, 0, source, destination) + _tcp_syn(
        source, destination, number, port
    )


def _ipv6_syn(number, address, port):
    source = socket.inet_pton(socket.AF_INET6, SILENT_IPV6 % (number + 1))
    destination = socket.inet_pton(socket.AF_INET6, address)
    return struct.pack("!IHBB16s16s", 6 << 28, 20, socket.IPPROTO_TCP, 64, source, destination) + _tcp_syn(source, destination, number, port)
