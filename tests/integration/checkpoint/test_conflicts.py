# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others did between a change and its rollback stays; what cannot be put back is said aloud; a journal that is not whole says nothing."""

import os
import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import entry
from checkpoint_host import KEYS, SYSCTL_D, refusal, set_all
from kernel_rooms import MS_BIND, Program, mount, run, setns, sysctl
from nginx_server import until

FILE = SYSCTL_D / "99-listen-queue.conf"
OLD = b"# theirs\nnet.core.somaxconn = 300\n"


def changed(host):
    """Two values and a file that was there before."""
    set_all(700)
    FILE.write_bytes(OLD)
    host.open()
    host.sysctl(name="99-listen-queue")
    assert b"5000" in FILE.read_bytes()


def edited():
    FILE.write_bytes(FILE.read_bytes() + b"# human\n")


def saved_anew():
    FILE.with_name("x").write_bytes(b"# human\n")
    FILE.with_name("x").rename(FILE)


def chmodded():
    FILE.chmod(0o600)


def deleted():
    FILE.unlink()


def swapped_for_a_link():
    (SYSCTL_D / "theirs.conf").write_bytes(b"# human\n")
    FILE.unlink()
    FILE.symlink_to("theirs.conf")


def swapped_for_a_link_to_equal_bytes():
    FILE.rename(SYSCTL_D / "theirs.conf")
    FILE.symlink_to("theirs.conf")


def swapped_for_a_fifo():
    FILE.unlink()
    os.mkfifo(FILE)


def swapped_for_a_directory():
    FILE.unlink()
    FILE.mkdir()


HUMANS = {
    "edited_f40": (edited, "was changed by somebody else since; it was left as it is"),
    "saved_anew_f40": (saved_anew, "was changed by somebody else since; it was left as it is"),
    "chmodded": (chmodded, "was changed by somebody else since; it was left as it is"),
    "deleted_f41": (deleted, "was removed by somebody else since; it was left as it is"),
    "link_f58": (swapped_for_a_link, "leads to /etc/sysctl.d/theirs.conf now, because somebody made a symbolic link; it was left as it is"),
    "link_to_equal_bytes": (swapped_for_a_link_to_equal_bytes, "because somebody made a symbolic link; it was left as it is"),
    "fifo_f58": (swapped_for_a_fifo, "is not a regular file; it was left as it is"),
    "directory": (swapped_for_a_directory, "Is a directory; it was left as it is"),
}


@pytest.mark.parametrize("human, sentence", HUMANS.values(), ids=HUMANS)
def test_what_somebody_did_to_the_file_stays_f40_f41(host, human, sentence):
    changed(host)
    human()
    theirs = host.snapshot()
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    (conflict,) = answer.values["checkpoint"]["result"]["conflicts"]
    assert conflict.endswith(sentence) and conflict.startswith(str(FILE)), conflict
    assert host.snapshot() == {**theirs, **dict.fromkeys(KEYS, 700)}
    assert [row["state"] for row in host.info()["changes"]] == ["conflict"] * 3


def test_value_that_somebody_set_stays_f42(host):
    changed(host)
    sysctl(KEYS[0], 6000)
    answer = host.checkpoint("rolled_back")
    assert answer.values["checkpoint"]["result"]["conflicts"] == ["/proc/sys/net/core/somaxconn was changed by somebody else since; it was left as it is"]
    assert (sysctl(KEYS[0]), sysctl(KEYS[1]), FILE.read_bytes()) == (6000, 700, OLD)


def test_limit_that_somebody_set_stays(host):
    with socket.create_server(("127.0.0.1", 9000), backlog=100) as listener:
        host.open()
        host.backlog("127.0.0.1:9000", 200)
        listener.listen(50)
        answer = host.checkpoint("rolled_back")
        assert answer.values["checkpoint"]["result"]["conflicts"] == ["the limit of 127.0.0.1:9000 was changed by somebody else since; it was left as it is"]
        assert host.info()["result"]["changes"][0]["seen"] == 50


def test_socket_and_namespace_that_ended_need_nothing(host):
    def far():
        from kernel_rooms import new_netns

        new_netns()
        return os.getpid()

    program = Program(far)
    host.open()
    host.sysctl(values={KEYS[0]: 999}, netns=str(program.told))
    listener = socket.create_server(("127.0.0.1", 9000), backlog=100)
    host.backlog("127.0.0.1:9000", 200)
    listener.close()
    program.kill()
    assert host.checkpoint("rolled_back").failure is None
    assert {row["result"] for row in host.info()["result"]["changes"]} == {"gone"}


def test_value_in_another_namespace_comes_back_there(host):
    def far():
        from kernel_rooms import new_netns

        new_netns()
        sysctl(KEYS[0], 321)
        return os.getpid()

    program = Program(far)
    here = sysctl(KEYS[0])
    host.open()
    host.sysctl(values={KEYS[0]: 999}, netns=str(program.told))
    assert host.checkpoint("rolled_back").failure is None
    assert sysctl(KEYS[0]) == here
    setns("/proc/%d/ns/net" % program.told)
    assert sysctl(KEYS[0]) == 321


def test_what_somebody_did_while_a_run_was_interrupted_stays(host):
    from checkpoint_host import Killer, hooked, killed

    changed(host)
    host.checkpoint("rolled_back")
    host.open()

    def again():
        host.sysctl(name="99-listen-queue")

    with hooked(Killer()) as killer:
        again()
    at = next(number for number, (act, _name) in enumerate(killer.acts, 1) if act == "exchange") + 1
    host.checkpoint("rolled_back")
    host.open()
    assert killed(at, again)
    edited()
    theirs = FILE.read_bytes()
    (sentence,) = host.settle()
    assert sentence.startswith("a run of sysctl_dropin at ")
    assert sentence.endswith("except where somebody else changed it: %s was changed by somebody else since; it was left as it is" % FILE)
    assert (FILE.read_bytes(), sysctl(KEYS[0])) == (theirs, 700)
    assert host.leftovers() == []
    assert host.checkpoint("rolled_back").failure is None
    assert FILE.read_bytes() == theirs


def read_only(host):
    mount(str(SYSCTL_D), str(SYSCTL_D), "none", MS_BIND)
    mount("none", str(SYSCTL_D), "none", MS_BIND | 32 | 1)
    return lambda: run("umount", str(SYSCTL_D))


def mounted_over(host):
    mount(str(FILE), str(FILE), "none", MS_BIND)
    return lambda: run("umount", str(FILE))


def two_names(host):
    other = SYSCTL_D / "other"
    os.link(FILE, other)
    return other.unlink


def immutable(host):
    run("chattr", "+i", str(FILE))
    return lambda: run("chattr", "-i", str(FILE))


def immutable_directory(host):
    run("chattr", "+i", str(SYSCTL_D))
    return lambda: run("chattr", "-i", str(SYSCTL_D))


OBSTACLES = {
    "read_only_f13": (read_only, "/etc/sysctl.d/99-listen-queue.conf is on a read-only file system; nothing was changed"),
    "mount_f15": (
        mounted_over,
        "/etc/sysctl.d/99-listen-queue.conf is a mount of its own and cannot be replaced from here; change the file that is mounted there",
    ),
    "immutable_f15": (immutable, "/etc/sysctl.d/99-listen-queue.conf is immutable or append-only; take the flag away with chattr, or leave the file as it is"),
    "immutable_directory_f15": (
        immutable_directory,
        "the directory of /etc/sysctl.d/99-listen-queue.conf is immutable or append-only; take the flag away with chattr, or leave the file as it is",
    ),
    "hard_link_f18": (two_names, "/etc/sysctl.d/99-listen-queue.conf has 2 names (hard links)"),
}


@pytest.mark.parametrize("obstacle, sentence", OBSTACLES.values(), ids=OBSTACLES)
def test_rollback_that_fails_says_what_to_do_and_blocks_everything_until_then_f39(host, obstacle, sentence):
    changed(host)
    remove = obstacle(host)
    answer = host.checkpoint("rolled_back", reason="it did not help")
    assert answer.failure.startswith("the rollback of the checkpoint %s failed, tried by " % host.id)
    assert sentence in answer.failure
    digest = entry.sha256(OLD).hexdigest()
    step = "copy %s/bytes.%s to %s, with mode 0644, owner 0 and group 0" % (host.path, digest, FILE)
    assert step in answer.failure
    assert answer.values["checkpoint"]["result"]["steps"] == [step]
    assert [sysctl(key) for key in KEYS] == [700, 700]  # what can be put back is
    failed, host.id = host.id, None
    for refused in (host.sysctl, host.open):
        assert refusal(refused).endswith(
            "; correct that and roll it back again (%s -I /var/lib/netops.listen_queue/checkpoints/%s/undo.pyz), "
            "or do what is left by hand and then give it the state abandoned with the module checkpoint" % (sys.executable, failed)
        )
    host.id = failed
    remove()
    if obstacle is two_names:  # somebody does it by hand
        FILE.write_bytes(OLD)
        assert host.checkpoint("abandoned", reason="copied by hand").values["checkpoint"]["result"]["reason"] == "copied by hand"
    else:  # or it is tried again
        assert host.checkpoint("rolled_back").failure is None
        assert host.info()["state"] == "rolled_back"
    assert FILE.read_bytes() == OLD
    host.id = None
    assert host.sysctl(name="99-listen-queue").changed


def test_nginx_that_refuses_the_old_configuration_is_told_and_tried_again_f39(host):
    host.start()
    host.open()
    host.listen()
    host.reload()
    broken = host.server.write("nonsense;", "servers/zz.conf")
    answer = host.checkpoint("rolled_back")
    assert 'unknown directive "nonsense"' in answer.failure or "nonsense" in answer.failure
    assert "correct that and let nginx %d (%s) reload" % (host.server.pid, host.server.conf) in answer.failure
    broken.unlink()
    assert host.checkpoint("rolled_back").failure is None
    assert host.limits() == [[511]] * 3


def test_conflicts_of_an_earlier_attempt_are_still_told(host):
    host.prepare()
    host.open(rollback_after=0)
    host.sysctl()
    host.listen(validate=False)
    sysctl(KEYS[0], 6000)
    path = host.server.folder / "servers/two.conf"
    os.link(path, path.with_name("other"))
    assert "has 2 names (hard links)" in host.checkpoint("rolled_back").failure
    path.with_name("other").unlink()
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    result = answer.values["checkpoint"]["result"]
    assert result["conflicts"] == ["/proc/sys/net/core/somaxconn was changed by somebody else since; it was left as it is"]
    assert {row["result"] for row in result["changes"]} == {"kept", "restored", "already"}
    assert {row["target"] for row in result["changes"]} == {row["target"] for row in answer.values["checkpoint"]["changes"]}


def test_file_that_a_program_changes_again_at_once_is_a_failed_rollback(host):
    """As a configuration management does; the rollback looks at everything once more at its end."""
    changed(host)
    host.start()
    host.listen()
    host.reload()

    def manage():
        until(lambda: FILE.read_bytes() == OLD, "the rollback", 25)
        FILE.with_name("new").write_bytes(b"# managed\n")
        FILE.with_name("new").rename(FILE)

    manager = Program(lambda: None, manage)
    answer = host.checkpoint("rolled_back")
    assert "%s was put back, but it is something else now; a program changes it too" % FILE in answer.failure
    assert host.info()["state"] == "rollback_failed"
    assert FILE.read_bytes() == b"# managed\n"
    manager.kill()


def stop(server):
    """End nginx; the room's process 1 reaps nobody."""
    server.signal(15)
    until(lambda: " Z " in Path("/proc/%d/stat" % server.pid).read_text(), "the end of nginx")


def test_nginx_that_was_restarted_meanwhile_reads_the_old_configuration(host):
    host.start()
    host.open()
    host.listen()
    stop(host.server)
    host.server.start()
    assert host.limits() == [[1000]] * 3
    assert host.checkpoint("rolled_back").failure is None
    until(lambda: host.limits() == [[511]] * 3, "the old limits")


@pytest.mark.parametrize("is_changed_again", [False, True])
def test_nginx_that_was_restarted_with_the_new_configuration_gets_the_old_limits(host, is_changed_again):
    """What the reload found was made by the new configuration already, so it is nothing to go back to."""
    host.start()
    host.open()
    host.listen()
    stop(host.server)
    host.server.start()
    host.reload()
    if is_changed_again:
        host.backlog("*:8081", 3000)
    assert host.checkpoint("rolled_back").failure is None
    assert host.limits() == [[511]] * 3
    assert host.info()["result"]["conflicts"] == []


def test_nginx_that_was_restarted_since_the_commit_gets_limits_that_the_old_sysctl_allowed(host):
    """It reads its old configuration while the sysctl is still the new one."""
    sysctl("net.core.somaxconn", 128)
    host.start()
    host.open()
    host.sysctl()
    host.listen()
    host.reload()
    host.checkpoint("committed")
    stop(host.server)
    host.server.start()
    assert host.limits() == [[1000]] * 3
    assert host.checkpoint("rolled_back").failure is None
    assert (host.limits(), sysctl("net.core.somaxconn")) == ([[128]] * 3, 128)


def edited_by_somebody(host, *names):
    for name in names:
        path = host.server.folder / name
        path.write_text(path.read_text().replace("1000", "2000"))
    host.server.reload()


ALL = ("nginx.conf", "servers/two.conf", "servers/three.conf")


@pytest.mark.parametrize("names, limits", [(ALL, [[2000]] * 3), (ALL[1:2], [[511], [2000], [511]])], ids=["all", "one"])
def test_limits_of_a_configuration_that_somebody_changed_stay_f40(host, names, limits):
    host.start()
    host.open(rollback_after=0)
    host.listen()
    host.reload()
    host.checkpoint("committed")
    edited_by_somebody(host, *names)
    assert host.checkpoint("rolled_back").failure is None
    assert host.limits() == limits
    conflicts = host.info()["result"]["conflicts"]
    assert [each for each in conflicts if each.endswith(".conf was changed by somebody else since; it was left as it is")] != []
    assert "the limit of 0.0.0.0:8082 follows from a configuration that somebody else changed since; it was left as it is" in conflicts


@pytest.mark.parametrize("is_restarted", [False, True])
def test_nginx_in_a_binary_upgrade_reads_the_old_configuration_in_its_new_master(host, is_restarted):
    """The old master would start its workers again, and read nothing."""
    host.start()
    host.open()
    host.listen()
    host.reload()
    if is_restarted:
        stop(host.server)
        host.server.start()
    new = host.server.upgrade()
    workers, new_workers = set(host.server.workers()), set(host.server.workers(new))
    assert host.checkpoint("rolled_back").failure is None
    until(lambda: host.server.is_complete(new) and not new_workers & set(host.server.workers(new)), "new workers of the new master")
    assert set(host.server.workers()) == workers
    assert host.limits() == [[511]] * 3


def test_nginx_that_does_not_run_any_more_needs_no_reload(host):
    host.start()
    before = host.snapshot()
    host.open()
    host.listen()
    stop(host.server)
    assert host.checkpoint("rolled_back").failure is None
    assert host.snapshot() == before
