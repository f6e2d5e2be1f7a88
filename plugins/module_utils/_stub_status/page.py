# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nginx offers its stub_status page, how to ask for it, and what the answer says. Pure.

``accepts`` counts connections that a worker took from the accept queue, ``handled`` those that it kept. The gap between
them is worker_connections exhaustion and nothing else (src/event/ngx_event_accept.c); a connection that the kernel
dropped, because a listen queue was full, is in neither number.
"""

import re
from typing import NamedTuple

LONGEST = 4096  # bytes of the answer
_URI = re.compile(rb"/[!-~]*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\Z")
_PAGE = re.compile(
    rb"Active connections: +(\d+) *\r?\nserver accepts handled requests[^\n]*\n +(\d+) +(\d+) +(\d+)[^\n]*\nReading: +(\d+) +Writing: +(\d+) +Waiting: +(\d+)"
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


class Place(NamedTuple):
    """One page that can be asked for: an address of the server's own network namespace, a host name and a path."""

    family: str  # inet or inet6
    address: str
    port: int
    host: str
    uri: bytes

    @property
    def text(self):
        return "http://%s:%d%s" % ("[%s]" % self.address if ":" in self.address else self.address, self.port, self.uri.decode("ascii"))


def places(nodes, listens):
    """Return the Places of a configuration's stub_status pages, the best first: those that can be reached without TLS."""
    found = []
    for node in nodes:
        if node.directive.name == b"stub_status" and node.directive.args != (b"off",):
            uri, server = _uri_and_server(nodes, node)
            if uri is not None:
                found += [_place(listen, address, uri) for listen in listens if listen.server == server for address in _reachable(listen)]
    return sorted(found, key=lambda place: place.address not in ("127.0.0.1", "::1"))


def _uri_and_server(nodes, node):
    """The path of the innermost location around a node, and its server; the path is None when it is a pattern or a name."""
    uri, parent = None, node.parent
    while parent >= 0 and nodes[parent].directive.name != b"server":
        block = nodes[parent].directive
        if uri is None:
            if block.name != b"location" or not block.args or block.args[0] in (b"~", b"~*"):
                return None, -1
            uri = block.args[-1]
        parent = nodes[parent].parent
    uri = b"/" if uri is None else uri
    return (uri, parent) if _URI.match(uri) else (None, -1)


def _reachable(listen):
    if listen.context != "http" or listen.protocol != "tcp" or listen.ssl or "proxy_protocol" in listen.args:
        return []
    return [address for address in listen.addresses[:1] if address.family and address.port]


def _place(listen, address, uri):
    host = next((name for name in listen.server_names if _NAME.match(name)), "localhost")
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.address, address.address)
    return Place(address.family, local, address.port, host, uri)


def request(place):
    """Return the bytes of the question."""
    return b"GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: netops.listen_queue\r\n\r\n" % (place.uri, place.host.encode("ascii"))


def parse(answer):
    """Return ``({accepts, handled, gap, requests, active, reading, writing, waiting}, None)``, or None and why there is nothing."""
    head, _blank, body = answer.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if not status:
        return None, "the answer is not HTTP"
    if status.group(1) != b"200":
        return None, "the answer is %s" % status.group(1).decode("ascii")
    page = _PAGE.match(body)
    if not page:
        return None, "the answer is no stub_status page"
    active, accepts, handled, requests, reading, writing, waiting = (int(number) for number in page.groups())
    numbers = {"accepts": accepts, "handled": handled, "gap": accepts - handled, "requests": requests}
    numbers.update(active=active, reading=reading, writing=writing, waiting=waiting)
    return numbers, None
