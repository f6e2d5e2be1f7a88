# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which listen directive carries ``backlog=`` and ``reuseport``, and the bytes to change there. Nothing is written here."""

from hashlib import sha256
from typing import List, NamedTuple, Optional, Tuple

from .._errors import ConfigError, InputError
from .address import parse_address
from .listen import CONTEXTS, listen_directives, with_args
from .owner import carriers, sockets_of
from .parameters import NOTE
from .splice import Edit, Wish, changed_args, checked, parameter_edits

ALL = "all"
INT_MAX = 2**31 - 1
SYNTAX = ";{}\"'#\\$\x7f"  # and all up to the blank: characters that mean something to nginx
NO_QUEUE = "%s: %s takes datagrams (udp or quic), it has no listen queue"
NO_REUSEPORT = "%s: %s is %s, which cannot have reuseport"
SHADOWED = "%s: %s has no socket of its own, the one of %s (%s) accepts its connections; name %s instead (options here would make nginx bind() both and fail)"
UNKNOWN_NAME = "%s: what %s resolves to is not known here, and a wildcard listens on its port; write the address itself in the configuration"
IMPLICIT = "%s: this server has no listen, and nginx makes it listen on %s by itself; write `listen %s;` there first"
ALSO = "%s: this listen is for %s too; name all that it is for (%s), or give each its own listen"
TWICE = "%s: this listen is read %d times for %s, because its file is included more than once, and only one may set options; move it out of that file"
OWNED = "%s: this listen is for %s too, whose options are set at %s; give each its own listen"
NOBODY_LISTENS = "%s: no server listens on %s; there are %s"
CHANGED = "%s: the file changed while it was being read; run again"
MOST_SHOWN = 20


class Wanted(NamedTuple):
    """``listen`` is ALL or an address as one may write it in nginx; ``backlog`` and ``reuseport`` are those of a Wish."""

    listen: str
    backlog: Optional[int]
    reuseport: Optional[bool]


class Carrier(NamedTuple):
    """The one directive that carries the options of ``addresses``, and what their sockets ask for before and after."""

    path: str
    line: int
    addresses: Tuple[str, ...]
    backlog_before: Optional[int]
    backlog_after: Optional[int]
    reuseport_before: bool
    reuseport_after: bool
    is_changed: bool


class ListenPlan(NamedTuple):
    """What would change. With ``refusals`` (sentences) nothing may, and the rest is empty. ``notes`` say what was left alone."""

    carriers: List[Carrier]
    edits: List[Edit]
    files: List[Tuple[str, bytes, bytes]]  # path, bytes before, bytes after
    refusals: List[str]
    notes: List[str]


def wanted_of(listen, backlog=None, reuseport=None, state="present"):
    """Return the Wanted of a user's options; ``absent`` without a parameter means backlog. Raises InputError."""
    if listen.__class__ is not str or not listen or any(char <= " " or char in SYNTAX for char in listen):
        raise InputError("listen must be %s or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not %r" % (ALL, listen))
    if backlog is not None and (backlog.__class__ is not int or not 1 <= backlog <= INT_MAX):
        raise InputError("backlog must be a whole number from 1 to %d, not %r" % (INT_MAX, backlog))
    if reuseport not in (None, True, False):
        raise InputError("reuseport must be true or false, not %r" % (reuseport,))
    if state == "absent":
        return Wanted(listen, 0 if backlog is not None or not reuseport else None, False if reuseport else None)
    if state != "present":
        raise InputError("state must be present or absent, not %r" % (state,))
    if backlog is None and reuseport is None:
        raise InputError("nothing is wanted of listen %s; give backlog, reuseport or both" % listen)
    return Wanted(listen, backlog, reuseport)


def plan_listen(configuration, read_bytes, wanted, identity=None, hosts=None, version=None, is_root=True):
    """Return the ListenPlan that gives every socket of ``wanted.listen`` what is wanted.

    ``read_bytes(path)`` returns the bytes of a file of the configuration, and is asked only for files that change.
    ``identity`` maps paths to what is equal for two names of one file; a path that it lacks stands for itself. ``hosts``,
    ``version`` and ``is_root`` are those of listen_directives(). Raises InputError, and ConfigError when a file changed meanwhile.
    """
    planner = _Planner(configuration, wanted, identity or {}, hosts, version, is_root)
    planner.choose()
    after = planner.simulate() if not planner.refusals else None
    if planner.refusals:
        return ListenPlan([], [], [], planner.refusals, planner.notes)
    files, edits = planner.files(read_bytes)
    return ListenPlan(planner.carriers(after), edits, files, [], planner.notes)


class _Planner:
    """Listens and sockets go by their indices. A *place* is one directive in one real file, however often nginx reads it."""

    def __init__(self, configuration, wanted, identity, hosts, version, is_root):
        self.configuration, self.wanted, self.version = configuration, wanted, version
        self.wish = Wish(wanted.backlog, wanted.reuseport)
        self.adds = bool(wanted.backlog or wanted.reuseport)
        self.listens = listen_directives(configuration, hosts, version, is_root)
        self.sockets = sockets_of(self.listens, version)
        self.places = [(identity.get(listen.path, listen.path), listen.directive.start) for listen in self.listens]
        self.uses, self.sockets_of_listen = {}, {}
        for index, place in enumerate(self.places):
            self.uses.setdefault(place, []).append(index)
        for number, socket in enumerate(self.sockets):
            for index in socket.listens:
                self.sockets_of_listen.setdefault(index, []).append(number)
        self.refusals, self.notes = list(configuration.problems), []
        self.chosen = {}  # place -> the first listen that is there
        self.targets = set(self._targets(self._named(hosts)))

    def _where(self, number):
        return self.listens[self.sockets[number].listens[0]].where

    def _named(self, hosts):
        """The sockets that the user's text means."""
        text = self.wanted.listen
        if text == ALL:
            return range(len(self.sockets))
        try:
            meant = {context: parse_address(text.encode("utf-8"), 80 if context == "http" else 0, hosts) for context in CONTEXTS.values()}
        except InputError as error:
            raise InputError("listen %s: %s" % (text, error))
        named = [number for number, socket in enumerate(self.sockets) if socket.address in meant[socket.context]]
        found = {self.sockets[number].address for number in named}
        missing = [address.text for address in meant["http"] if not found & {address, address._replace(port=0)}]
        if missing:
            there = list(dict.fromkeys("%s (%s)" % (socket.address.text, self._where(number)) for number, socket in enumerate(self.sockets)))
            shown = ", ".join(there[:MOST_SHOWN]) or "none"
            more = " and %d more" % (len(there) - MOST_SHOWN) if len(there) > MOST_SHOWN else ""
            self.refusals.append(NOBODY_LISTENS % (self.configuration.path, missing[0], shown + more))
            return []
        streams = [number for number in named if self.sockets[number].protocol != "udp"]
        return streams or named  # quic beside ssl is no reason to complain

    def _targets(self, named):
        """Yield those that can have what is wanted. Of the others a name is refused, and ALL leaves them alone."""
        complain = self.notes.append if self.wanted.listen == ALL else self.refusals.append
        for number in named:
            socket, where = self.sockets[number], self._where(number)
            text = socket.address.text
            if socket.protocol == "udp":
                complain(NO_QUEUE % (where, text))
            elif socket.served_by is not None:
                complain(self._shadowed(where, socket))
            elif self.wish.reuseport and (socket.context == "mail" or socket.protocol == "unix"):
                complain(NO_REUSEPORT % (where, text, "a UNIX socket" if socket.protocol == "unix" else "a listen of mail"))
            else:
                yield number

    def _shadowed(self, where, socket):
        wide = self.sockets[socket.served_by].address.text
        return SHADOWED % (where, socket.address.text, wide, self._where(socket.served_by), wide)

    def choose(self):
        """Choose a place for each target. Sockets with few candidates come first: they leave no choice."""
        candidates = {number: carriers(self.sockets[number], self.listens) for number in sorted(self.targets)}
        for number in sorted(candidates, key=lambda number: len(candidates[number])):
            socket = self.sockets[number]
            faults = [fault for index in socket.listens for fault in self.listens[index].faults] + list(socket.faults)
            broken = [fault.message for fault in faults if fault.stage != NOTE]
            if broken:
                self.refusals.append(broken[0] + "; correct that first")
            elif not any(self.places[index] in self.chosen for index in socket.listens):
                self._choose(number, candidates[number])
        self.refusals = list(dict.fromkeys(self.refusals))

    def _choose(self, number, candidates):
        reasons = []
        for index in candidates:
            args = self.listens[index].directive.args[1:]
            reason = self._obstacle(index) if changed_args(args, self.wish) != args else None
            if reason is None:
                self.chosen[self.places[index]] = index
                return
            reasons.append(reason)
        if reasons:
            self.refusals.append(reasons[0])
        elif self.adds:
            address = self.sockets[number].address
            self.refusals.append(IMPLICIT % (self._where(number), address.text, address.port))

    def _obstacle(self, candidate):
        """Why this listen must not be changed, as a sentence, or None."""
        listen, place = self.listens[candidate], self.places[candidate]
        numbers = [number for use in self.uses[place] for number in self.sockets_of_listen[use]]
        others = [number for number in numbers if number not in self.targets and self.sockets[number].served_by is None]
        if others:
            means = ", ".join(self.sockets[number].address.text for number in dict.fromkeys(numbers))
            return ALSO % (listen.where, self.sockets[others[0]].address.text, "%s: %s" % (listen.args[0], means))
        for number in numbers if self.adds else ():
            socket = self.sockets[number]
            text = socket.address.text
            if numbers.count(number) > 1:
                return TWICE % (listen.where, numbers.count(number), text)
            if socket.served_by is not None:
                return self._shadowed(listen.where, socket)
            owner = next((index for index in socket.listens if self.places[index] in self.chosen), socket.owner)
            if owner is not None and self.places[owner] != place:
                return OWNED % (listen.where, text, self.listens[owner].where)
            if socket.address.family is None and self._has_wildcard(socket.address.port):
                return UNKNOWN_NAME % (listen.where, text)
        return None

    def _has_wildcard(self, port):
        return any(socket.address.is_wildcard and socket.address.port == port and socket.protocol == "tcp" for socket in self.sockets)

    def simulate(self):
        """Return the sockets as they will be. What the model finds wrong with them, and did not before, is refused."""
        listens = list(self.listens)
        changing = [place for place, index in self.chosen.items() if self._wished(listens[index]) != listens[index].directive.args]
        if not changing:
            return self.sockets
        for place in changing:
            for index in self.uses[place]:
                listens[index] = with_args(listens[index], self._wished(listens[index])[1:], self.version)
        sockets = sockets_of(listens, self.version)
        known = {fault for row in (*self.listens, *self.sockets) for fault in row.faults}
        new = dict.fromkeys(fault for row in (*listens, *sockets) for fault in row.faults if fault not in known)
        self.refusals += [fault.message for fault in new if fault.stage != NOTE]
        return sockets

    def _wished(self, listen):
        return listen.directive.args[:1] + changed_args(listen.directive.args[1:], self.wish)

    def files(self, read_bytes):
        """Return [(path, bytes before, bytes after)] and the edits: each real file once, under the name that nginx reads first."""
        by_file, files, edits = {}, [], []
        for place, index in sorted(self.chosen.items(), key=lambda item: item[1]):
            listen = self.listens[index]
            if self._wished(listen) != listen.directive.args:
                by_file.setdefault(place[0], []).append(listen)
        for listens in by_file.values():
            path = listens[0].path
            data = read_bytes(path)
            if sha256(data).hexdigest() != self.configuration.files.get(path):
                raise ConfigError(CHANGED % path)
            mine = [edit for listen in listens for edit in parameter_edits(path, data, listen.directive, self.wish)]
            files.append((path, data, checked(path, data, mine, {listen.directive.start: self._wished(listen) for listen in listens})))
            edits += mine
        return files, edits

    def carriers(self, after):
        """Return the Carriers, with ``after`` the sockets as they will be."""
        found = []
        for index in sorted(self.chosen.values()):
            listen, numbers = self.listens[index], self.sockets_of_listen[index]
            old, new = self.sockets[numbers[0]], after[numbers[0]]
            found.append(
                Carrier(
                    listen.path,
                    listen.line,
                    tuple(self.sockets[number].address.text for number in numbers),
                    old.listen_backlog,
                    new.listen_backlog,
                    old.reuseport,
                    new.reuseport,
                    self._wished(listen) != listen.directive.args,
                )
            )
        return found


def ambiguous_paths(configuration):
    """Return the paths whose identity plan_listen() must know: those that were read with the same bytes as another one."""
    by_digest = {}
    for path, digest in configuration.files.items():
        by_digest.setdefault(digest, []).append(path)
    return [path for paths in by_digest.values() if len(paths) > 1 for path in paths]
