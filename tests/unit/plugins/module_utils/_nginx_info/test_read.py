# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_listen_info on a procfs made of files."""

import errno
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError, InputError, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_info import read as info_read
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import WORKER, add_nginx
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fail, listener, unix_listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import Diag, World

DEFAULTS = {"config": None, "prefix": None, "root": "/", "stub_status": False}
CONF = """http {
  server { listen 80 backlog=1000; server_name a.example b.example; }
  server { server_name none; }
  server { listen 8080-8082 default_server ssl; listen [::]:80; listen unix:/run/x.sock; listen nowhere.example:9; }
}
"""


@pytest.fixture
def world(tmp_path, monkeypatch):
    return InfoWorld(tmp_path, monkeypatch)


class InfoWorld(World):
    def __init__(self, path, monkeypatch):
        super().__init__(path / "proc", monkeypatch)
        monkeypatch.setattr(info_read, "SockDiag", lambda: Diag(self))
        self.roots = path / "roots"
        self.kernel[self.own] = {}

    def folder(self, root, conf=CONF):
        folder = self.roots / root
        (folder / "etc/nginx").mkdir(parents=True, exist_ok=True)
        (folder / "etc/nginx/nginx.conf").write_text(conf)
        return folder

    def nginx(self, pid=5, conf=CONF, root="a", **values):
        folder = self.folder(root, conf)
        add_nginx(self, pid, root=folder, **{"fds": {3: "socket:[1080]", 4: "socket:[77]"}, **values})
        return folder

    def info(self, **options):
        answer = info_read.collect({**DEFAULTS, **options}, str(self.root))
        assert json.loads(json.dumps(answer)) == answer
        return answer

    def only(self, **options):
        answer = self.info(**options)
        (config,) = answer["configs"]
        return config


def test_nothing_runs(world):
    assert world.info() == {"configs": [], "problems": []}


def test_every_listen(world):
    world.nginx()
    rows = world.only()["listens"]
    assert [(row["line"], row["args"], row["implicit"], row["server_names"]) for row in rows] == [
        (2, ["80", "backlog=1000"], False, ["a.example", "b.example"]),
        (3, [], True, ["none"]),
        (4, ["8080-8082", "default_server", "ssl"], False, []),
        (4, ["[::]:80"], False, []),
        (4, ["unix:/run/x.sock"], False, []),
        (4, ["nowhere.example:9"], False, []),
    ]
    assert rows[0] == {
        "file": "/etc/nginx/nginx.conf", "line": 2, "context": "http", "server_names": ["a.example", "b.example"], "args": ["80", "backlog=1000"],
        "local_address": "0.0.0.0", "local_port": 80, "listen_backlog": 1000, "is_default_backlog": False, "reuseport": False, "ssl": False, "quic": False,
        "udp": False, "default_server": False, "options_owner": True, "implicit": False,
    }  # fmt: skip
    assert (rows[2]["local_port"], rows[2]["last_port"], rows[2]["ssl"], rows[2]["default_server"], rows[2]["options_owner"]) == (8080, 8082, True, True, False)
    assert (rows[4]["path"], "local_port" in rows[4]) == ("/run/x.sock", False)
    assert (rows[5]["local_address"], rows[5]["name"], len(rows[5]["faults"])) == (None, "nowhere.example", 1)


def test_every_socket(world):
    world.nginx()
    world.kernel[world.own] = {"tcp": [listener(accept_queue_limit=1000, drops=3)], "unix": [unix_listener(accept_queue_limit=128)]}
    rows = {(row.get("local_address"), row.get("local_port"), row.get("path")): row for row in world.only()["sockets"]}
    assert rows["0.0.0.0", 80, None] == {
        "local_address": "0.0.0.0", "local_port": 80, "context": "http", "protocol": "tcp", "options_owner": {"path": "/etc/nginx/nginx.conf", "line": 2},
        "listen_backlog": 1000, "is_default_backlog": False, "reuseport": False, "somaxconn": 4096, "accept_queue_limit": 1000, "stale_limit": False,
        "must_act": {"who": "nobody", "because": "the limit is what the configuration asks for"},
        "live": [{"accept_queue_length": 0, "accept_queue_limit": 1000, "drops": 3}],
    }  # fmt: skip
    unix = rows[None, None, "/run/x.sock"]
    assert (unix["accept_queue_limit"], unix["stale_limit"], unix["must_act"]["who"], unix["options_owner"]) == (128, True, "socket_backlog", None)
    assert {port for _address, port, _path in rows} == {80, 8080, 8081, 8082, None, 9}


def test_running(world):
    world.nginx(cgroup=b"0::/system.slice/nginx.service\n", inner=1)
    add_nginx(world, 6, WORKER, parent=5, root=world.roots / "a", fds={0: "pipe:[1]"})
    run = world.only()["running"]
    assert {key: run[key] for key in run if key not in ("started_at", "workers", "exe", "root")} == {
        "pid": 5, "name": "nginx", "unit": "nginx.service", "inner_pid": 1, "version": "nginx/1.22.1", "exe_deleted": False, "netns": world.own,
        "command_line": "nginx: master process /usr/sbin/nginx", "prefix": "/usr/share/nginx/", "error_log": "stderr", "master_process": True,
        "worker_processes": 1, "worker_connections": 512, "is_proxy": False,
    }  # fmt: skip
    (worker,) = run["workers"]
    assert {key: worker[key] for key in worker if key != "open_files"} == {
        "pid": 6, "role": "worker", "shutting_down": False, "state": "S", "wchan": "do_epoll_wait", "cpu_seconds": 0.0, "open_files_limit": 1024,
    }  # fmt: skip


def test_container_in_a_namespace_of_its_own(world):
    blue = world.namespace("blue")
    world.nginx(netns=blue, mntns=2)
    world.way_in(blue, "5/ns/net")
    world.kernel[blue] = {"tcp": [listener(accept_queue_limit=1000)]}
    config = world.only()
    assert (config["running"]["netns"], config["sockets"][0]["accept_queue_limit"], world.entered[-1]) == (blue, 1000, world.own)


def test_namespace_that_cannot_be_entered(world):
    blue = world.namespace("blue")
    world.nginx(netns=blue)
    world.way_in(blue, "5/ns/net")
    world.refuse[blue] = errno.EPERM
    answer = world.info()
    row = answer["configs"][0]["sockets"][0]
    assert (row["accept_queue_limit"], row["somaxconn"], row["must_act"]["who"]) == (None, None, None)
    assert [problem["code"] for problem in answer["problems"]] == ["netns_denied"]


def test_configuration_that_does_not_run(world):
    root = str(world.folder("b"))
    config = world.only(config="/etc/nginx/nginx.conf", root=root)
    assert (config["path"], config["running"], config["problems"], config["advice"]) == ("/etc/nginx/nginx.conf", None, [], [])
    because = "nginx does not run; when it starts the limit will be 1000"
    assert config["sockets"][0]["must_act"] == {"who": "nobody", "because": because}
    assert world.only(config="nginx.conf", prefix="/etc/nginx", root=root)["path"] == "/etc/nginx/nginx.conf"


def test_configuration_that_runs_is_recognised_by_its_file(world):
    folder = world.nginx()
    (folder / "other.conf").symlink_to("etc/nginx/nginx.conf")
    world.nginx(8, root="b", fds={})
    config = world.only(config="/other.conf", root=str(folder))
    assert (config["running"]["pid"], config["path"]) == (5, "/etc/nginx/nginx.conf")


def test_one_configuration_of_two_masters(world):
    world.nginx()
    world.nginx(8, parent=5)
    older, newer = world.info()["configs"]
    assert (older["running"]["newer"], newer["running"]["older"], "older" in older["running"]) == (8, 5, False)
    assert len(world.info(config="/etc/nginx/nginx.conf", root=str(world.roots / "a"))["configs"]) == 2


def test_hidden_processes_leave_open_whether_it_runs(world):
    root = str(world.folder("b"))
    (world.root / "1").rename(world.root / "hidden")
    assert world.only(config="/etc/nginx/nginx.conf", root=root)["sockets"][0]["must_act"]["who"] is None


def test_running_configuration_that_is_broken(world):
    world.nginx(conf="http {\n  server { listen 80;\n")
    config = world.only()
    assert (config["listens"], config["sockets"], config["running"]["pid"], config["running"]["worker_connections"]) == (None, None, 5, None)
    assert config["problems"][0].startswith("/etc/nginx/nginx.conf:")


REFUSED = {
    "relative": ({"config": "nginx.conf"}, InputError, "config: 'nginx.conf' is not an absolute path without `..`; give the prefix that it belongs to"),
    "empty": ({"config": ""}, InputError, "config: '' is not an absolute path without `..`; give the prefix that it belongs to"),
    "missing": (
        {"config": "/etc/nginx/no.conf"}, ReadError,
        "the configuration /etc/nginx/no.conf cannot be read: No such file or directory; name the file that nginx uses, and become root",
    ),
    "above_the_root": (
        {"config": "/../../no.conf"}, InputError, "config: '/../../no.conf' is not an absolute path without `..`; name it as nginx inside root does",
    ),
}  # fmt: skip


@pytest.mark.parametrize("options, error, sentence", REFUSED.values(), ids=REFUSED)
def test_refused_with_one_sentence(world, options, error, sentence):
    with pytest.raises(error) as caught:
        world.info(root=str(world.folder("b")), **options)
    assert str(caught.value) == sentence


def test_broken_configuration_that_was_named(world):
    with pytest.raises(ReadError, match=r"^/etc/nginx/nginx.conf:1: "):
        world.info(root=str(world.folder("b", "http {")), config="/etc/nginx/nginx.conf")
    assert issubclass(ConfigError, ReadError)


def test_somebody_elses(world, monkeypatch):
    world.nginx()
    fail(monkeypatch, "open", "5/exe", errno.EACCES)
    for name in ("exe", "ns/net"):
        fail(monkeypatch, "readlink", "5/" + name, errno.EACCES)
    config = world.only()
    assert (config["path"], config["running"]["version"], config["running"]["netns"], config["listens"]) == (None, None, None, None)
    assert config["problems"] == ["version and files of nginx 5 are not known; become root (CAP_SYS_PTRACE) on the host"]


def test_paths_that_are_no_text(world):
    folder = world.nginx(conf="http { include c/*; }")
    (folder / "etc/nginx/c").mkdir()
    (folder / "etc/nginx/c/\udcff").write_text("server { listen 80; }")
    assert world.only()["listens"][0]["file"] == "/etc/nginx/c/\\xff"


def test_hosts_file_of_the_root(world):
    folder = world.nginx(conf="http { server { listen web:80; } }")
    (folder / "etc/hosts").write_text("10.0.0.7 web\n")
    assert world.only()["listens"][0]["local_address"] == "10.0.0.7"
