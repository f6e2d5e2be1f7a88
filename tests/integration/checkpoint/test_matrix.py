# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kill matrix from outside: each act is killed by strace at every system call that changes something, and then recovered.

strace sends SIGKILL at the entry of the k-th call, so it does not take place. That each point really was one is asserted by
how the process ended, and that all were found by the run for k + 1, which comes to its end. It takes some minutes: `make test-matrix`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from checkpoint_host import PORTS, UNITS, refusal, without_packing
from nginx_server import until

SECONDS = 900  # for one test
VICTIM = Path(__file__).with_name("matrix_victim.py")
REPORT = Path(__file__).parents[2] / "output" / "matrix"
# Everything that changes a file, a value, a socket or another process. What does not occur in an act is no point of it.
CALLS = (
    "write pwrite64 writev fsync fdatasync fchmod fchmodat fchmodat2 chmod fchown fchownat fsetxattr setxattr fremovexattr removexattr mkdir mkdirat "
    "link linkat symlinkat rename renameat renameat2 unlink unlinkat rmdir truncate ftruncate listen kill pidfd_send_signal pidfd_getfd setns flock "
    "clone clone3 fork vfork"
).split()
SIGKILL_CODE = -9
MOST_CALLS = 200


def victim(host, act, *options):
    """Run an act under strace; return its exit code."""
    command = ["strace", "-qq", *options, sys.executable, "-B", str(VICTIM), str(host.folder), host.id, act]
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, SIGKILL_CODE), done.stdout + done.stderr
    return done.returncode


def calls_of(host, act):
    """``{system call: how often}`` of an act."""
    log = host.folder / "trace"
    assert victim(host, act, "-o", str(log), "-e", "trace=" + ",".join("?" + call for call in CALLS)) == 0
    found = {}
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\w+)\(", line)
        if match:
            found[match.group(1)] = found.get(match.group(1), 0) + 1
    return found


def points(host, act, before, after):
    """Kill the act at every point; ``before()`` makes the stage, ``after(point)`` looks at what is left. Return how many there were."""
    before()
    counts, killed = calls_of(host, act), {}
    after("none")
    for call, count in sorted(counts.items()):
        for at in range(1, MOST_CALLS):
            before()
            code = victim(host, act, "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, at))
            after("%s %d" % (call, at))
            if code == 0:  # it came to its end, so there is no k-th call
                break
            killed[call] = at
        # What is pruned when a checkpoint is opened may differ by a few.
        assert killed[call] == count or (act.startswith("opening") and abs(killed[call] - count) < 8), (call, killed, count)
    total = sum(killed.values())
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / act).write_text("%-24s %3d points: %s\n" % (act, total, ", ".join("%s %d" % pair for pair in sorted(killed.items()))))
    return total


class Stage:
    """What is there before every point, and what has to be there after it."""

    def __init__(self, host):
        without_packing()
        self.host = host
        self.old = host.prepare()
        self.new = None

    def open(self):
        self.host.open(rollback_after=0)

    def everything(self):
        """A checkpoint with all kinds of changes."""
        self.open()
        self.host.sysctl()
        self.host.listen(validate=False)
        self.host.reload()
        self.host.backlog("0.0.0.0:8083", 400)

    def check_run(self, point):
        """All old or all new, and then all old."""
        host = self.host
        host.settle()
        found = host.snapshot()
        if point == "none":
            self.new = found
        assert found in (self.old, self.new), point
        assert host.leftovers() == [], point
        self.check_rollback(point)

    def check_rollback(self, point):
        host = self.host
        if host.found().state == "rolling_back":
            assert "is rolled back by the next run" in refusal(host.settle), point
        assert host.checkpoint("rolled_back").failure is None, point
        assert host.snapshot() == self.old, point
        assert host.leftovers() == [], point
        until(lambda: host.limits() == [[511]] * len(PORTS), "the old limits after " + point)


@pytest.mark.parametrize("act", ["two_sysctls_and_a_file", "three_listens"])
def test_run_killed_at_every_call_f1_f3(host, act):
    stage = Stage(host)
    assert points(host, act, stage.open, stage.check_run) > 15


def test_reload_killed_at_every_call_f1(host):
    stage = Stage(host)

    def before():
        stage.open()
        host.listen(validate=False)

    assert points(host, "reload", before, stage.check_rollback) > 5


def test_backlog_killed_at_every_call_f1(host):
    stage = Stage(host)
    assert points(host, "backlog", stage.open, stage.check_run) > 5


def test_rollback_killed_at_every_call_f7(host):
    stage = Stage(host)
    assert points(host, "rollback", stage.everything, stage.check_rollback) > 40


@pytest.mark.parametrize("act", ["commit", "opening", "opening_with_deadline"])
def test_beginning_and_end_killed_at_every_call_f8(host, act):
    os.makedirs("/run/systemd/system")  # so that there is a unit to be made and removed
    stage = Stage(host)
    numbers = iter(range(1000))

    def before():
        if act == "commit":
            stage.open()
        else:
            host.id = "n%d" % next(numbers)

    def after(point):
        if act == "commit":
            assert host.checkpoint("committed").failure is None, point
        else:
            host.open(id=host.id, rollback_after=600 if act == "opening_with_deadline" else 0)
            assert host.info()["after_boot"] == "unit", point
            assert host.info()["armed_by"] == (None if act == "opening" else "process"), point
        stage.check_rollback(point)

    assert points(host, act, before, after) > 10


def test_abandoning_killed_at_every_call_f39(host):
    os.makedirs("/run/systemd/system")
    stage = Stage(host)

    def before():
        stage.open()
        host.listen(validate=False)
        os.link(two, other)
        assert "has 2 names" in host.checkpoint("rolled_back").failure
        other.unlink()

    def after(point):
        if host.found().state != "abandoned":
            assert host.checkpoint("abandoned").failure is None, point
        host.settle_as_next()
        assert host.leftovers() == [], point
        assert not list(UNITS.iterdir()), point
        host.id = None
        host.listen(state="absent", backlog=None, validate=False)
        assert host.snapshot() == stage.old, point

    two = host.server.folder / "servers/two.conf"
    other = two.with_name("other")
    assert points(host, "abandoning", before, after) > 5


def test_recovery_killed_at_every_call_f7(host):
    """Of a run that was killed in the middle: after the second of three files has its new name."""
    stage = Stage(host)

    def before():
        stage.open()
        call = "renameat2"
        code = victim(host, "three_listens", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=3" % call)
        assert code == SIGKILL_CODE

    def after(point):
        try:
            host.settle()
        except ListenQueueError as error:
            raise AssertionError(point) from error
        assert host.snapshot() == stage.old, point
        stage.check_rollback(point)

    assert points(host, "recovery", before, after) > 10
