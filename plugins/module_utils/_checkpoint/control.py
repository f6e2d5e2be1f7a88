# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module checkpoint does: open, commit, roll back, abandon."""

import math
import os
import sys
import time

from .._change import Answer
from .._errors import InputError, ListenQueueError
from .._namespaces.read import own_namespace
from .._proc import ProcFS
from . import deadline, entry
from .entry import ABANDONED, COMMITTED, OPEN, ROLLBACK_FAILED, ROLLED_BACK, ROLLING_BACK, Head
from .read import clock, find, find_one, head_of, note_of, read_row, utc
from .session import Session, told
from .store import Journal, create, prune, waited
from .undo import BY_ITSELF, BY_LATE_COMMIT, recover, roll_back, tidy

PATIENCE = 60  # seconds to wait for a run that is changing the machine, as the rollback by the deadline
MODULE = "checkpoint"


def act(parameters, is_check, proc_root, state_folder, root="/"):
    """Return the Answer of the module checkpoint. Raises InputError, ReadError, WriteError."""
    acts = _Acts(ProcFS(proc_root), state_folder, root, parameters)
    if is_check and parameters["state"] != "open" and not parameters["id"]:  # that of a checkpoint that was not really opened
        return Answer(True, {"checkpoint": None, "id": None, "notes": []})
    return {"open": acts.open, "committed": acts.commit, "rolled_back": acts.roll_back, "abandoned": acts.abandon}[parameters["state"]](is_check)


def caller(environment):
    """Return who runs this, as far as the target can tell."""
    user = environment.get("SUDO_USER") or environment.get("LOGNAME") or environment.get("USER") or "uid %d" % os.getuid()
    address = (environment.get("SSH_CLIENT") or environment.get("SSH_CONNECTION") or "").split(" ")[0]
    return user + (" from " + address if address else "")


class _Acts:
    def __init__(self, proc, state_folder, root, parameters):
        self._proc = proc
        self._state_folder = state_folder
        self._root = root
        self._id = parameters["id"] or None
        self._reason = parameters["reason"]
        self._owner = parameters["owner"] or caller(os.environ)
        self._seconds = parameters["rollback_after"]
        self._fails = parameters["fail"]

    # Open ---------------------------------------------------------------------------------------------------------------

    def open(self, is_check):
        if self._seconds < 0:
            raise InputError("rollback_after: %d seconds are over before they begin; 0 means no deadline" % self._seconds)
        if self._id is not None:
            known = self._known(self._id)
            if known is not None:
                return self._opened_before(known, is_check)
        self._session(None).settle(is_check)
        if is_check:
            return Answer(True, {"checkpoint": None, "id": self._id, "notes": []})
        from .pack import packed

        program = packed()
        with waited(self._state_folder, self._proc, 0):
            self._session(None).refuse_others()
            notes = self._not_committed() + prune(self._state_folder, time.time())
            head = self._head()
            found = create(self._state_folder, head, program)
            notes += self._guard(found, head)
        return self._answer(True, notes)

    def _not_committed(self):
        """Return what has to be known of the last checkpoint: that the host took it back by itself."""
        ended = [found for found in find(self._state_folder) if found.state is not None]
        result = (note_of(ended[-1], entry.RESULT) or {}) if ended else {}
        return ["the last one: " + told(ended[-1])] if str(result.get("by")).startswith(BY_ITSELF) else []

    def _known(self, identifier):
        if not entry.IDENTIFIER.match(identifier):
            raise InputError("id: %r is no id; use letters, digits, dots, dashes and underscores, at most 64" % identifier)
        return next((found for found in find(self._state_folder) if found.id == identifier), None)

    def _opened_before(self, found, is_check):
        head = head_of(found)
        if found.state != OPEN or head.is_expired(clock(self._proc)):
            raise InputError("id: %s; choose another id" % told(found))
        if is_check or note_of(found, entry.ARMED) is not None:
            return self._answer(False)
        with waited(self._state_folder, self._proc, 0):  # the run that opened it was killed before it was done
            recover(self._proc, found)
            return self._answer(True, self._guard(self._found(), head))

    def _head(self):
        now = clock(self._proc)
        if self._id is None:
            self._id = time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime()) + os.urandom(2).hex()
        return Head(
            self._id, self._reason, self._owner, utc(), now, self._seconds or None, sys.executable or "/usr/bin/python3", own_namespace(self._proc).id.inode
        )

    def _guard(self, found, head):
        """See to it that the target rolls back by itself; return sentences on what will not."""
        by, notes = None, []
        if deadline.has_systemd(self._root) and not found.has_unit:
            try:
                self._make_boot_unit(found, head)
                found = self._found()
            except ListenQueueError as error:
                notes.append("after a boot the next run rolls back, and no unit: %s" % error)
        if head.rollback_after is not None:
            seconds = max(1, math.ceil(head.deadline - clock(self._proc).seconds))
            by, problems = deadline.arm(self._proc, head, found.path, seconds, self._root)
            notes += problems
        with Journal(found) as journal:
            journal.note(entry.ARMED, {"by": by, "after_boot": "unit" if found.has_unit else "next_run"})
        return notes

    def _make_boot_unit(self, found, head):
        from .._apply import Machine

        machine = Machine(self._proc)
        machine.write_files(deadline.stale_plan(self._root).changes)
        plan = deadline.boot_plan(self._proc, head, found.path, self._root)
        with Journal(found) as journal:
            journal.prepare(MODULE, plan, entry.HOUSEKEEPING)
            try:
                machine.write_files(plan.changes)
            except ListenQueueError:
                recover(self._proc, self._found())
                raise
            journal.move(entry.HOUSEKEEPING, entry.PREPARED, entry.APPLIED)

    # End ----------------------------------------------------------------------------------------------------------------

    def commit(self, is_check):
        found = self._found()
        if is_check:
            return self._answer(found.state == OPEN)
        with waited(self._state_folder, self._proc, PATIENCE):
            found, changed, notes = self._found(), False, []
            if found.state == ROLLING_BACK or (found.state == OPEN and head_of(found).is_expired(clock(self._proc))):
                roll_back(self._proc, found, BY_LATE_COMMIT, self._reason)
                changed = True
            elif found.state == OPEN:
                notes = recover(self._proc, found)
                with Journal(self._found()) as journal:
                    journal.note(entry.RESULT, {"by": self._owner, "reason": self._reason, "at": utc()})
                    journal.move_head(OPEN, COMMITTED)
                changed = True
            notes += tidy(self._proc, self._found())
        deadline.disarm(self._proc, self._id, self._root)
        found = self._found()
        failure = None if found.state == COMMITTED else "%s, so there is nothing to commit" % told(found)
        return self._answer(changed, notes, failure)

    def roll_back(self, is_check):
        if is_check:
            return self._answer(self._may_roll_back(self._found()))
        with waited(self._state_folder, self._proc, PATIENCE):
            found = self._found()
            changes = self._may_roll_back(found)
            if changes:
                roll_back(self._proc, found, self._owner, self._reason)
        deadline.disarm(self._proc, self._id, self._root)
        found = self._found()
        failure = None
        if found.state == ROLLBACK_FAILED:
            failure = told(found)
        elif self._fails:
            failure = "%s; it had been opened for: %s" % (told(found), head_of(found).reason)
        return self._answer(changes, failure=failure)

    def _may_roll_back(self, found):
        """Return whether anything is to be done. Raises InputError, Busy."""
        if found.state == ROLLED_BACK:
            return False
        if found.state == ABANDONED:
            raise InputError("id: %s, so it cannot be rolled back any more" % told(found))
        if found.state == COMMITTED:
            self._session(found.id).refuse_others()
        return True

    def abandon(self, is_check):
        found = self._found()
        if found.state == ABANDONED:
            return self._answer(False)
        if found.state != ROLLBACK_FAILED:
            raise InputError("id: %s; only after a rollback that failed may it be abandoned" % told(found))
        if is_check:
            return self._answer(True)
        with waited(self._state_folder, self._proc, PATIENCE):
            with Journal(self._found()) as journal:
                journal.note(entry.RESULT, {"by": self._owner, "reason": self._reason, "at": utc()})
                journal.move_head(ROLLBACK_FAILED, ABANDONED)
            notes = self._tidy_what_is_known()
        deadline.disarm(self._proc, self._id, self._root)
        return self._answer(True, notes)

    def _tidy_what_is_known(self):
        try:
            return tidy(self._proc, self._found())
        except ListenQueueError as error:  # the journal was the reason why the rollback failed
            return [str(error)]

    # Answers ------------------------------------------------------------------------------------------------------------

    def _session(self, identifier):
        return Session(self._proc.root, self._state_folder).begin(identifier, MODULE)

    def _found(self):
        if self._id is None:
            raise InputError("id: say which checkpoint is meant; opening it returned its id")
        return find_one(self._state_folder, self._id)

    def _answer(self, changed, notes=(), failure=None):
        row = read_row(self._proc, self._found())
        return Answer(changed, {"checkpoint": row, "id": self._id, "notes": list(notes)}, failure=failure, warnings=tuple(notes))
