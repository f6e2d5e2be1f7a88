# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_reload: applied only when the workers say so, and then what each socket got; otherwise the reason."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError, ReadError, WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.process import find_masters
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.read import ProcessBook
from ansible_collections.netops.listen_queue.plugins.module_utils._reload import control
from ansible_collections.netops.listen_queue.plugins.module_utils._reload.read import masters_of
from kernel_rooms import Program, drop_privileges, in_child, sysctl
from kernel_traffic import listen
from nginx_changes import reload
from nginx_server import until

PROC = ProcFS("/proc")
MAIN = "pid {folder}/nginx.pid; error_log {folder}/error.log; user root; events {{}}\n"


def text(listens, workers=2):
    return "worker_processes %d; http { access_log off; server { %s } }" % (workers, "".join("listen %s; " % each for each in listens.split(", ")))


# before: listens, workers, somaxconn; after: the same; the limits of port 8080 then, and what is needed
ROWS = {
    "i_backlog_changed": (("8080 backlog=100", 2, 4096), ("8080 backlog=2048", 2, 4096), [2048], "none"),
    "ii_somaxconn_raised": (("8080 backlog=2048", 2, 128), ("8080 backlog=2048", 2, 4096), [128], "socket_backlog"),
    "ii_default_and_somaxconn_raised": (("8080", 2, 128), ("8080", 2, 4096), [128], "socket_backlog"),
    "iii_backlog_added": (("8080", 2, 4096), ("8080 backlog=1024", 2, 4096), [1024], "none"),
    "iii_default_written_out": (("8080", 2, 128), ("8080 backlog=511", 2, 4096), [128], "socket_backlog"),
    "iv_backlog_removed": (("8080 backlog=1024", 2, 4096), ("8080", 2, 4096), [511], "none"),
    "v_reuseport_and_backlog_changed": (("8080 reuseport backlog=100", 2, 4096), ("8080 reuseport backlog=200", 2, 4096), [200, 200], "none"),
    "vi_more_workers": (("8080 reuseport backlog=3500", 2, 4096), ("8080 reuseport backlog=3500", 4, 128), [128, 128, 3500, 3500], "none"),
    "fewer_workers": (("8080 reuseport", 4, 4096), ("8080 reuseport", 2, 4096), [511, 511], "none"),
    "reuseport_added": (("8080", 2, 4096), ("8080 reuseport", 2, 4096), [511, 511], "none"),
    "reuseport_removed": (("8080 reuseport", 2, 4096), ("8080", 2, 4096), [511], "none"),
    "somaxconn_lowered": (("8080 backlog=2048", 2, 4096), ("8080 backlog=2048", 2, 128), [2048], "none"),
    "somaxconn_lowered_then_changed": (("8080 backlog=2048", 2, 4096), ("8080 backlog=2049", 2, 128), [128], "none"),
    "capped": (("8080", 2, 4096), ("8080 backlog=9000", 2, 4096), [4096], "none"),
    "unix_socket": (("unix:/run/x.sock, 8080", 2, 4096), ("unix:/run/x.sock backlog=20, 8080 backlog=20", 2, 4096), [20], "none"),
}


@pytest.mark.parametrize("before, after, limits, needs", ROWS.values(), ids=ROWS)
def test_limits_after_a_reload(nginx, before, after, limits, needs):
    sysctl("net.core.somaxconn", before[2])
    server = nginx(text(*before[:2]), main=MAIN)
    sysctl("net.core.somaxconn", after[2])
    server.write(text(*after[:2]))
    answer = reload(config=str(server.conf))
    until(lambda: server.limits(8080) == limits, "the end of the old workers, which hold the sockets that went away")
    assert (answer.changed, answer.failure, answer.values["applied"], answer.values["emerg"]) == (True, None, True, [])
    assert sorted(socket["accept_queue_limit"] for socket in answer.values["sockets"] if socket.get("local_port") == 8080) == limits
    assert answer.values["needs"] == needs
    assert {socket["accept_queue_limit"] for socket in answer.values["sockets"] if "path" in socket} in (set(), {20})


def failed(server, **given):
    """The values of a reload that was not applied, and why; the old workers must still be there."""
    before = until(lambda: len(server.workers()) == 2 and server.workers(), "the start of both workers")
    answer = reload(**{"config": str(server.conf), **given})
    assert (answer.changed, answer.values["applied"], answer.values["needs"]) == (False, False, "reload")
    assert server.workers() == before
    start = f"nginx {server.pid} ({server.conf}) still runs with its old configuration: "
    assert answer.failure.startswith(start)
    return answer.values, answer.failure[len(start) :]


def test_wildcard_beside_an_address_with_options_m2(nginx):
    server = nginx(text("8080"), main=MAIN)
    server.write(text("8080, 127.0.0.1:8080 backlog=1000"))
    values, why = failed(server)
    assert values["emerg"] == ["bind() to 127.0.0.1:8080 failed (98: Address already in use)", "still could not bind()"]
    assert why.startswith("bind() to 127.0.0.1:8080 failed (98: Address already in use); ")
    assert f"{server.conf}:2: bind() to 127.0.0.1:8080 will fail (98: Address already in use) because of 0.0.0.0:8080" in why
    assert "set backlog there instead of here, or reuseport in both" in why


def test_port_of_another_process_m3(nginx):
    server = nginx(text("8080"), main=MAIN)
    Program(lambda: listen("127.0.0.1", 5, 8081).getsockname())
    server.write(text("8080, 127.0.0.1:8081"))
    _values, why = failed(server)
    assert why == (
        "bind() to 127.0.0.1:8081 failed (98: Address already in use); another process listens on 127.0.0.1:8081; stop it, or let nginx listen elsewhere"
    )


def test_port_that_becomes_free_while_nginx_tries_m3(nginx):
    server = nginx(text("8080"), main=MAIN)
    other = Program(lambda: listen("127.0.0.1", 5, 8081).getsockname(), lambda: (time.sleep(1.2), os._exit(0)))
    server.write(text("8080, 127.0.0.1:8081"))
    answer = reload(config=str(server.conf))
    assert (answer.values["applied"], answer.failure, server.limits(8081)) == (True, None, [511])
    assert answer.values["emerg"] == ["bind() to 127.0.0.1:8081 failed (98: Address already in use)"]
    assert other.told


BROKEN = {
    "unknown_directive": ("http { nonsense; }", 'unknown directive "nonsense" in {conf}:2'),
    "duplicate_options": (text("8080 backlog=1, *:8080 backlog=2"), "a duplicate listen 0.0.0.0:8080 in {conf}:2"),
    "cut_short": ("http {", 'unexpected end of file, expecting "}}" in {conf}:2'),
    "log_that_cannot_be_opened": (
        text("8080").replace("access_log off", "access_log gone/log"),
        'open() "{folder}/gone/log" failed (2: No such file or directory)',
    ),
    "missing_include": ("http { include gone; }", 'open() "{folder}/gone" failed (2: No such file or directory) in {conf}:2'),
}


@pytest.mark.parametrize("broken, sentence", BROKEN.values(), ids=BROKEN)
def test_configuration_that_is_refused_f31(nginx, broken, sentence):
    server = nginx(text("8080"), main=MAIN)
    server.write(broken)
    _values, why = failed(server)
    assert why == sentence.format(conf=server.conf, folder=server.folder)


def test_reason_is_found_without_a_log(nginx):
    server = nginx(text("8080"), main="pid {folder}/nginx.pid; error_log stderr; user root; events {{}}\n", daemon=False)
    os.truncate(server.folder / "output.log", 0)
    server.write("events {} http { server { listen 8080; proxy_pass x; } }")
    server.write(text("8080").replace("access_log off;", "access_log off; server { listen 8081; return 200 $gone; }"))
    answer = reload(config=str(server.conf), timeout=3)
    assert 'unknown "gone" variable' in answer.failure


def test_workers_that_hang_do_not_hide_a_reload_f32(nginx):
    server = nginx(text("8080"), main=MAIN)
    old = server.workers()
    for pid in old:
        os.kill(pid, signal.SIGSTOP)
    server.write(text("8080 backlog=77"))
    answer = reload(config=str(server.conf))
    assert (answer.values["applied"], server.limits(8080)) == (True, [77])
    for pid in old:
        os.kill(pid, signal.SIGCONT)


def test_crashed_worker_is_no_reload(nginx):
    server = nginx(text("8080"), main=MAIN)
    master = masters_of(PROC)[0]
    before = control.workers_of(PROC, server.pid)
    os.kill(server.workers()[0], signal.SIGKILL)
    for _attempt in range(100):
        now = control.workers_of(PROC, server.pid)
        assert not control.is_applied(before, now)
        time.sleep(0.005)
    assert (len(now), master.pid) == (2, server.pid)
    assert set(now) != set(before)


def test_check_mode_sends_nothing_f52(nginx):
    server = nginx(text("8080"), main=MAIN)
    server.write(text("8080 backlog=77"))
    workers = server.workers()
    answer = reload(is_check=True)
    assert (answer.changed, answer.values["applied"], answer.values["masters"][0]["pid"]) == (True, None, server.pid)
    time.sleep(0.3)
    assert (server.workers(), server.limits(8080)) == (workers, [511])


def test_every_nginx_is_reloaded_and_one_failure_is_named_f33(nginx):
    one = nginx(text("8080"), main=MAIN, name="one")
    two = nginx(text("8081"), main=MAIN, name="two")
    one.write(text("8080 backlog=10"))
    two.write("nonsense;")
    answer = reload()
    assert [row["applied"] for row in answer.values["masters"]] == [True, False]
    assert (answer.changed, answer.values["applied"], one.limits(8080)) == (True, False, [10])
    assert answer.failure == f'nginx {two.pid} ({two.conf}) still runs with its old configuration: unknown directive "nonsense" in {two.conf}:2'


def test_process_of_a_user_that_claims_to_be_roots_nginx_is_left_alone(nginx, tmp_path):
    """It could run a program of its own as the test, or make every reload fail."""
    program = tmp_path / "nginx"
    shutil.copy("/bin/cat", program)
    for path in program.parents:
        path.chmod(path.stat().st_mode | 0o011)
    server = nginx(text("8080"), main=MAIN, name="one")
    claims = ["nginx: master process nginx -p %s -c %s" % (server.folder, conf) for conf in (server.conf, "/etc/other.conf")]
    fakes = [subprocess.Popen([claim], executable=program, stdin=subprocess.PIPE, user=65534, group=65534, extra_groups=[]) for claim in claims]
    try:
        until(lambda: len(find_masters(PROC, [fake.pid for fake in fakes], ProcessBook(PROC))[0]) == 2, "the titles of the fakes")
        assert [master.pid for master in masters_of(PROC)] == sorted([server.pid, fakes[1].pid]), "what is not root's may be another nginx"
        assert [row["pid"] for row in reload(config=str(server.conf)).values["masters"]] == [server.pid]
    finally:
        for fake in fakes:
            fake.communicate()


def test_pid_of_a_master(nginx):
    one, two = (nginx(text(port), main=MAIN, name="n" + port) for port in ("8080", "8081"))
    answer = reload(pid=two.pid)
    assert [row["pid"] for row in answer.values["masters"]] == [two.pid]
    with pytest.raises(InputError) as error:
        reload(pid=1)
    assert str(error.value) == f"no such nginx runs; running are: {one.pid} ({one.conf}), {two.pid} ({two.conf})"


def test_nothing_runs_f33():
    with pytest.raises(InputError, match=r"^no nginx runs, so there is nothing to reload; start it$"):
        reload()


REFUSED = {
    "no_time": ({"timeout": -5}, "timeout must be at least 1 second, not -5"),
    "path_upwards_f56": ({"config": "../nginx.conf"}, "config: '../nginx.conf' is not an absolute path without `..`; name it as nginx inside root does"),
    "no_such_file": ({"config": "/no", "root": "/proc/1/root"}, "config: /no does not exist in /proc/1/root or cannot be read"),
}


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_sentence_and_no_signal(nginx, given, sentence):
    server = nginx(text("8080"), main=MAIN)
    workers = server.workers()
    with pytest.raises(InputError) as error:
        reload(**given)
    assert str(error.value) == sentence
    assert server.workers() == workers


def test_old_master_of_an_upgrade_is_refused_f33(nginx):
    server = nginx(text("8080"), main=MAIN)
    old, new = server.pid, server.upgrade()
    with pytest.raises(InputError) as error:
        reload(pid=old)
    assert str(error.value).startswith(f"nginx {old} was replaced by {new} in a binary upgrade and would not read its configuration again")
    assert reload(pid=new).values["applied"] is True


def test_process_that_took_the_pid_over_gets_no_signal(nginx):
    server = nginx(text("8080"), main=MAIN)
    (master,) = masters_of(PROC)
    with pytest.raises(ReadError, match=f"^nginx {server.pid} ended; run again$"):
        control.reload(PROC, master._replace(start_ticks=master.start_ticks - 1), 1)
    gone = Program(lambda: None)
    gone_pid, _told = gone.pid, gone.kill()
    with pytest.raises(ReadError, match=f"^nginx {gone_pid} ended; run again$"):
        control.reload(PROC, master._replace(pid=gone_pid), 1)


def test_signal_without_rights_f33(nginx):
    server = nginx(text("8080"), main=MAIN)
    (master,) = masters_of(PROC)

    def ask():
        try:
            control.reload(PROC, master, 1)
        except WriteError as error:
            return str(error)
        return None

    assert in_child(ask, before=drop_privileges) == f"nginx {server.pid} cannot be told to reload: Operation not permitted; become root on the host"


@pytest.mark.parametrize("is_check", [False, True], ids=["real", "check_mode"])
def test_master_whose_binary_may_not_be_read_is_named(nginx, is_check):
    server = nginx(text("8080"), main=MAIN)

    def ask():
        try:
            reload(is_check=is_check)
        except InputError as error:
            return str(error)
        return None

    sentence = in_child(ask, before=drop_privileges)
    assert sentence.startswith(f"the configuration of nginx {server.pid} is not known: ") and sentence.endswith("become root (CAP_SYS_PTRACE) on the host")


def test_master_that_ends_over_its_configuration(nginx):
    server = nginx(text("8080"), main=MAIN)
    (master,) = masters_of(PROC)
    Program(lambda: None, lambda: (time.sleep(0.2), os.kill(server.pid, signal.SIGKILL)))
    os.kill(server.pid, signal.SIGSTOP)
    done = control.reload(PROC, master, 5)
    assert (done.applied, done.has_ended) == (False, True)


def test_single_process_leaves_no_proof_f33(nginx):
    server = nginx(
        "master_process off; " + text("8080"),
        main="pid {folder}/nginx.pid; error_log {folder}/error.log; user root; events {{}}\n",
        daemon=False,
        workers=False,
    )
    for _attempt in range(200):
        if server.limits(8080):
            break
        time.sleep(0.01)
    server.write("master_process off; " + text("8080 backlog=77"))
    answer = reload(pid=server.pid)
    assert (answer.values["applied"], answer.failure, server.limits(8080), answer.values["needs"]) == (None, None, [77], "none")
    server.write("nonsense;")
    answer = reload(pid=server.pid)
    assert answer.values["applied"] is False
