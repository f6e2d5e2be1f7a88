# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every listen of a configuration, with the addresses and options that nginx takes from it."""

from typing import List, NamedTuple, Optional, Tuple

from .._errors import ConfigError, InputError
from .address import Address, parse_address
from .model import Directive, Node
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
    nodes = configuration.nodes
    servers, found, names = _servers(nodes)
    listens, total = [], 0
    known, options = {}, {}  # thousands of servers listen on the same few addresses, with the same few parameters
    for server, context in servers.items():
        shown = tuple(names.get(server, ()))
        for index in found.get(server) or [server]:
            if index == server:
                meaning = _implicit(context, is_root)
            else:
                key = context, nodes[index].directive.args
                meaning = known.get(key) or known.setdefault(key, _meaning(key[1], context, hosts, version, options))
            listens.append(_record(nodes[index], index, server, context, shown, meaning))
            total += len(meaning.addresses)
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


class _Meaning(NamedTuple):
    """What the arguments of a listen mean, wherever it is."""

    args: Tuple[str, ...]
    addresses: Tuple[Address, ...]
    parameters: Parameters
    protocol: str
    faults: Tuple[Fault, ...]
    is_implicit: bool


def _meaning(args, context, hosts, version, options):
    faults: List[Fault] = []
    addresses: Tuple[Address, ...] = ()
    shown, key = _shown(args), (context, args[1:])
    parameters = options.get(key) or options.setdefault(key, parse_parameters(args[1:], context, version))
    if args:
        try:
            addresses = tuple(parse_address(args[0], 80 if context == "http" else 0, hosts))
        except InputError as error:
            faults.append(Fault(TEST, '%s in "%s" of the "listen" directive' % (error, shown[0])))
    else:
        faults.append(Fault(TEST, 'invalid number of arguments in "listen" directive'))
    if addresses and addresses[0].family is None:
        faults.append(Fault(NOTE, "the host name %s could not be resolved here, so its addresses are not known" % addresses[0].name))
    if addresses and addresses[0].port == 0:
        faults.append(Fault(NOTE, "a listen of %s without a port gets one of the kernel's choice at each start" % context))
    return _with_parameters(shown, addresses, parameters, faults)


def _with_parameters(shown, addresses, parameters, faults):
    unix = bool(addresses) and addresses[0].family == "unix"
    protocol = "udp" if parameters.is_datagram else "unix" if unix else "tcp"
    return _Meaning(shown, addresses, parameters, protocol, tuple(faults) + parameters.faults, False)


def _implicit(context, is_root):
    """What a server without listen means: an address for http, which for stream and mail is an error."""
    plain = Parameters((), (), DEFAULT_BACKLOG, True, True, False, ())
    if context == "http":
        return _Meaning((), (Address("inet", "0.0.0.0", 80 if is_root else 8000, None, None),), plain, "tcp", (), True)
    return _Meaning((), (), plain, "tcp", (Fault(TEST, 'no "listen" is defined for server'),), True)


def _record(node, index, server, context, names, meaning):
    """Put together what is known. Each fault gets its place in front."""
    parameters, line = meaning.parameters, node.directive.line
    words = parameters.names
    return ListenDirective(
        index,
        server,
        node.path,
        line,
        node.directive,
        context,
        names,
        meaning.args,
        meaning.addresses,
        meaning.protocol,
        parameters.listen_backlog,
        parameters.is_default_backlog,
        "reuseport" in words,
        "ssl" in words,
        "quic" in words,
        "http3" in words,
        "udp" in words,
        "default_server" in words or "default" in words,
        parameters.ipv6only,
        parameters.sets_options,
        meaning.is_implicit,
        tuple([Fault(fault.stage, "%s:%d: %s" % (node.path, line, fault.message)) for fault in meaning.faults]) if meaning.faults else (),
    )


def with_args(listen, args, version=None):
    """Return the listen as it would be with other arguments after the first (bytes); its addresses stay."""
    directive = listen.directive._replace(args=listen.directive.args[:1] + tuple(args))
    meaning = _with_parameters(_shown(directive.args), listen.addresses, parse_parameters(args, listen.context, version), ())
    return _record(Node(listen.path, directive, -1), listen.node, listen.server, listen.context, listen.server_names, meaning)
