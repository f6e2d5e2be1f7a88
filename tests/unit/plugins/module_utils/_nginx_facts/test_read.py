# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subset nginx of the facts, on a procfs made of files."""

import builtins
import errno
import json

import pytest
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import WORKER, add_nginx
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fail, listener, unix_listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import World

CONF = "events { worker_connections 4096; } http { server { listen 80 backlog=1000; listen unix:/run/x.sock; } server { listen 81; } }"


@pytest.fixture
def world(tmp_path, monkeypatch):
    return NginxWorld(tmp_path, monkeypatch)


class NginxWorld(World):
    """A World with one nginx (pid 5) that holds socket 1080 (and more, when given)."""

    def __init__(self, path, monkeypatch):
        super().__init__(path / "proc", monkeypatch)
        self._roots = path / "roots"

    def nginx(self, pid=5, conf=CONF, root="a", **values):
        folder = self._roots / root
        (folder / "etc/nginx").mkdir(parents=True, exist_ok=True)
        if conf is not None:
            (folder / "etc/nginx/nginx.conf").write_text(conf)
        add_nginx(self, pid, root=folder, **{"fds": {3: "socket:[1080]", 4: "socket:[77]"}, **values})
        return folder

    def only(self, **options):
        facts = self.facts(**options)
        (namespace,) = facts["namespaces"]
        assert json.loads(json.dumps(facts)) == facts
        return namespace, facts["problems"]


def test_listeners_know_what_was_asked_for(world):
    world.nginx()
    world.nginx(6, cmdline=WORKER, parent=5, conf=None)
    world.kernel[world.own] = {"tcp": [listener(accept_queue_limit=1000), listener(port=22)], "unix": [unix_listener(accept_queue_limit=128)]}
    world.process(7, name=b"sshd", fds={3: "socket:[1022]"})
    namespace, problems = world.only()
    ssh, web, unix = namespace["listeners"]
    source = {"path": "/etc/nginx/nginx.conf", "line": 1}
    assert (web["listen_backlog"], web["source"], web["limited_by"], web["stale_limit"], "must_act" in web) == (1000, source, "backlog", False, False)
    assert (unix["listen_backlog"], unix["limited_by"], unix["stale_limit"]) == (511, "somaxconn", True)
    assert unix["must_act"]["who"] == "reload"  # the worker is older than its file
    assert (ssh["limited_by"], ssh["stale_limit"], "listen_backlog" in ssh) == ("unknown", None, False)
    assert problems == []
    (row,) = namespace["nginx"]
    assert {key: row[key] for key in ("pid", "name", "version", "config", "workers", "worker_connections", "open_files_limit")} == {
        "pid": 5, "name": "nginx", "version": "nginx/1.22.1", "config": "/etc/nginx/nginx.conf", "workers": 1, "worker_connections": 4096,
        "open_files_limit": 1024,
    }  # fmt: skip
    assert row["not_listening"] == [
        {
            "local_address": "0.0.0.0",
            "local_port": 81,
            "must_act": {
                "who": "reload",
                "because": "nginx runs and does not listen there: its running configuration is another one; if a reload does not help, its error log says why",
            },
        }
    ]
    assert row["advice"][0] == "a worker may open 1024 files but has worker_connections 4096; set worker_rlimit_nofile to at least twice that"
    assert set(row) == set("pid name started_at version config workers open_files open_files_limit worker_connections not_listening advice".split())


WITHOUT = {"not_asked": ["all", "!nginx"], "min": ["min"]}


@pytest.mark.parametrize("subset", WITHOUT.values(), ids=WITHOUT)
def test_without_the_subset(world, subset):
    world.nginx()
    world.kernel[world.own] = {"tcp": [listener()]}
    namespace, _problems = world.only(gather_subset=subset)
    assert ("nginx" in namespace, "listen_backlog" in namespace["listeners"][0]) == (False, False)


def test_host_without_nginx_imports_no_code_of_it(world, monkeypatch):
    world.kernel[world.own] = {"tcp": [listener(port=22)]}
    world.process(7, name=b"sshd", fds={3: "socket:[1022]"})
    fail(monkeypatch, "open", "7/comm", errno.EIO)
    real_import, imported = builtins.__import__, []
    monkeypatch.setattr(builtins, "__import__", lambda name, *rest: imported.append(name) or real_import(name, *rest))
    namespace, problems = world.only()
    assert ("nginx" in namespace, problems, [name for name in imported if "nginx" in name]) == (False, [], [])


def test_ports_hide_the_other_addresses(world):
    world.nginx()
    world.kernel[world.own] = {"tcp": [listener(accept_queue_limit=1000)]}
    namespace, _problems = world.only(ports=[80])
    assert "not_listening" not in namespace["nginx"][0]
    assert namespace["listeners"][0]["listen_backlog"] == 1000


def test_subset_alone(world):
    """No sockets were asked for, so nothing can be said about them."""
    world.nginx()
    namespace, problems = world.only(gather_subset=["!min", "nginx"])
    assert (namespace["nginx"][0]["pid"], "not_listening" in namespace["nginx"][0], "listeners" in namespace, problems) == (5, False, False, [])


def test_each_namespace_has_its_own(world):
    blue = world.namespace("blue")
    world.kernel.update({world.own: {"tcp": [listener(accept_queue_limit=1000)]}, blue: {"tcp": [listener(accept_queue_limit=200, inode=9, cookie=9)]}})
    world.nginx()
    world.nginx(8, conf="http { server { listen 80 backlog=200; } }", root="b", netns=blue, fds={3: "socket:[9]"}, mntns=2)
    facts = world.facts(namespaces="all")
    found = {row["netns"]: (row["nginx"][0]["pid"], row["listeners"][0]["listen_backlog"]) for row in facts["namespaces"]}
    assert found == {world.own: (5, 1000), blue: (8, 200)}
    assert [row["pid"] for row in world.facts()["namespaces"][0]["nginx"]] == [5]


def test_configuration_that_cannot_be_read(world):
    world.nginx(conf="http { include no.conf; server { listen 80 backlog=1000; } }")
    world.kernel[world.own] = {"tcp": [listener(accept_queue_limit=1000)]}
    namespace, problems = world.only(gather_subset=["all", "!unix"])
    assert namespace["listeners"][0]["listen_backlog"] == 1000
    sentence = "/etc/nginx/nginx.conf:1: the included file /etc/nginx/no.conf cannot be read: No such file or directory"
    assert [(problem["code"], problem["message"]) for problem in problems] == [("nginx_config", sentence)]


def test_host_name_that_is_not_resolved_is_no_missing_socket(world):
    world.nginx(conf="http { server { listen web.example:80; } }")
    world.kernel[world.own] = {"tcp": [listener()]}
    namespace, _problems = world.only(gather_subset=["all", "!unix"])
    assert "not_listening" not in namespace["nginx"][0]


def test_no_configuration_at_all(world):
    world.nginx(conf=None)
    world.kernel[world.own] = {"tcp": [listener()]}
    namespace, problems = world.only(gather_subset=["all", "!unix"])
    assert (namespace["nginx"][0]["worker_connections"], namespace["listeners"][0]["limited_by"]) == (None, "unknown")
    assert [problem["code"] for problem in problems] == ["nginx_config"]


def test_somebody_elses_nginx(world, monkeypatch):
    world.nginx()
    world.kernel[world.own] = {"tcp": [listener()]}
    fail(monkeypatch, "open", "5/exe", errno.EACCES)
    for name in ("exe", "ns/net"):
        fail(monkeypatch, "readlink", "5/" + name, errno.EACCES)
    namespace, problems = world.only(gather_subset=["!min", "sockets", "nginx"])
    assert "nginx" not in namespace
    assert ("nginx_unknown", "version and files of nginx 5 are not known; become root (CAP_SYS_PTRACE) on the host") in [
        (problem["code"], problem["message"]) for problem in problems
    ]


def test_worker_without_master(world):
    world.nginx(6, cmdline=WORKER)
    world.kernel[world.own] = {"tcp": [listener()]}
    facts = world.facts(gather_subset=["all", "!unix"])
    assert ([problem["code"] for problem in facts["problems"]], facts["complete"]) == (["nginx_orphaned"], True)


def test_status_that_gives_no_answer(world):
    world.nginx(conf="http { server { listen 127.0.0.1:1; location = /s { stub_status; } } }")
    world.kernel[world.own] = {"tcp": [listener()]}
    namespace, problems = world.only(gather_subset=["all", "!unix"], nginx_status=True)
    assert "stub_status" not in namespace["nginx"][0]
    assert [problem["message"] for problem in problems] == ["http://127.0.0.1:1/s: Connection refused"]


def test_no_status_page(world):
    world.nginx()
    world.kernel[world.own] = {"tcp": [listener()]}
    namespace, problems = world.only(gather_subset=["all", "!unix"], nginx_status=True)
    assert ("stub_status" in namespace["nginx"][0], problems) == (False, [])
