# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit of sockets of other programs, set while they run; and every reason not to."""

import ctypes
import os
import socket
import struct

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import SOCKET, Change, SocketTarget
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import Conflict, ListenQueueError
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import write
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.write import limits_of, set_limits
from kernel_modules import limits, refusal, set_backlog
from kernel_rooms import CLONE_NEWNS, MS_REC_PRIVATE, Program, call, drop_privileges, in_child, mount, netns, new_netns, run, sysctl
from kernel_traffic import IPPROTO_MPTCP, accept_all, connect, keep, listen, listen_again, listen_unix, port_of, queue_of
from kernel_view import assert_same_as_ss, listener_on, listeners_on, own_namespace, unix_listener

PORT = 7070
KINDS = {
    "inet": (lambda: listen("127.0.0.1", 10, PORT), "127.0.0.1:7070"),
    "wildcard_as_a_port": (lambda: listen("0.0.0.0", 10, PORT), "7070"),
    "inet6": (lambda: listen("::1", 10, PORT, v6only=True), "[::1]:7070"),
    "dual_stack_as_netstat_writes_it": (lambda: listen("::", 10, PORT, v6only=False), ":::7070"),
    "dual_stack_as_ss_writes_it": (lambda: listen("::", 10, PORT, v6only=False), "*:7070"),
    "mapped": (lambda: listen("::ffff:127.0.0.1", 10, PORT, v6only=False), "[::ffff:127.0.0.1]:7070"),
    "mptcp": (lambda: listen("127.0.0.1", 10, PORT, protocol=IPPROTO_MPTCP), "127.0.0.1:7070"),
    "unix": (lambda: listen_unix(b"/run/app.sock", 10), "/run/app.sock"),
    "unix_as_nginx_writes_it": (lambda: listen_unix(b"/run/app.sock", 10), "unix:/run/app.sock"),
    "abstract": (lambda: listen_unix(b"\0app", 10), "@app"),
    "seqpacket": (lambda: listen_unix(b"\0seq", 10, socket.SOCK_SEQPACKET), "@seq"),
}


def limit_of(endpoint):
    namespace = own_namespace()
    path = endpoint[len("unix:") :] if endpoint.startswith("unix:") else endpoint
    row = unix_listener(namespace, path) if path[0] in "/@" else listener_on(namespace, PORT)
    return row["accept_queue_limit"]


@pytest.mark.parametrize("kind", KINDS)
def test_up_and_down_without_the_program(kind):
    prepare, endpoint = KINDS[kind]
    program = Program(lambda: (prepare(), None)[1])
    predicted = set_backlog(endpoint, 2000, is_check=True)
    assert (predicted.changed, limits(predicted), limit_of(endpoint)) == (True, [(10, 2000)], 10)
    raised = set_backlog(endpoint, 2000)
    assert raised == predicted
    assert limit_of(endpoint) == 2000
    assert [process["pid"] for process in raised.values["sockets"][0]["processes"]] == [program.pid]
    assert [(entry["before"], entry["after"]) for entry in raised.plan.diff()] == [("10\n", "2000\n")]
    again = set_backlog(endpoint, 2000)
    assert (again.changed, limits(again), again.plan.diff(), again.values["notes"]) == (False, [(2000, 2000)], [], [])
    assert limits(set_backlog(endpoint, 1)) == [(2000, 1)]
    assert limit_of(endpoint) == 1
    assert_same_as_ss(own_namespace())


def test_every_socket_of_a_reuseport_group():
    def prepare():
        for backlog in (10, 20, 30, 2000):
            listen("127.0.0.1", backlog, PORT, reuseport=True)

    Program(prepare)
    answer = set_backlog("127.0.0.1:7070", 2000)
    assert sorted(limits(answer)) == [(10, 2000), (20, 2000), (30, 2000), (2000, 2000)]
    assert len(answer.plan.changes) == 3
    assert [row["accept_queue_limit"] for row in listeners_on(own_namespace(), PORT)] == [2000] * 4


def test_only_the_sockets_of_one_process():
    first = Program(lambda: (listen("127.0.0.1", 10, PORT, reuseport=True), None)[1])
    second = Program(lambda: (listen("127.0.0.1", 20, PORT, reuseport=True), None)[1])
    assert limits(set_backlog("127.0.0.1:7070", 30, pid=second.pid)) == [(20, 30)]
    assert sorted(row["accept_queue_limit"] for row in listeners_on(own_namespace(), PORT)) == [10, 30]
    third = Program(lambda: None)
    sentence = "pid: process %d does not listen on 127.0.0.1:7070; that is process %d, process %d"
    assert refusal("127.0.0.1:7070", 40, pid=third.pid) == sentence % (third.pid, first.pid, second.pid)
    third.kill()
    assert refusal("127.0.0.1:7070", 40, pid=999999) == "there is no process 999999"


def test_other_addresses_and_connections_stay_as_they_are():
    others = [listen("127.0.0.2", 5, PORT), listen("::1", 6, PORT, v6only=True), listen("127.0.0.1", 7, PORT + 1)]
    listener = listen("127.0.0.1", 10, PORT)
    connect(3, "127.0.0.1", PORT)
    set_backlog("127.0.0.1:7070", 20)
    assert [queue_of(other)[1] for other in others] == [5, 6, 7]
    assert queue_of(listener) == (3, 20)
    assert accept_all(listener) == 3


def test_a_smaller_limit_keeps_what_waits_and_says_so():
    listener = listen("127.0.0.1", 100, PORT)
    connect(40, "127.0.0.1", PORT)
    answer = set_backlog("127.0.0.1:7070", 5)
    assert queue_of(listener) == (40, 5)
    name = answer.values["sockets"][0]["processes"][0]["name"]
    assert answer.values["notes"] == [
        "%s (%d) may set its own number again when it is reloaded, and will when it is restarted; write a backlog of 5 into its configuration too"
        % (name, os.getpid()),
        "40 connections wait already, more than the limit; they are kept, and new ones are dropped until the program has accepted enough",
    ]
    assert accept_all(listener) == 40


def test_the_cap_is_that_of_the_namespace_of_the_socket():
    def prepare():
        new_netns()
        sysctl("net.core.somaxconn", 777)
        listen("0.0.0.0", 5, PORT)
        return netns()

    sysctl("net.core.somaxconn", 3000)
    program = Program(prepare)
    inode = program.told
    assert limits(set_backlog("*:7070", 777, netns=str(program.pid))) == [(5, 777)]
    assert refusal("*:7070", 778, netns=str(inode)) == (
        "net.core.somaxconn of network namespace %d is 777, so listen(2) would set the limit of 0.0.0.0:7070 to that and not to 778; "
        "raise it first, nothing was changed" % inode
    )
    home = netns()
    assert limits(set_backlog("*:7070", 70, pid=program.pid)) == [(777, 70)]
    assert netns() == home


def test_two_sockets_with_the_same_path():
    """Two containers in one network namespace, each with files of its own."""

    def far():
        call("unshare", CLONE_NEWNS)
        mount("none", "/", "none", MS_REC_PRIVATE)
        mount("tmpfs", "/run", "tmpfs")
        listen_unix(b"/run/app.sock", 7)

    program = Program(far)
    own = listen_unix(b"/run/app.sock", 9)
    assert refusal("/run/app.sock", 20) == (
        "listen: 2 sockets are bound to unix:/run/app.sock, in different mount namespaces or one after the other: process %d, process %d; "
        "say with pid which program is meant" % (os.getpid(), program.pid)
    )
    assert limits(set_backlog("/run/app.sock", 20, pid=program.pid)) == [(7, 20)]
    assert limits(set_backlog("/run/app.sock", 21, pid=os.getpid())) == [(9, 21)]
    own.close()


def test_a_namespace_by_name_and_by_path():
    run("ip", "netns", "add", "blue")
    inode = os.stat("/run/netns/blue").st_ino
    program = Program(lambda: (call("setns", os.open("/run/netns/blue", os.O_RDONLY), 0), listen("127.0.0.1", 5, PORT), None)[2])
    assert limits(set_backlog("127.0.0.1:7070", 6, netns="blue")) == [(5, 6)]
    assert limits(set_backlog("127.0.0.1:7070", 7, netns="/run/netns/blue")) == [(6, 7)]
    assert limits(set_backlog("127.0.0.1:7070", 8, netns=str(inode))) == [(7, 8)]
    assert refusal("127.0.0.1:7070", 9) == "nothing listens on 127.0.0.1:7070 in this network namespace; there is no listener at all"
    assert refusal("127.0.0.1:7070", 9, netns="red") == "netns: there is no network namespace red; there is blue"
    assert refusal("127.0.0.1:7070", 9, netns="/etc/hostname") == "netns: /etc/hostname is no network namespace"
    assert refusal("127.0.0.1:7070", 9, netns="../blue") == "netns: there is no network namespace ../blue; there is blue"
    assert refusal("127.0.0.1:7070", 9, netns="4026530000") == "network namespace 4026530000 is not there"
    program.kill()
    assert refusal("127.0.0.1:7070", 9, netns=str(inode)) == "nothing listens on 127.0.0.1:7070 in network namespace %d; there is no listener at all" % inode


def test_what_does_not_listen_there():
    listen("127.0.0.1", 5, PORT)
    (client,) = connect(1, "127.0.0.1", PORT)
    udp = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", 9090))
    bound = keep(socket.socket())
    bound.bind(("127.0.0.1", 9091))
    for port in (port_of(client), 9090, 9091):
        sentence = "nothing listens on 127.0.0.1:%d in this network namespace; there is 127.0.0.1:7070"
        assert refusal("127.0.0.1:%d" % port, 9) == sentence % port
    listen_unix(b"/run/a.sock", 5)
    assert refusal("/run/b.sock", 9) == "nothing listens on unix:/run/b.sock in this network namespace; there is unix:/run/a.sock"
    assert refusal("[::]:7070", 9) == "nothing listens on [::]:7070 in this network namespace; there is 127.0.0.1:7070"
    assert refusal("127.0.0.1:7070", 0) == "backlog: 0 is out of range; it takes 1 to 2147483647"


@pytest.mark.parametrize("is_check", [False, True])
def test_a_low_somaxconn_never_lowers_a_limit(is_check):
    listener = listen("127.0.0.1", 1000, PORT)
    sysctl("net.core.somaxconn", 50)
    assert refusal("127.0.0.1:7070", 2000, is_check=is_check) == (
        "net.core.somaxconn of this network namespace is 50, so listen(2) would set the limit of 127.0.0.1:7070 to that and not to 2000; "
        "raise it first, nothing was changed"
    )
    assert queue_of(listener) == (0, 1000)
    same = set_backlog("127.0.0.1:7070", 1000, is_check)
    assert (same.changed, same.values["notes"]) == (
        False, ["net.core.somaxconn is 50 meanwhile, so the program's next listen(2) will lower the limit to that"],
    )  # fmt: skip
    assert queue_of(listener) == (0, 1000)


# Rights ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_check", [False, True])
def test_nobody_may_not_borrow(is_check):
    program = Program(lambda: (listen("127.0.0.1", 10, PORT), None)[1])
    refusal("127.0.0.1:7070", 9999)  # import everything before: nobody may not read every folder
    denied = "become root (CAP_SYS_PTRACE) on the host"
    assert in_child(lambda: refusal("127.0.0.1:7070", 20, is_check=is_check), before=drop_privileges) == (
        "127.0.0.1:7070 cannot be reached: the descriptors of some processes may not be read; " + denied
    )
    assert in_child(lambda: refusal("127.0.0.1:7070", 20, netns="", pid=program.pid), before=drop_privileges).endswith(denied)
    assert listener_on(own_namespace(), PORT)["accept_queue_limit"] == 10


def test_nobody_may_set_what_is_its_own():
    refusal("127.0.0.1:7070", 9)

    def own():
        listener = listen("127.0.0.1", 10, PORT)
        return limits(set_backlog("127.0.0.1:7070", 20)), queue_of(listener)

    assert in_child(own, before=drop_privileges) == ([(10, 20)], (0, 20))


class Instruction(ctypes.Structure):
    """struct sock_filter"""

    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class Filter(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Instruction)))


def forbid(syscall, number):
    """Let a system call fail with an errno, as container engines do (seccomp(2))."""
    load, equal, answer = 0x20, 0x15, 0x06
    program = (Instruction * 4)((load, 0, 0, 0), (equal, 0, 1, syscall), (answer, 0, 0, 0x00050000 | number), (answer, 0, 0, 0x7FFF0000))
    call("prctl", 38, ctypes.c_ulong(1), 0, 0, 0)
    call("prctl", 22, ctypes.c_ulong(2), ctypes.byref(Filter(4, program)), 0, 0)


MISSING = "pidfd_getfd(2) is missing: it came with Linux 5.6 and this is %s, or a seccomp filter hides it; restart the program instead" % os.uname().release
REFUSED = {
    "no_pidfd_open": (434, 38, MISSING),
    "no_pidfd_getfd": (438, 38, MISSING),
    "yama_or_lsm": (
        438, 1, "process %d may not be accessed; become root (CAP_SYS_PTRACE) on the host, and look at kernel.yama.ptrace_scope and at seccomp filters",
    ),
    "process_ended": (434, 3, "process %d ended; run again"),
    "too_many_files": (438, 24, "process %d: Too many open files"),
}  # fmt: skip


@pytest.mark.parametrize("syscall, number, sentence", REFUSED.values(), ids=REFUSED)
def test_a_kernel_that_refuses(syscall, number, sentence):
    program = Program(lambda: (listen("127.0.0.1", 10, PORT), None)[1])
    for is_check in (True, False):
        told = in_child(lambda is_check=is_check: refusal("127.0.0.1:7070", 20, is_check=is_check), before=lambda: forbid(syscall, number))
        assert told == "127.0.0.1:7070 cannot be reached: " + (sentence % program.pid if "%d" in sentence else sentence)
    assert listener_on(own_namespace(), PORT)["accept_queue_limit"] == 10


@pytest.mark.parametrize("others", [0, 1])
def test_a_holder_that_ends_meanwhile(others, monkeypatch):
    """As the old workers of an nginx that was reloaded just now; the one with the fewest descriptors is found first."""
    listener = listen("127.0.0.1", 10, PORT)
    more = [os.pipe() for _number in range(9)]
    worker = Program(lambda: [os.close(number) for pair in more for number in pair] and None)
    if not others:
        listener.close()
    seen, real = [], write.holders

    def holders(proc, inodes, pid=None):
        found = real(proc, inodes, pid)
        seen.append(list(found[0].values()))
        if len(seen) == 1:
            worker.kill()
        return found

    monkeypatch.setattr(write, "holders", holders)
    pid = worker.pid
    if others:
        set_backlog("127.0.0.1:7070", 20)
        assert queue_of(listener) == (0, 20)
    else:
        assert refusal("127.0.0.1:7070", 20) == "127.0.0.1:7070 cannot be reached: process %d ended; run again" % pid
    assert seen[:2] == [[[pid]], [[os.getpid()]] if others else []]


def test_a_kernel_that_refuses_listen_again():
    def prepare():
        listen("127.0.0.1", 10, PORT, reuseport=True)
        listen("127.0.0.1", 11, PORT, reuseport=True)

    Program(prepare)
    assert in_child(lambda: refusal("127.0.0.1:7070", 20), before=lambda: forbid(50, 13)) == (
        "the kernel refuses the backlog of 127.0.0.1:7070: Permission denied; nothing was changed"
    )


# Changes that were planned earlier --------------------------------------------------------------------------------------


def target_of(listener, **other):
    row = os.fstat(listener.fileno())
    (cookie,) = struct.unpack("=Q", listener.getsockopt(socket.SOL_SOCKET, 57, 8))
    return SocketTarget(netns(), row.st_ino, "inet", "127.0.0.1", port_of(listener), None, cookie)._replace(**other)


def sentence_of(*changes):
    with pytest.raises(ListenQueueError) as raised:
        set_limits(ProcFS("/proc"), [Change(SOCKET, *change) for change in changes])
    return type(raised.value), str(raised.value)


def test_limits_of_sockets_and_of_what_is_gone():
    target = target_of(listen("127.0.0.1", 10))
    gone = target._replace(inode=target.inode + 1), target._replace(cookie=target.cookie + 1), target._replace(netns=4026530000), target._replace(port=1)
    assert limits_of(ProcFS("/proc"), [target, *gone]) == {target: 10, **dict.fromkeys(gone)}


def test_a_change_is_made_only_to_what_was_seen():
    listener = listen("127.0.0.1", 10, PORT)
    target = target_of(listener)
    again = "127.0.0.1:7070 does not listen any more; its program ended or made new sockets; run again"
    assert sentence_of((target._replace(cookie=target.cookie + 1), 10, 20)) == (Conflict, again)
    assert sentence_of((target._replace(netns=4026530000), 10, 20)) == (Conflict, "network namespace 4026530000 is not there; its listeners are gone")
    listen_again(listener, 11)
    changed = "the limit of 127.0.0.1:7070 was changed to 11 by somebody else meanwhile; run again"
    assert sentence_of((target, 10, 20)) == (Conflict, changed)
    assert queue_of(listener) == (0, 11)
    set_limits(ProcFS("/proc"), [Change(SOCKET, target, None, 20)])
    assert queue_of(listener) == (0, 20)
    set_limits(ProcFS("/proc"), [Change(SOCKET, target._replace(cookie=None), 20, 0)])
    assert queue_of(listener) == (0, 0)


def test_one_of_several_that_is_gone_keeps_the_others_as_they_are():
    first, second = listen("127.0.0.1", 10), listen("127.0.0.1", 11)
    kind, sentence = sentence_of((target_of(first), 10, 20), (target_of(second, inode=1), 11, 20))
    assert (kind, sentence.endswith("does not listen any more; its program ended or made new sockets; run again")) == (Conflict, True)
    assert (queue_of(first), queue_of(second)) == ((0, 10), (0, 11))


def test_prediction_as_if_somaxconn_were_another_one():
    listener = listen("127.0.0.1", 100, PORT)
    sysctl("net.core.somaxconn", 128)
    predicted = set_backlog("127.0.0.1:7070", 5000, is_check=True, assume_somaxconn=6000)
    assert (predicted.changed, limits(predicted), limit_of("127.0.0.1:7070")) == (True, [(100, 5000)], 100)
    assert "is 4000, so listen(2) would set" in refusal("127.0.0.1:7070", 5000, is_check=True, assume_somaxconn=4000)
    assert "is 128, so listen(2) would set" in refusal("127.0.0.1:7070", 5000, assume_somaxconn=6000)
    listener.close()
