# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that were there once: one test each."""

import errno
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.containers import owner_of_path
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.model import parse_stat
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import read
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.inet_diag import SynRequest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.proc_net import parse_counters
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.syn_queue import count_half_open
from ansible_collections.netops.listen_queue.plugins.module_utils._version import is_older
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fail, listener, stat_line, unix_listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import World

ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
POD = "019c1fe8-0d92-4aa0-b61c-4df58bdde71c"


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


@pytest.mark.parametrize("first", [[], [listener()]])
def test_half_open_connections_of_a_listener_that_appears_in_the_window(world, first):
    answers = [first, [*first, listener(port=90)]]
    world.kernel[world.own] = {"tcp": lambda: answers.pop(0) if len(answers) > 1 else answers[0]}
    rows = world.facts(sample=0.02, sample_interval=0.01)["namespaces"][0]["listeners"]
    assert rows[-1]["syn_queue_length"] == 0


def test_tcp_listeners_are_reported_when_unix_diagnosis_is_missing(world):
    world.kernel[world.own] = {"tcp": [listener()], "unix": [unix_listener()], "unix_refused": errno.ENOENT}
    facts = world.facts()
    assert [row["local_port"] for row in facts["namespaces"][0]["listeners"]] == [80]
    assert facts["complete"] is False


def test_hidden_processes_may_hide_namespaces(world):
    """hidepid=2: other users' processes, pid 1 among them, do not show at all."""
    world.kernel[world.own] = {}
    (world.root / "1").rename(world.root / "hidden")
    facts = world.facts(namespaces="all", gather_subset=["min"])
    assert facts["complete"] is False


def test_holder_that_ends_before_it_is_described_is_a_problem(world, monkeypatch):
    world.kernel[world.own] = {"tcp": [listener()]}
    world.process(5, fds={3: "socket:[1080]"})
    fail(monkeypatch, "open", "5/stat", errno.ESRCH)
    facts = world.facts()
    assert facts["namespaces"][0]["listeners"][0]["processes"] is None
    assert facts["problems"] != []


def test_zombie_whose_mountinfo_is_einval(world, monkeypatch):
    """fs/proc_namespace.c mounts_open_common(): EINVAL when the process has left its mount namespace."""
    world.kernel[world.own] = {}
    world.process(5, mntns=2)
    fail(monkeypatch, "open", "5/mountinfo", errno.EINVAL)
    assert len(world.facts(namespaces="all")["namespaces"]) == 1


def test_unreadable_counter_file_is_named(world):
    world.kernel[world.own] = {}
    (world.root / "thread-self/net/netstat").unlink()
    facts = world.facts(gather_subset=["!min", "counters"])
    assert any("/proc/net/netstat" in row["message"] for row in facts["problems"])
    assert not any("is not counted by this kernel" in row["message"] for row in facts["problems"])


def test_malformed_group_is_not_called_uncounted(world):
    world.kernel[world.own] = {}
    world.change("thread-self/net/netstat", b" ListenDrops ", b" ")
    facts = world.facts(gather_subset=["!min", "counters"])
    assert {row["code"] for row in facts["problems"]} == {"counters_malformed"}


def test_overrun_while_draining(monkeypatch):
    class Overrun:
        def __call__(self, *_arguments):
            return self

        def settimeout(self, _seconds):
            pass

        setblocking = send = settimeout

        def recvmsg_into(self, _buffers):
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))

        recv = recvmsg_into

    monkeypatch.setattr(read.socket, "socket", Overrun())
    with pytest.raises(ReadError):
        read.SockDiag().tcp_listeners()


PATHS = {
    "podman_quadlet_split_cgroups": (f"/system.slice/web.service/libpod-payload-{ID}", ("podman", ID, None)),
    "libvirt_machine_is_no_container": ("/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/libvirt/emulator", (None, None, None)),
    "nspawn_machine_name_unescaped": ("/machine.slice/machine-my\\x2dweb.scope/payload/init.scope", ("nspawn", "my-web", None)),
    "containerd_systemd_name_under_cgroupfs": (
        f"/system.slice/containerd.service/kubepods-besteffort-pod{POD.replace('-', '_')}.slice:cri-containerd:{ID}", ("containerd", ID, POD),
    ),
    "lxc_payload_folder": ("/lxc.payload/web/system.slice/nginx.service", ("lxc", "web", None)),
    "kubelet_cgroupfs_does_not_name_the_runtime": (f"/kubepods/burstable/pod{POD}/{ID}", (None, ID, POD)),
}  # fmt: skip


@pytest.mark.parametrize("path, expected", PATHS.values(), ids=PATHS)
def test_cgroup_path(path, expected):
    owner = owner_of_path(path)
    assert (owner.runtime, owner.container, owner.pod_uid) == expected


def test_mapped_request_of_a_kernel_that_does_not_tell_v6only():
    counts = count_half_open([listener("inet6", "::", v6only=None)], [SynRequest("inet6", "::ffff:10.0.0.1", 80, 0)])
    assert list(counts.values()) == [1]


def test_stat_line_cut_inside_the_start_is_an_error():
    data = stat_line(7, b"x", 1, 12345)
    with pytest.raises(AnswerError):
        parse_stat(data[: data.index(b"12345") + 3])


def test_kernel_of_rhel_6_is_older_than_2_6_37():
    assert is_older("2.6.32-754.el6.x86_64", "2.6.37")


def test_number_with_an_underscore_is_no_number():
    assert parse_counters(b"T: A\nT: 1_0\n")[0] == {("T", "A"): None}
