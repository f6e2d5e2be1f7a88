# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces in every way they can be held, each with its own listeners, sysctls and counters."""

import ctypes
import glob
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._facts import read as facts_read
from kernel_rooms import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    HOST_PROC,
    MS_BIND,
    MS_REC_PRIVATE,
    Program,
    libc,
    mount,
    netns,
    new_netns,
    run,
    setns,
    sysctl,
    unshare,
)
from kernel_traffic import connect, keep, knock, listen, listen_unix, port_of
from kernel_view import assert_same_as_ss, facts, listener_on, namespace_of, problems, unix_listener

ROOT = Path(__file__).parents[3]
MANY = 200


def far_listener(backlog=9, somaxconn=None):
    """Prepare a program: a namespace of its own with a listener; tells (inode, port)."""
    inode = new_netns()
    if somaxconn:
        sysctl("net.core.somaxconn", somaxconn)
    return inode, port_of(listen("127.0.0.1", backlog))


def close_standard_files():
    for descriptor in (0, 1, 2):
        os.close(descriptor)


# Ways to hold a namespace: each returns (inode, port, names) with the listener's owner alive ------------------------------


def held_by_a_process():
    return (*Program(far_listener).told, {})


def held_by_one_thread():
    def prepare():
        told, ready = [], threading.Event()

        def body():
            told.extend(far_listener())
            ready.set()
            threading.Event().wait()

        threading.Thread(target=body, daemon=True).start()
        assert ready.wait(5)
        return told

    return (*Program(prepare).told, {})


def held_by_a_bind_mount():
    run("ip", "netns", "add", "blue")

    def prepare():
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        setns("/run/netns/blue")
        inode, port = netns(), port_of(listen("127.0.0.1", 9))
        assert libc.setns(home, CLONE_NEWNET) == 0  # only the socket stays there
        os.close(home)
        return inode, port

    return (*Program(prepare).told, {"netns": ["blue"]})


def held_by_a_bind_mount_elsewhere():
    def prepare():
        unshare(CLONE_NEWNS)
        mount("none", "/", "none", MS_REC_PRIVATE)
        mount("tmpfs", "/run", "tmpfs")
        os.makedirs("/run/netns")
        run("ip", "netns", "add", "hidden name")
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        setns("/run/netns/hidden name")
        inode, port = netns(), port_of(listen("127.0.0.1", 9))
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
        return inode, port

    return (*Program(prepare).told, {"netns": ["hidden name"]})


def held_by_a_mount_that_is_no_name():
    os.makedirs("/run/docker/netns")
    Path("/run/docker/netns/0a1b").touch()

    def prepare():
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        inode, port = far_listener()
        mount("/proc/self/ns/net", "/run/docker/netns/0a1b", "none", MS_BIND)
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
        return inode, port

    return (*Program(prepare).told, {})


def held_by_an_open_descriptor():
    def prepare():
        close_standard_files()  # small tables are looked at first
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        inode, port = far_listener()
        keep(os.open("/proc/self/ns/net", os.O_RDONLY))
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
        return inode, port

    return (*Program(prepare).told, {})


HOLDERS = (
    held_by_a_process,
    held_by_one_thread,
    held_by_a_bind_mount,
    held_by_a_bind_mount_elsewhere,
    held_by_a_mount_that_is_no_name,
    held_by_an_open_descriptor,
)


@pytest.mark.parametrize("hold", HOLDERS, ids=lambda hold: hold.__name__)
def test_a_namespace_is_found(hold):
    inode, port, names = hold()
    assert inode != netns()
    answer = facts(namespaces="all")
    namespace = namespace_of(answer, inode)
    row = listener_on(namespace, port)
    assert (row["accept_queue_limit"], row["accept_queue_length"]) == (9, 0)
    assert {key: namespace["names"][key] for key in ("netns", "own", "host") if key in namespace["names"]} == names
    assert len(row["processes"]) == 1
    assert answer["namespaces"][0]["netns"] == netns()
    assert sum("own" in namespace["names"] for namespace in answer["namespaces"]) == 1
    assert sum("host" in namespace["names"] for namespace in answer["namespaces"]) <= 1
    assert answer["scope"] == "all"


def test_own_reads_no_other_namespace():
    Program(far_listener)
    answer = facts()
    assert [namespace["netns"] for namespace in answer["namespaces"]] == [netns()]
    assert answer["namespaces"][0]["names"] == {"own": True}
    assert (answer["scope"], answer["complete"], answer["problems"]) == ("own", True, [])


def test_one_namespace_with_two_names():
    run("ip", "netns", "add", "blue")
    Path("/run/netns/alias").touch()
    mount("/run/netns/blue", "/run/netns/alias", "none", MS_BIND)
    inode = os.stat("/run/netns/blue").st_ino
    assert namespace_of(facts(namespaces="all"), inode)["names"] == {"netns": ["alias", "blue"]}


def test_a_name_that_is_no_text():
    path = b"/run/netns/a b\\\n\xff"
    Path(os.fsdecode(path)).touch()
    inode = Program(far_listener).told[0]
    mount("/proc/self/ns/net", os.fsdecode(path), "none", MS_BIND)
    answer = facts(namespaces="all")
    assert answer["namespaces"][0]["names"] == {"own": True, "netns": ["a b\\\n\\xff"]}
    assert namespace_of(answer, inode)["names"] == {}


def test_two_hundred_namespaces_each_with_its_own_listener():
    programs = [Program(lambda number=number: far_listener(backlog=5000, somaxconn=1000 + number)) for number in range(MANY)]
    home = os.readlink("/proc/self/ns/net")
    answer = facts(namespaces="all")
    assert os.readlink("/proc/self/ns/net") == home
    for number, program in enumerate(programs):
        inode, port = program.told
        namespace = namespace_of(answer, inode)
        assert namespace["sysctls"]["net.core.somaxconn"] == 1000 + number
        row = listener_on(namespace, port)
        assert (row["accept_queue_limit"], row["at_cap"]) == (1000 + number, True)
        assert [process["pid"] for process in row["processes"]] == [program.pid]
        assert row["syn_queue_length"] in (0, None)
    # The own namespace's half-open connections are always counted, those of the others as time permits.
    uncounted = [row for namespace in answer["namespaces"] for row in namespace["listeners"] if row["syn_queue_length"] is None]
    assert sum(problem["count"] for problem in problems(answer, "syn_queue_skipped")) == len(uncounted) < MANY


def test_sysctls_and_counters_belong_to_the_right_namespace():
    def prepare():
        inode, port = far_listener(backlog=2, somaxconn=777)
        sysctl("net.ipv4.tcp_syncookies", 2)
        connect(3, "127.0.0.1", port)
        knock(5, "127.0.0.1", port)
        return inode, port

    sysctl("net.core.somaxconn", 333)
    listener = listen("127.0.0.1", 0)
    connect(1, "127.0.0.1", port_of(listener))
    knock(2, "127.0.0.1", port_of(listener))
    inode, port = Program(prepare).told
    answer = facts(namespaces="all")
    for namespace, somaxconn, cookies, overflows in ((answer["namespaces"][0], 333, 1, 2), (namespace_of(answer, inode), 777, 2, 5)):
        assert (namespace["sysctls"]["net.core.somaxconn"], namespace["sysctls"]["net.ipv4.tcp_syncookies"]) == (somaxconn, cookies)
        assert namespace["counters"]["TcpExt"]["ListenOverflows"] == overflows
    assert listener_on(namespace_of(answer, inode), port)["drops"] == 5
    assert_same_as_ss(answer["namespaces"][0])


def test_unix_sockets_belong_to_the_namespace_they_were_made_in():
    inode = Program(lambda: (new_netns(), listen_unix(b"\0name", 3))[0]).told
    listen_unix(b"\0name", 4)
    answer = facts(namespaces="all")
    assert [unix_listener(namespace, "@name")["accept_queue_limit"] for namespace in (answer["namespaces"][0], namespace_of(answer, inode))] == [4, 3]


def test_the_limit_is_that_of_the_sockets_namespace():
    sysctl("net.core.somaxconn", 3000)

    def prepare():
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        inode, port = far_listener(backlog=5000, somaxconn=777)
        keep(os.open("/proc/self/ns/net", os.O_RDONLY))
        Program(lambda: None)
        assert libc.setns(home, CLONE_NEWNET) == 0
        return inode, port

    run("ip", "netns", "add", "keeper")
    inode, port = Program(prepare).told
    row = listener_on(namespace_of(facts(namespaces="all"), inode), port)
    assert (row["accept_queue_limit"], row["at_cap"]) == (777, True)


@pytest.mark.parametrize("how", ["os", "ctypes"])
def test_the_way_back_is_always_taken(how, monkeypatch):
    if how == "ctypes":
        monkeypatch.delattr(os, "setns", raising=False)
    Program(far_listener)
    path = "/proc/self/ns/net"
    home, inode, seen = os.readlink(path), netns(), []

    class Broken(Exception):
        pass

    def read(_gathering, view):
        seen.append(netns())
        if netns() != inode:
            raise Broken

    monkeypatch.setattr(facts_read.Gathering, "_read_inside", read)
    with pytest.raises(Broken):
        facts(namespaces="all")
    assert os.readlink(path) == home
    assert len(set(seen)) == 2


def test_a_namespace_that_ends_before_it_is_read(monkeypatch):
    doomed = Program(far_listener)
    survivor = Program(far_listener)
    original = facts_read.Gathering.read_views
    calls = []

    def kill_first(gathering, *arguments):
        if not calls:
            doomed.kill()
        calls.append(arguments)
        return original(gathering, *arguments)

    monkeypatch.setattr(facts_read.Gathering, "read_views", kill_first)
    answer = facts(namespaces="all")
    assert calls
    namespace = namespace_of(answer, doomed.told[0])
    assert (namespace["listeners"], namespace["sysctls"], namespace["counters"]) == (None, None, None)
    assert [problem["code"] for problem in answer["problems"] if problem.get("netns") == doomed.told[0]] == ["netns_vanished"]
    assert listener_on(namespace_of(answer, survivor.told[0]), survivor.told[1])["accept_queue_limit"] == 9
    assert answer["complete"] is False


def test_a_mount_still_opens_a_namespace_whose_first_processes_ended(monkeypatch):
    run("ip", "netns", "add", "blue")
    programs = [Program(lambda: setns("/run/netns/blue")) for _turn in range(5)]
    original = facts_read.Gathering.read_views

    def kill_first(gathering, *arguments):
        for program in programs:
            program.kill()
        return original(gathering, *arguments)

    monkeypatch.setattr(facts_read.Gathering, "read_views", kill_first)
    assert namespace_of(facts(namespaces="all"), os.stat("/run/netns/blue").st_ino)["listeners"] == []


def test_a_namespace_held_by_threads_whose_main_thread_ended():
    def prepare():
        told, ready = [], threading.Event()

        def body():
            told.extend((new_netns(), port_of(listen("127.0.0.1", 5))))
            ready.set()
            threading.Event().wait()

        threading.Thread(target=body, daemon=True).start()
        ready.wait(5)
        return told

    def end_main_thread():
        ctypes.CDLL(None).pthread_exit(None)

    inode, port = Program(prepare, end_main_thread).told
    time.sleep(0.2)
    assert inode in {os.stat(path).st_ino for path in glob.glob("/proc/[0-9]*/task/*/ns/net") if os.path.exists(path)}
    row = listener_on(namespace_of(facts(namespaces="all"), inode), port)
    assert row["processes"] != []


def test_namespaces_and_processes_that_come_and_go_all_the_time():
    def churn():
        while True:
            program = Program(far_listener)
            program.kill()

    Program(lambda: None, churn)
    Program(lambda: None, churn)
    inode, port = Program(far_listener).told
    listener = listen("127.0.0.1", 4)
    for _turn in range(20):
        answer = facts(namespaces="all")
        assert listener_on(namespace_of(answer, inode), port)["accept_queue_limit"] == 9
        assert [process["pid"] for process in listener_on(answer["namespaces"][0], port_of(listener))["processes"]] == [os.getpid()]
        assert not problems(answer, "sockets_unreadable")


def test_nothing_is_started(tmp_path):
    """strace sees no other program, process or thread while everything is gathered."""
    Program(far_listener)
    port_of(listen("127.0.0.1", 4))
    package = tmp_path / "ansible_collections/netops"
    package.mkdir(parents=True)
    (package / "listen_queue").symlink_to(ROOT)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import checked\n"
        "from ansible_collections.netops.listen_queue.plugins.module_utils._facts.read import collect\n"
        "options = dict(gather_subset=['all'], namespaces='all', ports=[], counters='all', sample=0.1, sample_interval=0.05)\n"
        "options.update(nginx_status=False, diagnose=False)\n"
        "answer = collect(checked(options), '/proc')\n"
        "print(len(answer['namespaces']))\n"
    )
    trace = tmp_path / "trace"
    output = run(
        "strace",
        "-f",
        "-qq",
        "-o",
        str(trace),
        "-e",
        "trace=execve,execveat,fork,vfork,clone,clone3,connect,openat",
        sys.executable,
        "-I",
        "-S",
        "-c",
        script,
        str(tmp_path),
    )
    assert int(output) >= 2
    calls = trace.read_text().splitlines()
    started = [line for line in calls if "openat(" not in line and "<... " not in line]
    assert [line.split("(")[0].split()[-1] for line in started] == ["execve"], started
    opened = [line for line in calls if "openat(" in line]
    assert not [line for line in opened if "/net/tcp" in line or "/net/unix" in line]
    assert not [line for line in opened if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line]


def test_a_look_at_the_whole_machine():
    program = Program(far_listener)
    answer = facts(HOST_PROC, namespaces="all")
    first = answer["namespaces"][0]
    assert (first["netns"], first["names"]) == (netns(), dict(first["names"], own=True))
    assert "host" not in first["names"]
    inode, port = program.told
    assert listener_on(namespace_of(answer, inode), port)["accept_queue_limit"] == 9
    assert sum("host" in namespace["names"] for namespace in answer["namespaces"]) <= 1
