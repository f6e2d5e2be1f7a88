# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sockets nginx makes of its listens: one per address:port, with the options of the one listen that sets any.

After ngx_http_add_listen(), ngx_http_init_listening() and their like in stream and mail, nginx 1.22.1 and 1.26.3, and
ngx_open_listening_sockets(). Everything here is about one nginx; what other programs bind is not known.
"""

from typing import NamedTuple, Optional, Tuple

from .address import Address
from .parameters import BIND, DEFAULT_BACKLOG, NOTE, STREAM_SERVERS, TEST, Fault


class NginxSocket(NamedTuple):
    """One address:port of one context. ``listens`` and ``owner`` are indices in the list of ListenDirectives.

    ``owner`` is the listen that sets socket options, None when none does. ``listen_backlog`` is what listen(2) gets: a C int,
    None for datagrams and refused values. ``served_by`` is the index of the wildcard socket that accepts for an address
    without a socket of its own.
    """

    context: str
    protocol: str
    address: Address
    listens: Tuple[int, ...]
    owner: Optional[int]
    listen_backlog: Optional[int]
    is_default_backlog: bool
    reuseport: bool
    ipv6only: bool
    served_by: Optional[int]
    faults: Tuple[Fault, ...]


def sockets_of(listens, version=None):
    """Return the NginxSockets of the ListenDirectives, in the order in which the addresses appear first.

    ``version`` is nginx's; None stands for a new one, and a difference that matters is then a note.
    """
    groups = {}
    for index, listen in enumerate(listens):
        for address in listen.addresses:
            groups.setdefault((listen.context, listen.protocol, address), []).append(index)
    sockets = [_socket(key, indices, listens, version) for key, indices in groups.items()]
    sockets = _with_wildcards(sockets)
    return _with_bind_faults(sockets, listens)


def carriers(socket, listens):
    """Return the listens (indices) that may set the socket's options, the best first: the owner alone, or the default server's,
    then the others in order. An implicit listen cannot carry anything."""
    if socket.owner is not None:
        return [socket.owner]
    explicit = [index for index in socket.listens if not listens[index].implicit]
    return sorted(explicit, key=lambda index: not listens[index].default_server)  # sorted() keeps the order among equals


def is_live(socket, listener):
    """True when the live listener (a ListenSocket of ``_sockets``) is of this address; ``reuseport`` makes several of them."""
    address = socket.address
    if socket.protocol == "udp" or address.family != listener.family:
        return False
    if address.family == "unix":
        return address.path == listener.path
    return (address.address, address.port) == (listener.local_address, listener.local_port)


def blocker(socket, listeners):
    """Return the text of an address of a live ``listeners`` of this nginx that keeps a reload from binding the socket, or None.

    On a reload nginx binds the new sockets before it closes the old ones: from ``127.0.0.1:80`` to ``*:80`` that fails.
    """
    address = socket.address
    if socket.protocol != "tcp" or address.family is None or any(is_live(socket, listener) for listener in listeners):
        return None
    for listener in listeners:
        other = Address(listener.family, listener.local_address, listener.local_port, listener.path, None)
        if address.port != other.port or not (address.is_wildcard or other.is_wildcard):
            continue
        dual = (address.family == "inet6" and address.is_wildcard and not socket.ipv6only) or (other.address == "::" and listener.v6only is False)
        if address.family == other.family or dual:
            return other.text
    return None


def _socket(key, indices, listens, version):
    context, protocol, address = key
    owner = next((index for index in indices if listens[index].sets_options), None)
    options = listens[indices[0] if owner is None else owner]
    faults = _several(context, address, indices, listens, version) if len(indices) > 1 else []
    return NginxSocket(
        context,
        protocol,
        address,
        tuple(indices),
        owner,
        None if protocol == "udp" else DEFAULT_BACKLOG if owner is None else options.listen_backlog,
        owner is None or options.is_default_backlog,
        owner is not None and options.reuseport,
        owner is None or options.ipv6only,
        None,
        tuple(faults),
    )


def _several(context, address, indices, listens, version):
    """Yield what nginx says of several listens of one address."""
    first, second = listens[indices[0]], listens[indices[1]]
    if context == "mail" or (context == "stream" and version and version < STREAM_SERVERS):
        yield _test(second, 'duplicate "%s" address and port pair' % address.text, first)
        return
    if context == "stream" and version is None:
        yield Fault(NOTE, "%s: nginx before 1.25.5 refuses a second listen on %s (the first is at %s)" % (second.where, address.text, first.where))
    servers, setters, defaults = {}, [], []
    for index in indices:
        listen = listens[index]
        if listen.server in servers:
            yield _test(listen, "a duplicate listen %s" % address.text, servers[listen.server])
        servers.setdefault(listen.server, listen)
        setters += [listen] if listen.sets_options else []
        defaults += [listen] if listen.default_server else []
    if len(setters) > 1:
        yield _test(setters[1], "duplicate listen options for %s" % address.text, setters[0])
    if len(defaults) > 1:
        yield _test(defaults[1], "a duplicate default server for %s" % address.text, defaults[0])


def _test(listen, message, other):
    return Fault(TEST, "%s: %s (the first is at %s)" % (listen.where, message, other.where))


def _with_wildcards(sockets):
    """An address on which nobody sets options has no socket when the wildcard of its port is listened on too."""
    wildcards = {_port(socket): index for index, socket in enumerate(sockets) if socket.address.is_wildcard}
    return [
        socket._replace(served_by=wildcards[_port(socket)])
        if socket.owner is None and not socket.address.is_wildcard and _port(socket) in wildcards
        else socket
        for socket in sockets
    ]


def _port(socket):
    return socket.context, socket.protocol, socket.address.family, socket.address.port


def _with_bind_faults(sockets, listens):
    """Add what bind(2) will refuse: two TCP sockets of one port whose addresses overlap, unless both have reuseport.

    nginx sets SO_REUSEADDR, which lets datagram sockets share an address, but no listening ones (net/ipv4/inet_connection_sock.c).
    """
    faults = {}
    for first, second in _overlaps(sockets):
        if not (sockets[first].reuseport and sockets[second].reuseport and sockets[first].protocol == "tcp"):
            fault = Fault(BIND, _bind_message(sockets[first], sockets[second], listens))
            faults.setdefault(first, []).append(fault)
            faults.setdefault(second, []).append(fault)
    return [socket._replace(faults=socket.faults + tuple(faults.get(index, ()))) for index, socket in enumerate(sockets)]


def _overlaps(sockets):
    """Yield pairs of indices (the more specific address first) of sockets that claim the same address and port."""
    exact, wide = {}, {}
    bound = [(index, socket) for index, socket in enumerate(sockets) if socket.protocol != "udp" and socket.served_by is None and socket.address.family]
    for index, socket in bound:
        address = socket.address
        if address.port == 0:
            continue
        if address in exact:
            yield index, exact[address]
            continue
        exact[address] = index
        if address.is_wildcard:
            wide.setdefault((address.family, address.port), index)
            if address.family == "inet6" and not socket.ipv6only:
                wide.setdefault(("dual", address.port), index)
    for address, index in exact.items():
        families = (address.family, "dual") if address.family == "inet" else (address.family,)
        for family in families:
            other = wide.get((family, address.port))
            if other not in (None, index):
                yield index, other


def _bind_message(first, second, listens):
    one, two = listens[_named(first)], listens[_named(second)]
    message = "%s: bind() to %s will fail (98: Address already in use) because of %s at %s, which nginx -t does not see and a reload only logs: "
    message %= (one.where, first.address.text, second.address.text, two.where)
    if first.context == second.context and first.address.family == second.address.family:
        options = ", ".join(one.sets_options)
        return message + "set %s there instead of here, or reuseport in both" % options
    if first.address == second.address:
        return message + "let only one of %s and %s listen there" % (first.context, second.context)
    return message + "take ipv6only=off away there, or this listen" if second.address.family == "inet6" else message + "give one of them another port"


def _named(socket):
    """The listen that a message about the socket should name."""
    return socket.listens[0] if socket.owner is None else socket.owner
