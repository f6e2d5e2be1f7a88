# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running nginx in a procfs made of files."""

import errno
import os
import time

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx import process as nginx_process
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.process import find_masters
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.procfs import Identity, Usage, parse_identity, parse_limit, parse_usage
from ansible_collections.netops.listen_queue.plugins.module_utils._processes.read import CLOCK_BOOTTIME, ProcessBook, pids_with_nginx_names
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.nginx_world import BINARY, MASTER, WORKER, add_nginx
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail, stat_line


class Host(Tree):
    """A procfs with nginx processes; their root is a directory of its own below ``roots``."""

    def __init__(self, root):
        super().__init__(root / "proc")
        self.own_root = root / "roots" / "host"
        self.own_root.mkdir(parents=True)
        self.binary = self.root / "binary"

    def nginx(self, pid, cmdline=MASTER, parent=1, **values):
        add_nginx(self, pid, cmdline, parent, **{"root": self.own_root, **values})

    def area(self, pid, numbers):
        """Let the kernel say where the arguments and the environment of a process begin and end."""
        stat = (self.root / str(pid) / "stat").read_bytes().split()
        stat[47:51] = numbers.split()
        self.file(f"{pid}/stat", b" ".join(stat))

    def find(self):
        return find_masters(self.proc, pids_with_nginx_names(self.proc, self.proc.numbers("")), ProcessBook(self.proc), str(self.own_root))

    def only(self):
        (master,), problems = self.find()
        assert problems == []
        return master


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_host_without_nginx(host):
    host.process(1)
    host.process(5, name=b"php-fpm")
    host.file("5/comm", b"php-fpm\n")
    assert pids_with_nginx_names(host.proc, [1, 5, 6]) == []
    assert host.find() == ([], [])


def test_master_with_its_workers(host):
    host.nginx(10, MASTER + b" -g daemon on;", netns=77)
    host.nginx(11, WORKER, parent=10, fds={0: "pipe:[1]", 3: "socket:[2]"})
    host.nginx(12, b"nginx: worker process is shutting down", parent=10)
    host.nginx(13, b"nginx: cache manager process", parent=10, wchan=b"0")
    master = host.only()
    assert (master.pid, master.uid, master.inner_pid, master.is_single, master.name) == (10, 0, 10, False, "nginx")
    assert (master.binary.version, master.binary.pid, master.exe, master.is_deleted) == ("nginx/1.22.1", b"/run/nginx.pid", str(host.binary), False)
    assert (master.netns, master.mntns, master.root, master.is_own_root, master.has_host_root) == (77, "mnt:[1]", str(host.own_root), True, True)
    assert (master.prefix, master.config, master.error_log, master.directives) == ("/usr/share/nginx/", "/etc/nginx/nginx.conf", "stderr", b"daemon on;")
    assert (master.line, master.is_cut, master.problems) == ("nginx: master process /usr/sbin/nginx -g daemon on;", False, ())
    rows = [(worker.pid, worker.role, worker.is_shutting_down, worker.wchan) for worker in master.workers]
    assert rows == [(11, "worker", False, "do_epoll_wait"), (12, "worker", True, "do_epoll_wait"), (13, "helper", False, None)]
    assert (master.workers[0].state, master.workers[0].cpu_seconds, master.workers[0].open_files_limit) == ("S", 0.0, 1024)


# what: (command line, cwd, prefix, configuration, error log)
PATHS = {
    "built_in": (MASTER, "/", "/usr/share/nginx/", "/etc/nginx/nginx.conf", "stderr"),
    "configuration": (MASTER + b" -c /srv/n.conf", "/", "/usr/share/nginx/", "/srv/n.conf", "stderr"),
    "relative_configuration": (MASTER + b" -c n.conf", "/root", "/usr/share/nginx/", "/usr/share/nginx/n.conf", "stderr"),
    "prefix": (MASTER + b" -p /srv/x -c conf/n.conf", "/", "/srv/x/", "/srv/x/conf/n.conf", "stderr"),
    "relative_prefix": (MASTER + b" -p x/ -c n.conf", "/home/me", "/home/me/x/", "/home/me/x/n.conf", "stderr"),
    "prefix_alone": (MASTER + b" -p /srv/x", "/", "/srv/x/", "/etc/nginx/nginx.conf", "stderr"),
    "error_log": (MASTER + b" -p /srv/x -e logs/e.log", "/", "/srv/x/", "/etc/nginx/nginx.conf", "/srv/x/logs/e.log"),
}


@pytest.mark.parametrize("cmdline, cwd, prefix, config, log", PATHS.values(), ids=PATHS)
def test_paths(host, cmdline, cwd, prefix, config, log):
    host.nginx(10, cmdline, cwd=cwd)
    master = host.only()
    assert (master.prefix, master.config, master.error_log) == (prefix, config, log)


def test_container(host, tmp_path):
    inside = tmp_path / "roots/container"
    inside.mkdir()
    host.link("self/root", host.own_root)
    host.nginx(10, root=inside, mntns=2, netns=99, inner=1)
    master = host.only()
    assert (master.root, master.is_own_root, master.has_host_root) == (host.proc.path("10/root"), False, False)
    assert (master.inner_pid, master.netns, master.mntns) == (1, 99, "mnt:[2]")


def test_chroot_shows_our_view_of_its_directories(host, tmp_path):
    inside = tmp_path / "roots/jail"
    inside.mkdir()
    host.nginx(10, MASTER + b" -p x", root=inside, cwd=inside / "srv")
    master = host.only()
    assert (master.cwd, master.prefix, master.is_own_root) == ("/srv", "/srv/x/", False)


def test_service_with_mounts_of_its_own(host):
    host.nginx(10, mntns=2)
    master = host.only()
    assert (master.root, master.is_own_root, master.has_host_root) == (host.proc.path("10/root"), False, True)


def test_two_masters_of_an_upgrade(host):
    host.nginx(10, inner=10)
    host.nginx(11, WORKER, parent=10)
    host.nginx(20, parent=10)
    host.nginx(21, WORKER, parent=20)
    (old, new), problems = host.find()
    assert (old.older, old.newer, new.older, new.newer, problems) == (None, 20, 10, None, [])
    assert ([worker.pid for worker in old.workers], [worker.pid for worker in new.workers]) == ([11], [21])


def test_worker_that_has_no_title_yet(host):
    host.nginx(10)
    host.nginx(11, parent=10)
    for pid in (10, 11):
        host.area(pid, b"1000 2000 2000 3000")
    assert [worker.pid for worker in host.only().workers] == [11]
    host.area(11, b"9000 9100 9100 9500")
    assert [master.pid for master in host.find()[0]] == [10, 11]


def test_worker_that_has_no_title_yet_seen_without_privileges(host):
    """The kernel shows 0 instead of the addresses, so the age has to tell."""
    now = int(time.clock_gettime(CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
    host.nginx(10)
    host.nginx(11, parent=10)
    host.file("11/stat", stat_line(11, b"nginx", 10, now))
    assert [worker.pid for worker in host.only().workers] == [11]
    host.file("11/stat", stat_line(11, b"nginx", 10, now - 2 * os.sysconf("SC_CLK_TCK")))
    assert [(master.pid, master.newer) for master in host.find()[0]] == [(10, 11), (11, None)]


def test_two_masters_that_do_not_know_each_other(host):
    host.nginx(10)
    host.nginx(20, MASTER + b" -c /other")
    (one, other), _problems = host.find()
    assert (one.newer, other.older, other.config) == (None, None, "/other")


def test_deleted_binary(host):
    (host.root / "gone (deleted)").write_bytes(BINARY)  # the kernel's link opens the binary all the same
    host.nginx(10, exe=host.root / "gone (deleted)")
    master = host.only()
    assert (master.exe, master.is_deleted, master.binary.version) == (str(host.root / "gone"), True, "nginx/1.22.1")


def test_master_process_off(host):
    host.nginx(10, b"nginx\0-c\0/a b.conf\0-g\0daemon off; master_process off;")
    master = host.only()
    assert (master.is_single, master.config, master.directives, master.workers) == (True, "/a b.conf", b"daemon off; master_process off;", ())
    assert master.line == "nginx -c /a b.conf -g daemon off; master_process off;"


NOT_RUNNING = {
    "test": (b"nginx\0-t", None),
    "signal": (b"/usr/sbin/nginx\0-s\0reload", None),
    "exporter": (b"/usr/bin/nginx-prometheus-exporter", None),
    "other_binary_of_that_name": (b"nginx", b"no such literals"),
    "zombie": (b"", None),
}


@pytest.mark.parametrize("cmdline, binary", NOT_RUNNING.values(), ids=NOT_RUNNING)
def test_no_running_nginx(host, cmdline, binary):
    host.nginx(10, cmdline, exe=host.file("other", binary) if binary else host.binary)
    host.file("10/cmdline", cmdline)
    assert host.find() == ([], [])


def test_title_that_does_not_fit(host):
    """Started by ``env -i``: the area holds the arguments only."""
    host.nginx(10, b"nginx: master process ngin")
    host.area(10, b"1000 1028 1028 1028")
    master = host.only()
    assert (master.is_cut, master.config, master.prefix) == (True, None, None)
    assert master.problems == ("the command line of nginx 10 is cut, because its environment is too small to hold it; name its configuration yourself",)


def test_title_that_is_cut_down_to_the_name(host):
    """``env -i nginx``: five bytes for master and workers alike, so their relation tells."""
    host.nginx(10, b"nginx")
    host.nginx(11, b"nginx", parent=10)
    master = host.only()
    assert (master.is_single, master.is_cut, master.config, [worker.pid for worker in master.workers]) == (False, True, None, [11])


def test_worker_without_master(host):
    host.nginx(11, WORKER, parent=1)
    assert host.find() == ([], ["nginx worker 11 has no master any more; it serves until it ends, and no reload reaches it"])


def test_somebody_elses_master(host, monkeypatch):
    host.nginx(10, MASTER + b" -c /etc/x.conf", exe=None)
    for name in ("root", "cwd", "ns/net", "ns/mnt"):
        (host.root / "10" / name).unlink()
    fail(monkeypatch, "stat", "10/root", errno.EACCES)
    for name in ("exe", "cwd", "root", "ns/net", "ns/mnt"):
        fail(monkeypatch, "readlink", "10/" + name, errno.EACCES)
    fail(monkeypatch, "open", "10/exe", errno.EACCES)
    master = host.only()
    assert (master.binary.version, master.root, master.netns, master.exe, master.config) == (None, None, None, None, "/etc/x.conf")
    assert master.problems == ("version and files of nginx 10 are not known; become root (CAP_SYS_PTRACE) on the host",)


def test_binary_that_is_read_once(host, monkeypatch):
    scans = []
    scan = nginx_process._scan
    monkeypatch.setattr(nginx_process, "_scan", lambda descriptor: scans.append(1) or scan(descriptor))
    for pid in (10, 20, 30):
        host.nginx(pid)
    assert (len(host.find()[0]), len(scans)) == (3, 1)


@pytest.mark.parametrize("gone", ["cmdline", "stat"])
def test_process_that_ends_meanwhile(host, gone):
    host.nginx(10)
    (host.root / "10" / gone).unlink()
    assert host.find() == ([], [])


@pytest.mark.parametrize("gone", ["status", "limits", "wchan", "fd", "exe", "root", "cwd"])
def test_parts_that_are_gone_are_unknown(host, gone):
    host.nginx(10)
    host.nginx(11, WORKER, parent=10)
    for pid in (10, 11):
        path = host.root / str(pid) / gone
        path.rmdir() if gone == "fd" else path.unlink()
    (master,), _problems = host.find()
    assert len(master.workers) == 1


STAT = b"11 (a ) b) S 10 1 1 0 -1 4194624 88 0 0 0 250 50 0 0 20 0 1 0 12345 " + b"0 " * 22
STATS = {
    "all": (STAT + b"0 0 0 1000 1100 1100 1500 0\n", Usage("S", 300, 1000, 500)),
    "not_ours_to_see": (STAT + b"0 0 0 0 0 0 0 0\n", Usage("S", 300, 0, 0)),
    "environment_ends_before": (STAT + b"0 0 0 1000 1100 900 950 0\n", Usage("S", 300, 1000, 100)),
    "old_kernel": (STAT, Usage("S", 300, 0, 0)),
    "cut": (STAT[:30], None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("data, expected", STATS.values(), ids=STATS)
def test_usage(data, expected):
    assert parse_usage(data) == expected


LIMITS = {
    "both": (b"Max cpu time  unlimited  unlimited  seconds\nMax open files            1024                 4096                 files\n", 1024),
    "unlimited": (b"Max open files            unlimited            unlimited            files\n", None),
    "cut": (b"Max open files", None),
    "absent": (b"", None),
}


@pytest.mark.parametrize("data, expected", LIMITS.values(), ids=LIMITS)
def test_limit(data, expected):
    assert parse_limit(data) == expected


IDENTITIES = {
    "container": (b"Name:\tnginx\nUid:\t0\t33\t0\t0\nNSpid:\t500\t7\t1\n", Identity(33, 1)),
    "old_kernel": (b"Uid:\t0\t0\t0\t0\n", Identity(0, None)),
    "empty": (b"", Identity(None, None)),
}


@pytest.mark.parametrize("data, expected", IDENTITIES.values(), ids=IDENTITIES)
def test_identity(data, expected):
    assert parse_identity(data) == expected
