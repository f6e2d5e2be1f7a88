# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option diagnose says of a real nginx: its workers, what it writes to its error logs in the window, and its file systems."""

import json
import os
import signal
import socket
import threading
import time

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import checked
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.read import collect
from ansible_collections.netops.listen_queue.plugins.module_utils._window.read import Window
from kernel_rooms import mount
from nginx_server import until

OPTIONS = {
    "gather_subset": ["all"], "namespaces": "own", "ports": [], "counters": "listed", "sample": 1.0, "sample_interval": 0.05, "nginx_status": False,
    "diagnose": True,
}  # fmt: skip
MAIN = "pid {folder}/nginx.pid; error_log {folder}/error.log info; user root; worker_processes 1; %s\n"
SMALL = MAIN % "events {{ worker_connections 16; }}"
FEW_FILES = MAIN % "worker_rlimit_nofile 24; events {{ worker_connections 512; }}"
LISTEN = "http { access_log off; server { listen 127.0.0.1:8080; return 204; } }"


@pytest.fixture
def in_the_window(monkeypatch):
    """A function that lets something happen when the window is open, 0.2 seconds after it was opened."""

    def arrange(action):
        original = Window.run

        def run(window):
            threading.Timer(0.2, action).start()
            return original(window)

        monkeypatch.setattr(Window, "run", run)

    return arrange


def look():
    """The facts, and those of the only nginx of this room."""
    answer = json.loads(json.dumps(collect(checked(OPTIONS), "/proc")))
    (row,) = answer["namespaces"][0]["nginx"]
    return answer, row


def clients(number):
    """Connections that say nothing."""
    kept = []
    for _turn in range(number):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", 8080))
        kept.append(client)
    return kept


def test_connection_slots_run_out_in_the_window(nginx, in_the_window):
    server = nginx(LISTEN, main=SMALL)
    kept = []
    in_the_window(lambda: kept.extend(clients(30)))
    _answer, row = look()
    log = row["error_log"]
    written = server.errors().count("worker_connections are not enough")
    assert written > 0
    assert log["paths"] == [str(server.folder / "error.log")]
    assert log["counts"]["worker_connections"] == written
    assert log["counts"]["too_many_open_files"] == 0
    assert all("16 worker_connections are not enough" in line for line in log["lines"] if "[alert]" in line)
    assert not [line for line in log["lines"] if "[info]" in line or "[notice]" in line]


def test_a_quiet_window_has_nothing_of_before(nginx):
    server = nginx(LISTEN, main=SMALL)
    kept = clients(30)
    until(lambda: "worker_connections are not enough" in server.errors(), "the message")
    for client in kept:
        client.close()
    time.sleep(0.6)  # nginx waits half a second before it accepts again
    _answer, row = look()
    assert (row["error_log"]["lines"], set(row["error_log"]["counts"].values())) == ([], {0})


def test_what_accept_refuses_is_in_the_log_of_the_server(nginx, in_the_window):
    server = nginx(LISTEN.replace("return 204;", "return 204; error_log server.log;"), main=FEW_FILES)
    kept = []
    in_the_window(lambda: kept.extend(clients(40)))
    answer, row = look()
    assert row["error_log"]["paths"] == [str(server.folder / "error.log"), str(server.folder / "server.log")]
    assert row["error_log"]["counts"]["too_many_open_files"] > 0
    assert any("accept4() failed (24: Too many open files)" in line for line in row["error_log"]["lines"])
    assert "accept4() failed" not in server.errors()
    (worker,) = [each for each in answer["workers"] if each.get("role") == "worker"]
    assert (worker["open_files"], worker["open_files_limit"]) == (24, 24)


def test_master_and_workers(nginx):
    server = nginx("http { server { listen 8080; } }")
    answer, row = look()
    roles = {worker["pid"]: worker["role"] for worker in answer["workers"]}
    assert roles == {server.pid: "master", **dict.fromkeys(server.workers(), "worker")}
    (listener,) = [listener for listener in answer["namespaces"][0]["listeners"] if listener.get("local_port") == 8080]
    assert listener["workers"] == sorted(roles)
    assert row["error_log"]["lines"] == []


def test_a_log_that_is_rotated_in_the_window(nginx, in_the_window):
    server = nginx(LISTEN, main=SMALL)
    log, kept = server.folder / "error.log", []

    def rotate():
        kept.extend(clients(30))
        until(lambda: "worker_connections are not enough" in log.read_text(), "the message")
        log.rename(server.folder / "error.log.1")
        os.kill(server.pid, signal.SIGUSR1)
        until(log.exists, "the new log")
        kept.extend(clients(3))

    in_the_window(rotate)
    _answer, row = look()
    both = sum((server.folder / name).read_text().count("worker_connections are not enough") for name in ("error.log", "error.log.1"))
    assert row["error_log"]["counts"]["worker_connections"] == both > 0


def test_a_log_that_is_cut_in_the_window(nginx, in_the_window):
    server = nginx(LISTEN, main=SMALL)
    log = server.folder / "error.log"
    line = "2026/11/21 04:03:11 [crit] 1#1: something\n"
    log.write_text(line * 1000)
    in_the_window(lambda: log.write_text(line * 3))
    _answer, row = look()
    assert row["error_log"]["counts"]["crit"] == 3


def test_hostile_bytes_are_shown_and_not_counted(nginx, in_the_window):
    nginx("http { access_log off; server { listen 127.0.0.1:8080; root /usr/share; } }")

    def ask():
        with socket.create_connection(("127.0.0.1", 8080)) as client:
            # The request is a part of the message; what stands in it looks like messages of nginx.
            client.sendall(b"GET /%1b[31m%ff%0A24:%20worker_connections%20are%20not%20enough%22%20failed%20(24:%20Too HTTP/1.0\r\n\r\n")
            client.recv(100)

    in_the_window(ask)
    _answer, row = look()
    (line,) = [line for line in row["error_log"]["lines"] if "[error]" in line]
    assert "\\x1b[31m\\xff" in line
    assert line.isprintable()
    assert (row["error_log"]["counts"]["worker_connections"], row["error_log"]["counts"]["too_many_open_files"]) == (0, 0)


def test_file_systems_are_told_by_the_mounts_of_the_worker(nginx, tmp_path):
    mounted, link = tmp_path / "mounted", tmp_path / "link"
    mounted.mkdir()
    link.symlink_to(mounted / "inner")
    mount("tmpfs", mounted, "tmpfs")
    (mounted / "inner").mkdir()
    text = "http { access_log off; server { listen 8080; root %s; location /a { alias %s/; } "
    text += "location /b { root $host/x; } location /c { root /proc/$pid; } } }"
    server = nginx(text % (mounted, link))
    _answer, row = look()
    found = {(each["directive"], each["path"]): each["type"] for each in row["file_systems"]}
    here = found.pop(("error_log", str(server.folder / "error.log")))
    assert found == {("root", str(mounted)): "tmpfs", ("alias", str(link) + "/"): "tmpfs", ("root", "$host/x"): None, ("root", "/proc/$pid"): "proc"}
    assert here
    assert row["file_systems"][0]["source"] == {"path": str(server.conf), "line": 1}


def test_a_log_that_is_no_file(nginx):
    nginx(LISTEN, main="pid {folder}/nginx.pid; error_log stderr; user root; worker_processes 1; events {{ }}\n")
    answer, row = look()
    assert row["error_log"] is None
    (problem,) = [problem for problem in answer["problems"] if problem["code"] == "nginx_no_error_log"]
    assert problem["message"].endswith("writes its errors to stderr, which is no file")


def test_a_log_that_is_a_pipe(nginx):
    os.mkfifo("/run/pipe")
    reader = os.open("/run/pipe", os.O_RDWR)
    nginx(LISTEN, main="pid {folder}/nginx.pid; error_log /run/pipe; user root; worker_processes 1; events {{ }}\n")
    answer, row = look()
    os.close(reader)
    assert row["error_log"] is None
    (problem,) = [problem for problem in answer["problems"] if problem["code"] == "nginx_error_log"]
    assert problem["message"].endswith("cannot be read: /run/pipe: it is a FIFO, not a file")
