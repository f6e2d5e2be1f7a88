# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal of a checkpoint says: its states, the text of its files, and what follows from what is found on the machine.

A journal is a directory. ``head.<state>`` is the checkpoint, ``<number>.<state>`` one run of a module that changed something,
``bytes.<digest>`` the bytes that a file had before. A state changes by rename(2): of two who try, one loses.
"""

import json
import re
from hashlib import sha256
from typing import Any, NamedTuple, Optional, Tuple

from .._change import FILE, FOLDER, SOCKET, SYSCTL, Change, Effect, FileState, FileTarget, NginxTarget, SocketTarget, SysctlTarget
from .._errors import JournalError, JournalVersion

SCHEMA = 1
OPEN, COMMITTED, ABANDONED = "open", "committed", "abandoned"
ROLLING_BACK, ROLLED_BACK, ROLLBACK_FAILED = "rolling_back", "rolled_back", "rollback_failed"
# A state, and those that may follow.
NEXT = {
    OPEN: (COMMITTED, ROLLING_BACK),
    COMMITTED: (ROLLING_BACK,),
    ROLLING_BACK: (ROLLED_BACK, ROLLBACK_FAILED),
    ROLLBACK_FAILED: (ROLLING_BACK, ABANDONED),
    ROLLED_BACK: (),
    ABANDONED: (),
}
UNRESOLVED = (OPEN, ROLLING_BACK, ROLLBACK_FAILED)  # nobody else may change anything meanwhile
PREPARED, APPLIED, UNDONE, CONFLICT = "prepared", "applied", "undone", "conflict"
ENTRY_STATES = (PREPARED, APPLIED, UNDONE, CONFLICT)

SEEN = "seen.%04d"  # what a reload made of sockets, for people
HEAD, BYTES, RESULT, ARMED, PROGRAM = "head.", "bytes.", "result", "armed", "undo.pyz"
ENTRY = re.compile(r"([0-9]{4,6})\.([a-z]+)\Z")
# All that this version puts into the directory of a checkpoint, but for temporary files.
OURS = re.compile(r"head\.[a-z_]+\Z|bytes\.[0-9a-f]{64}\Z|[0-9]{4,6}\.[a-z]+\Z|seen\.[0-9]{4,6}\Z|result\Z|armed\Z|undo\.pyz\Z")
IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}\Z")
# The entry of what is there only while a checkpoint is open: a commit takes it back too.
HOUSEKEEPING, HOUSEKEEPING_NAME = 0, "0000.%s"

# How a thing is found: as it was before a change, as after it, as neither, or not at all, because what it belonged to ended.
BEFORE, AFTER, OTHER, GONE = "before", "after", "other", "gone"
# What became of an interrupted run.
NEVER, HAPPENED, HALF, CONTESTED = "never", "happened", "half", "contested"

ENDED = type("Ended", (), {"__repr__": lambda self: "ENDED"})()  # instead of a value, of a thing that is GONE
TARGETS = {FILE: FileTarget, FOLDER: FileTarget, SYSCTL: SysctlTarget, SOCKET: SocketTarget, "nginx_reload": NginxTarget}


class Unusual(NamedTuple):
    """Instead of a value: what is in the place of a file cannot be what a change left there. ``why`` is a sentence."""

    why: str


class FileDigest(NamedTuple):
    """A FileState without its bytes."""

    digest: str
    size: int
    mode: int
    uid: int
    gid: int
    xattrs: Tuple[Tuple[str, bytes], ...] = ()

    def is_same(self, state):
        """True when a FileState has these bytes, this mode and this owner."""
        return state is not None and (self.size, self.mode, self.uid, self.gid) == (len(state.data),) + tuple(state[1:4]) and self.digest == state.digest


class Clock(NamedTuple):
    """A moment: ``seconds`` since the boot that ``boot_id`` names, with time asleep (CLOCK_BOOTTIME), whatever the wall clock does.

    ``boot_id`` is empty where the kernel does not show it.
    """

    boot_id: str
    seconds: float

    def is_after_boot(self, earlier):
        """True when the machine has booted since an earlier Clock."""
        return self.seconds < earlier.seconds or bool(self.boot_id and earlier.boot_id and self.boot_id != earlier.boot_id)


class Head(NamedTuple):
    """A checkpoint. ``deadline`` is None when it has none; ``netns`` is the inode of the namespace in which the modules run."""

    id: str
    reason: str
    owner: str
    opened_at: str  # UTC, for people
    opened: Clock
    rollback_after: Optional[int]  # seconds
    interpreter: str
    netns: Optional[int]

    @property
    def deadline(self):
        return None if self.rollback_after is None else self.opened.seconds + self.rollback_after

    def is_expired(self, now):
        """True when nobody may commit it any more: the time is over, or the machine has booted since."""
        return now.is_after_boot(self.opened) or (self.deadline is not None and now.seconds >= self.deadline)


class Entry(NamedTuple):
    """What one run of a module changes. The states of files in it are FileDigests."""

    number: int
    state: str
    module: str
    at: str  # UTC
    changes: Tuple[Change, ...]
    effects: Tuple[Effect, ...] = ()


def pack(record):
    """Return the bytes of a journal file: the record as one line of JSON, and its SHA-256."""
    line = json.dumps(dict(record, schema=SCHEMA), sort_keys=True).encode("ascii")
    return b"%s\n%s\n" % (line, sha256(line).hexdigest().encode("ascii"))


_INCOMPLETE = "%s is whole, but something in it is missing; nothing was concluded from it"


def unpack(data, path):
    """Return the record of a journal file. Raises JournalError."""
    line, _newline, rest = data.partition(b"\n")
    if rest != sha256(line).hexdigest().encode("ascii") + b"\n":
        raise JournalError("%s is torn: its checksum is wrong; nothing was concluded from it, compare the machine with the other files there" % path)
    try:
        record = json.loads(line.decode("ascii"))
    except ValueError:
        raise JournalError(_INCOMPLETE % path)
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise JournalVersion(
            "%s has the schema %r, and this version knows %d; use the version of the collection that made it, or the program %s beside it"
            % (path, record.get("schema") if isinstance(record, dict) else None, SCHEMA, PROGRAM)
        )
    return record


def pack_head(head):
    return pack(dict(head._asdict(), opened=list(head.opened)))


def unpack_head(data, path):
    """Return the Head in a journal file. Raises JournalError."""
    record = unpack(data, path)
    try:
        return Head(**dict({field: record[field] for field in Head._fields}, opened=Clock(*record["opened"])))
    except (KeyError, TypeError):
        raise JournalError(_INCOMPLETE % path)


def pack_entry(module, at, plan):
    """Return the bytes of the journal file of a Plan."""
    changes = [_packed(change) for change in plan.changes]
    effects = [dict(effect.target._asdict(), kind=effect.kind) for effect in plan.effects]
    return pack({"module": module, "at": at, "changes": changes, "effects": effects})


def _packed(change):
    states = {"before": change.before, "after": change.after}
    if change.kind == FILE:
        states = {name: state and _packed_state(state) for name, state in states.items()}
    return dict(change.target._asdict(), kind=change.kind, **states)


def _packed_state(state):
    digest = digest_of(state)
    return dict(digest._asdict(), xattrs=[[name, value.hex()] for name, value in digest.xattrs])


def digest_of(state):
    """Return the FileDigest of a FileState."""
    return FileDigest(state.digest, len(state.data), state.mode, state.uid, state.gid, state.xattrs)


def unpack_entry(data, path, number, state):
    """Return the Entry in a journal file. Raises JournalError."""
    record = unpack(data, path)
    try:
        changes = tuple(_unpacked(change) for change in record["changes"])
        effects = tuple(Effect(effect["kind"], _target(effect)) for effect in record["effects"])
        return Entry(number, state, record["module"], record["at"], changes, effects)
    except (KeyError, TypeError, ValueError):
        raise JournalError(_INCOMPLETE % path)


def with_seen(entry, record):
    """Return an Entry with what was seen of its sockets after a reload, for people: nothing follows from it."""
    seen = (record or {}).get("limits", ())
    if not isinstance(seen, list) or len(seen) != len(entry.changes):
        return entry
    return entry._replace(changes=tuple(change if change.after is not None else change._replace(after=limit) for change, limit in zip(entry.changes, seen)))


def _target(record):
    kind: Any = TARGETS[record["kind"]]
    return kind(*[record[field] for field in kind._fields])


def _unpacked(record):
    states = [record["before"], record["after"]]
    if record["kind"] == FILE:
        states = [state and _unpacked_state(state) for state in states]
    return Change(record["kind"], _target(record), *states)


def _unpacked_state(record):
    state = FileDigest(*[record[field] for field in FileDigest._fields])
    return state._replace(xattrs=tuple((name, bytes.fromhex(value)) for name, value in record["xattrs"]))


def status_of(change, now):
    """Return BEFORE, AFTER, OTHER or GONE: ``now`` is what is there, a file as FileState, or ENDED, or Unusual."""
    if now is ENDED:
        return GONE
    if is_state(change.kind, change.before, now):
        return BEFORE
    return AFTER if is_expected(change, now) else OTHER


def is_state(kind, state, now):
    """True when what is there is the state of a journal."""
    if kind == FILE and state is not None:
        return isinstance(now, FileState) and state.is_same(now)
    return state == now


def is_expected(change, now):
    """True when what is there is what the change made of it. What a program makes of its socket is not known beforehand.

    A directory that was made counts whatever its mode is: a run may have been killed before it set it, and only an empty one is removed.
    """
    if change.kind == FOLDER and change.before is None:
        return isinstance(now, int)
    return is_by_program(change) or is_state(change.kind, change.after, now)


def is_by_program(change):
    """True for the limit of a socket that a program sets when it reads its configuration, whatever that is then."""
    return change.kind == SOCKET and change.after is None


def resolved(entry, statuses):
    """Return what became of an interrupted Entry, given the status of each of its changes: NEVER, HAPPENED, HALF or CONTESTED."""
    known = [status for change, status in zip(entry.changes, statuses) if status != GONE and not is_by_program(change)]
    if OTHER in known:
        return CONTESTED
    if not known:  # nothing but an effect: whether it happened is not known, and it does no harm a second time
        return HAPPENED
    return {BEFORE: NEVER, AFTER: HAPPENED}[known[0]] if len(set(known)) == 1 else HALF


class Aim(NamedTuple):
    """What one thing shall be again: ``state``, given what is ``seen`` there."""

    kind: str
    target: Any
    status: str  # BEFORE: it is already; AFTER: to be taken back; OTHER: somebody else's, and kept; GONE
    state: Any
    seen: Any
    is_contested: bool = False  # somebody else changed it between two runs: theirs is the state, and the older run stays

    @property
    def is_conflict(self):
        return self.is_contested or self.status == OTHER


def aim_of(changes, now):
    """Return the Aim for one thing with all its changes, in the order in which they were made.

    It goes back over its states as long as each is what the run before had left; what somebody else made in between stays.
    What a program set once it may have set again, when it read the configuration that was put back.
    """
    kind, target = changes[0].kind, changes[0].target
    if now is ENDED or is_state(kind, changes[0].before, now):
        return Aim(kind, target, GONE if now is ENDED else BEFORE, changes[0].before, now)
    if status_of(changes[-1], now) == OTHER and not any(map(is_by_program, changes)):
        return Aim(kind, target, OTHER, None, now)
    state, is_contested = changes[-1].before, False
    for change in reversed(changes[:-1]):
        if _is_same(change.after, state) or is_by_program(change):
            state = change.before
        elif not _is_same(change.before, state):
            is_contested = True
            break
    return Aim(kind, target, BEFORE if is_state(kind, state, now) else AFTER, state, now, is_contested)


def _is_same(state, other):
    """True when two states of a journal are the same. A label may differ, as in FileState.is_same()."""
    if isinstance(state, FileDigest) and isinstance(other, FileDigest):
        return state[:5] == other[:5]
    return state == other


def by_target(changes):
    """Return ``[[Change, ...], ...]``: the changes of each thing together, in the order in which things were first changed."""
    found = {}
    for change in changes:
        found.setdefault((change.kind, change.target), []).append(change)
    return list(found.values())


def name_of(kind, target):
    """Return how to call a thing in a sentence."""
    if kind in (FILE, FOLDER):
        return target.path if target.root == "/" else "%s%s" % (target.root.rstrip("/"), target.path)
    return ("the limit of %s" if kind == SOCKET else "%s") % str(target)


def shown(kind, state):
    """Return a state for people; bytes of files stay where they are, because they may hold passwords."""
    if kind == FILE and isinstance(state, FileDigest):
        return {"sha256": state.digest, "size": state.size, "mode": "%04o" % state.mode, "uid": state.uid, "gid": state.gid}
    return "%04o" % state if kind == FOLDER and isinstance(state, int) else state


def step_of(kind, target, state, folder):
    """Return the sentence that says how to restore a thing by hand. ``folder`` is that of the journal."""
    name = name_of(kind, target)
    if kind == FILE:
        if state is None:
            return "remove %s" % name
        copy = "%s/%s%s" % (folder, BYTES, state.digest)
        return "copy %s to %s, with mode %04o, owner %d and group %d" % (copy, name, state.mode, state.uid, state.gid)
    if kind == FOLDER:
        return "remove the directory %s" % name if state is None else "make the directory %s with mode %04o" % (name, state)
    if kind == SYSCTL:
        return "write %r to %s in the network namespace %d" % (state, name, target.netns)
    return "roll back again once net.core.somaxconn allows it; or abandon the checkpoint, and let the module socket_backlog set %s to %s" % (name, state)
