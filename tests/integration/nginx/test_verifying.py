# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""listen_queue_verify on a real nginx: it says yes when all is well, and no for each single thing that is wrong."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._verify import read as verify_read
from kernel_modules import broken, set_backlog, verify
from kernel_rooms import Program, drop_privileges, in_child, mount, run, setns, sysctl
from kernel_traffic import connect, keep, knock, listen
from nginx_server import program, until

HTTP = "http { access_log off; server { listen 8080 backlog=1000 %s; location = /health { return 200 ok; } location / { return 503; } } %s }"
GOOD = {"listeners": [("0.0.0.0:8080", 1000)], "sysctls": {"net.core.somaxconn": 4096}, "url": "http://127.0.0.1:8080/health"}

# The start of a worker is known to a clock tick (10 ms); tests write their files later than that.
TICKS = 0.05


def boots_with(text):
    """Make the room a systemd system with one file of sysctls."""
    for folder in ("/etc/sysctl.d", "/usr/lib/systemd"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        mount("tmpfs", folder, "tmpfs")
    Path("/usr/lib/systemd/systemd-sysctl").touch()
    Path("/run/systemd/system").mkdir(parents=True)
    Path("/etc/sysctl.d/zz.conf").write_text(text)


def started(nginx, listen="", rest=""):
    return nginx(HTTP % (listen, rest))


def sentence(answer):
    """Why it failed, without the time."""
    assert answer.values["verified"] is False
    return answer.failure.partition(" this does not hold: ")[2]


def test_all_is_well(nginx):
    server = started(nginx, "reuseport")
    boots_with("net.core.somaxconn = 0x1000\n")
    answer = verify(**GOOD, boot_sysctls={"net/core/somaxconn": 4096}, config=str(server.conf))
    assert (answer.failure, answer.changed, broken(answer)) == (None, False, [])
    rows = {row["check"]: row for row in json.loads(json.dumps(answer.values["checks"]))}
    assert sorted(rows) == ["boot_sysctl", "drops", "error_log", "limit", "probe", "queue", "sysctl", "url", "workers"]
    assert (rows["limit"]["expected"], rows["limit"]["seen"]) == (1000, [1000, 1000])
    assert (rows["drops"]["seen"], rows["error_log"]["seen"], rows["probe"]["seen"], rows["url"]["seen"]) == (0, [], "connected", 200)
    assert all(0 <= row["time"] <= answer.values["seconds"] for row in rows.values())
    assert answer.values["unknown"] == []


def test_it_waits_until_all_is_well(nginx):
    started(nginx)
    later = Program(lambda: None, lambda: (time.sleep(0.5), set_backlog("8080", 2000)))
    answer = verify(listeners=[("8080", 2000)], timeout=10)
    assert answer.failure is None
    (limit,) = (row for row in answer.values["checks"] if row["check"] == "limit")
    assert (limit["ok"], limit["time"] > 0.3) == (True, True)
    later.kill()


@pytest.mark.parametrize(
    "given, names, why",
    [
        ({"listeners": [("0.0.0.0:8080", 1001)]}, ["limit"], "the limit of 0.0.0.0:8080 is 1000 and not 1001"),
        ({"listeners": [("127.0.0.1:8080", 1000)]}, ["limit"], "nothing listens on 127.0.0.1:8080"),
        ({"listeners": [("8080", 1000), ("[::]:8080", 1000)]}, ["limit"], "nothing listens on [::]:8080"),
        ({"sysctls": {"net.core.somaxconn": "4097"}}, ["sysctl"], "net.core.somaxconn is 4096 and not 4097"),
        ({"sysctls": {"net.core.nothing": 1}}, ["sysctl"], "net.core.nothing does not exist here or cannot be read"),
        (
            {"boot_sysctls": {"net.core.somaxconn": 4096}}, ["boot_sysctl"],
            "net.core.somaxconn will be 512 after the next boot (/etc/sysctl.d/zz.conf:1) and not 4096",
        ),
        ({"boot_sysctls": {"net.ipv4.tcp_rmem": "1 2 3"}}, ["boot_sysctl"], "nothing sets net.ipv4.tcp_rmem at boot (systemd is running)"),
        ({"url": "http://127.0.0.1:8080/"}, ["url"], "http://127.0.0.1:8080/: the answer is 503"),
        ({"url_status": [204]}, ["url"], "http://127.0.0.1:8080/health: the answer is 200"),
        ({"url": "http://127.0.0.1:8081/"}, ["url"], "http://127.0.0.1:8081/: there is no answer (Connection refused)"),
        ({"url": "https://127.0.0.1:8080/health"}, ["url"], None),
        ({"config": "/etc/hostname"}, ["workers"], "no nginx runs with /etc/hostname"),
        ({"config": "/etc/nothing"}, ["workers"], "/etc/nothing does not exist or cannot be read"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)  # fmt: skip
def test_one_thing_is_wrong(nginx, given, names, why):
    started(nginx)
    boots_with("net.core.somaxconn = 512\n")
    answer = verify(**{**GOOD, **given})
    assert broken(answer) == names
    assert why is None or sentence(answer) == why


def test_one_socket_of_a_reuseport_group(nginx):
    sysctl("net.core.somaxconn", 128)
    server = nginx("worker_processes 2; http { server { listen 8080 reuseport; } }", main="pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n")
    sysctl("net.core.somaxconn", 4096)
    server.write("worker_processes 3; http { server { listen 8080 reuseport; } }")
    server.reload()
    until(lambda: len(server.workers()) == 3, "the third worker")
    answer = verify(listeners=[("8080", 511)])
    assert (broken(answer), sentence(answer)) == (["limit"], "the 3 sockets of 0.0.0.0:8080 have the limits 128, 511 and not 511 alone")


def test_a_configuration_that_was_not_loaded(nginx):
    server = started(nginx)
    time.sleep(TICKS)
    server.write(HTTP % ("", "# a word more\n"))
    answer = verify(**GOOD)
    assert broken(answer) == ["workers"]
    assert sentence(answer) == "nginx %d serves with a worker that is older than the last write of %s, so it was not reloaded, or refused to" % (
        server.pid, server.conf,
    )  # fmt: skip
    server.reload()
    assert verify(**GOOD).failure is None


def test_a_worker_that_was_replaced_alone_proves_no_reload(nginx):
    """Of its death nobody tells at this level of the log."""
    server = nginx(HTTP % ("", ""), main="pid {folder}/nginx.pid; error_log {folder}/error.log emerg; worker_processes 2; events {{}}\n")
    time.sleep(TICKS)
    server.write(HTTP % ("", "# a word more\n"))
    old = server.workers()
    os.kill(old[0], signal.SIGKILL)
    until(lambda: len(server.workers()) == 2 and old[0] not in server.workers(), "the new worker")
    answer = verify(**GOOD)
    assert broken(answer) == ["workers"]
    assert "serves with a worker that is older than the last write of %s" % server.conf in sentence(answer)


@pytest.mark.parametrize("processes", [1, 2])
def test_workers_that_were_all_replaced_prove_no_reload(nginx, processes):
    """As after the kernel ran out of memory: they are younger than the configuration, and know nothing of it."""
    server = nginx("worker_processes %d; " % processes + HTTP % ("", ""), main="pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n")
    time.sleep(TICKS)
    server.write("worker_processes %d; " % processes + HTTP % ("", "# a word more\n"))
    old = server.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(server.workers()) == processes and not set(old) & set(server.workers()), "the new workers")
    answer = verify(**GOOD)
    assert broken(answer) == ["workers"]
    assert sentence(answer) == (
        "a worker of nginx %d died when the oldest one that serves was made, so that is no sign of a reload; reload it again" % server.pid
    )
    time.sleep(2)  # the lines of a log have whole seconds
    server.reload()
    assert verify(**GOOD).failure is None


def test_a_file_that_is_included_no_more(nginx):
    """Nothing is written when a file is removed, but for its directory; and there an editor writes, too."""
    server = nginx(HTTP % ("", "include %s/*.conf;" % "sites"))
    sites = server.folder / "sites"
    sites.mkdir()
    server.write("server { listen 8082; }", "sites/a.conf")
    server.reload()
    assert verify(**GOOD).values["unknown"] == []
    time.sleep(TICKS)
    (sites / "a.conf").unlink()
    answer = verify(**GOOD)
    assert answer.values["unknown"] == ["nginx %d may not know what was put into %s, or removed from it, since its workers were made" % (server.pid, sites)]
    server.reload()
    assert verify(**GOOD).values["unknown"] == []


def test_without_rights_it_is_not_known_whose_the_sockets_are(nginx):
    server = started(nginx)
    assert verify(**GOOD).failure is None  # imports everything
    answer = in_child(lambda: verify(**GOOD), before=drop_privileges)
    assert (answer.failure, answer.values["verified"]) == (None, True)
    assert answer.values["unknown"] == ["whether nginx %d has one of the sockets may not be seen; become root (CAP_SYS_PTRACE) on the host" % server.pid]


def test_a_reload_that_returned_0_and_applied_nothing(nginx):
    server = started(nginx)
    time.sleep(TICKS)
    listen("127.0.0.1", 5, 8081)
    server.write(HTTP % ("", "server { listen 127.0.0.1:8081; }"))
    done = subprocess.run([program(), "-p", str(server.folder), "-c", str(server.conf), "-s", "reload"], capture_output=True, check=False)
    assert (done.returncode, server.limits(8080)) == (0, [1000])
    until(lambda: "still could not bind" in server.errors(), "nginx's giving up")
    answer = verify(**GOOD)
    assert broken(answer) == ["error_log", "workers"]
    assert "nginx %d says in its error log: bind() to 127.0.0.1:8081 failed (98: " % server.pid in sentence(answer)


def test_a_refusal_that_a_later_reload_mended_is_over(nginx):
    server = started(nginx)
    time.sleep(TICKS)
    server.write(HTTP % ("", "server { listen 8080 backlog=5; }"))
    server.signal(signal.SIGHUP)
    until(lambda: "duplicate listen options" in server.errors(), "the refusal")
    assert broken(verify(**GOOD)) == ["error_log", "workers"]
    server.write(HTTP % ("", ""))
    server.reload()
    assert verify(**GOOD).failure is None


def test_a_refusal_with_the_right_configuration_on_disk(nginx):
    logs = Path("/run/logs")
    logs.mkdir()
    server = nginx("http { access_log /run/logs/access.log; server { listen 8080 backlog=1000; } }")
    shutil.rmtree(logs)
    time.sleep(1.1)  # the lines of a log have whole seconds
    server.signal(signal.SIGHUP)
    until(lambda: "[emerg]" in server.errors(), "the refusal")
    answer = verify(listeners=[("8080", 1000)])
    assert broken(answer) == ["error_log"]
    assert "open() " in sentence(answer)


def test_a_log_in_another_time_zone(nginx):
    os.environ["TZ"] = "XXX-5:45"
    server = started(nginx)
    time.sleep(TICKS)
    server.write(HTTP % ("", "server { listen 8080 backlog=5; }"))
    server.signal(signal.SIGHUP)
    until(lambda: "duplicate listen options" in server.errors(), "the refusal")
    assert "error_log" in broken(verify(**GOOD))
    time.sleep(1.1)
    server.write(HTTP % ("", "# not loaded\n"))
    assert broken(verify(**GOOD)) == ["workers"]


def test_a_configuration_that_nginx_could_not_read(nginx):
    server = started(nginx)
    server.write(HTTP % ("", "include nothing.conf;"))
    answer = verify(**GOOD)
    assert broken(answer) == ["workers"]
    assert "nothing.conf cannot be read" in sentence(answer)


def test_a_queue_that_is_not_emptied(nginx):
    server = started(nginx)
    set_backlog("8080", 10)
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    connect(6, "127.0.0.1", 8080)
    answer = verify(listeners=[("8080", 10)])
    assert (broken(answer), sentence(answer).partition(" (")[0]) == (["queue"], "the accept queue of 0.0.0.0:8080 is 54 % full")
    for pid in server.workers():
        os.kill(pid, signal.SIGCONT)
    assert verify(listeners=[("8080", 10)], timeout=5).failure is None


def test_connections_that_are_dropped(nginx):
    server = started(nginx)
    set_backlog("8080", 3)
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    connect(4, "127.0.0.1", 8080)

    def then():
        while True:
            knock(1, "127.0.0.1", 8080)
            time.sleep(0.02)

    knocking = Program(lambda: None, then)
    answer = verify(listeners=[("8080", 3)])
    assert broken(answer) == ["drops", "probe", "queue"]
    assert "a connection to 0.0.0.0:8080 got no answer in time" in sentence(answer)
    knocking.kill()


def test_what_was_dropped_since_an_earlier_look(nginx):
    listener = listen("127.0.0.1", 1, 7070)
    earlier = verify(listeners=[("127.0.0.1:7070", 1)], probe=False).values["listeners"]
    assert earlier == [{"listen": "127.0.0.1:7070", "limit": 1, "netns": None, "drops": 0}]
    assert verify(listeners=earlier, probe=False, timeout=0).failure is None
    connect(2, "127.0.0.1", 7070)
    knock(3, "127.0.0.1", 7070)
    for _client in range(2):
        listener.accept()[0].close()
    later = verify(listeners=earlier, probe=False, timeout=0)
    assert sentence(later) == "127.0.0.1:7070 has dropped 3 packets since the earlier look"
    assert verify(listeners=later.values["listeners"], probe=False, timeout=0).failure is None


def test_a_listener_that_nobody_reaches(nginx):
    started(nginx)
    run("ip", "link", "set", "lo", "down")
    answer = verify(listeners=[("8080", 1000)])
    assert (broken(answer), sentence(answer)) == (["probe"], "a connection to 0.0.0.0:8080 got no answer in time")
    assert verify(listeners=[("8080", 1000)], probe=False).failure is None


@pytest.mark.parametrize(
    "answer, why", [(b"", "there is no answer (timed out)"), (b"SSH-2.0-x\r\n", "the answer is not HTTP"), (b"y" * 100000, "the answer is not HTTP")]
)
def test_an_url_that_gives_no_http(answer, why):
    listener = listen("127.0.0.1", 5, 8080)

    def then():
        client = listener.accept()[0]
        client.sendall(answer)
        keep(client)

    answering = Program(lambda: None, then)
    verify_read.URL_SECONDS = 0.5
    assert sentence(verify(url="http://127.0.0.1:8080/", timeout=0)) == "http://127.0.0.1:8080/: " + why
    answering.kill()


def test_a_name_with_two_addresses_is_tried_on_both():
    listener = listen("127.0.0.1", 5, 8080)
    answering = Program(lambda: None, lambda: listener.accept()[0].sendall(b"HTTP/1.1 204 No Content\r\n"))
    assert verify(url="http://localhost:8080/").failure is None
    answering.kill()
    assert sentence(verify(url="http://nobody.invalid/", timeout=0)) == "http://nobody.invalid/: the name nobody.invalid could not be looked up"


def test_two_masters_during_an_upgrade(nginx):
    server = started(nginx)
    new = server.upgrade()
    until(lambda: verify(**GOOD).failure is None, "the start of new workers")
    time.sleep(TICKS)
    server.write(HTTP % ("", "# a word more\n"))
    answer = verify(**GOOD)
    assert sorted(row["subject"] for row in answer.values["checks"] if row["ok"] is False) == sorted(
        "%s (nginx %d)" % (server.conf, pid) for pid in (server.pid, new)
    )


def test_without_workers_their_age_cannot_tell(nginx):
    server = nginx("master_process off; http { server { listen 8080; } }", daemon=False, workers=False)
    until(lambda: server.limits(8080), "the start of nginx")
    assert verify(listeners=[("8080", 511)]).values["unknown"] == []
    time.sleep(TICKS)
    server.write("master_process off; http { server { listen 8080; } } # a word more")
    answer = verify(listeners=[("8080", 511)])
    assert answer.failure is None
    assert answer.values["unknown"] == [
        "nginx %d has no workers (master_process off), so whether it has read %s again is not known" % (server.pid, server.conf)
    ]


def test_check_mode_looks_once_and_does_not_fail(nginx):
    started(nginx)
    answer = verify(is_check=True, listeners=[("8080", 5)], timeout=30)
    assert (answer.failure, answer.values["verified"], broken(answer)) == (None, False, ["limit"])
    assert answer.values["unknown"] == ["whether 0.0.0.0:8080 drops connections is not known"]


def test_unix_sockets_and_other_namespaces(nginx, tmp_path):
    run("ip", "netns", "add", "blue")
    run("ip", "-n", "blue", "link", "set", "lo", "up")
    path = str(tmp_path / "a.sock")
    server = nginx("http { server { listen unix:%s; } }" % path)
    far = Program(lambda: (setns("/run/netns/blue"), listen("127.0.0.1", 9, 7071), None)[2])
    listeners = [(path, 511), ("127.0.0.1:7071", 9, "blue")]
    assert verify(listeners=listeners).failure is None
    assert sentence(verify(listeners=[("127.0.0.1:7071", 9)])) == "nothing listens on 127.0.0.1:7071"
    assert sentence(verify(sysctls={"net.core.somaxconn": 77}, netns="blue")) == "net.core.somaxconn is 4096 and not 77"
    far.kill()
    os.kill(server.pid, signal.SIGSTOP)
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    set_backlog(path, 1)
    for _turn in range(2):
        client = keep(socket.socket(socket.AF_UNIX))
        client.connect(path)
    answer = verify(listeners=[(path, 1)])
    assert broken(answer) == ["probe", "queue"]
    assert "a connection to unix:%s got no answer in time (the accept queue is full)" % path in sentence(answer)


def test_nothing_to_verify():
    with pytest.raises(InputError) as raised:
        verify()
    assert str(raised.value) == "there is nothing to verify; give listeners, sysctls, boot_sysctls, config or url"


def test_a_socket_that_was_reached_is_left_alone(nginx):
    server = started(nginx)
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    assert broken(verify(listeners=[("8080", 1000)], url="http://127.0.0.1:8081/", timeout=1)) == ["url"]
    assert run("ss", "-Hltn", "sport", "= :8080").split()[1] == "1"
