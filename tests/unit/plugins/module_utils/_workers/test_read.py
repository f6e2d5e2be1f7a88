# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching workers on a procfs made of files: turns, threads, ends, and what may not be read."""

import errno
from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._workers import read
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import LIMITS
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail


def stat(pid, state="S", cpu=0, threads=1, parent=1, start=500, name=b"prog"):
    fields = [state, str(parent), *["0"] * 9, str(cpu), "0", *["0"] * 4, str(threads), "0", str(start), *["0"] * 30]
    return b"%d (%s) %s\n" % (pid, name, " ".join(fields).encode())


class Host(Tree):
    """A procfs whose processes a test moves, and two clocks."""

    def __init__(self, root, monkeypatch, interval=0.1):
        super().__init__(root)
        self.now = self.cpu = self.cost = 0.0
        self.problems = Problems()
        monkeypatch.setattr(read, "time", SimpleNamespace(monotonic=lambda: self.now, process_time=self._process_time))
        self.watch = read.WorkerWatch(self.proc, self.problems, interval)

    def _process_time(self):
        self.cpu += self.cost
        return self.cpu

    def worker(self, pid, *inodes, **values):
        self.process(pid, fds={3 + number: f"socket:[{inode}]" for number, inode in enumerate(inodes)})
        self.file(f"{pid}/limits", LIMITS % 1024)
        self.becomes(pid, **values)

    def becomes(self, pid, **values):
        (self.root / f"{pid}/stat").write_bytes(stat(pid, **values))

    def ends(self, pid):
        for name in ("stat", "limits"):
            (self.root / f"{pid}/{name}").unlink()
        for link in (self.root / f"{pid}/fd").iterdir():
            link.unlink()

    def facts(self):
        return {worker["pid"]: worker for worker in self.watch.facts(lambda pid: f"/{pid}")}

    def codes(self):
        return [problem["code"] for problem in self.problems.as_list()]


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def test_states_and_cpu_over_the_window(host):
    host.worker(5, 33, state="R", cpu=100)
    host.watch.begin({33}, [5])
    for state in "RSR":
        host.now += 1.0
        host.becomes(5, state=state, cpu=100)
        host.watch.tick()
    host.now += 1.0
    host.becomes(5, state="S", cpu=100 + 3 * host.watch._ticks)
    host.watch.end({33}, [5])
    assert host.facts() == {
        5: {
            "pid": 5, "name": "prog", "state": "S", "states": {"R": 0.6, "S": 0.4}, "reads": 5, "cpu": 0.75, "wchan": None, "threads": 1,
            "threads_blocked": 0, "open_files": host.facts()[5]["open_files"], "open_files_limit": 1024, "cgroup": "/5",
        }
    }  # fmt: skip
    assert host.watch.of_listeners({33}, True) == {33: {"workers": [5]}}
    assert host.codes() == []


def test_blocked_worker_shows_where_it_sleeps(host):
    host.worker(5, 33, state="D")
    host.file("5/wchan", b"rpc_wait_bit_killable")
    host.watch.begin({33}, [5])
    host.becomes(5, state="S")
    host.watch.end({33}, [5])
    assert (host.facts()[5]["wchan"], host.facts()[5]["states"], host.facts()[5]["state"]) == ("rpc_wait_bit_killable", {"D": 0.5, "S": 0.5}, "S")
    assert host.codes() == []


def test_where_it_sleeps_may_be_hidden(host, monkeypatch):
    host.worker(5, 33, state="D")
    host.file("5/wchan", b"0")
    host.file("5/syscall", b"0 0x3\n")
    fail(monkeypatch, "open", "5/syscall", errno.EPERM)
    host.watch.begin({33}, [5])
    assert (host.facts()[5]["wchan"], host.codes()) == (None, ["wchan_denied"])


def threads(host, pid, states):
    for number, state in enumerate(states):
        host.file(f"{pid}/task/{pid + number}/stat", stat(pid + number, state=state))
    host.becomes(pid, state=states[0], threads=len(states))


def test_one_blocked_thread_is_seen(host):
    host.worker(5, 33)
    threads(host, 5, "SSDS")
    host.file("5/task/7/wchan", b"io_schedule")
    host.watch.begin({33}, [5])
    worker = host.facts()[5]
    assert (worker["state"], worker["threads"], worker["threads_blocked"], worker["wchan"]) == ("D", 4, 1, "io_schedule")


def test_threads_take_turns(host):
    host.worker(100, 33)
    threads(host, 100, "S" * 150 + "D")
    host.watch.begin({33}, [100])
    assert host.facts()[100]["state"] == "S"
    host.watch.tick()
    host.watch.tick()
    assert (host.facts()[100]["state"], host.facts()[100]["states"]) == ("D", {"D": 0.333, "S": 0.667})


def test_thread_that_ended_meanwhile(host):
    host.worker(5, 33)
    threads(host, 5, "SS")
    (host.root / "5/task/6/stat").unlink()
    host.watch.begin({33}, [5])
    assert host.facts()[5]["state"] == "S"


def test_workers_take_turns_when_one_tick_has_no_time_for_all(host):
    for pid in range(5, 15):
        host.worker(pid, 33)
    host.watch.begin({33}, range(5, 15))
    host.cost = 1.0  # each look takes all the time that a tick has
    for _turn in range(10):
        host.watch.tick()
    assert {worker["reads"] for worker in host.facts().values()} == {2}


def test_worker_that_ended(host):
    host.worker(5, 33)
    host.worker(6, 33, parent=5)
    host.watch.begin({33}, [5, 6])
    host.ends(6)
    host.watch.tick()
    host.watch.end({33}, [5])
    assert host.watch.of_listeners({33}, True) == {33: {"workers": [5], "workers_ended": 1}}
    assert sorted(host.facts()) == [5]


def test_pid_that_was_given_to_another_process(host):
    host.worker(5, 33)
    host.watch.begin({33}, [5])
    host.becomes(5, start=900)
    host.watch.end({33}, [])
    assert host.watch.of_listeners({33}, True) == {33: {"workers": [], "workers_ended": 1}}


def test_successor_is_found_at_the_end(host):
    host.worker(5, 33)
    host.worker(6, 33, parent=5)
    host.watch.begin({33}, [5, 6])
    host.ends(6)
    host.worker(7, 33, parent=5)
    host.now += 1.0
    host.watch.end({33}, [5, 7])
    assert host.watch.of_listeners({33}, True) == {33: {"workers": [5, 7], "workers_ended": 1}}
    assert (host.facts()[7]["cpu"], host.facts()[7]["reads"], host.facts()[5]["children"]) == (None, 1, 1)


def test_listener_that_came_in_the_window(host):
    host.watch.begin(set(), [5])
    host.worker(5, 33)
    host.watch.end({33}, [5])
    assert host.watch.of_listeners({33}, True) == {33: {"workers": [5]}}


def test_many_holders_are_counted(host):
    pids = range(1001, 1071)
    for pid in pids:
        host.worker(pid, 33)
    host.watch.begin({33}, pids)
    assert host.watch.of_listeners({33}, True) == {33: {"workers": list(pids[:64]), "workers_more": 6}}
    assert len(host.facts()) == 64


DENIED = "workers of some listeners may be missing, because the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host"
HIDDEN = (
    "workers of some listeners may be missing, because /proc does not show every process of the host; run as root, outside of containers, or without hidepid"
)
NOBODY = {
    "certain": ((), True, [], []),
    "kernel_socket_and_init_denied": ((1,), True, None, [DENIED]),
    "denied": ((6,), True, None, [DENIED]),
    "hidden": ((), False, None, [HIDDEN]),
}


@pytest.mark.parametrize("denied, sees_all, workers, problems", NOBODY.values(), ids=NOBODY)
def test_listener_without_holder(host, monkeypatch, denied, sees_all, workers, problems):
    for pid in (1, 5, 6):
        host.process(pid)
    for pid in denied:
        fail(monkeypatch, "stat", f"{pid}/fd", errno.EACCES)
    host.watch.begin({33}, [1, 5, 6])
    assert host.watch.of_listeners({33}, sees_all) == {33: {"workers": workers}}
    assert [problem["message"] for problem in host.problems.as_list()] == problems


def test_init_that_may_not_be_read_is_no_loss_where_holders_are_known(host, monkeypatch):
    host.process(1)
    host.worker(5, 33)
    fail(monkeypatch, "stat", "1/fd", errno.EACCES)
    host.watch.begin({33}, [1, 5])
    assert (host.watch.of_listeners({33}, True), host.codes()) == ({33: {"workers": [5]}}, [])


def test_search_that_took_too_long(host, monkeypatch):
    host.worker(5, 33)
    monkeypatch.setattr(read.HolderScan, "run", lambda scan, _pids: setattr(scan, "finished", False))
    host.watch.begin({33}, [5])
    assert host.watch.of_listeners({33}, True) == {33: {"workers": None}}
    assert [problem["message"] for problem in host.problems.as_list()] == [
        "workers of some listeners may be missing: not all descriptors were looked at in the time that this may take"
    ]


def test_descriptors_may_be_hidden(host, monkeypatch):
    host.worker(5, 33)
    host.watch.begin({33}, [5])
    fail(monkeypatch, "stat", "5/fd", errno.EACCES)
    assert (host.facts()[5]["open_files"], host.codes()) == (None, ["open_files_denied"])


ROLES = {
    "master": (b"nginx", b"nginx: master process /usr/sbin/nginx", "master"),
    "worker": (b"nginx", b"nginx: worker process", "worker"),
    "helper": (b"nginx", b"nginx: cache manager process", "helper"),
    "without_master": (b"nginx", b"/usr/sbin/nginx", "worker"),
    "openresty": (b"openresty", b"nginx: worker process", "worker"),
    "another_program": (b"apache2", b"nginx: worker process", None),
    "no_title": (b"nginx", b"", None),
}


@pytest.mark.parametrize("name, cmdline, role", ROLES.values(), ids=ROLES)
def test_role(host, name, cmdline, role):
    host.worker(5, 33, name=name)
    host.file("5/cmdline", cmdline + b"\0" * bool(cmdline))
    host.watch.begin({33}, [5])
    assert host.facts()[5].get("role") == role
