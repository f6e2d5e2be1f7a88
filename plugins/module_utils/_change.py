# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would change, said once: the prediction of check mode, the diff, what is written, and, inverted, the way back."""

import re
from bisect import bisect_right
from collections import Counter
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Any, Dict, Iterable, NamedTuple, Optional, Tuple

FILE = "file"
FOLDER = "folder"
SYSCTL = "sysctl"
SOCKET = "socket"
NGINX_RELOAD = "nginx_reload"

# One statement of a configuration, or the head of a block: all that a diff shows around a change.
STATEMENTS = re.compile(rb"[^;{}]*[;{}]|[^;{}]+")
MOST_COMPARED = 4000  # lines that were inserted or removed are looked for in files of at most this length


class FileTarget(NamedTuple):
    """A file or folder: ``path`` as seen inside ``root``, with all symbolic links already followed."""

    root: str
    path: str


class SysctlTarget(NamedTuple):
    """A sysctl by its path below /proc/sys, in the network namespace with this inode."""

    netns: int
    path: str

    def __str__(self):
        return "/proc/sys/" + self.path


class SocketTarget(NamedTuple):
    """One listening socket, in the network namespace with the inode ``netns``. Its ``inode`` and ``cookie`` tell it from a later one there."""

    netns: int
    inode: int
    family: str  # inet, inet6 or unix
    address: Optional[str]
    port: Optional[int]
    path: Optional[str]  # of a UNIX socket, which has no address and port
    cookie: Optional[int] = None  # as sock_diag shows it; an inode's number may come again, a cookie does not

    def is_of(self, listener):
        """True when a ListenSocket of the same namespace is this one."""
        mine = (listener.inode, listener.family, listener.local_address, listener.local_port, listener.path)
        return self[1:6] == mine and self.cookie in (None, listener.cookie)

    @property
    def place(self):
        """Where it listens: the same for one that takes its place."""
        return (self.netns,) + self[2:6]

    def __str__(self):
        if self.path is not None:
            return "unix:" + self.path
        return ("[%s]:%d" if self.family == "inet6" else "%s:%d") % (self.address, self.port)


class NginxTarget(NamedTuple):
    """A running nginx: its master by pid and start, and where its configuration is reached, in case another master took over."""

    pid: int
    start_ticks: int
    root: Optional[str]
    config: Optional[str]

    def __str__(self):
        return "nginx %d (%s)" % (self.pid, self.config)


class FileState(NamedTuple):
    """All of a file that a change or a rollback has to keep. ``xattrs`` hold ACL, SELinux label, capabilities and ``user.*``."""

    data: bytes
    mode: int  # permission bits, with setuid, setgid and sticky
    uid: int
    gid: int
    xattrs: Tuple[Tuple[str, bytes], ...] = ()

    @property
    def digest(self):
        return sha256(self.data).hexdigest()

    def is_same(self, other):
        """True when ``other`` has the same bytes, mode and owner. A label may differ: the kernel gives new files one."""
        return other is not None and self[:4] == other[:4]


class Change(NamedTuple):
    """One thing that is ``before`` and shall be ``after``; ``None`` means that it does not exist.

    ``file``: target FileTarget, states FileState. ``folder``: target FileTarget, states the mode.
    ``sysctl``: target SysctlTarget, states the texts that read back. ``socket``: target SocketTarget, states the limits of its
    accept queue; an ``after`` of ``None`` is whatever the program makes of it.
    """

    kind: str
    target: Any
    before: Any
    after: Any

    def inverse(self):
        return self._replace(before=self.after, after=self.before)


class Effect(NamedTuple):
    """Something that has to happen after the changes, and again after they were taken back: ``nginx_reload`` of a NginxTarget."""

    kind: str
    target: Any


class Plan(NamedTuple):
    """Changes in the order in which they have to happen, and their effects."""

    changes: Tuple[Change, ...]
    effects: Tuple[Effect, ...] = ()

    @property
    def is_empty(self):
        return not self.changes

    def inverse(self):
        """Return the Plan that takes this one back: in reverse order, with the same effects."""
        return Plan(tuple(change.inverse() for change in reversed(self.changes)), self.effects)

    def diff(self):
        """Return Ansible's list of differences: one entry for each run of changed lines, without any other line.

        A line that holds several statements is cut down to the changed one: its neighbours may hold passwords.
        """
        return [entry for change in self.changes for entry in _differences(change)]


class Answer(NamedTuple):
    """How a module that changes something ends. ``plan`` gives the diff; ``failure`` (a sentence) ends it as failed, with all values.

    ``warnings`` are sentences for those who look at nothing else.
    """

    changed: bool
    values: Dict[str, Any]
    plan: Optional[Plan] = None
    failure: Optional[str] = None
    warnings: Tuple[str, ...] = ()


def _differences(change):
    if change.kind == FOLDER:
        return [_entry(change.target.path, *(b"" if mode is None else b"mode %04o\n" % mode for mode in (change.before, change.after)))]
    if change.kind != FILE:
        return [_entry(str(change.target), _value(change.before), _value(change.after))]
    if change.before is None or change.after is None:
        return [_entry(change.target.path, *(b"" if state is None else state.data for state in (change.before, change.after)))]
    entries = [_entry("%s:%d" % (change.target.path, line), before, after) for line, before, after in changed_lines(change.before.data, change.after.data)]
    if change.before[1:4] != change.after[1:4]:
        entries.append(_entry(change.target.path, _attributes(change.before), _attributes(change.after)))
    return entries


def _value(value):
    return b"" if value is None else b"%s\n" % str(value).encode()


def _attributes(state):
    return b"mode %04o, uid %d, gid %d\n" % state[1:4]


def _entry(name, before, after):
    texts = {"before": before, "after": after}
    return {**{key: text.decode("utf-8", "backslashreplace") for key, text in texts.items()}, "before_header": name, "after_header": name}


def changed_lines(before, after):
    """Return ``[(line of before, from 1, its bytes, their replacement)]``, each a run of lines that differ."""
    if before == after:
        return []
    old, new = _Text(before), _Text(after)
    found = []
    for start, end, new_start, new_end in _runs(old.lines, new.lines):
        if end - start == new_end - new_start:
            pairs = [(old.pieces(start + step, start + step + 1), new.pieces(new_start + step, new_start + step + 1)) for step in range(end - start)]
        else:
            pairs = [(old.pieces(start, end), new.pieces(new_start, new_end))]
        found.append((start + 1, pairs))
    # A statement that both texts hold stays, even where lines of which it is a part were taken away here and put there.
    gone, added = old.statements() - new.statements(), new.statements() - old.statements()
    runs = []
    for line, pairs in found:
        cut = [_cut_pair(pair, gone, added) for pair in pairs]
        runs.append((line, b"".join(pair[0] for pair in cut), b"".join(pair[1] for pair in cut)))
    return runs


class _Piece(NamedTuple):
    """Of a statement, what stands in some lines. The whole tells whether it is one that stays."""

    whole: bytes
    part: bytes


class _Text:
    """A text as lines, and as statements, which begin and end anywhere in them."""

    def __init__(self, data):
        self._data = data
        self.lines = data.splitlines(True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self._ends = [match.end() for match in STATEMENTS.finditer(data)]

    def statements(self):
        """Return how often each statement is there."""
        return Counter(statement.strip() for statement in STATEMENTS.findall(self._data))

    def pieces(self, first, last):
        """Return the _Pieces of the lines from ``first`` to before ``last``."""
        start, end = self._starts[first], self._starts[last]
        number, pieces = bisect_right(self._ends, start), []
        while start < end:
            begin, until = self._ends[number - 1] if number else 0, self._ends[number]
            pieces.append(_Piece(self._data[begin:until].strip(), self._data[start : min(until, end)]))
            start, number = until, number + 1
        return pieces


def _runs(old, new):
    if len(old) == len(new):  # nothing was inserted: the usual case, and fast in a file of any length
        number = 0
        while number < len(old):
            end = number
            while end < len(old) and old[end] != new[end]:
                end += 1
            if end > number:
                yield number, end, number, end
            number = end + 1
        return
    if max(len(old), len(new)) > MOST_COMPARED:
        start, tail = _common(old, new), _common(old[::-1], new[::-1])
        tail = min(tail, len(old) - start, len(new) - start)
        yield start, len(old) - tail, start, len(new) - tail
        return
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield start, end, new_start, new_end


def _common(left, right):
    number = 0
    for one, other in zip(left, right):
        if one != other:
            break
        number += 1
    return number


def _cut_pair(pair, gone, added):
    """Return both texts of a pair cut down to the statements in which they differ, out of those ``gone`` and ``added``."""
    old, new = pair
    start, tail = _common(old, new), _common(old[::-1], new[::-1])
    tail = min(tail, len(old) - start, len(new) - start)
    shown_old: Iterable[int] = range(start, len(old) - tail)
    shown_new: Iterable[int] = range(start, len(new) - tail)
    if len(old) == len(new):
        shown_old = shown_new = [number for number in range(len(old)) if old[number] != new[number]]
    return _cut(old, [number for number in shown_old if old[number].whole in gone]), _cut(new, [number for number in shown_new if new[number].whole in added])


def _cut(pieces, shown):
    """Return the pieces with the numbers ``shown``, and dots where others were."""
    kept, statements = set(shown), [piece.part for piece in pieces]
    if all(number in kept or not statement.strip() for number, statement in enumerate(statements)):
        return b"".join(statements)
    text, is_gap = b"", False
    for number, statement in enumerate(statements):
        if number in kept:
            text += (b" ... " if is_gap else b"") + (statement.lstrip() if is_gap or not text else statement)
        is_gap = number not in kept and (is_gap or bool(statement.strip()))
    return (text.strip() + b" ..." * is_gap).lstrip() + b"\n"
