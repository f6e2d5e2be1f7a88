# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address that a user means, in any of the usual spellings, and the live sockets that it stands for."""

from typing import NamedTuple, Optional

from .._errors import InputError
from .._nginx.address import parse_address

MOST_NAMED = 12  # listeners in one sentence
HOW = "write it like 127.0.0.1:8080, [::1]:8080, *:8080 or /run/app.sock"


class Endpoint(NamedTuple):
    """What listens: an address and port, or the path of a UNIX socket (``@name`` for an abstract one).

    ``is_any`` tells that no address was named (``8080``, ``*:8080``): a [::] that takes IPv4 too is meant as well.
    """

    family: str
    address: Optional[str]
    port: Optional[int]
    path: Optional[str]
    is_any: bool = False

    @property
    def text(self):
        return place_text(self.family, self.address, self.port, self.path)


def place_text(family, address, port, path):
    """Return an address as it is written in messages: ``0.0.0.0:80``, ``[::1]:80``, ``unix:/run/x.sock``."""
    if family == "unix":
        return "unix:%s" % path
    return ("[%s]:%d" if family == "inet6" else "%s:%d") % (address, port)


def text_of(listener):
    """Return where a ListenSocket listens."""
    return place_text(listener.family, listener.local_address, listener.local_port, listener.path)


def parse_endpoint(text, option="listen"):
    """Return the Endpoint of ``text``. Raises InputError, which names the option."""
    word = text.strip()
    if word.startswith(("/", "@")):
        word = "unix:" + word
    is_unix = word[:5].lower() == "unix:"
    if word.startswith(":") and word.count(":") == 1:
        word = "*" + word
    elif word.count(":") > 1 and not is_unix and not word.startswith("["):  # netstat's :::8080
        word = "[%s]:%s" % tuple(word.rsplit(":", 1))
    if "%" in word and not is_unix:
        raise InputError("%s: leave the device out of %s; the sockets of all devices are meant" % (option, text))
    try:
        addresses = parse_address(word.encode("utf-8", "surrogateescape"), 0)
    except InputError as error:
        raise InputError("%s: %r is no address and port (%s); %s" % (option, text, error, HOW))
    found = addresses[0]
    if len(addresses) > 1:
        raise InputError("%s: %s is a range of ports; name one of them" % (option, text))
    if found.family is None:
        raise InputError("%s: names are not looked up; write the address of %s instead" % (option, found.name))
    if found.port == 0:
        raise InputError("%s: %s has no port; %s" % (option, text, HOW))
    return Endpoint(found.family, found.address, found.port, found.path, word.isdigit() or word.startswith("*:"))


def matching(listeners, endpoint):
    """Return the ListenSockets that an Endpoint stands for: all of a reuseport group, on any device."""
    wanted = endpoint[:4]
    found = [each for each in listeners if (each.family, each.local_address, each.local_port, each.path) == wanted]
    if not found and endpoint.is_any:
        found = [each for each in listeners if each.local_address == "::" and each.local_port == endpoint.port and each.v6only is False]
    return found


def nothing_listens(endpoint, listeners, where):
    """Return the sentence for an Endpoint that has no socket; it names what there is, of the same port when there is any."""
    same = [each for each in listeners if (each.family == "unix") == (endpoint.family == "unix")]
    near = [each for each in same if each.local_port == endpoint.port] or same
    names = sorted({text_of(each) for each in near})
    shown = ", ".join(names[:MOST_NAMED]) + (" and %d more" % (len(names) - MOST_NAMED) if len(names) > MOST_NAMED else "")
    return "nothing listens on %s in %s; there %s" % (endpoint.text, where, "is " + shown if names else "is no listener at all")
