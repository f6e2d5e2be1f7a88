# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of a listen directive after the address: what nginx on Linux makes of each.

After ngx_http_core_listen(), ngx_stream_core_listen() and ngx_mail_core_listen() of nginx 1.22.1 and 1.26.3. Where the two
differ, the table says since when.
"""

import re
from typing import NamedTuple, Optional, Tuple

from .address import atoi

DEFAULT_BACKLOG = 511  # NGX_LISTEN_BACKLOG on Linux, src/os/unix/ngx_linux_config.h
TEST, BIND, NOTE = "test", "bind", "note"


class Fault(NamedTuple):
    """What is wrong, and when that shows.

    ``stage`` is ``test`` when ``nginx -t`` refuses it; ``bind`` when ``nginx -t`` and the reload command succeed, but a
    start fails and a reload changes nothing; ``note`` when nginx takes it and means something else than one might read.
    """

    stage: str
    message: str


class Parameter(NamedTuple):
    """Where nginx knows a parameter, and whether it *sets socket options*, which one listen of an address may do, and binds."""

    contexts: str
    sets: bool
    since: Tuple[Tuple[str, Tuple[int, ...]], ...] = ()  # (context, version): newer than the context itself


STREAM_SERVERS = (1, 25, 5)  # virtual servers in stream: several listens of one address:port, as in http
SINCE = (("stream", STREAM_SERVERS),)
# A name that ends in = takes a value. setfib= is FreeBSD's alone, and accept_filter= is read and ignored on Linux.
PARAMETERS = {
    b"default_server": Parameter("http stream", False, SINCE),
    b"default": Parameter("http", False),
    b"bind": Parameter("http stream mail", True),
    b"backlog=": Parameter("http stream mail", True),
    b"rcvbuf=": Parameter("http stream mail", True),
    b"sndbuf=": Parameter("http stream mail", True),
    b"so_keepalive=": Parameter("http stream mail", True),
    b"ipv6only=": Parameter("http stream mail", True),
    b"fastopen=": Parameter("http stream", True),
    b"reuseport": Parameter("http stream", True),
    b"deferred": Parameter("http stream", True, SINCE),
    b"multipath": Parameter("http stream mail", True),
    b"accept_filter=": Parameter("http stream", False, SINCE),
    b"ssl": Parameter("http stream mail", False),
    b"http2": Parameter("http", False),
    b"http3": Parameter("http", False),  # of the nginx-quic branch and of forks, instead of quic
    b"quic": Parameter("http", False, (("http", (1, 25, 0)),)),
    b"udp": Parameter("stream", False),
    b"proxy_protocol": Parameter("http stream mail", False),
}
VALUES = {
    b"rcvbuf=": re.compile(rb"[0-9]+[kKmM]?\Z"),
    b"sndbuf=": re.compile(rb"[0-9]+[kKmM]?\Z"),
    b"fastopen=": re.compile(rb"[0-9]+\Z"),
    b"so_keepalive=": re.compile(rb"(on|off|(?=.*[1-9])[0-9yMwdhms ]*(:[0-9yMwdhms ]*(:[0-9]*)?)?)\Z"),
}
DATAGRAM = (b"quic", b"http3", b"udp")
STREAM_ONLY = (b"fastopen=", b"backlog=", b"deferred", b"ssl", b"http2", b"so_keepalive=", b"proxy_protocol", b"multipath")


class Parameters(NamedTuple):
    """What a listen asks for. ``listen_backlog`` is the number that listen(2) gets, None for datagrams and refused values."""

    names: Tuple[str, ...]
    sets_options: Tuple[str, ...]  # of names, those that make this listen the owner of its sockets' options
    listen_backlog: Optional[int]
    is_default_backlog: bool
    ipv6only: bool
    is_datagram: bool
    faults: Tuple[Fault, ...]


def parse_parameters(args, context, version=None):
    """Return the Parameters of a listen's arguments after the first (bytes, as nginx sees them).

    ``version`` is nginx's, as numbers; None stands for a new one. Only the first fault is nginx's own message: it stops there.
    """
    values, faults = {}, []
    for arg in args:
        name, equals, value = arg.partition(b"=")
        key = name + equals
        reason = _refusal(arg, key, value, context, version)
        if reason:
            faults.append(Fault(TEST, reason))
            continue
        if key in values and equals:
            faults.append(Fault(NOTE, "%s is given twice and nginx takes the last" % _text(key)))
        values.pop(key, None)
        values[key] = value
    datagram = next((name for name in DATAGRAM if name in values), None)
    if datagram:
        message = '"%s" parameter is incompatible with "%s"'
        faults += [Fault(TEST, message % (_text(key), _text(datagram))) for key in STREAM_ONLY if key in values]
    backlog = _backlog(values, faults)
    return Parameters(
        tuple(_text(key) for key in values),
        tuple(_text(key) for key in values if PARAMETERS[key].sets),
        None if datagram or any(fault.message.startswith("invalid backlog") for fault in faults) else backlog,
        b"backlog=" not in values,
        values.get(b"ipv6only=") != b"off",
        datagram is not None,
        tuple(faults),
    )


def _text(key):
    return key.rstrip(b"=").decode("ascii")


def _refusal(arg, key, value, context, version):
    """nginx's words for an argument that it refuses, or None."""
    shown = arg.decode("utf-8", "backslashreplace")
    known = PARAMETERS.get(key)
    if known is None or context not in known.contexts.split() or (version and version < dict(known.since).get(context, ())):
        return 'invalid parameter "%s"' % shown
    if key == b"backlog=":
        # atoi gives 64 bits, the field is an int: -1 is NGX_ERROR, and both it and 0 are refused
        return None if c_int(atoi(value)) not in (None, 0, -1) else 'invalid backlog "%s"' % shown
    if key == b"ipv6only=" and value not in (b"on", b"off"):
        return 'invalid ipv6only flags "%s"' % shown[9:] if value[:1] == b"o" else 'invalid parameter "%s"' % shown
    if key in VALUES and not VALUES[key].match(value):
        if key == b"so_keepalive=":
            return 'invalid so_keepalive value: "%s"' % shown[13:]
        return 'invalid %s "%s"' % (_text(key), shown)
    return None


def _backlog(values, faults):
    """The number for listen(2): nginx keeps it in an int, so 99999999999 becomes 1215752191 and 2^31 the most negative one."""
    if b"backlog=" not in values:
        return DEFAULT_BACKLOG
    written = atoi(values[b"backlog="])
    asked = c_int(written)
    if asked != written:
        faults.append(Fault(NOTE, "backlog=%d is more than an int holds, so nginx asks for %d" % (written, asked)))
    return asked


def c_int(number):
    """Return the number as C keeps it in a 32-bit int; None stays None."""
    return None if number is None else (number + 2**31) % 2**32 - 2**31
