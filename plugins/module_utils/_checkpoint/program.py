# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The undo program: it rolls back the checkpoint in whose directory it lies, with nothing but Python. See pack.py."""

import os
import sys
import time
from contextlib import suppress

from .._errors import ListenQueueError, sentence_of
from .._proc import ProcFS
from . import entry
from .deadline import disarm
from .read import clock, find_one, head_of
from .session import Session
from .store import waited
from .undo import BY_BOOT, BY_DEADLINE, roll_back, tidy

PROC = "/proc"
LOCALE = "C.UTF-8"  # Python 3.6 takes names of files for ASCII in any locale that does not say otherwise
PATIENCE = 600  # seconds to wait for a run that is changing the machine
WATCH = 2.0  # seconds between two looks
USAGE = """usage: %s [--reason TEXT]
Takes back what the checkpoint in this directory changed.
  --timer   only when its time is over
  --boot    because the machine has booted before it was committed
  --detach  wait for its time to be over, in a process of its own
"""
BY = {"": "the undo program", "--timer": BY_DEADLINE, "--boot": BY_BOOT, "--detach": BY_DEADLINE}
WHY = {
    "": "somebody ran it",
    "--timer": "it was not committed in time",
    "--boot": "the machine booted before it was committed",
    "--detach": "it was not committed in time",
}


def main(arguments):
    """Run the program; return its exit code: 0 for rolled back or nothing to do, 1 for failed, 2 for called wrongly."""
    _begin_anew(arguments)
    path = os.path.dirname(arguments[0])
    mode, reason = _options(arguments[1:])
    if mode is None:
        _say((USAGE % arguments[0]).rstrip("\n"))
        return 2
    os.chdir("/")
    os.umask(0o077)
    if mode == "--detach" and not _detached(path):
        return 0
    try:
        return _run(ProcFS(PROC), os.path.dirname(os.path.dirname(path)), os.path.basename(path), mode, reason)
    except ListenQueueError as error:
        _say(error)
    except OSError as error:
        _say(sentence_of(error))
    return 1


def _begin_anew(arguments):
    """Run the program by its whole path, from which it imports later, and where names of files are UTF-8, as in the journal."""
    environment = dict(os.environ, LC_ALL=LOCALE)
    is_text = sys.getfilesystemencoding().lower() == "utf-8" or os.environ.get("LC_ALL") == LOCALE  # a host without it: as good as it gets
    if sys.executable and not (os.path.isabs(arguments[0]) and is_text):
        command = [sys.executable, "-I", os.path.abspath(arguments[0])] + arguments[1:]
        os.execve(sys.executable, command, environment)  # noqa: S606 -- no shell is wanted


def _say(text):
    with suppress(OSError):  # nobody listens
        sys.stdout.buffer.write(("%s\n" % text).encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()


def _options(words):
    if words and words[0] == "--reason" and len(words) == 2:
        return "", words[1]
    if not words or (len(words) == 1 and words[0] in BY):
        mode = words[0] if words else ""
        return mode, WHY[mode]
    return None, None


def _run(proc, state_folder, identifier, mode, reason):
    with waited(state_folder, proc, PATIENCE, lambda busy: _say("%s; this waits until it has ended" % str(busy).partition(";")[0])):
        found = find_one(state_folder, identifier)
        if found.has_unit and found.state not in entry.UNRESOLVED:
            tidy(proc, found)
        if mode and not (found.state in entry.UNRESOLVED and (mode == "--boot" or found.state != entry.OPEN or head_of(found).is_expired(clock(proc)))):
            _say("The checkpoint %s is %s: nothing to do." % (identifier, found.state))
            return 0
        if not mode and found.state in (entry.ROLLED_BACK, entry.ABANDONED):
            _say("The checkpoint %s is %s already." % (identifier, found.state.replace("_", " ")))
            return 0
        if found.state == entry.COMMITTED:
            Session(PROC, state_folder).begin(identifier, "undo").refuse_others()
        report = roll_back(proc, found, BY[mode], reason)
    disarm(proc, identifier)
    _tell(identifier, report)
    return 0 if report.state == entry.ROLLED_BACK else 1


def _tell(identifier, report):
    for row in report.rows:
        _say("%-9s %s" % (row.result, entry.name_of(row.aim.kind, row.aim.target)))
    for title, sentences in (("Kept", report.conflicts), ("Failed", report.failures), ("To do by hand", report.steps)):
        for sentence in sentences:
            _say("%s: %s" % (title, sentence))
    if report.state == entry.ROLLED_BACK:
        _say("The checkpoint %s is rolled back." % identifier)
    else:
        _say("The rollback of the checkpoint %s failed. Correct that and run this again, or do it by hand." % identifier)


def _detached(path):
    """Leave a process that waits; return True in it when the time is over, and end it when there is nothing to wait for any more."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDONLY)
    for number in range(3):  # who started it waits for the end of its output
        os.dup2(null, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 65536 else 65536)
    state_folder, identifier = os.path.dirname(os.path.dirname(path)), os.path.basename(path)
    proc = ProcFS(PROC)
    while True:
        try:
            found = find_one(state_folder, identifier)
            if found.state != entry.OPEN:
                os._exit(0)
            head = head_of(found)
            if head.deadline is None:  # somebody ran this by hand
                os._exit(0)
        except ListenQueueError:  # it was removed, or nobody can read it: then nobody can roll it back either
            os._exit(1)
        now = clock(proc)
        if head.is_expired(now):
            return True
        time.sleep(max(0.01, min(WATCH, head.deadline - now.seconds)))
