# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error logs and file systems of an nginx in a procfs made of files; what it writes, a test writes when the window is open."""

import json
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_evidence import read
from ansible_collections.netops.listen_queue.plugins.module_utils._window import read as window_read
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import WORKER, add_nginx
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.world import World

ALERT = b"2026/11/21 04:03:11 [alert] 6#6: 1024 worker_connections are not enough\n"
ERROR = b"2026/11/21 04:03:12 [error] 6#6: *1 connect() failed (111: Connection refused) while connecting to upstream\n"
CONF = "error_log /var/log/error.log; http { server { listen 80; root /srv/www; } }"
LOCAL = b"27 1 254:0 / / rw - ext4 /dev/vda rw\n"
SHARE = LOCAL + b"60 27 0:52 / /srv rw - nfs4 nas:/srv rw\n"


class LogWorld(World):
    """A World with one nginx (pid 5, its worker 6) whose root is a folder."""

    def __init__(self, path, monkeypatch):
        super().__init__(path / "proc", monkeypatch)
        self.nginx_root = path / "root"
        self.kernel[self.own] = {"tcp": [listener(accept_queue_limit=511)]}
        self._monkeypatch = monkeypatch

    def nginx(self, conf=CONF, mountinfo=LOCAL, log=b"before\n"):
        self.inside("etc/nginx/nginx.conf").write_text(conf)
        if log is not None:
            self.inside("var/log/error.log").write_bytes(log)
        add_nginx(self, 5, root=self.nginx_root, fds={3: "socket:[1080]"})
        add_nginx(self, 6, cmdline=WORKER, parent=5, root=self.nginx_root, fds={3: "socket:[1080]"})
        for pid in (5, 6):
            (self.root / f"{pid}/mountinfo").write_bytes(mountinfo)

    def inside(self, name):
        path = self.nginx_root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def row(self, happens=None, **options):
        """The facts of the only nginx; ``happens()`` is called once while the window is open."""
        sleep = window_read.time.sleep

        def slept(seconds):
            nonlocal happens
            if happens:
                happens()
                happens = None
            sleep(seconds)

        self._monkeypatch.setattr(window_read.time, "sleep", slept)
        facts = self.facts(diagnose=True, sample=0.03, sample_interval=0.01, **options)
        assert json.loads(json.dumps(facts)) == facts
        self.problems = {problem["code"]: problem["message"] for problem in facts["problems"] if problem["code"].startswith("nginx")}
        (row,) = facts["namespaces"][0]["nginx"]
        return row

    def append(self, name, data):
        def write():
            with self.inside(name).open("ab") as file:
                file.write(data)

        return write


@pytest.fixture
def world(tmp_path, monkeypatch):
    return LogWorld(tmp_path, monkeypatch)


def test_only_what_is_written_in_the_window_counts(world):
    world.nginx(log=ALERT * 9)
    row = world.row(world.append("var/log/error.log", ALERT + ERROR))
    assert row["error_log"] == {
        "paths": ["/var/log/error.log"],
        "lines": [ALERT.decode().rstrip(), ERROR.decode().rstrip()],
        "counts": {"worker_connections": 1, "too_many_open_files": 0, "emerg": 0, "alert": 1, "crit": 0},
    }
    assert world.problems == {}


def test_log_that_was_moved_away(world):
    world.nginx()

    def rotate():
        world.append("var/log/error.log", ALERT)()
        world.inside("var/log/error.log").rename(world.inside("var/log/error.log.1"))
        world.append("var/log/error.log.1", ALERT)()  # until nginx opens its logs again, it goes on there
        world.append("var/log/error.log", ALERT)()

    assert world.row(rotate)["error_log"]["counts"]["alert"] == 3


def test_log_that_is_gone(world):
    world.nginx()

    def remove():
        world.append("var/log/error.log", ALERT)()
        world.inside("var/log/error.log").unlink()

    assert (world.row(remove)["error_log"]["counts"]["alert"], world.problems) == (1, {})


def test_log_that_was_cut(world):
    world.nginx(log=ERROR * 100)
    row = world.row(lambda: world.inside("var/log/error.log").write_bytes(ALERT))
    assert row["error_log"]["lines"] == [ALERT.decode().rstrip()]


def test_log_that_grows_fast_is_read_from_its_end(world, monkeypatch):
    monkeypatch.setattr(read, "MOST_BYTES", 10 * len(ALERT))
    world.nginx()
    row = world.row(world.append("var/log/error.log", ERROR * 100 + ALERT * 9))
    assert (row["error_log"]["counts"]["alert"], len(row["error_log"]["lines"])) == (9, 9)
    grown = 100 * len(ERROR) + 9 * len(ALERT)
    assert world.problems == {
        "nginx_error_log_long": f"the error log /var/log/error.log of nginx 5 grew by {grown} bytes, and only the last {10 * len(ALERT)} were read"
    }


def test_logs_of_servers_are_read_too(world):
    world.nginx(conf=CONF.replace("root", "error_log logs/server.log; root"))
    world.inside("usr/share/nginx/logs/server.log").write_bytes(b"")
    row = world.row(world.append("usr/share/nginx/logs/server.log", ALERT))
    assert (row["error_log"]["paths"], row["error_log"]["counts"]["alert"]) == (["/var/log/error.log", "/usr/share/nginx/logs/server.log"], 1)


UNREADABLE = {
    "missing": (lambda log: None, "an error log of nginx 5 cannot be read: /var/log/error.log: No such file or directory"),
    "pipe": (os.mkfifo, "an error log of nginx 5 cannot be read: /var/log/error.log: it is a FIFO, not a file"),
    "folder": (lambda log: log.mkdir(), "an error log of nginx 5 cannot be read: /var/log/error.log: it is a directory, not a file"),
    "device": (lambda log: log.symlink_to("/dev/stderr"), "an error log of nginx 5 cannot be read: /var/log/error.log: No such file or directory"),
}


@pytest.mark.parametrize("make, sentence", UNREADABLE.values(), ids=UNREADABLE)
def test_log_that_cannot_be_read(world, make, sentence):
    world.nginx(log=None)
    make(world.inside("var/log/error.log"))
    assert (world.row()["error_log"], world.problems) == (None, {"nginx_error_log": sentence})


def test_log_that_is_no_file(world):
    world.nginx(conf="error_log syslog:server=10.0.0.1; http { server { listen 80; } }")
    assert (world.row()["error_log"], world.problems) == (
        None, {"nginx_no_error_log": "nginx 5 writes its errors to syslog:server=10.0.0.1, which is no file"},
    )  # fmt: skip


def test_more_logs_than_are_read(world):
    servers = " ".join("server { listen 80; error_log /var/log/%d.log; }" % number for number in range(20))
    world.nginx(conf="error_log /var/log/error.log; http { %s }" % servers)
    for number in range(20):
        world.inside("var/log/%d.log" % number).write_bytes(b"")
    assert len(world.row()["error_log"]["paths"]) == 16
    assert world.problems == {"nginx_error_log": "an error log of nginx 5 cannot be read: 5 more files are not looked at"}


def test_configuration_that_cannot_be_read(world):
    world.nginx()
    world.inside("etc/nginx/nginx.conf").unlink()
    row = world.row()
    assert (row["error_log"], row["file_systems"]) == (None, None)
    assert world.problems["nginx_error_log"].startswith("the error logs of nginx 5 are not known: the configuration /etc/nginx/nginx.conf cannot be read")


def test_nginx_that_starts_in_the_window(world):
    world.nginx()
    for pid in (5, 6):
        world.file(f"{pid}/comm", b"sh\n")
    row = world.row(lambda: [world.file(f"{pid}/comm", b"nginx\n") for pid in (5, 6)])
    assert (row["error_log"], row["file_systems"]) == (None, None)
    assert world.problems == {"nginx_new": "what nginx 5 writes to its error log is unknown, because it was not found when the window began"}


def test_network_file_systems_are_named_and_never_touched(world, monkeypatch):
    world.nginx(conf=CONF.replace("root", "access_log /var/log/a.log; root"), mountinfo=SHARE)
    world.inside("srv/www/x")
    touched = []
    real = os.stat

    def stat(path, **options):
        touched.append(str(path))
        return real(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    row = world.row()
    source = {"path": "/etc/nginx/nginx.conf", "line": 1}
    assert row["file_systems"] == [
        {"directive": "root", "path": "/srv/www", "type": "nfs4", "source": source},
        {"directive": "error_log", "path": "/var/log/error.log", "type": "ext4", "source": source},
        {"directive": "access_log", "path": "/var/log/a.log", "type": "ext4", "source": source},
    ]
    assert "srv" not in touched


def test_link_to_a_network_file_system(world):
    world.nginx(conf=CONF.replace("/srv/www", "/var/www"), mountinfo=SHARE)
    world.inside("var/www").symlink_to("../srv/www")
    row = world.row()
    assert [(each["path"], each["type"]) for each in row["file_systems"]] == [("/var/www", "nfs4"), ("/var/log/error.log", "ext4")]


def test_log_on_a_network_file_system_is_not_opened(world):
    world.nginx(conf=CONF.replace("/var/log", "/srv/log"), mountinfo=SHARE)
    world.inside("srv/log/error.log").write_bytes(b"")
    assert (world.row()["error_log"], world.problems) == (
        None,
        {
            "nginx_error_log": "an error log of nginx 5 cannot be read: /srv/log/error.log: "
            "/srv may not be touched, as it is on a file system that may hang"
        },
    )  # fmt: skip


def test_many_places_are_counted(world):
    servers = " ".join("server { listen 80; root /www/%d; }" % number for number in range(40))
    world.nginx(conf="error_log /var/log/error.log; http { %s server { root /srv; } }" % servers, mountinfo=SHARE)
    row = world.row()
    assert (len(row["file_systems"]), row["file_systems_more"], row["file_systems"][0]["path"]) == (32, 10, "/srv")


def test_name_of_a_log_that_is_no_text(world):
    world.nginx(conf="", log=None)
    world.inside("etc/nginx/nginx.conf").write_bytes(b'error_log "/var/log/\xff.log"; http { server { listen 80; } }')
    (world.inside("var/log") / os.fsdecode(b"\xff.log")).parent.mkdir()
    (world.inside("var/log") / os.fsdecode(b"\xff.log")).write_bytes(b"")
    assert world.row()["error_log"]["paths"] == ["/var/log/\\xff.log"]
