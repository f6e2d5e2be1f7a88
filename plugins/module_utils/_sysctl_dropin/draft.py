# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file is ours, what it is called so that it wins, and what it says afterwards."""

import re
from typing import Dict, NamedTuple, Optional, Tuple

from .._errors import InputError
from .._sysctl.boot_order import DIRECTORIES, SYSCTL_CONF, BootFile, BootOrder
from .._sysctl.conf_file import values_of, with_values, without_keys
from .._sysctl.names import dotted
from .._sysctl.values import same
from .options import number_of

FOLDER = DIRECTORIES[0]
DEFAULT_NAME = "99-listen-queue"
LATER_NAMES = ("99-zz-listen-queue", "zz-listen-queue", "zzz-listen-queue")
MARKER = re.compile(rb"# Managed by netops\.listen_queue\.sysctl_dropin(?: as ([A-Za-z0-9._-]+))?; ")
USE_ANOTHER = "; use another name, or say with on_conflict what to do"
USE_LATER = "; with on_conflict=override the file takes a later name"
ENDING = "; lines that it did not write stay as they are.\n"


class Conflict(NamedTuple):
    """A key whose line in our file would not count at boot, and why."""

    path: str
    why: str
    winner: Optional[str]  # path of the file that decides instead


class Draft(NamedTuple):
    """The files as they shall be: ``data`` of ``file`` (None: no such file), ``old`` to be removed in the same change."""

    file: Optional[BootFile]
    data: Optional[bytes]
    old: Optional[BootFile]
    values: Dict[str, str]
    conflicts: Tuple[Conflict, ...]


def own_file(files, name):
    """Return the BootFile in /etc/sysctl.d that belongs to ``name`` (None: the one without a name), or None."""
    candidates = [file for file in files if file.directory == FOLDER and file.name.endswith(".conf")]
    named = [file for file in candidates if name is not None and file.name == name + ".conf"]
    marked = [file for file in candidates if file.data is not None and marked_name(file.data) == (name or "")]
    found = named or sorted(marked, key=lambda file: file.name)[-1:]
    if not found:
        return None
    if found[0].data is None:
        raise InputError("name: %s cannot be used: %s; choose another name" % (found[0].path, found[0].fault))
    return found[0]


def marked_name(data):
    """Return the name under which a file was made by this module; empty for none given, None for other files."""
    match = MARKER.match(data)
    return None if match is None else (match.group(1) or b"").decode("ascii")


def marker(name):
    return ("# Managed by netops.listen_queue.sysctl_dropin%s" % (" as " + name if name else "") + ENDING).encode("ascii")


def drafted(files, loader, wanted, command_line=""):
    """Return the Draft for what is Wanted. Raises InputError where another file wins and may not be overridden."""
    own = own_file(files, wanted.name)
    order = BootOrder(files, loader, command_line)
    values = _values(order, wanted)
    if not wanted.is_present:
        return _without(own, wanted)
    others = [file for file in files if file is not own]
    hidden = None if own else next((file for file in others if wanted.name and file.name == wanted.name + ".conf" and file.path != SYSCTL_CONF), None)
    if hidden is not None:
        raise InputError("name: a file %s in %s would hide %s with all its keys; choose another name" % (hidden.name, FOLDER, hidden.path))
    name = own.name[: -len(".conf")] if own else wanted.name or _winning_name(others, loader, values, command_line, wanted.name)
    draft = _with(others, own, name, values, wanted)
    conflicts = conflicts_of(files, draft, loader, command_line)
    if conflicts and wanted.on_conflict == "override":
        return _overriding(others, own, loader, values, command_line, wanted, conflicts)
    if conflicts and wanted.on_conflict == "fail":
        _refuse_if_last(conflicts)
        raise InputError("; ".join(conflict.why for conflict in conflicts) + (USE_ANOTHER if wanted.name else USE_LATER))
    return draft._replace(conflicts=conflicts)


def _values(order, wanted):
    """Return the texts that are to stand in the file."""
    if not wanted.at_least:
        return dict(wanted.values)
    values = {}
    for path, text in wanted.values.items():
        winner = order.winner(path)
        boot = None if winner is None else number_of(path, winner.value)
        values[path] = text if boot is None or boot <= number_of(path, text) else str(boot)
    return values


def _without(own, wanted):
    if own is None:
        return Draft(None, None, None, {}, ())
    found = values_of(own.data)
    if not wanted.values and marked_name(own.data) is None:
        raise InputError("name: %s was not made by this module; say with values which keys to remove from it" % own.path)
    gone = {path: value for path, value in found.items() if path in wanted.values or not wanted.values}
    data = without_keys(own.data, [dotted(path) for path in gone])
    if marked_name(own.data) is not None and (not wanted.values or not data[data.index(b"\n") + 1 :].strip()):
        data = None
    return Draft(own, data, None, gone, ())


def _with(others, own, name, values, wanted):
    before = own.data if own else marker(wanted.name)
    data = with_values(before, {dotted(path): value for path, value in values.items()})
    file = own._replace(data=data) if own else BootFile(FOLDER, name + ".conf", "%s/%s.conf" % (FOLDER, name), data)
    return Draft(file, data, None, values, ())


def conflicts_of(files, draft, loader, command_line):
    """Return the Conflicts of a Draft: its keys that would have another value at boot, by the rules of ``loader``.

    ``files`` are the BootFiles without it.
    """
    order = BootOrder(files_after(files, draft), loader, command_line)
    found = []
    for path, value in draft.values.items():
        rows = order.assignments(path)
        winner = next((row for row in rows if row.wins), None)
        ours = [row for row in rows if (row.via or row.path) == draft.file.path and row.value is not None]
        if winner is not None and (winner in ours or same(path, winner.value, value)):
            continue
        reason = ours[-1].why_not if ours else "the line is not read"
        why = "%s = %s in %s would not count at boot: %s" % (dotted(path), value, draft.file.path, reason)
        found.append(Conflict(path, why, None if winner is None else winner.via or winner.path))
    return tuple(found)


def files_after(files, draft):
    """Return the BootFiles as a Draft makes them, in the order of their directories, in which a reader finds them.

    A file that is reached by several links is the same one under each of their names.
    """
    gone = [file.path for file in (draft.file, draft.old) if file is not None]
    after = [] if draft.data is None else [draft.file._replace(data=draft.data)]
    for file in files:
        if file.path not in gone:
            after.append(file._replace(data=draft.data) if draft.file is not None and file.real == draft.file.real else file)
    return sorted_files(after)


def sorted_files(files):
    """Return BootFiles in the order of their directories, in which a reader finds them."""
    places = {directory: number for number, directory in enumerate(DIRECTORIES)}
    return sorted(files, key=lambda file: (places.get(file.directory, len(places)), file.name))


def _winning_name(others, loader, values, command_line, name):
    """Return a name that no file has and under which the values win, the usual one when that is enough."""
    taken = [file.name for file in others]
    free = [candidate for candidate in (DEFAULT_NAME,) + LATER_NAMES + (_last_name(others),) if candidate + ".conf" not in taken]
    for candidate in free:
        file = BootFile(FOLDER, candidate + ".conf", "%s/%s.conf" % (FOLDER, candidate), None)
        data = with_values(marker(name), {dotted(path): value for path, value in values.items()})
        draft = Draft(file._replace(data=data), data, None, values, ())
        if not conflicts_of(others, draft, loader, command_line):
            return candidate
    return free[0]


def _last_name(others):
    """Return a name after that of every other file."""
    names = [file.name[: -len(".conf")] for file in others if file.name.endswith(".conf") and file.path != SYSCTL_CONF]
    last = max(names, key=lambda name: (name + ".conf").encode("utf-8", "surrogateescape"), default="")
    plain = last if all(letter.isalnum() and ord(letter) < 128 or letter in "._-" for letter in last) else "zzzz"
    name = (plain if plain > "zz" else "zz") + "z-listen-queue"
    while name + ".conf" in [file.name for file in others]:
        name = "z" + name
    return name


def _refuse_if_last(conflicts):
    last = next((conflict for conflict in conflicts if conflict.winner == SYSCTL_CONF), None)
    if last is not None:
        raise InputError("%s; sysctl --system reads %s last, so no other file wins: change or remove the line there" % (last.why, SYSCTL_CONF))


def _overriding(others, own, loader, values, command_line, wanted, conflicts):
    """Return the Draft under a later name. Raises InputError where none helps."""
    _refuse_if_last(conflicts)
    if own is not None and marked_name(own.data) is None:
        raise InputError("%s; %s was not made by this module and is not moved: choose another name" % (conflicts[0].why, own.path))
    name = _winning_name(others + ([own] if own else []), loader, values, command_line, wanted.name)
    before = own.data if own else marker(wanted.name)
    data = with_values(before, {dotted(path): value for path, value in values.items()})
    file = BootFile(FOLDER, name + ".conf", "%s/%s.conf" % (FOLDER, name), data)
    draft = Draft(file, data, own, values, ())
    left = conflicts_of(others, draft, loader, command_line)
    if left:
        raise InputError("%s; no later name helps" % left[0].why)
    return draft
