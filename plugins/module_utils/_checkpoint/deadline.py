# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets a target roll back by itself: when the time of a checkpoint is over, and after a boot.

The time is measured by the kernel since it booted, so nobody's change of the wall clock makes it longer or shorter. Where
systemd runs it is a transient timer, elsewhere a process of its own. What neither of them could do, the next run does.
"""

import os
from contextlib import suppress

from .._change import FILE, FOLDER, Change, FileState, FileTarget, Plan
from .._errors import ReadError, WriteError, sentence_of
from .._files.read import locate, see, why_not_replaceable
from .._sandbox.control import Program, View, run
from . import entry

BOOTED = "run/systemd/system"  # sd_booted(3)
UNITS = "/etc/systemd/system"
BOOT_UNIT = "netops-listen-queue-rollback.service"
DROPINS = UNITS + "/sysinit.target.d"
DROPIN = DROPINS + "/50-netops-listen-queue.conf"
TIMER = "netops-listen-queue-rollback-%s"
PROGRAMS = ("/usr/bin/", "/bin/", "/usr/local/bin/", "/run/current-system/sw/bin/")
SECONDS = 30  # that systemd may take to answer
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
FOLDER_MODE = 0o755
# Before the sysctls are set and before nginx starts, so that both find what was there before.
MADE = "# Made by netops.listen_queue.checkpoint."
UNIT_TEXT = (
    MADE
    + """ It goes when the checkpoint %(id)s is committed or rolled back.
[Unit]
Description=Roll back the changes of listen queues that were not committed before the boot
DefaultDependencies=no
RequiresMountsFor=%(folder)s
After=local-fs.target
Before=sysinit.target systemd-sysctl.service nginx.service

[Service]
Type=oneshot
ExecStart=%(interpreter)s -I %(folder)s/%(program)s --boot
"""
)
DROPIN_TEXT = (
    MADE
    + """ It goes when the checkpoint %(id)s is committed or rolled back.
[Unit]
Wants=%(unit)s
"""
)
BY_SYSTEMD, BY_PROCESS, BY_NEXT_RUN = "systemd", "process", "next_run"


def has_systemd(root="/"):
    return os.path.isdir(os.path.join(root, BOOTED))


def arm(proc, head, path, seconds, root="/"):
    """See to it that the checkpoint in ``path`` is rolled back after ``seconds``; return by what, and sentences on what did not work."""
    problems = []
    command = [head.interpreter, "-I", os.path.join(path, entry.PROGRAM)]
    if has_systemd(root):
        unit = TIMER % head.id
        # With its suffix, or an id that ends as a unit's name does would be taken for one.
        options = ["--collect", "--quiet", "--unit=" + unit + ".timer", "--on-active=%ds" % seconds, "--timer-property=AccuracySec=1s"]
        options += ["--property=Type=oneshot", "--description=Roll back the listen queue checkpoint " + head.id]
        error = _of_systemd(proc, "systemd-run", options + command + ["--timer"])
        if error is None:
            return BY_SYSTEMD, problems
        problems.append("systemd did not take the timer (%s), so a process waits for the time to be over" % error)
    error = _ended(proc, command + ["--detach"])
    if error is None:
        return BY_PROCESS, problems
    problems.append("no process could be left to wait for the time to be over (%s); the next run looks at it" % error)
    return BY_NEXT_RUN, problems


def disarm(proc, identifier, root="/"):
    """Stop the timer of a checkpoint. A process that waits sees by itself that there is nothing to wait for."""
    if has_systemd(root):
        _of_systemd(proc, "systemctl", ["stop", "--quiet", "--no-block", (TIMER % identifier) + ".timer"])


def _of_systemd(proc, name, arguments):
    """Run a program of systemd; return what it says when it fails, else None."""
    program = next((folder + name for folder in PROGRAMS if os.access(folder + name, os.X_OK)), None)
    return "%s is not installed" % name if program is None else _ended(proc, [program] + arguments)


def _ended(proc, command):
    """Run a program to its end, in a session of its own; return what it says when it fails, else None."""
    try:
        outcome = run(proc, Program(command[0], command, ENVIRONMENT), View(), None, SECONDS)
    except WriteError as error:
        return str(error)
    except OSError as error:  # no process can be made
        return sentence_of(error)
    if outcome.code == 0:
        return None
    told = outcome.output.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
    return told or "%s %s" % (command[0], "did not end in time" if outcome.code is None else "ended with %d" % outcome.code)


def boot_plan(proc, head, path, root="/"):
    """Return the Plan that makes the unit which rolls back at boot. Raises WriteError where it cannot be made."""
    texts = {"id": head.id, "folder": path, "interpreter": head.interpreter, "program": entry.PROGRAM, "unit": BOOT_UNIT}
    changes = [_made(proc, root, FILE, UNITS + "/" + BOOT_UNIT, UNIT_TEXT % texts)]
    if not os.path.isdir(root.rstrip("/") + DROPINS):
        changes.append(_made(proc, root, FOLDER, DROPINS, None))
        # The directory is not there to be looked at.
        changes.append(Change(FILE, FileTarget(root, DROPIN), None, _state(DROPIN_TEXT % texts)))
    else:
        changes.append(_made(proc, root, FILE, DROPIN, DROPIN_TEXT % texts))
    return Plan(tuple(changes))


def stale_plan(root="/"):
    """Return the Plan that removes the unit of a checkpoint whose journal somebody removed. No checkpoint may be open."""
    changes = []
    for path in (UNITS + "/" + BOOT_UNIT, DROPIN):
        with suppress(ReadError), locate(root, path) as place:
            seen = see(place)
            if seen is not None and place.path == path and seen.state.data.startswith(MADE.encode("ascii")):
                changes.append(Change(FILE, FileTarget(root, path), seen.state, None))
    if changes and changes[-1].target.path == DROPIN:
        changes.append(Change(FOLDER, FileTarget(root, DROPINS), FOLDER_MODE, None))  # it stays when there is anything else in it
    return Plan(tuple(changes))


def _made(proc, root, kind, path, text):
    try:
        with locate(root, path, kind == FOLDER) as place:
            seen = see(place) if kind == FILE else None
            obstacle = why_not_replaceable(proc, place, seen)
            if obstacle:
                raise WriteError(obstacle)
            target = FileTarget(root, place.path)
    except ReadError as error:
        raise WriteError(str(error))
    if kind == FOLDER:
        return Change(FOLDER, target, None, FOLDER_MODE)
    return Change(FILE, target, None if seen is None else seen.state, _state(text))


def _state(text):
    return FileState(text.encode("utf-8", "surrogateescape"), 0o644, os.geteuid(), os.getegid())
