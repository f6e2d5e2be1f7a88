# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every listen of a configuration, with the addresses and options that nginx takes from it."""

from typing import List, NamedTuple, Optional, Tuple

from .._errors import ConfigError, InputError
from .address import Address, parse_address
from .model import Directive
from .parameters import DEFAULT_BACKLOG, NOTE, TEST, Fault, Parameters, parse_parameters

CONTEXTS = {b"http": "http", b"stream": "stream", b"mail": "mail"}
MAX_ADDRESSES = 4 * 65535  # `listen 1-65535` is valid, thousands of them are an attack on our memory
MOST_ADDRESSES = "%s:%d: up to here the configuration listens on more than %d address:ports; reading stops"


class ListenDirective(NamedTuple):
    """One listen where it takes effect: of a file that is included twice, one per inclusion.

    An implicit one stands for a server without any: it has the place of the server, and in stream and mail no address.
    ``listen_backlog`` is what this directive by itself asks for; which one counts is in ``owner.sockets_of``.
    """

    node: int  # index in Configuration.nodes
    server: int  # index of the server block
    path: str
    line: int
    directive: Directive
    context: str  # http, stream or mail
    server_names: Tuple[str, ...]
    args: Tuple[str, ...]  # as nginx sees them; bytes that are no UTF-8 as \xNN
    addresses: Tuple[Address, ...]
    protocol: str  # tcp, udp (quic too: no listen queue), unix
    listen_backlog: Optional[int]
    is_default_backlog: bool
    reuseport: bool
    ssl: bool
    quic: bool
    http3: bool
    udp: bool
    default_server: bool
    ipv6only: bool
    sets_options: Tuple[str, ...]
    implicit: bool
    faults: Tuple[Fault, ...]

    @property
    def where(self):
        return "%s:%d" % (self.path, self.line)


def listen_directives(configuration, hosts=None, version=None, is_root=True):
    """Return the ListenDirectives in nginx's order.

    ``hosts`` maps host names to lists of addresses, ``version`` is nginx's (three numbers), ``is_root`` says whether nginx is
    started by root: its implicit listen is ``*:80`` then and ``*:8000`` otherwise. Raises ConfigError.
    """
    servers, found, names = _servers(configuration.nodes)
    listens, total = [], 0
    for server, context in servers.items():
        for index in found.get(server) or [server]:
            shown = tuple(names.get(server, ()))
            if index != server:
                listens.append(_listen(configuration.nodes, index, server, context, shown, hosts, version))
            else:
                listens.append(_implicit(configuration.nodes, server, context, shown, is_root))
            total += len(listens[-1].addresses)
            if total > MAX_ADDRESSES:
                raise ConfigError(MOST_ADDRESSES % (listens[-1].path, listens[-1].line, MAX_ADDRESSES))
    return listens


def _servers(nodes):
    """Return {server block: context}, {server block: its listens} and {server block: its names}, by indices of nodes.

    A listen counts directly inside a server that is directly inside http, stream or mail of the main context. In a map, a
    types block or an if it is data, or refused by nginx.
    """
    contexts, servers = {}, {}
    listens, names = {}, {}
    for index, node in enumerate(nodes):
        directive, parent = node.directive, node.parent
        if parent in servers:
            if directive.name == b"listen" and not directive.is_block:
                listens.setdefault(parent, []).append(index)
            elif directive.name == b"server_name":
                names.setdefault(parent, []).extend(_shown(directive.args))
        elif not directive.is_block:
            continue
        elif parent == -1 and directive.name in CONTEXTS:
            contexts[index] = CONTEXTS[directive.name]
        elif parent in contexts and directive.name == b"server":
            servers[index] = contexts[parent]
    return servers, listens, names


def _shown(args):
    return tuple(arg.decode("utf-8", "backslashreplace") for arg in args)


def _listen(nodes, index, server, context, names, hosts, version):
    node = nodes[index]
    args = node.directive.args
    faults, addresses = [], ()  # type: List[Fault], Tuple[Address, ...]
    if args:
        try:
            addresses = tuple(parse_address(args[0], 80 if context == "http" else 0, hosts))
        except InputError as error:
            faults.append(Fault(TEST, '%s in "%s" of the "listen" directive' % (error, _shown(args)[0])))
    else:
        faults.append(Fault(TEST, 'invalid number of arguments in "listen" directive'))
    faults += [
        Fault(NOTE, "the host name %s could not be resolved here, so its addresses are not known" % address.name)
        for address in addresses[:1]
        if address.family is None
    ]
    if addresses and addresses[0].port == 0:
        faults.append(Fault(NOTE, "a listen of %s without a port gets one of the kernel's choice at each start" % context))
    parameters = parse_parameters(args[1:], context, version)
    return _record(node, index, server, context, names, addresses, parameters, faults + list(parameters.faults))


def _record(node, index, server, context, names, addresses, parameters, faults):
    """Put together what is known. Each fault gets its place in front."""
    place = "%s:%d: " % (node.path, node.directive.line)
    unix = bool(addresses) and addresses[0].family == "unix"
    return ListenDirective(
        index,
        server,
        node.path,
        node.directive.line,
        node.directive,
        context,
        names,
        _shown(node.directive.args),
        addresses,
        "udp" if parameters.is_datagram else "unix" if unix else "tcp",
        parameters.listen_backlog,
        parameters.is_default_backlog,
        "reuseport" in parameters.names,
        "ssl" in parameters.names,
        "quic" in parameters.names,
        "http3" in parameters.names,
        "udp" in parameters.names,
        "default_server" in parameters.names or "default" in parameters.names,
        parameters.ipv6only,
        parameters.sets_options,
        False,
        tuple(Fault(fault.stage, place + fault.message) for fault in faults),
    )


def _implicit(nodes, server, context, names, is_root):
    """What a server without listen means: an address for http, which for stream and mail is an error."""
    address = Address("inet", "0.0.0.0", 80 if is_root else 8000, None, None)
    addresses, faults = ((address,), ()) if context == "http" else ((), (Fault(TEST, 'no "listen" is defined for server'),))
    plain = Parameters((), (), DEFAULT_BACKLOG, True, True, False, ())
    record = _record(nodes[server], server, server, context, names, addresses, plain, faults)
    return record._replace(args=(), implicit=True)


def with_args(listen, args, version=None):
    """Return the listen as it would be with other arguments after the first (bytes); its addresses stay."""
    directive = listen.directive._replace(args=listen.directive.args[:1] + tuple(args))
    parameters = parse_parameters(directive.args[1:], listen.context, version)
    node = _Place(listen.path, directive)
    return _record(node, listen.node, listen.server, listen.context, listen.server_names, listen.addresses, parameters, parameters.faults)


class _Place(NamedTuple):
    path: str
    directive: Directive
