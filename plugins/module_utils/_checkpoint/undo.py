# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back what the entries of a journal changed, and finds out what an interrupted run did.

Every thing is looked at first: what is as a change left it goes back to what it was, what is neither was changed by somebody
else and stays. So it can be cut short anywhere and begun again.
"""

from typing import List, NamedTuple, Optional

from .._apply import Machine
from .._change import FILE, FOLDER, NGINX_RELOAD, SOCKET, SYSCTL, Change, FileState
from .._errors import Conflict, JournalError, JournalVersion, ListenQueueError, sentence_of
from . import entry
from .entry import AFTER, BEFORE, GONE, OTHER
from .read import clock, entries_of, head_of, note_of, utc
from .store import Journal

FILES = (FILE, FOLDER)
# Who rolled a checkpoint back, when nobody had asked for it.
BY_DEADLINE, BY_BOOT, BY_LATE_COMMIT, BY_NEXT_RUN = "the deadline", "the boot", "the commit, which came too late", "the next run"
BY_ITSELF = (BY_DEADLINE, BY_BOOT, BY_NEXT_RUN)
ATTEMPTS = 3  # somebody may save a file in the moment in which it is put back


class Row(NamedTuple):
    """What became of one thing: ``restored``, ``already``, ``kept`` (somebody else's), ``gone``, or ``failed``; and a sentence for the last ones."""

    aim: entry.Aim
    result: str
    why: str = ""


class Report(NamedTuple):
    """How a rollback ended. ``state`` is that of the checkpoint; ``steps`` are what is left to do by hand."""

    state: str
    rows: List[Row]
    conflicts: List[str]
    failures: List[str]
    steps: List[str]


def roll_back(proc, found, by, reason):
    """Roll a checkpoint back and return the Report. The lock of the run has to be held.

    ``by`` says who, ``reason`` why, as texts. Raises Conflict when its state is another one by now, JournalVersion, WriteError.
    """
    head, problem = None, None
    try:
        head, entries = head_of(found), entries_of(found)
    except JournalVersion:
        raise
    except JournalError as error:
        entries, problem = (), error
    with Journal(found) as journal:
        if found.state != entry.ROLLING_BACK:
            journal.move_head(found.state, entry.ROLLING_BACK)
        undo = None
        if problem is not None:
            step = "compare the machine with the files in %s, then abandon the checkpoint" % found.path
            report = Report(entry.ROLLBACK_FAILED, [], [], [str(problem)], [step])
        else:
            report, undo = _undone(proc, journal, head, entries)
        record = record_of(report, note_of(found, entry.RESULT) or {})
        report = report._replace(conflicts=record["conflicts"])
        journal.note(entry.RESULT, dict(record, state=report.state, by=by, reason=reason, at=utc()))
        if undo is not None:  # not before: a further attempt does not look at what is closed
            undo.close()
        journal.move_head(entry.ROLLING_BACK, report.state)
    return report


def _undone(proc, journal, head, entries):
    """Return the Report, and the _Undo whose entries are still to be closed; None when it was cut short, and all of them are to be looked at again."""
    try:
        undo = _Undo(proc, journal, head, entries)
        return undo.run(), undo
    except ListenQueueError as error:  # of the machine rather than of one thing: what was not reached is as it was
        sentence = str(error)
    except OSError as error:  # likewise, as too many open files
        sentence = sentence_of(error)
    return Report(entry.ROLLBACK_FAILED, [], [], [sentence], ["correct that and roll back again"]), None


def record_of(report, earlier):
    """Return a Report as plain data, with what an ``earlier`` attempt (plain data) came to and this one did not look at again."""
    rows = []
    for row in report.rows:
        aim = row.aim
        seen = entry.digest_of(aim.seen) if isinstance(aim.seen, FileState) else aim.seen if isinstance(aim.seen, (str, int)) else None
        rows.append(
            {
                "kind": aim.kind,
                "target": entry.name_of(aim.kind, aim.target),
                "result": row.result,
                "expected": entry.shown(aim.kind, aim.state),
                "seen": entry.shown(aim.kind, seen),
                "why": row.why or None,
            }
        )
    known = {(row["kind"], row["target"]) for row in rows}
    rows = [row for row in earlier.get("changes", ()) if (row["kind"], row["target"]) not in known and row["result"] != "failed"] + rows
    conflicts = [row["why"] for row in rows if row["result"] == "kept"]
    return {"changes": rows, "conflicts": conflicts, "failures": report.failures, "steps": report.steps}


def machine_for(proc, head):
    """Return the Machine as changes made since ``head`` see it: after a boot, namespaces are others, and sockets gone."""
    return Machine(proc, head.netns, clock(proc).is_after_boot(head.opened))


def tidy(proc, found):
    """Remove what is there only while a checkpoint is open; return sentences on what could not be. The lock has to be held."""
    if not found.has_unit or found.state in entry.UNRESOLVED:
        return []
    entries = [each for each in entries_of(found) if each.number == entry.HOUSEKEEPING]
    with Journal(found) as journal:
        undo = _Undo(proc, journal, head_of(found), entries)
        report = undo.run()
        undo.close()
    return report.conflicts + report.failures


class _Undo:
    def __init__(self, proc, journal, head, entries):
        self._machine = machine_for(proc, head)
        self._journal = journal
        self._entries = [each for each in entries if each.state in (entry.PREPARED, entry.APPLIED)]
        self._earlier = [each for each in entries if each.state == entry.CONFLICT]
        self._rows = {}  # (kind, target) -> Row
        self._stale = set()  # configurations that nginx did not take
        self._theirs = set()  # configurations that somebody else changed, with what a reload made of them
        self._left = set()  # sockets whose limits follow from these
        self._live = []  # sockets of the nginx that read a configuration again, as Changes
        self._done = []  # entries all of which was taken back, or tried
        self._failures, self._steps = [], []

    def run(self):
        real = [each for each in self._entries if each.number != entry.HOUSEKEEPING]
        self._take_back(real)
        if not self._failures:  # as long as something is left to do, the next boot tries again
            self._take_back([each for each in self._entries if each.number == entry.HOUSEKEEPING])
        rows = list(self._rows.values())
        conflicts = [row.why for row in rows if row.result == "kept"]
        state = entry.ROLLBACK_FAILED if self._failures else entry.ROLLED_BACK
        return Report(state, rows, conflicts, self._failures, self._steps)

    def _take_back(self, entries):
        changes = [change for each in entries for change in each.changes]
        self._files(entries, [change for change in changes if change.kind in FILES])
        self._effects(entries)
        self._leave(entries)
        changes = self._inherited(changes) + changes
        self._values(changes)
        self._verify(changes)
        self._clean(changes)
        self._done += entries

    # Files --------------------------------------------------------------------------------------------------------------

    def _files(self, entries, changes):
        things = entry.by_target(changes)
        self._clean(changes)
        if self._restore_files(things[::-1], is_last=False):
            return
        # What one run changed belongs together; what others changed is put back even where that cannot be.
        first = {}
        for each in entries:
            for change in each.changes:
                first.setdefault((change.kind, change.target), each.number)
        for number in sorted(set(first.values()), reverse=True):
            self._restore_files([targets for targets in things[::-1] if first[targets[0][:2]] == number], is_last=True)

    def _clean(self, changes):
        for targets in entry.by_target(changes):
            self._machine.clean(targets[0].kind, targets[0].target)

    def _restore_files(self, things, is_last):
        """Put files back, all of them or none; False when that failed and was not the last try."""
        error: Optional[ListenQueueError] = None
        for _attempt in range(ATTEMPTS):
            try:
                aims = [self._look(targets) for targets in things]
                restored = [aim for aim in aims if aim.status == AFTER]
                self._machine.write_files([_change_of(self._journal, aim) for aim in restored])
                for aim in restored:
                    self._rows[aim[:2]] = Row(aim, "kept" if aim.is_contested else "restored", _why(aim))
                return True
            except Conflict as conflict:  # saved just now: look again
                error = conflict
            except ListenQueueError as failure:
                error = failure
                break
        if is_last or len(things) == 1:
            for targets in things:
                self._fail(targets, str(error))
        return len(things) == 1

    def _look(self, changes):
        """Return the Aim for one thing, and note what becomes of it when nothing is to be done."""
        aim = entry.aim_of(changes, self._machine.now(*changes[0][:2]))
        if aim.kind == SYSCTL and aim.status == OTHER and self._machine.has_begun_anew(aim.target.netns):
            aim = aim._replace(status=GONE, state=changes[0].before)  # nobody changed it since: it began with another value
        result = {BEFORE: "kept" if aim.is_contested else "already", OTHER: "kept", GONE: "gone"}.get(aim.status)
        if result:
            self._rows.setdefault(aim[:2], Row(aim, result, _why(aim)))
        return aim

    def _fail(self, changes, sentence):
        aim = entry.Aim(changes[0].kind, changes[0].target, AFTER, changes[0].before, None)
        self._rows[aim[:2]] = Row(aim, "failed", sentence)
        self._failures.append(sentence)
        self._steps.append(entry.step_of(aim.kind, aim.target, aim.state, self._journal.path))

    # Reloads ------------------------------------------------------------------------------------------------------------

    def _effects(self, entries):
        """Reload each nginx whose configuration was put back. One that does not run will read it when it starts."""
        wanted = {}
        for each in reversed(entries):
            if any(change.kind == FILE and self._rows[change[:2]].result in ("restored", "already") for change in each.changes):
                wanted.update((_configuration(effect), effect.target) for effect in each.effects if effect.kind == NGINX_RELOAD)
        for configuration, target in wanted.items():
            try:
                self._live += self._machine.reload_nginx(target)
            except ListenQueueError as error:
                self._stale.add(configuration)
                self._failures.append(str(error))
                self._steps.append("correct that and let %s reload" % str(target))

    def _leave(self, entries):
        """Find the sockets whose limits follow from a configuration that somebody else changed: what a reload made of them is theirs, too."""
        for each in self._earlier + entries:
            files = [change for change in each.changes if change.kind == FILE]
            if files and (each.state == entry.CONFLICT or any(self._rows[change[:2]].result == "kept" for change in files)):
                self._theirs.update(map(_configuration, each.effects))
        for each in entries:
            if self._theirs & set(map(_configuration, each.effects)):
                self._left.update(change.target for change in each.changes if change.kind == SOCKET)

    def _inherited(self, changes):
        """Return what those sockets of nginx had that are gone, as Changes of the ones that took their place.

        What was read of a later one may have been made by the configuration that is taken back, or by the sysctl.
        """
        sockets, first, found = [change for change in changes if change.kind == SOCKET], {}, {}
        for change in sockets:
            first.setdefault(change.target.place, change)
        for change in sockets + self._live:
            former, target = first.get(change.target.place), change.target
            if former is not None and former.target != target and target not in found and self._is_gone(former):
                found[target] = former._replace(target=target)
        return list(found.values())

    def _is_gone(self, change):
        """True for a socket that nginx had, in a configuration that is put back, and that another one took the place of since."""
        socket = change.target
        if socket in self._left or not entry.is_by_program(change) or self._machine.has_begun_anew(socket.netns):
            return False
        return self._machine.now(SOCKET, socket) is entry.ENDED

    # Values of the kernel -----------------------------------------------------------------------------------------------

    def _values(self, changes):
        failed = []
        for kind in (SOCKET, SYSCTL):  # a limit first: listen(2) gives no more than the sysctl allows
            failed += self._try_values(entry.by_target([change for change in changes if change.kind == kind])[::-1])
        # One may have been refused because of another one that was still to be put back.
        for changes_of_one, sentence in self._try_values([changes_of_one for changes_of_one, _sentence in failed]):
            self._fail(changes_of_one, sentence)

    def _try_values(self, things):
        failed = []
        for changes in things:
            try:
                aim = self._look(changes)
                if aim.status == AFTER and aim.target in self._left and changes[-1].after != aim.seen:
                    self._rows[aim[:2]] = Row(aim, "kept", _FOLLOWS % entry.name_of(aim.kind, aim.target))
                elif aim.status == AFTER:
                    self._machine.write(_change_of(self._journal, aim))
                    self._rows[aim[:2]] = Row(aim, "kept" if aim.is_contested else "restored", _why(aim))
            except ListenQueueError as error:
                failed.append((changes, str(error)))
        return failed

    # The proof ----------------------------------------------------------------------------------------------------------

    def _verify(self, changes):
        """Look at everything once more."""
        for changes_of_one in entry.by_target(changes):
            row = self._rows[changes_of_one[0][:2]]
            if row.result not in ("restored", "already"):
                continue
            aim = row.aim
            try:
                now = self._machine.now(aim.kind, aim.target)
            except ListenQueueError as error:
                self._fail(changes_of_one, str(error))
                continue
            self._rows[aim[:2]] = row._replace(aim=aim._replace(seen=now))
            if entry.is_state(aim.kind, aim.state, now) or now is entry.ENDED:
                continue
            if aim.kind == FOLDER and aim.state is None:
                why = "%s was not removed, because somebody else put something into it" % entry.name_of(aim.kind, aim.target)
                self._rows[aim[:2]] = Row(aim._replace(seen=now), "kept", why)
                continue
            self._fail(changes_of_one, "%s was put back, but it is something else now; a program changes it too" % entry.name_of(aim.kind, aim.target))

    def close(self):
        """Note which entries need not be looked at any more. What became of them has to be kept before."""
        for each in self._done:
            results = {self._rows[change[:2]].result for change in each.changes}
            if "failed" not in results and not self._stale & set(map(_configuration, each.effects)):
                self._journal.move(each.number, each.state, entry.CONFLICT if "kept" in results else entry.UNDONE)


def _configuration(effect):
    return effect.target.root, effect.target.config


def _change_of(journal, aim):
    """Return the Change that puts one thing back."""
    state = aim.state
    if aim.kind == FILE and state is not None:
        state = FileState(journal.bytes_of(state.digest), state.mode, state.uid, state.gid, state.xattrs)
    return Change(aim.kind, aim.target, aim.seen, state)


_FOLLOWS = "%s follows from a configuration that somebody else changed since; it was left as it is"


def _why(aim):
    if not aim.is_conflict:
        return ""
    if isinstance(aim.seen, entry.Unusual):
        return "%s; it was left as it is" % aim.seen.why
    name = entry.name_of(aim.kind, aim.target)
    if aim.is_contested:
        return "%s was changed by somebody else between two runs; it is back at what they had made of it" % name
    return "%s was %s by somebody else since; it was left as it is" % (name, "removed" if aim.seen is None else "changed")


def recover(proc, found):
    """Find out what interrupted runs of an open checkpoint did, so that each did everything or nothing. Return sentences about it.

    The lock of the run has to be held. Raises JournalError, WriteError.
    """
    entries = [each for each in entries_of(found) if each.state == entry.PREPARED]
    machine = machine_for(proc, head_of(found))
    with Journal(found) as journal:
        return [_recover(machine, journal, each) for each in reversed(entries)]


def _recover(machine, journal, interrupted):
    for change in interrupted.changes:
        machine.clean(change.kind, change.target)
    aims = [entry.aim_of([change], machine.now(*change[:2])) for change in interrupted.changes]
    became = entry.resolved(interrupted, [aim.status for aim in aims])
    if became in (entry.HALF, entry.CONTESTED):
        undo = [aim for aim in reversed(aims) if aim.status == AFTER]
        machine.write_files([_change_of(journal, aim) for aim in undo if aim.kind in FILES])
        for kind in (SOCKET, SYSCTL):
            for aim in undo:
                if aim.kind == kind:
                    machine.write(_change_of(journal, aim))
    state = {entry.HAPPENED: entry.APPLIED, entry.CONTESTED: entry.CONFLICT}.get(became, entry.UNDONE)
    journal.move(interrupted.number, entry.PREPARED, state)
    return _TOLD[became] % (interrupted.module, interrupted.at, "; ".join(_why(aim) for aim in aims if aim.is_conflict))


_TOLD = {
    entry.NEVER: "a run of %s at %s was interrupted before it changed anything%s",
    entry.HAPPENED: "a run of %s at %s was interrupted after it had changed everything%s",
    entry.HALF: "a run of %s at %s was interrupted half-way, and what it had changed was taken back%s",
    entry.CONTESTED: "a run of %s at %s was interrupted half-way, and what it had changed was taken back, except where somebody else changed it: %s",
}
