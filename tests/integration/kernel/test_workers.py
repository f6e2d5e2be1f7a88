# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option diagnose says of processes, on the real kernel: blocked, stopped, busy, throttled, out of descriptors, gone."""

import ctypes
import os
import platform
import resource
import signal
import threading
import time
from pathlib import Path

import pytest
from kernel_rooms import Program, call, drop_privileges, in_child, libc
from kernel_traffic import connect, listen, listen_unix, port_of, wait_until
from kernel_view import facts, listener_on, problems, unix_listener
from kernel_window import in_the_window, ring

CLONE_VFORK = 0x4000
CLONE = {"x86_64": 56, "aarch64": 220}
PR_SET_NAME = 15
CGROUP, CFS = Path("/sys/fs/cgroup"), "cpu.cfs_quota_us"


@pytest.fixture(autouse=True)
def ring_when_the_window_opens(monkeypatch):
    ring(monkeypatch)


def look(sample=0.5, interval=0.05):
    answer = facts(diagnose=True, sample=sample, sample_interval=interval)
    assert not problems(answer, "workers_unfinished")
    return answer


def workers_of(answer, port):
    """The facts of the processes that hold the listener on ``port``."""
    pids = listener_on(answer["namespaces"][0], port)["workers"]
    by_pid = {worker["pid"]: worker for worker in answer["workers"]}
    return [by_pid[pid] for pid in pids]


def worker_of(answer, port):
    (worker,) = workers_of(answer, port)
    return worker


def serving(then=None, backlog=8):
    """A program that holds a listener; ``told`` is its port."""
    return Program(lambda: port_of(listen("127.0.0.1", backlog)), then)


def blocked():
    """Become a parent that waits for its child as vfork(2) lets it wait: in state D, however long. The child shares nothing."""
    if libc.syscall(CLONE[platform.machine()], CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        time.sleep(60)
        os._exit(0)


def state_of(pid):
    return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[0].decode()


def test_a_queue_that_nobody_empties_stalls():
    program, quiet = serving(), serving()
    Program(lambda: None, in_the_window(lambda: connect(3, "127.0.0.1", program.told), 0.1))
    answer = look(sample=1.0)
    stalled, empty = (listener_on(answer["namespaces"][0], each.told)["sample"] for each in (program, quiet))
    assert stalled["arrivals_seen"] == 3
    assert 0 < stalled["longest_stall"] <= answer["sample"]["seconds"]
    assert (empty["arrivals_seen"], empty["longest_stall"]) == (0, 0)
    worker = worker_of(answer, program.told)
    assert (worker["pid"], worker["state"], worker["states"], worker["cpu"], worker["wchan"]) == (program.pid, "S", {"S": 1}, 0, None)
    assert (worker["threads"], worker["threads_blocked"], "role" in worker, "children" in worker) == (1, 0, False, False)
    assert worker["reads"] >= 3


def test_a_queue_that_was_full_all_the_time_stalls_for_the_whole_window():
    program = serving(backlog=2)
    connect(3, "127.0.0.1", program.told)
    answer = look()
    sample = listener_on(answer["namespaces"][0], program.told)["sample"]
    assert sample["longest_stall"] > answer["sample"]["seconds"] - 0.2
    assert (sample["arrivals_seen"], sample["share_full"]) == (0, 1)


def test_a_worker_that_is_stopped():
    program = serving()
    os.kill(program.pid, signal.SIGSTOP)
    wait_until(lambda: state_of(program.pid) == "T")
    worker = worker_of(look(), program.told)
    assert (worker["state"], worker["states"], worker["threads_blocked"], worker["wchan"]) == ("T", {"T": 1}, 1, "do_signal_stop")


def test_a_worker_that_is_blocked_in_the_kernel():
    program = serving(blocked)
    wait_until(lambda: state_of(program.pid) == "D")
    answer = look()
    parent, child = workers_of(answer, program.told)
    assert (parent["pid"], parent["state"], parent["states"], parent["children"]) == (program.pid, "D", {"D": 1}, 1)
    assert parent["wchan"]
    assert (child["state"], child["wchan"], "children" in child) == ("S", None, False)


def test_one_blocked_thread_of_two():
    program = serving(lambda: threading.Thread(target=blocked).start())
    wait_until(lambda: len(os.listdir("/proc/%d/task" % program.pid)) == 2)
    wait_until(lambda: "D" in [state_of("%d/task/%s" % (program.pid, tid)) for tid in os.listdir("/proc/%d/task" % program.pid)])
    parent = workers_of(look(), program.told)[0]
    assert (parent["state"], parent["states"], parent["threads"], parent["threads_blocked"]) == ("D", {"D": 1}, 2, 1)
    assert parent["wchan"]


def spin():
    while True:
        pass


def ticks_of(pid):
    fields = Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_worker_that_computes_all_the_time():
    program, idle = serving(spin), serving()
    before, began = ticks_of(program.pid), time.monotonic()
    answer = look(sample=1.0)
    used, seconds = (ticks_of(program.pid) - before) / os.sysconf("SC_CLK_TCK"), time.monotonic() - began
    worker = worker_of(answer, program.told)
    assert worker["states"].get("R", 0) > 0.9
    # On a machine that does nothing else it is 1; here it is what the kernel really gave it.
    assert used - (seconds - answer["sample"]["seconds"]) - 0.1 <= worker["cpu"] * answer["sample"]["seconds"] <= used + 0.03
    assert worker_of(answer, idle.told)["cpu"] < 0.1


def test_no_descriptor_is_left():
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        port = port_of(listen("127.0.0.1", 8))
        try:
            while True:
                os.open("/dev/null", os.O_RDONLY)
        except OSError:
            return port

    program = Program(prepare)
    worker = worker_of(look(), program.told)
    inherited = sum(int(entry.name) >= 64 for entry in Path("/proc", str(program.pid), "fd").iterdir())  # from before the limit was set
    assert (worker["open_files"], worker["open_files_limit"]) == (64 + inherited, 64)


def test_a_listener_among_many_descriptors():
    def prepare():
        for _turn in range(300):
            os.open("/dev/null", os.O_RDONLY)
        return port_of(listen("127.0.0.1", 8))

    program = Program(prepare)
    assert worker_of(look(), program.told)["pid"] == program.pid


def test_every_holder_is_named_up_to_a_number():
    def prepare():
        port = port_of(listen("127.0.0.1", 8))
        return port, [Program(lambda: None).pid for _turn in range(69)]

    program = Program(prepare)
    port, children = program.told
    answer = look()
    row = listener_on(answer["namespaces"][0], port)
    everybody = sorted([program.pid, *children])
    assert (row["workers"], row["workers_more"]) == (everybody[:64], 6)
    (parent,) = [worker for worker in answer["workers"] if worker["pid"] == program.pid]
    assert parent["children"] == 63
    assert [process["pid"] for process in row["processes"]] == [program.pid]


def test_a_worker_that_ends_in_the_window():
    def prepare():
        port = port_of(listen("127.0.0.1", 8))
        return port, Program(lambda: None, in_the_window(lambda: os._exit(0), 0.1)).pid

    program = Program(prepare)
    port, _child = program.told
    answer = look(sample=0.6)
    row = listener_on(answer["namespaces"][0], port)
    # Nobody has waited for the child: until then it is there, but it holds nothing, and its end is its state.
    states = {worker["pid"]: worker["state"] for worker in answer["workers"]}
    assert row["workers"] == sorted(states)
    assert list(states.values()).count("Z") == 1


def test_a_worker_that_is_gone():
    def prepare():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for the child
        port = port_of(listen("127.0.0.1", 8))
        Program(lambda: None, in_the_window(lambda: os._exit(0), 0.1))
        return port

    program = Program(prepare)
    answer = look(sample=0.6)
    row = listener_on(answer["namespaces"][0], program.told)
    assert (row["workers"], row["workers_ended"]) == ([program.pid], 1)
    assert [worker["pid"] for worker in answer["workers"]] == [program.pid]


def test_a_worker_that_takes_the_place_of_another():
    def prepare():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        port = port_of(listen("127.0.0.1", 8))

        def replace():
            if os.fork():
                os._exit(0)
            while True:
                signal.pause()

        Program(lambda: None, in_the_window(replace, 0.1))
        return port

    program = Program(prepare)
    answer = look(sample=0.6)
    row = listener_on(answer["namespaces"][0], program.told)
    assert (len(row["workers"]), row["workers_ended"]) == (2, 1)
    (late,) = [worker for worker in answer["workers"] if worker["pid"] != program.pid]
    assert (late["cpu"], late["reads"], late["state"]) == (None, 1, "S")


def test_a_listener_that_comes_in_the_window():
    first = serving()
    late = Program(lambda: None, in_the_window(lambda: listen("127.0.0.1", 8, port=first.told + 1), 0.1))
    worker = worker_of(look(), first.told + 1)
    assert (worker["pid"], worker["reads"], worker["cpu"]) == (late.pid, 1, None)


NAMES = {"parentheses": b"a) R 1 (b", "blanks": b"  ", "newline": b"a\nb) S 0", "no_text": b"\xff\xfe", "empty": b""}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_with_any_character(name):
    def prepare():
        call("prctl", PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)
        return port_of(listen("127.0.0.1", 8))

    program = Program(prepare)
    worker = worker_of(look(sample=0.1), program.told)
    assert (worker["name"], worker["state"]) == (name.decode("utf-8", "backslashreplace"), "S")


def test_unix_listeners_have_workers_too():
    program = Program(lambda: listen_unix(b"\0lazy", 3) and None)
    answer = look(sample=0.1)
    assert unix_listener(answer["namespaces"][0], "@lazy")["workers"] == [program.pid]


def test_who_is_not_root_knows_its_own_workers_only():
    others = serving()

    def as_nobody():
        own = port_of(listen("127.0.0.1", 5))
        return facts(diagnose=True, sample=0.1, sample_interval=0.05), own, os.getpid()

    facts(diagnose=True, sample=0.02, sample_interval=0.01)  # nobody may not read every folder: what is imported is imported before
    answer, own, pid = in_child(as_nobody, before=drop_privileges)
    namespace = answer["namespaces"][0]
    assert listener_on(namespace, others.told)["workers"] is None
    assert listener_on(namespace, own)["workers"] == [pid]
    assert [problem["message"] for problem in problems(answer, "workers_denied")] == [
        "workers of some listeners may be missing, because the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host"
    ]
    assert answer["complete"] is False


# cgroups --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quota():
    """The folder of a new cgroup with a CPU quota, and a cgroup without one inside of it."""
    for parent, file in ((CGROUP / "cpu", CFS), (CGROUP / "cpu,cpuacct", CFS), (CGROUP, "cpu.max")):
        folder = parent / ("listen-queue-workers-%d" % os.getpid())
        try:
            (folder / "inner").mkdir(parents=True)
            (folder / file).write_text("10000")
            break
        except OSError:
            for left in (folder / "inner", folder):
                if left.exists():
                    left.rmdir()
    else:
        pytest.skip("throttled workers: no cgroup with a CPU quota can be made here (as root, below %s)" % CGROUP)
    yield folder
    for left in (folder / "inner", folder):
        wait_until(lambda left=left: not (left / "cgroup.procs").read_text())  # the last process of the room is on its way out
        left.rmdir()


@pytest.mark.parametrize("inner", ["", "inner"], ids=["own_quota", "quota_of_the_parent"])
def test_a_throttled_worker(quota, inner):
    def prepare():
        (quota / inner / "cgroup.procs").write_text("0")
        return port_of(listen("127.0.0.1", 8))

    program = Program(prepare, spin)
    try:
        answer = look(sample=1.0)
    finally:
        program.kill()
    worker = worker_of(answer, program.told)
    (group,) = [group for group in answer["cgroups"] if group["path"] == worker["cgroup"]]
    path = "/" + "/".join(part for part in (quota.name, inner) if part)
    assert (worker["cgroup"], group["cpu_quota"], group.get("limited_by")) == (path, 0.1, "/" + quota.name if inner else None)
    assert group["throttled_periods"] > 0
    assert 0.5 < group["throttled_share"] <= 1
    assert group["throttled_seconds"] > 0
    assert worker["cpu"] < 0.5
    assert group["version"] == (1 if (quota / CFS).exists() else 2)


def test_a_worker_without_a_quota():
    answer = look(sample=0.2)
    assert answer["cgroups"] == []  # nobody works on anything
    program = serving()
    answer = look(sample=0.2)
    (group,) = answer["cgroups"]
    assert group["path"] == worker_of(answer, program.told)["cgroup"]
    assert (group["cpu_quota"], group["throttled_periods"], group["throttled_seconds"], group["throttled_share"]) == (None, 0, 0, None)
