# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checkpoints mean for one run of a module: whether it may change anything, and that what it changes is written down before."""

import os
from contextlib import contextmanager, suppress

from .._change import SOCKET
from .._errors import Busy, InputError, JournalError, ListenQueueError, ReadError, WriteError
from .._files import store as files
from .._proc import ProcFS
from . import entry
from .read import clock, find, find_one, head_of, note_of, undo_command


class Session:
    """One run of a module."""

    def __init__(self, proc_root, state_folder):
        self._proc = ProcFS(proc_root)
        self._state_folder = state_folder
        self._identifier = None
        self._module = None

    def begin(self, identifier, module):
        """Say which checkpoint the run names (or None), and which module it is."""
        self._identifier = identifier
        self._module = module
        return self

    def settle(self, is_check=False):
        """Finish what earlier runs left unfinished, and return sentences about it. Raises Busy, InputError, WriteError when this run may not go on."""
        if is_check and not self._identifier:  # that of a checkpoint that was not really opened
            self._identifier = None
        try:
            unresolved = unresolved_in(self._state_folder)
        except ReadError:
            if os.geteuid() != 0:  # what nobody else may look at concerns nobody else
                return []
            raise
        if self._identifier is not None:
            self._check_mine()
        sentences = [] if is_check else self._tidied()
        for found in unresolved:
            head = head_of(found)
            is_due = found.state == entry.ROLLING_BACK or (found.state == entry.OPEN and head.is_expired(clock(self._proc)))
            self._check_lease(self._finish(found) if is_due and not is_check else found, head)
        if self._identifier is not None:
            self._check_mine()  # it may have ended just now
        if is_check or self._identifier is None or not self._mine().has_interrupted:
            return sentences
        from .undo import recover

        with files.opened(self._state_folder, self._proc):
            return sentences + recover(self._proc, self._mine())

    def _tidied(self):
        """Finish commits that were interrupted; return sentences on what could not be."""
        left = [found for found in find(self._state_folder) if found.has_unit and found.state is not None and found.state not in entry.UNRESOLVED]
        if not left:
            return []
        from .undo import tidy

        sentences = []
        with files.opened(self._state_folder, self._proc):
            for found in left:
                try:
                    sentences += tidy(self._proc, find_one(self._state_folder, found.id))
                except ReadError as error:
                    sentences.append(str(error))
        return sentences

    def _mine(self):
        return find_one(self._state_folder, self._identifier)

    def _check_mine(self):
        found = self._mine()
        if found.state in (entry.COMMITTED, entry.ROLLED_BACK, entry.ABANDONED):
            raise InputError("checkpoint: %s; open another one" % told(found))

    def _check_lease(self, found, head):
        if found.state == entry.ROLLBACK_FAILED:
            raise WriteError(
                "%s; correct that and roll it back again (%s), or do what is left by hand and then give it the state abandoned with the module checkpoint"
                % (told(found), undo_command(found.path, head.interpreter))
            )
        if found.state in entry.UNRESOLVED and found.id != self._identifier:
            raise Busy(
                "the checkpoint %s of %s (%s) is open since %s, and what changes meanwhile would not be rolled back with it; name it, or wait for its end"
                % (found.id, head.owner, head.reason, head.opened_at)
            )

    def _finish(self, found):
        """Roll back what should have been rolled back already, and say so by WriteError; return the Found when that fails, or somebody was faster."""
        from .undo import BY_NEXT_RUN, roll_back

        with files.opened(self._state_folder, self._proc):
            found = find_one(self._state_folder, found.id)
            if found.state not in (entry.OPEN, entry.ROLLING_BACK):
                return found
            was_open = found.state == entry.OPEN
            why = "it was not committed in time" if was_open else "its rollback had been interrupted"
            roll_back(self._proc, found, "%s (%s)" % (BY_NEXT_RUN, self._module), why)
            found = find_one(self._state_folder, found.id)
        if found.state == entry.ROLLED_BACK:
            raise WriteError("%s, just now; look at it and run again" % told(found))
        return found

    @contextmanager
    def opened(self, needs_folder=True):
        """Run the body as the only run on this machine; it gets a Run. Raises Busy, WriteError.

        Without root there is no folder for it and no lock, which is good enough for a run that keeps nothing in it.
        """
        if not needs_folder and self._identifier is None and os.geteuid() != 0:
            yield Run(None, self._state_folder, None, self._module)
            return
        with files.opened(self._state_folder, self._proc) as kept:
            if self._identifier is None:
                self.refuse_others()
                yield Run(kept, self._state_folder, None, self._module)
                return
            from .store import Journal

            found = self._mine()
            if found.state != entry.OPEN or head_of(found).is_expired(clock(self._proc)):  # meanwhile
                raise Busy("%s; run again" % told(found))
            with Journal(found) as journal:
                yield Run(kept, self._state_folder, journal, self._module, found, self._proc)

    def refuse_others(self):
        """Raise Busy or WriteError while another checkpoint than the one that is named has not ended."""
        for found in unresolved_in(self._state_folder):
            self._check_lease(found, head_of(found))


class Run:
    """A run that may change the machine."""

    def __init__(self, kept, state_folder, journal, module, found=None, proc=None):
        self._kept = kept
        self._state_folder = state_folder
        self._journal = journal
        self._module = module
        self._found = found
        self._proc = proc

    @property
    def is_journalled(self):
        """True when the run belongs to a checkpoint."""
        return self._journal is not None

    def keep_previous(self, state):
        """Return the path of a copy of a FileState that is to be changed; see Store of _files. The journal keeps its own."""
        return self._kept.keep_previous(state) if self._journal is None else self._journal.copy_of(state.digest)

    @contextmanager
    def journalled(self, plan):
        """Run the body, which makes the changes and effects of a Plan, so that all of it can be taken back. Raises WriteError before it begins."""
        if self._journal is None:
            yield
            return
        number = self._journal.prepare(self._module, plan)
        try:
            yield
        except BaseException as error:
            self._resolve(error)
            raise
        if plan.changes and all(change.kind == SOCKET and change.after is None for change in plan.changes):
            self._note_limits(number, [change.target for change in plan.changes])
        self._journal.move(number, entry.PREPARED, entry.APPLIED)

    def _note_limits(self, number, targets):
        """Keep what a reload made of sockets, for people."""
        from .._sockets.write import limits_of

        with suppress(ListenQueueError):
            limits = limits_of(self._proc, targets)
            self._journal.note(entry.SEEN % number, {"limits": [limits[target] for target in targets]})

    def _resolve(self, error):
        """Find out what a run did that failed."""
        from .undo import recover

        try:
            recover(self._proc, find_one(self._state_folder, self._found.id))
        except ListenQueueError as other:
            if not isinstance(error, ListenQueueError):
                raise
            raise WriteError("%s; and what had been changed by then could not be taken back: %s; roll back the checkpoint" % (error, other))


def unresolved_in(state_folder):
    """Return the checkpoints that somebody still has to end. Raises ReadError, JournalError."""
    found = [one for one in find(state_folder) if one.state is None or one.state in entry.UNRESOLVED]
    for one in found:
        if one.problem is not None:
            raise JournalError(one.problem)
        if one.state is None:
            raise JournalError("%s has no head that says what it is; look at it, and remove it when the machine is as it should be" % one.path)
    return found


def told(found):
    """Return a sentence about the state of a checkpoint: what, when, by whom, why."""
    result = note_of(found, entry.RESULT) or {}
    how = " by %s at %s (%s)" % (result["by"], result["at"], result["reason"]) if {"by", "at", "reason"} <= set(result) else ""
    if found.state == entry.ROLLBACK_FAILED:
        left = "; ".join(list(result.get("failures", ())) + list(result.get("steps", ())))
        return "the rollback of the checkpoint %s failed%s: %s" % (found.id, how.replace(" by ", ", tried by ", 1), left)
    return "the checkpoint %s is %s%s" % (found.id, (found.state or "torn").replace("_", " "), how)
