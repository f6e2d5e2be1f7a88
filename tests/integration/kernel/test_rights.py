# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With less than all rights the answer is partial and says so: null and a problem, never an empty list and never a failure."""

import os

from kernel_rooms import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_REC_PRIVATE,
    NOBODY,
    Program,
    become_root_of_user_namespace,
    drop_privileges,
    in_child,
    mount,
    netns,
    new_netns,
    run,
    unshare,
)
from kernel_traffic import connect, knock, listen, listen_unix, port_of
from kernel_view import assert_same_as_ss, facts, listener_on, namespace_of, problems, unix_listener


def as_nobody(look):
    """Return what ``look()`` returns without privileges. What it imports is imported before: nobody may not read every folder."""
    facts(namespaces="all", sample=0.02, sample_interval=0.01)
    return in_child(look, before=drop_privileges)


def test_nobody_sees_the_queues_but_not_the_owners_of_others():
    port = Program(lambda: (listen_unix(b"\0roots", 3), port_of(listen("127.0.0.1", 3)))[1]).told
    connect(4, "127.0.0.1", port)
    knock(5, "127.0.0.1", port)

    def look():
        own = listen("127.0.0.1", 7)
        listen_unix(b"\0nobodys", 4)
        answer = facts()
        assert_same_as_ss(answer["namespaces"][0])
        return answer, port_of(own), os.getpid(), os.geteuid()

    answer, own_port, pid, uid = as_nobody(look)
    namespace = answer["namespaces"][0]
    row = listener_on(namespace, port)
    assert (row["accept_queue_length"], row["accept_queue_limit"], row["accept_queue_full"], row["drops"]) == (4, 3, True, 5)
    assert row["processes"] is None
    assert unix_listener(namespace, "@roots")["processes"] is None
    assert [process["pid"] for process in listener_on(namespace, own_port)["processes"]] == [pid]
    assert [process["pid"] for process in unix_listener(namespace, "@nobodys")["processes"]] == [pid]
    assert namespace["counters"]["TcpExt"]["ListenOverflows"] == 5
    assert namespace["sysctls"]["net.core.somaxconn"] == 4096
    assert answer["complete"] is False
    assert answer["collected_by"] == dict(answer["collected_by"], uid=uid, capabilities=[])
    assert uid in (NOBODY, 0)
    (message,) = [problem["message"] for problem in problems(answer, "owners_denied")]
    assert message == (
        "the owners of some listeners are unknown, because the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host"
    )


def test_nobody_may_enter_no_other_namespace():
    run("ip", "netns", "add", "blue")
    blue = os.stat("/run/netns/blue").st_ino
    hidden = Program(new_netns).told
    answer = as_nobody(lambda: facts(namespaces="all"))
    assert answer["namespaces"][0]["listeners"] == []
    assert answer["namespaces"][0]["names"]["own"] is True
    namespace = namespace_of(answer, blue)
    assert (namespace["listeners"], namespace["sysctls"], namespace["counters"]) == (None, None, None)
    assert namespace["names"]["netns"] == ["blue"]
    assert hidden not in [namespace["netns"] for namespace in answer["namespaces"]]
    assert [problem["message"] for problem in problems(answer, "netns_denied")] == [
        "the network namespace may not be entered; become root (CAP_SYS_ADMIN) on the host"
    ]
    assert [problem["message"] for problem in problems(answer, "processes_denied")] == [
        "the network namespace of some processes could not be read; become root (CAP_SYS_PTRACE) to see all"
    ]
    assert answer["complete"] is False


def test_nobody_samples_its_own_namespace():
    listener = listen("127.0.0.1", 1)
    connect(2, "127.0.0.1", port_of(listener))
    answer = as_nobody(lambda: facts(namespaces="all", sample=0.1, sample_interval=0.05))
    assert listener_on(answer["namespaces"][0], port_of(listener))["sample"]["share_full"] == 1


def test_root_of_a_user_namespace_may_not_enter_the_namespaces_of_its_creator():
    run("ip", "netns", "add", "blue")
    blue, home = os.stat("/run/netns/blue").st_ino, netns()

    def look():
        become_root_of_user_namespace()
        mine = Program(new_netns)
        own = os.readlink("/proc/self/ns/net")
        answer = facts(namespaces="all")
        assert os.readlink("/proc/self/ns/net") == own
        return answer, mine.told

    answer, mine = in_child(look)
    assert namespace_of(answer, blue)["listeners"] is None
    assert answer["namespaces"][0]["netns"] == home
    assert answer["namespaces"][0]["listeners"] == []
    assert problems(answer, "netns_denied")
    assert answer["complete"] is False
    # It may enter a namespace that it made itself, but there is no way back from it.
    assert namespace_of(answer, mine)["listeners"] is None


def test_root_of_a_user_namespace_with_its_own_network_sees_all_of_it():
    def look():
        become_root_of_user_namespace()
        new_netns()
        listener = listen("127.0.0.1", 6)
        other = Program(lambda: (new_netns(), port_of(listen("127.0.0.1", 7))))
        return facts(namespaces="all"), port_of(listener), os.getpid(), other.told, other.pid

    answer, port, pid, (inode, other_port), other_pid = in_child(look)
    row, other = listener_on(answer["namespaces"][0], port), listener_on(namespace_of(answer, inode), other_port)
    assert [[process["pid"] for process in found["processes"]] for found in (row, other)] == [[pid], [other_pid]]
    assert (row["accept_queue_limit"], other["accept_queue_limit"]) == (6, 7)


def test_root_knows_the_owner_of_what_everybody_listens_on():
    def prepare():
        drop_privileges()
        return port_of(listen("127.0.0.1", 5))

    program = Program(prepare)
    answer = facts()
    assert [process["pid"] for process in listener_on(answer["namespaces"][0], program.told)["processes"]] == [program.pid]
    assert answer["complete"] is True


def in_pid_namespace(options, look):
    """look() in a new pid namespace with a procfs of its own."""

    def outer():
        unshare(CLONE_NEWPID | CLONE_NEWNS)
        return in_child(inner)

    def inner():
        mount("none", "/", "none", MS_REC_PRIVATE)
        mount("proc", "/proc", "proc", 0, options)
        facts(namespaces="all")
        port = Program(lambda: port_of(listen("127.0.0.1", 6))).told
        return in_child(lambda: (look(), port), before=drop_privileges if options else None)

    return in_child(outer)


def test_owners_that_hidepid_hides_are_unknown():
    answer, port = in_pid_namespace("hidepid=2", facts)
    assert listener_on(answer["namespaces"][0], port)["processes"] is None
    assert answer["complete"] is False


def test_owners_outside_of_the_pid_namespace_are_unknown():
    program = Program(lambda: port_of(listen("127.0.0.1", 5)))
    answer, _port = in_pid_namespace(None, facts)
    assert listener_on(answer["namespaces"][0], program.told)["processes"] is None


def test_namespaces_that_hidepid_hides_make_the_answer_partial():
    answer, _port = in_pid_namespace("hidepid=2", lambda: facts(namespaces="all", gather_subset=["min"]))
    assert answer["complete"] is False
