# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found out about real running nginx: where it is, what it asked for, what it got."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import checked
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.read import collect as collect_facts
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_info.read import collect
from kernel_rooms import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_BIND_REC,
    MS_REC_PRIVATE,
    Program,
    call,
    drop_privileges,
    in_child,
    link_up,
    mount,
    netns,
    sysctl,
    unshare,
)
from nginx_server import PREAMBLE, Server, children, program, title, until

DEFAULTS = {"config": None, "prefix": None, "root": "/", "stub_status": False}
FACTS = {
    "gather_subset": ["all"], "namespaces": "own", "ports": [], "counters": "listed", "sample": 0, "sample_interval": 0.1, "nginx_status": False,
    "diagnose": False,
}  # fmt: skip


def version():
    """What the nginx of this room calls itself."""
    return subprocess.run([program(), "-v"], capture_output=True, text=True, check=True).stderr.split()[-1]


def info(**options):
    return json.loads(json.dumps(collect({**DEFAULTS, **options}, "/proc")))


def only(**options):
    answer = info(**options)
    assert answer["problems"] == []
    (config,) = answer["configs"]
    return config


def facts(**options):
    return json.loads(json.dumps(collect_facts(checked({**FACTS, **options}), "/proc")))


def limits(config):
    """{port: (limit, who must act)}"""
    return {row["local_port"]: (row["accept_queue_limit"], row["must_act"]["who"]) for row in config["sockets"] if "must_act" in row and "path" not in row}


def test_one_master(nginx):
    sysctl("net.core.somaxconn", 1000)
    server = nginx("http { server { listen 8080 backlog=77; listen 8081; } server { listen 8082 backlog=5000; listen 8083 reuseport; } }")
    config = only()
    assert (config["path"], config["problems"]) == (str(server.conf), [])
    assert limits(config) == {8080: (77, "nobody"), 8081: (511, "nobody"), 8082: (1000, "sysctl"), 8083: (511, "nobody")}
    assert all([each["accept_queue_limit"] for each in row["live"]] == server.limits(row["local_port"]) for row in config["sockets"])
    assert len(next(row for row in config["sockets"] if row["local_port"] == 8083)["live"]) == 2
    run = config["running"]
    assert (run["pid"], run["version"], run["netns"], run["root"], run["prefix"]) == (server.pid, version(), netns(), "/", "%s/" % server.folder)
    assert (run["exe"], run["exe_deleted"], run["command_line"]) == (os.readlink("/proc/%d/exe" % server.pid), False, title(server.pid))
    assert [(worker["pid"], worker["state"], worker["shutting_down"]) for worker in run["workers"]] == [(pid, "S", False) for pid in server.workers()]
    assert all(worker["open_files"] == len(os.listdir("/proc/%d/fd" % worker["pid"])) for worker in run["workers"])
    assert (run["worker_processes"], run["worker_connections"], run["master_process"]) == (2, 64, True)


def test_built_in_paths_are_those_that_nginx_prints(nginx):
    server = nginx("http { server { listen 8080; } }", main=PREAMBLE)
    shown = subprocess.run([program(), "-V"], capture_output=True, text=True, check=True).stderr
    run = only()["running"]
    assert "nginx version: %s\n" % run["version"] in shown
    help_text = subprocess.run([program(), "-h"], capture_output=True, text=True, check=True).stderr
    assert "(default: %s)" % run["error_log"] in help_text or "error log file" not in help_text  # before 1.19.5 it does not print it
    assert server.pid == run["pid"]


def test_default_configuration(tmp_path):
    """Started without any option: all paths come from the binary."""
    config_path = (
        subprocess.run([program(), "-h"], capture_output=True, text=True, check=True).stderr.partition("configuration file (default: ")[2].partition(")")[0]
    )
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / os.path.basename(config_path)).write_text(PREAMBLE.format(folder=tmp_path) + "http { server { listen 8080 backlog=33; } }")
    mount(tmp_path / "etc", os.path.dirname(config_path), "none", MS_BIND_REC)
    subprocess.run([program()], check=True)
    config = only()
    assert (config["path"], limits(config)) == (config_path, {8080: (33, "nobody")})


def test_relative_prefix_belongs_to_the_directory_in_which_it_was_started(nginx, tmp_path):
    server = Server(tmp_path / "a" / "b")
    server.write("http { server { listen 8080; } }")
    server.start(command=[program(), "-p", "b", "-c", "nginx.conf"], cwd=tmp_path / "a")
    config = only()
    assert (config["path"], config["running"]["prefix"]) == (str(server.conf), "%s/" % server.folder)


def test_stale_limit_after_somaxconn_was_raised(nginx):
    sysctl("net.core.somaxconn", 128)
    server = nginx("http { server { listen 8080 backlog=2048; } }")
    sysctl("net.core.somaxconn", 4096)
    server.reload()
    config = only()
    assert limits(config) == {8080: (128, "socket_backlog")}
    assert config["sockets"][0]["stale_limit"] is True
    row = facts()["namespaces"][0]["listeners"][0]
    assert (row["listen_backlog"], row["limited_by"], row["stale_limit"], row["must_act"]["who"]) == (2048, "somaxconn", True, "socket_backlog")


def test_configuration_that_was_not_reloaded(nginx):
    server = nginx("http { server { listen 8080; } }")
    time.sleep(0.05)  # when a worker started is known to a hundredth of a second
    server.write("http { server { listen 8080 backlog=1000; } server { listen 9090; } }")
    config = only()
    assert limits(config) == {8080: (511, "reload"), 9090: (None, "reload")}
    (row,) = facts()["namespaces"][0]["nginx"]
    assert [each["local_port"] for each in row["not_listening"]] == [9090]
    (listener,) = facts()["namespaces"][0]["listeners"]
    assert listener["must_act"] == {"who": "reload", "because": "the limit is 511 and should be 1000; the configuration changed since nginx read it"}
    server.reload()
    assert limits(only()) == {8080: (1000, "nobody"), 9090: (511, "nobody")}
    assert "not_listening" not in facts()["namespaces"][0]["nginx"][0]


def test_specific_address_that_a_wildcard_shadows(nginx):
    """nginx -t and the reload succeed and nothing changes."""
    server = nginx("http { server { listen 8080; } }")
    server.write("http { server { listen 8080; } server { listen 127.0.0.1:8080 backlog=1000; } }")
    server.signal(signal.SIGHUP)
    until(lambda: "still could not bind" in server.errors(), "the reload")
    rows = {row["local_address"]: row["must_act"] for row in only()["sockets"]}
    assert rows["127.0.0.1"]["who"] == "config"
    assert "%s:2: bind() to 127.0.0.1:8080 will fail" % server.conf in rows["127.0.0.1"]["because"]
    (row,) = facts()["namespaces"][0]["nginx"]
    assert [(each["local_address"], each["must_act"]["who"]) for each in row["not_listening"]] == [("127.0.0.1", "config")]


def test_two_masters(nginx):
    one, other = nginx("http { server { listen 8080 backlog=1; } }"), nginx("http { server { listen 9090 backlog=2; } }", name="other")
    found = {config["running"]["pid"]: limits(config) for config in info()["configs"]}
    assert found == {one.pid: {8080: (1, "nobody")}, other.pid: {9090: (2, "nobody")}}
    assert only(config=str(other.conf))["running"]["pid"] == other.pid


def test_upgrade(nginx):
    server = nginx("http { server { listen 8080; } }")
    new = server.upgrade()
    old_config, new_config = info()["configs"]
    assert (old_config["running"]["pid"], old_config["running"]["newer"], new_config["running"]["older"]) == (server.pid, new, server.pid)
    assert limits(old_config) == limits(new_config) == {8080: (511, "nobody")}
    assert [worker["pid"] for worker in new_config["running"]["workers"]] == children(new)
    assert {(row["pid"], row.get("older"), row.get("newer")) for row in facts()["namespaces"][0]["nginx"]} == {(server.pid, None, new), (new, server.pid, None)}


def test_workers_that_end(nginx):
    server = nginx("http { server { listen 8080; } }")
    keeping = subprocess.Popen(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET / HTTP/1.1' >&3; sleep 20"])
    until(lambda: len(os.listdir("/proc/%d/fd" % keeping.pid)) > 3, "the connection")
    old = set(server.workers())
    until(lambda: any("accept" not in Path("/proc/%d/wchan" % pid).read_text() for pid in old), "the workers")
    server.reload()
    run = only()["running"]
    assert {worker["pid"] for worker in run["workers"] if not worker["shutting_down"]} == set(server.workers())
    assert {worker["pid"] for worker in run["workers"] if worker["shutting_down"]} <= old
    keeping.kill()
    keeping.wait()


def test_deleted_binary(nginx, tmp_path):
    copy = tmp_path / "nginx-copy"
    shutil.copy(program(), copy)
    server = Server(tmp_path / "n")
    server.write("http { server { listen 8080; } }")
    server.start(command=[str(copy), "-p", str(server.folder), "-c", str(server.conf)])
    copy.unlink()
    run = only()["running"]
    assert (run["exe"], run["exe_deleted"], run["version"], run["name"]) == (str(copy), True, version(), "nginx-copy")


def test_master_process_off(nginx):
    server = nginx("master_process off; http { server { listen 8080 backlog=9; } }", daemon=False, workers=False)
    until(lambda: server.limits(8080), "the start")
    config = only()
    assert (config["running"]["pid"], config["running"]["master_process"], config["running"]["workers"]) == (server.pid, False, [])
    assert (config["path"], limits(config)) == (str(server.conf), {8080: (9, "nobody")})
    assert facts()["namespaces"][0]["nginx"][0]["workers"] == 1


@pytest.mark.parametrize("environment", [{}, {"A": "x" * 200}], ids=["too_small", "large_enough"])
def test_title_in_the_room_of_arguments_and_environment(nginx, tmp_path, environment):
    server = Server(tmp_path / "n")
    server.write("http { server { listen 8080; } }")
    server.start(command=[program(), "-c", str(server.conf), "-q"], env=environment, workers=False)
    until(lambda: len(children(server.pid)) == 2, "the start")
    config = only()
    if environment:
        assert (config["path"], config["problems"]) == (str(server.conf), [])
    else:
        assert config["path"] is None
        assert config["problems"] == [
            "the command line of nginx %d is cut, because its environment is too small to hold it; name its configuration yourself" % server.pid
        ]
    assert len(config["running"]["workers"]) == 2


def test_listens_of_all_kinds(nginx, tmp_path):
    server = nginx(
        "http { server { listen [::]:8080 backlog=1; } server { listen 127.0.0.1:8081-8083 backlog=2; listen unix:%s/x.sock backlog=3; } }" % tmp_path
    )
    config = only()
    rows = {row.get("path") or (row["local_address"], row["local_port"]): row for row in config["sockets"]}
    assert {key: row["accept_queue_limit"] for key, row in rows.items()} == {
        ("::", 8080): 1, ("127.0.0.1", 8081): 2, ("127.0.0.1", 8082): 2, ("127.0.0.1", 8083): 2, "%s/x.sock" % tmp_path: 3,
    }  # fmt: skip
    assert {row["must_act"]["who"] for row in rows.values()} == {"nobody"}
    listeners = facts()["namespaces"][0]["listeners"]
    assert sorted(row["listen_backlog"] for row in listeners) == [1, 2, 2, 2, 3]
    assert {row["source"]["path"] for row in listeners} == {str(server.conf)}


def test_port_of_another_program(nginx, tmp_path):
    from kernel_traffic import listen, port_of

    port = Program(lambda: port_of(listen("127.0.0.1", 5))).told
    server = nginx("http { server { listen 8080; } }")
    server.write("http { server { listen 8080; } server { listen 127.0.0.1:%d; } }" % port)
    row = next(row for row in only()["sockets"] if row["local_port"] == port)
    assert row["must_act"] == {"who": "config", "because": "another process listens on 127.0.0.1:%d; stop it, or let nginx listen elsewhere" % port}


STATUS = "http { server { listen 8080; location = /status { stub_status; } } }"


def test_stub_status(nginx):
    nginx(STATUS)
    assert "stub_status" not in only()["running"]
    first, second = (only(stub_status=True)["running"]["stub_status"] for _time in range(2))
    assert (first["accepts"], first["handled"], first["gap"], first["active"]) == (1, 1, 0, 1)
    assert second["accepts"] == 2
    assert facts(nginx_status=True)["namespaces"][0]["nginx"][0]["stub_status"]["accepts"] == 3
    assert "stub_status" not in facts()["namespaces"][0]["nginx"][0]


def test_stub_status_of_a_namespace_where_nobody_answers(nginx):
    server = nginx(STATUS)
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    until(lambda: {worker["state"] for worker in only()["running"]["workers"]} == {"T"}, "the stop")
    config = only(stub_status=True)
    assert (config["running"]["stub_status"], config["problems"]) == (None, ["http://127.0.0.1:8080/status: no answer in time"])


def test_stub_status_that_is_forbidden(nginx):
    nginx("http { server { listen 8080; location = /status { stub_status; deny all; } } }")
    config = only(stub_status=True)
    assert (config["running"]["stub_status"], config["problems"]) == (None, ["http://127.0.0.1:8080/status: the answer is 403"])


# Containers -----------------------------------------------------------------------------------------------------------


def contain(folder, text):
    """Start nginx in network, mount and PID namespaces of its own, with ``folder``/root as its root, as container runtimes do.

    Its /etc/nginx is its own; the programs are the host's.
    """
    root = folder / "root"
    for name in ("etc", "proc", "dev", "run", "tmp", "var/lib/nginx", "var/log/nginx", "old", "usr", "lib", "lib64", "bin", "sbin"):
        (root / name).mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy("/etc/" + name, root / "etc" / name)
    (root / "etc/nginx").mkdir()
    (root / "etc/nginx/nginx.conf").write_text("pid /run/nginx.pid; user root; error_log /tmp/e; events { worker_connections 64; }\n" + text)

    def enter():
        unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)
        link_up("lo")
        told = netns()
        mount("none", "/", "none", MS_REC_PRIVATE)
        mount(root, root, "none", MS_BIND_REC)
        for name in ("usr", "lib", "lib64", "bin", "sbin", "dev"):
            if Path("/" + name).is_dir():
                mount("/" + name, root / name, "none", MS_BIND_REC)
        if not os.fork():
            call("pivot_root", os.fsencode(root), os.fsencode(root / "old"))
            os.chdir("/")
            mount("proc", "/proc", "proc")
            call("umount2", b"/old", 2)  # MNT_DETACH
            os.execv(program(), ["nginx", "-g", "daemon off;"])  # noqa: S606
        return told

    return Program(enter)


def container_master():
    """The pid of the nginx that is pid 1 of its namespace, as we see it."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and title(int(entry)).startswith("nginx: master"):
            status = Path("/proc", entry, "status").read_text()
            if "NSpid:\t%s\t1\n" % entry in status and children(int(entry)):
                return int(entry)
    return None


def test_container(nginx, tmp_path):
    outside = nginx("http { server { listen 8080 backlog=5; } }")
    (tmp_path / "outside.conf").write_text("server { listen 666; }")
    text = "http { include /etc/nginx/sites/*; server { listen 8080 backlog=44; location = /s { stub_status; } } }"
    container = contain(tmp_path / "c", text)
    sites = tmp_path / "c/root/etc/nginx/sites"
    sites.mkdir()
    pid = until(container_master, "the container")
    # A hostile container: after the start it points where only the host should look.
    (sites / "a").symlink_to("/etc/nginx/../../outside.conf")
    (sites / "b").symlink_to("../../../../../../../../../../../..%s/outside.conf" % tmp_path)
    answer = {config["running"]["pid"]: config for config in info(stub_status=True)["configs"]}
    assert set(answer) == {outside.pid, pid}
    config = answer[pid]
    run = config["running"]
    assert (config["path"], run["inner_pid"], run["netns"], run["root"]) == ("/etc/nginx/nginx.conf", 1, container.told, "/proc/%d/root" % pid)
    assert limits(config) == {8080: (44, "nobody")}
    assert run["stub_status"]["accepts"] == 1
    assert all("cannot be read: No such file or directory" in problem for problem in config["problems"])
    assert len(config["problems"]) == 2
    assert limits(answer[outside.pid]) == {8080: (5, "nobody")}
    found = {row["netns"]: row["nginx"][0]["pid"] for row in facts(namespaces="all")["namespaces"] if "nginx" in row}
    assert found == {netns(): outside.pid, container.told: pid}
    assert only(config="/etc/nginx/nginx.conf", root="/proc/%d/root" % pid)["running"]["pid"] == pid


def test_chroot(tmp_path):
    """The same mount namespace and another root: links show the directory as we see it."""
    root = tmp_path / "jail"
    for name in ("etc/nginx", "run", "tmp", "dev", "var/lib/nginx", "var/log/nginx", "usr", "lib", "lib64"):
        (root / name).mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy("/etc/" + name, root / "etc" / name)
    (root / "etc/nginx/n.conf").write_text("pid /run/nginx.pid; user root; error_log /tmp/e; events { } http { server { listen 8080 backlog=3; } }")
    for name in ("usr", "lib", "lib64", "dev"):
        mount("/" + name, root / name, "none", MS_BIND_REC)

    def enter():
        os.chroot(root)
        os.chdir("/etc")
        subprocess.run([program(), "-p", "nginx", "-c", "n.conf"], check=True)

    Program(enter)
    config = until(lambda: [config for config in info()["configs"] if limits(config)], "the start")[0]
    assert (config["path"], limits(config)) == ("/etc/nginx/n.conf", {8080: (3, "nobody")})
    assert config["running"]["root"] == "/proc/%d/root" % config["running"]["pid"]


# Rights ---------------------------------------------------------------------------------------------------------------


def test_nobody_gets_a_labelled_partial_answer(nginx):
    server = nginx("http { server { listen 8080 backlog=7; } }")

    def ask():
        drop_privileges()
        return info(), facts(gather_subset=["all", "!syn_queue"])

    answer, gathered = in_child(ask)
    (config,) = answer["configs"]
    run = config["running"]
    assert (run["pid"], run["version"], run["netns"], config["listens"]) == (server.pid, None, None, None)
    assert [worker["state"] for worker in run["workers"]] == ["S", "S"]
    assert config["problems"] == ["version and files of nginx %d are not known; become root (CAP_SYS_PTRACE) on the host" % server.pid]
    assert "nginx_unknown" in [problem["code"] for problem in gathered["problems"]]
    assert (gathered["complete"], gathered["namespaces"][0]["listeners"][0]["limited_by"]) == (False, "unknown")
