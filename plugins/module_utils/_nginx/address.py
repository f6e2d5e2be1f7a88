# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first argument of a listen directive: which addresses it means.

After nginx 1.26.3, src/core/ngx_inet.c: ngx_parse_url() with ``listen`` set, ngx_inet_addr(), ngx_atoi(). Names are not
resolved here: what they stand for is an argument.
"""

from typing import NamedTuple, Optional

from .._errors import InputError

MAX_PORT = 65535
MAX_UNIX_PATH = 107  # sun_path holds 108 bytes with the NUL
INT_T_MAX = 2**63 - 1  # ngx_int_t
NO_QUEUE = "udp"


class Address(NamedTuple):
    """One address that a listen means, written as the kernel and ``ss`` write it.

    ``family`` is inet, inet6 or unix. For a host name that could not be resolved ``family`` and ``address`` are None and
    ``name`` holds it. ``port`` is None and ``path`` is not for a UNIX socket.
    """

    family: Optional[str]
    address: Optional[str]
    port: Optional[int]
    path: Optional[str]
    name: Optional[str]

    @property
    def is_wildcard(self):
        return self.address in ("0.0.0.0", "::")

    @property
    def text(self):
        """As nginx writes it in its messages: ``0.0.0.0:80``, ``[::1]:80``, ``unix:/run/x``."""
        if self.family == "unix":
            return "unix:%s" % self.path
        return ("[%s]:%d" if self.family == "inet6" else "%s:%d") % (self.address or self.name, self.port)


def atoi(digits):
    """Return what ngx_atoi() makes of the bytes: ASCII digits only and at most 2^63 - 1, otherwise None."""
    if not digits.isdigit():  # of bytes: ASCII digits, at least one
        return None
    digits = digits.lstrip(b"0") or b"0"
    return int(digits) if len(digits) <= 19 and int(digits) <= INT_T_MAX else None


def parse_address(text, default_port, hosts=None):
    """Return the Addresses that ``text`` (bytes, as nginx sees it) means, in nginx's order and each once.

    ``default_port`` is 80 for http and 0 for stream and mail, where it means a port of the kernel's choice. ``hosts`` maps
    names to lists of address texts. Raises InputError with nginx's own words for what it refuses.
    """
    if text[:5].lower() == b"unix:":
        return [_unix(text[5:])]
    if text[:1] == b"[":
        return _inet6(text, default_port)
    return _inet(text, default_port, hosts or {})


def _unix(path):
    if not path:
        raise InputError("no path in the unix domain socket")
    if len(path) > MAX_UNIX_PATH:
        raise InputError("too long path in the unix domain socket")
    return Address("unix", None, None, path.decode("utf-8", "backslashreplace"), None)


def _inet6(text, default_port):
    host, bracket, rest = text[1:].partition(b"]")
    if not bracket or b"/" in rest or rest[:1] not in (b"", b":"):
        raise InputError("invalid host")
    ports = _ports(rest[1:]) if rest else range(default_port, default_port + 1)
    if not host:
        raise InputError("no host")
    packed = packed_ipv6(host)
    if packed is None:
        raise InputError("invalid IPv6 address")
    from .._sockets.inet_diag import AF_INET6, address_text

    address = address_text(AF_INET6, packed)
    return [Address("inet6", address, port, None, None) for port in ports]


def _inet(text, default_port, hosts):
    if b"/" in text or b"?" in text:
        raise InputError("invalid host")
    host, colon, rest = text.partition(b":")
    if colon:
        ports = _ports(rest)
    elif _is_ports(text):
        host, ports = b"*", _ports(text)
    else:
        ports = range(default_port, default_port + 1)
    if not host:
        raise InputError("no host")
    address = "0.0.0.0" if host == b"*" else _ipv4(host)
    if address is not None:
        return [Address("inet", address, port, None, None) for port in ports]
    name = host.decode("utf-8", "backslashreplace")
    found = hosts.get(name)
    if not found:
        return [Address(None, None, port, None, name) for port in ports]
    unique = list(dict.fromkeys(found))  # nginx since 1.23 takes each address of a name once
    return [Address("inet6" if ":" in address else "inet", address, port, None, None) for address in unique for port in ports]


def _is_ports(text):
    """A word without a colon is a port or a range of ports when both of its sides are numbers; otherwise it is a host name."""
    first, dash, last = text.partition(b"-")
    return atoi(first) is not None and not (dash and atoi(last) is None)


def _ports(text):
    first, dash, last = text.partition(b"-")
    start, end = atoi(first), atoi(last) if dash else atoi(first)
    if start is None or end is None or not 1 <= start <= MAX_PORT or not 1 <= end <= MAX_PORT:
        raise InputError("invalid port")
    if start > end:
        raise InputError("invalid port range")
    return range(start, end + 1)


def _ipv4(host):
    """nginx takes any number of digits up to 255 between three dots, none included: ``127..0.1`` is 127.0.0.1."""
    octets = host.split(b".")
    if len(octets) != 4 or not all(octet.isdigit() or not octet for octet in octets):
        return None
    numbers = [int(octet[-19:] or b"0") if len(octet.lstrip(b"0")) <= 3 else 256 for octet in octets]
    return "%d.%d.%d.%d" % tuple(numbers) if max(numbers) <= 255 else None


def packed_ipv6(text):
    """Return the 16 bytes of an IPv6 address given as bytes, or None when it is none (RFC 4291, 2.2)."""
    head, gap, tail = text.partition(b"::")
    if b"::" in tail:
        return None
    first, second = _groups(head, not gap), _groups(tail, True)
    if first is None or second is None:
        return None
    missing = 16 - len(first) - len(second)
    if missing < (2 if gap else 0) or (missing and not gap):
        return None
    return first + b"\0" * missing + second


def _groups(text, may_end_in_ipv4):
    """Return the bytes of colon-separated groups of hexadecimal digits, or None."""
    if not text:
        return b""
    packed, words = b"", text.split(b":")
    for index, word in enumerate(words):
        if b"." in word and may_end_in_ipv4 and index == len(words) - 1:
            address = _ipv4(word)
            if address is None:
                return None
            packed += bytes(int(octet) for octet in address.split("."))
        elif 1 <= len(word) <= 4 and not word.strip(b"0123456789abcdefABCDEF"):
            packed += int(word, 16).to_bytes(2, "big")
        else:
            return None
    return packed
