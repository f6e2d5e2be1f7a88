# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host rolls back by itself: in time, after a boot, at the next run; and commit and deadline never both win."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import control, session
from checkpoint_host import KEYS, STATE, SYSCTL_D, UNITS, Host, refusal, set_all, without_packing
from kernel_rooms import MS_BIND, in_child, mount, new_netns, sysctl
from nginx_server import until

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def changed(host, **given):
    set_all(700)
    before = host.snapshot()
    host.open(**given)
    host.sysctl()
    assert sysctl(KEYS[0]) == 5000
    return before


def reboot(host):
    """As far as a checkpoint can tell: another boot id, the values that the kernel begins with, no process of ours."""
    (host.folder / "boot_id").write_text("11111111-2222-3333-4444-555555555555\n")
    mount(str(host.folder / "boot_id"), BOOT_ID, "none", MS_BIND)
    set_all(4096)


def waiters():
    """The processes that wait for a deadline."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                words = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--detach" in words:
                found.append(int(entry))
    return found


def test_deadline_rolls_back_and_the_next_run_says_so_f46_f51(host):
    before = changed(host, rollback_after=1)
    assert host.info()["armed_by"] == "process"
    assert 0 <= host.info()["seconds_left"] <= 1
    until(lambda: host.found().state == "rolled_back", "the deadline")
    assert host.snapshot() == before
    assert host.info()["result"]["by"] == "the deadline"
    failure = host.checkpoint("committed").failure
    assert failure.startswith("the checkpoint %s is rolled back by the deadline at " % host.id)
    assert failure.endswith(" (it was not committed in time), so there is nothing to commit")
    assert "is rolled back by the deadline at " in refusal(host.sysctl)
    until(lambda: not waiters(), "the end of the process")


def test_process_that_waits_outlives_its_maker_and_its_session_f2(host):
    """Opened by a process of another session, which then is killed with its whole process group."""
    without_packing()
    pid = os.fork()
    if not pid:
        os.setsid()
        host.open(id="orphan", rollback_after=2)
        host.sysctl()
        os.kill(os.getpid(), signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)
    os.killpg(pid, signal.SIGHUP)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    host.id = "orphan"
    assert host.info()["changes"]
    until(lambda: host.found().state == "rolled_back", "the deadline")
    assert list(SYSCTL_D.iterdir()) == []


def test_process_that_waits_ends_with_the_checkpoint_and_holds_nothing_open(host):
    host.open(rollback_after=600)
    (pid,) = until(waiters, "the process")
    assert {os.readlink("/proc/%d/fd/%s" % (pid, number)) for number in os.listdir("/proc/%d/fd" % pid)} <= {"/dev/null", str(host.path / "undo.pyz")}
    assert os.readlink("/proc/%d/cwd" % pid) == "/"
    host.checkpoint("committed")
    until(lambda: not waiters(), "the end of the process")


@pytest.mark.parametrize("is_killed", [True, False])
def test_next_run_honours_a_deadline_that_nobody_did_f10(host, is_killed):
    before = changed(host, rollback_after=2)
    for pid in until(waiters, "the process"):
        os.kill(pid, signal.SIGKILL if is_killed else signal.SIGSTOP)
    time.sleep(2.1)
    assert host.found().state == "open"
    assert host.info()["seconds_left"] == 0
    other, host.id = host.id, None
    sentence = refusal(host.sysctl)
    assert sentence.startswith("the checkpoint %s is rolled back by the next run (sysctl_dropin) at " % other)
    assert sentence.endswith(" (it was not committed in time), just now; look at it and run again")
    assert host.snapshot() == before
    assert host.sysctl().changed


def test_deadline_that_is_faster_than_the_next_run_is_no_lease(host, monkeypatch):
    """It rolls back after the next run has seen that it should, and before that has the lock."""
    changed(host, rollback_after=1)
    for pid in until(waiters, "the process"):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1.1)
    real, program = session.files.opened, str(host.path / "undo.pyz")

    def opened(*arguments):
        monkeypatch.undo()
        subprocess.run([sys.executable, "-I", program, "--timer"], check=True, stdout=subprocess.DEVNULL)
        return real(*arguments)

    monkeypatch.setattr(session.files, "opened", opened)
    other, host.id = host.id, None
    host.settle()
    host.id = other
    assert "is rolled back by the deadline at " in refusal(host.settle)


def test_waiting_without_a_deadline_is_over_at_once(host):
    host.open(rollback_after=0)
    assert host.undo("--detach").returncode == 0
    until(lambda: not waiters(), "the end of the process")
    assert host.found().state == "open"


def test_commit_that_comes_late_rolls_back_f45(host):
    before = changed(host, rollback_after=1)
    for pid in until(waiters, "the process"):
        os.kill(pid, signal.SIGKILL)
    time.sleep(1.1)
    answer = host.checkpoint("committed", reason="all good")
    assert answer.changed is True
    assert "is rolled back by the commit, which came too late" in answer.failure
    assert host.snapshot() == before


def test_wall_clock_does_not_matter_f9(host, monkeypatch):
    before = changed(host, rollback_after=600)
    for jump in (-86400, 86400):
        real = time.time
        monkeypatch.setattr(time, "time", lambda real=real, jump=jump: real() + jump)
        assert host.settle() == []
        assert 590 < host.info()["seconds_left"] <= 600
    host.checkpoint("rolled_back")
    assert host.snapshot() == before


def test_boot_is_rolled_back_by_the_unit_before_anything_else_f8_f9(host):
    os.makedirs("/run/systemd/system")
    empty = host.snapshot()
    before = host.prepare()
    host.open(rollback_after=600)
    host.sysctl()
    host.listen()
    assert host.info()["after_boot"] == "unit"
    unit = (UNITS / "netops-listen-queue-rollback.service").read_text()
    dropin = (UNITS / "sysinit.target.d/50-netops-listen-queue.conf").read_text()
    assert "Before=sysinit.target systemd-sysctl.service nginx.service\n" in unit
    assert "Wants=netops-listen-queue-rollback.service\n" in dropin
    command = unit.partition("ExecStart=")[2].split()
    assert command == [sys.executable, "-I", str(host.path / "undo.pyz"), "--boot"]
    host.server.signal(signal.SIGKILL)
    reboot(host)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (host.info()["state"], host.info()["result"]["by"], host.info()["result"]["conflicts"]) == ("rolled_back", "the boot", [])
    files = {name: value for name, value in before.items() if name not in KEYS}
    assert {name: value for name, value in host.snapshot().items() if name not in KEYS} == files
    assert [sysctl(key) for key in KEYS] == [4096, 4096]  # those of the boot, which nobody of us has set
    assert {name for name in host.snapshot() if name.startswith(str(UNITS))} == {name for name in empty if name.startswith(str(UNITS))}


def test_boot_without_systemd_is_honoured_by_the_next_run_f9(host):
    before = changed(host, rollback_after=600)
    reboot(host)
    sysctl(KEYS[0], 5000)  # what the file that was not rolled back yet has set at boot
    assert refusal(host.sysctl).endswith("(it was not committed in time), just now; look at it and run again")
    assert [row["result"] for row in host.info()["result"]["changes"]] == ["restored", "gone", "restored"]
    assert host.info()["result"]["conflicts"] == []
    assert list(SYSCTL_D.iterdir()) == []
    assert sysctl(KEYS[0]) == 700
    assert before[KEYS[0]] == 700


def test_what_was_committed_before_a_boot_can_be_rolled_back_after_it(host):
    """nginx runs with it by then, as another process."""
    before = host.prepare()
    host.open(rollback_after=0)
    host.sysctl()
    host.listen()
    host.checkpoint("committed")
    host.server.signal(signal.SIGTERM)
    until(lambda: " Z " in Path("/proc/%d/stat" % host.server.pid).read_text(), "the end of nginx")
    reboot(host)
    set_all(5000)  # the boot read the file
    host.server.start()
    assert host.limits() == [[1000]] * 3
    assert host.undo().returncode == 0
    assert host.snapshot() == before
    until(lambda: host.limits() == [[511]] * 3, "the old limits")


def test_value_of_a_namespace_that_took_the_place_of_another(host):
    """As when a container is started anew: the kernel is the same, the namespace is not."""

    def first():
        new_netns()
        sysctl(KEYS[0], 700)
        host.open(rollback_after=0)
        host.sysctl(values={KEYS[0]: 5000})
        host.checkpoint("committed")
        return host.id

    def second():
        new_netns()
        sysctl(KEYS[0], 5000)  # from the file that the first one left
        host.checkpoint("rolled_back")
        return sysctl(KEYS[0]), host.info()["result"]["conflicts"]

    host.id = in_child(first)
    assert in_child(second) == (700, [])


def test_committed_one_is_not_rolled_back_under_an_open_one(host):
    changed(host, rollback_after=0)
    host.checkpoint("committed")
    committed = host.id
    host.open(id="other", rollback_after=0)
    host.id = committed
    done = host.undo()
    assert (done.returncode, done.stdout.startswith("the checkpoint other of ")) == (1, True)
    assert refusal(host.checkpoint, "rolled_back").startswith("the checkpoint other of ")
    assert sysctl(KEYS[0]) == 5000


def test_systemd_that_does_not_answer_is_replaced_by_a_process(host):
    os.makedirs("/run/systemd/system")
    answer = host.open()
    assert answer.values["checkpoint"]["armed_by"] == "process"
    (note,) = answer.values["notes"]
    assert note.startswith("systemd did not take the timer (")
    assert note.endswith("), so a process waits for the time to be over")
    host.checkpoint("committed")


def test_unit_of_a_journal_that_somebody_removed_goes_with_the_next_checkpoint(host):
    os.makedirs("/run/systemd/system")
    before = host.snapshot()
    for is_kept in (True, False):
        host.open(rollback_after=0)
        if is_kept:
            shutil.rmtree(host.path)
            theirs = UNITS / "sysinit.target.d/theirs.conf"
            theirs.write_text("[Unit]\n")
    assert len(list((UNITS / "sysinit.target.d").iterdir())) == 2
    assert host.id in (UNITS / "netops-listen-queue-rollback.service").read_text()
    host.checkpoint("committed")
    assert [path.name for path in UNITS.rglob("*")] == ["sysinit.target.d", "theirs.conf"]
    theirs.unlink()
    theirs.parent.rmdir()
    assert host.snapshot() == before


def test_last_one_that_was_not_committed_is_told_when_the_next_is_opened(host):
    changed(host, rollback_after=1)
    until(lambda: host.found().state == "rolled_back", "the deadline")
    first, host.id = host.id, None
    answer = host.open(rollback_after=0)
    assert answer.values["notes"] == list(answer.warnings)
    (note,) = answer.warnings
    assert note.startswith("the last one: the checkpoint %s is rolled back by the deadline at " % first)
    assert note.endswith(" (it was not committed in time)")
    host.checkpoint("committed")
    host.id = None
    assert host.open(rollback_after=0).warnings == ()


def test_unit_that_cannot_be_made_is_said_f13(host):
    os.makedirs("/run/systemd/system")
    mount(str(UNITS), str(UNITS), "none", MS_BIND)
    mount("none", str(UNITS), "none", MS_BIND | 32 | 1)
    answer = host.open(rollback_after=0)
    assert answer.values["checkpoint"]["after_boot"] == "next_run"
    (note,) = answer.values["notes"]
    assert note.startswith("after a boot the next run rolls back, and no unit: /etc/systemd/system/netops-listen-queue-rollback.service is on a read-only")
    assert host.checkpoint("rolled_back").failure is None


def started(host, *arguments, **options):
    """The undo program, running."""
    return subprocess.Popen([sys.executable, "-I", "-S", str(host.path / "undo.pyz"), *arguments], env={}, **options)


def test_commit_and_undo_command_at_the_same_time_f45(host):
    """The command takes back what was committed, too: so whoever comes last, the machine is what the journal says."""
    without_packing()
    sysctl(KEYS[0], 700)
    for number in range(20):
        host.open(rollback_after=0)
        host.sysctl(values={KEYS[0]: 1000 + number})
        program = started(host, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.01 * number)
        answer = host.checkpoint("committed")
        output = program.communicate(timeout=30)[0]
        assert host.found().state == "rolled_back", output
        assert sysctl(KEYS[0]) == 700
        assert answer.failure is None or "so there is nothing to commit" in answer.failure


def with_deadline_in(host, seconds):
    """Open a checkpoint whose deadline is that near; the module takes whole seconds."""
    real = control.clock
    control.clock = lambda proc: real(proc)._replace(seconds=real(proc).seconds - 1 + seconds)
    host.open(rollback_after=1)
    control.clock = real


@pytest.mark.parametrize("part", [0, 1])
def test_commit_and_deadline_never_both_win_f45(host, part):
    """Fifty times in all, at the same moment: one wins, the other says so, and the machine is what the winner says."""
    without_packing()
    sysctl(KEYS[0], 700)
    wins = {"committed": 0, "rolled_back": 0}
    control.deadline.arm = lambda *_arguments: ("process", [])
    for number in range(25):
        with_deadline_in(host, 0.5)
        host.sysctl(values={KEYS[0]: 1000 + number})
        started(host, "--detach", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(30)
        deadline = control.head_of(host.found()).deadline
        moment = deadline - time.clock_gettime(time.CLOCK_BOOTTIME) - (0.4 if part == 0 else 0.05) + 0.018 * number / (1 + 4 * part)
        time.sleep(max(0.0, moment))
        answer = host.checkpoint("committed")
        state = host.found().state
        wins[state] += 1
        assert (answer.failure is None) == (state == "committed")
        if state == "committed":
            assert sysctl(KEYS[0]) == 1000 + number
            host.checkpoint("rolled_back")
        assert sysctl(KEYS[0]) == 700
    assert sum(wins.values()) == 25
    assert part == 1 or wins["committed"] > 0


def test_two_controllers_twenty_times_f47(host):
    """Both open a checkpoint at the same moment: one has it, the other one is told whose it is."""
    without_packing()
    for number in range(20):
        reading, writing = os.pipe()
        pids = []
        start = time.monotonic() + 0.05
        for name in ("alice", "bob"):
            pid = os.fork()
            if not pid:
                mine = Host(host.folder)
                time.sleep(max(0.0, start - time.monotonic()))
                try:
                    mine.open(rollback_after=0, owner=name, reason="r%d" % number)
                    text = "opened %s\n" % mine.id
                except Exception as error:
                    text = "%s\n" % error
                os.write(writing, text.encode())
                os._exit(0)
            pids.append(pid)
        os.close(writing)
        for pid in pids:
            os.waitpid(pid, 0)
        with os.fdopen(reading) as file:
            lines = sorted(file.read().splitlines(), key=lambda line: not line.startswith("opened "))
        assert [line.startswith("opened ") for line in lines] == [True, False], lines
        assert "is open since" in lines[1] or lines[1].startswith("another run is changing this machine"), lines
        host.id = lines[0].split()[1]
        host.checkpoint("committed")
    assert len(os.listdir(Path(STATE, "checkpoints"))) <= 6
