# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets sysctls now and for the next boot: look, draft, try out, stage the file, write the values, put the file in place, look again."""

import os
from typing import Dict, NamedTuple, Tuple

from .._change import SYSCTL, Answer, Change, FileState, Plan, SysctlTarget
from .._errors import InputError, ReadError, WriteError
from .._files.durable import remove_leftovers
from .._files.read import TEMPORARY, locate
from .._files.write import FileTransaction
from .._namespaces.read import entered
from .._proc import ProcFS
from .._roots.read import Root
from .._sysctl.boot_order import BootOrder
from .._sysctl.conf_file import SYSTEMD
from .._sysctl.names import dotted, path_of
from .._sysctl.values import kept, same
from .._sysctl.write import restore_values, try_values, write_values
from .._sysctl_boot.read import host_arguments
from .._sysctl_info.read import writers_of
from .._sysctl_place.read import find_where
from .._version import is_older
from .draft import FOLDER as SYSCTL_D
from .draft import Draft, drafted, files_after
from .hazards import UNPRIVILEGED, in_order, why_one_way
from .options import checked
from .read import current_values, file_changes, files_of, why_not_writable
from .runtime import is_private, wanted_now


class Planned(NamedTuple):
    """``now`` are the runtime values to write, ``before`` those of all keys; ``left`` says why some stay as they are.

    ``old_order`` and ``order`` are the BootOrders without and with the change.
    """

    draft: Draft
    files: Tuple[Change, ...]
    now: Dict[str, str]
    before: Dict[str, str]
    left: Dict[str, str]
    old_order: BootOrder
    order: BootOrder
    plan: Plan


def act(parameters, is_check, proc_root, session):
    """Return the Answer of the module sysctl_dropin. Raises InputError, ReadError, WriteError; then nothing was changed."""
    proc, wanted = ProcFS(proc_root), checked(parameters)
    where = find_where(proc, parameters["netns"], parameters["root"], parameters["loader"])
    if not parameters["persist"]:
        where = where._replace(root=None, advice=where.advice or "a file of sysctl.d, with persist: true")
    if where.root is None and not wanted.runtime:
        raise InputError("nothing here applies files at boot (%s), and runtime is false; such a value belongs into %s" % (where.loader.why, where.advice))
    planned = _plan(proc, where, wanted)
    if planned.plan.is_empty and not is_check:
        _tidy(proc, where, session)
    if is_check or planned.plan.is_empty:
        return _answer(where, planned, planned.order, {**planned.before, **planned.now})
    with session.opened() as run:
        planned = _plan(proc, where, wanted)  # what was seen before the lock may be old
        _try_out(proc, planned)
        with run.journalled(planned.plan), FileTransaction(proc) as transaction:
            for change in planned.files:
                transaction.stage(change)
            copies = [{"path": file.target.path, "copy": run.keep_previous(file.before)} for file in planned.files if isinstance(file.before, FileState)]
            _inside(proc, where, lambda: write_values(proc, planned.now))
            try:
                transaction.commit()
            except BaseException:
                _inside(proc, where, lambda: restore_values(proc, {path: planned.before[path] for path in planned.now}))
                raise
    return _looked_again(proc, where, planned, copies)


def _tidy(proc, where, session):
    """Remove what a run left beside the file when it was killed at the very end: all that it had to do was done."""
    try:
        place = locate(where.root, SYSCTL_D + "/99-listen-queue.conf") if where.root is not None else None
    except ReadError:  # there is no such directory
        return
    if place is not None:
        with place:
            if any(name.startswith(TEMPORARY) for name in os.listdir(place.folder)):
                with session.opened():
                    remove_leftovers(place.folder, ())


def _plan(proc, where, wanted):
    """Return what is Planned. What would refuse it later refuses it now, also in check mode."""
    arguments, flavour = host_arguments(proc, where.root), where.loader.flavour or SYSTEMD
    if where.root is None:
        files, draft, changes = [], Draft(None, None, None, dict(wanted.values) if wanted.is_present else {}, ()), ()
    else:
        files = files_of(where.root)
        draft = drafted(files, flavour, wanted, arguments)
        changes = file_changes(proc, where.root, draft)
    old_order, order = BootOrder(files, flavour, arguments), BootOrder(files_after(files, draft), flavour, arguments)
    before, now, left = _inside(proc, where, lambda: _runtime(proc, where, wanted, draft, order)) if wanted.runtime else ({}, {}, {})
    inode = where.namespace.id.inode
    runtime = tuple(Change(SYSCTL, SysctlTarget(inode, path), before[path], kept(path, text).value or text) for path, text in now.items())
    return Planned(draft, changes, now, before, left, old_order, order, Plan(changes + runtime))


def _runtime(proc, where, wanted, draft, order):
    """Return (values now, values to write, why some stay), in the namespace of the calling thread."""
    for path in draft.values:
        if where.namespace is not where.own and not path.startswith("net/"):
            raise InputError("netns: %s is no sysctl of network namespaces; leave netns out" % dotted(path))
    before = current_values(proc, draft.values, must_exist=wanted.is_present)
    targets, left = wanted_now(wanted, draft, order, before, lambda version: is_older(os.uname().release, version))
    now = {path: text for path, text in targets.items() if not same(path, before[path], text)}
    for path, text in now.items():
        why = why_one_way(path, text, before[path])
        if why:
            raise InputError("values: %s %s; set runtime to false to have it from the next boot on" % (dotted(path), why))
        obstacle = why_not_writable(proc, path, where.advice or "its definition or image")
        if obstacle:
            raise WriteError(obstacle)
    return before, in_order(now, before.get(UNPRIVILEGED)), left


def _inside(proc, where, function):
    """Call a function in the network namespace that is meant."""
    try:
        with entered(proc, where.own, where.namespace):
            return function()
    except PermissionError as error:
        raise WriteError("the network namespace may not be entered: %s; become root (CAP_SYS_ADMIN) on the host" % error.strerror)
    except OSError as error:
        raise WriteError("the network namespace cannot be entered: %s; nothing was changed" % error.strerror)


def _try_out(proc, planned):
    """Let the kernel refuse a value where nobody is hurt, before anything is written. Raises InputError."""
    texts = {path: text for path, text in planned.draft.values.items() if text is not None and is_private(path)}
    for path, why in try_values(proc, texts).items():
        raise InputError("values: the kernel refuses %r for %s: %s; nothing was changed" % (texts[path], dotted(path), why))


def _looked_again(proc, where, planned, copies):
    """Read files and values back; the Answer is a failure when they are not what was planned."""
    order = planned.order
    if where.root is not None:
        order = BootOrder(files_of(where.root), order.loader, host_arguments(proc, where.root))
    now = _inside(proc, where, lambda: current_values(proc, planned.before, must_exist=False))
    wrong = ["%s is %s and not %s" % (dotted(path), now[path], text) for path, text in planned.now.items() if not same(path, now[path], text)] + [
        "%s will be %s and not %s at boot" % (dotted(path), _boot(order, path), _boot(planned.order, path))
        for path in planned.draft.values
        if _boot(order, path) != _boot(planned.order, path)
    ]
    failure = "it was changed, but what reads back is something else: %s; look for a program that sets it too" % "; ".join(wrong) if wrong else None
    return _answer(where, planned, order, now, copies, failure)


def _boot(order, path):
    winner = order.winner(path)
    return None if winner is None else kept(path, winner.value).value or winner.value


def _writers(where, draft):
    if where.root is None:
        return {}
    with Root(where.root) as root:
        return writers_of(root, list(draft.values))


def _warnings(where, draft, rows):
    """Return sentences on why the values will not be what was asked for, for those who do not look at the rest of the answer."""
    found = [conflict.why for conflict in draft.conflicts]
    if draft.values and where.root is None and where.loader.name is None:
        found.append(
            "the values do not persist, because no file of sysctl.d counts here (%s); set them in %s, or say persist: false when that is meant"
            % (where.loader.why, where.advice)
        )
    for key, row in rows.items():
        for writer in row["later_writers"]:
            value = writer["value"]
            if value is not None and not value.startswith("=>") and not same(path_of(key), value, row["after"]["boot"] or ""):
                found.append("%s will be %s and not %s once %s has set it (%s)" % (key, value, row["after"]["boot"], writer["program"], writer["path"]))
    return tuple(found)


def _answer(where, planned, order, now, copies=(), failure=None):
    draft, rows, writers = planned.draft, {}, _writers(where, planned.draft)
    for path in draft.values:
        winner = order.winner(path)
        rows[dotted(path)] = {
            "before": {"runtime": planned.before.get(path), "boot": _boot(planned.old_order, path)},
            "after": {"runtime": now.get(path), "boot": _boot(order, path)},
            "boot_source": None if winner is None else {"path": winner.path, "line": winner.line},
            "later_writers": writers.get(path, []),
        }
    values = {
        "path": None if draft.file is None else draft.file.path,
        "removed_path": None if draft.old is None else draft.old.path,
        "sysctls": rows,
        "conflicts": [conflict.why for conflict in draft.conflicts],
        "unchanged": {dotted(path): why for path, why in planned.left.items()},
        "loader": {"name": where.loader.name, "why": where.loader.why},
        "persists": draft.data is not None and not draft.conflicts,
        "persistence": where.advice,
        "previous": list(copies),
    }
    is_taken_away = draft.data is None and draft.file is not None
    return Answer(not planned.plan.is_empty, values, planned.plan, failure, () if is_taken_away else _warnings(where, draft, rows))
