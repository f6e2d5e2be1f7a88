# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a limit follows the configuration and when it does not, and whom the model names: measured with the installed nginx."""

import os
import signal
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.act import Situation, who_must_act
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.owner import sockets_of
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import read_configuration
from kernel_rooms import sysctl
from nginx_server import children, until

pytestmark = pytest.mark.usefixtures("release")
PORT = 8080


class Watched:
    """A server, and what is known of it: the backlog that it runs with and the one in its file."""

    def __init__(self, nginx, listen, somaxconn, workers=2):
        self.somaxconn, self.workers = somaxconn, workers
        sysctl("net.core.somaxconn", somaxconn)
        self.server = nginx(self.text(listen), main="pid {folder}/nginx.pid; error_log {folder}/error.log; user root; events {{}}\n")
        self.loaded = self.asked()

    def text(self, listen):
        return "worker_processes %d; http { access_log off; server { listen %d %s; } }" % (self.workers, PORT, listen)

    def asked(self):
        configuration = read_configuration("/", str(self.server.conf), str(self.server.folder) + "/")
        return sockets_of(listen_directives(configuration))[0].listen_backlog

    def allow(self, somaxconn):
        self.somaxconn = somaxconn
        sysctl("net.core.somaxconn", somaxconn)

    def write(self, listen, workers=None):
        self.workers = workers or self.workers
        self.server.write(self.text(listen))

    def reload(self):
        self.server.reload()
        self.loaded = self.asked()

    def upgrade(self):
        old = self.server.pid
        self.server.pid = self.server.upgrade()
        until(lambda: len(self.server.workers()) == self.workers, "the new workers")
        signal_and_wait(old)
        self.loaded = self.asked()

    def limits(self):
        return self.server.limits(PORT)

    def who(self):
        return who_must_act(Situation(self.asked(), self.somaxconn, tuple(self.limits()), self.loaded == self.asked())).who


def signal_and_wait(pid):
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not [child for child in children(os.getpid()) if child == pid] and not is_alive(pid), "the end of the old master")


def is_alive(pid):
    try:
        return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    "before, after, limit",
    [("", "backlog=1000", 1000), ("backlog=1000", "backlog=50", 50), ("backlog=1000", "", 511)],
    ids=["added", "changed", "removed"],
)
def test_a_changed_number_needs_a_reload(nginx, before, after, limit):
    watched = Watched(nginx, before, 4096)
    assert watched.who() == "nobody"
    watched.write(after)
    assert watched.who() == "reload"
    watched.reload()
    assert (watched.limits(), watched.who()) == ([limit], "nobody")


@pytest.mark.parametrize("listen, number", [("backlog=2048", 2048), ("", 511), ("backlog=511", 511)])
def test_a_raised_somaxconn_is_not_reached_by_a_reload(nginx, listen, number):
    watched = Watched(nginx, listen, 128)
    assert (watched.limits(), watched.who()) == ([128], "sysctl")
    watched.allow(4096)
    assert watched.who() == "socket_backlog"
    watched.reload()
    assert (watched.limits(), watched.who()) == ([128], "socket_backlog")
    watched.write("backlog=%d" % (number + 1))
    assert watched.who() == "reload"
    watched.reload()
    watched.write(listen)
    watched.reload()
    assert (watched.limits(), watched.who()) == ([number], "nobody")


def test_511_added_to_a_default_listen_changes_nothing(nginx):
    watched = Watched(nginx, "", 128)
    watched.allow(4096)
    watched.write("backlog=511")
    assert watched.who() == "socket_backlog"
    watched.reload()
    assert (watched.limits(), watched.who()) == ([128], "socket_backlog")


def test_an_upgrade_reaches_a_raised_somaxconn_unless_511_is_asked_for(nginx):
    watched = Watched(nginx, "backlog=2048", 128)
    watched.allow(4096)
    watched.upgrade()
    assert (watched.limits(), watched.who()) == ([2048], "nobody")
    watched.write("")
    watched.upgrade()
    assert (watched.limits(), watched.who()) == ([2048], "socket_backlog")  # it starts from 511, so nothing seems to change
    watched.reload()
    assert (watched.limits(), watched.who()) == ([2048], "socket_backlog")


def test_reuseport_sockets_of_different_age(nginx):
    watched = Watched(nginx, "reuseport backlog=3500", 4096)
    assert (watched.limits(), watched.who()) == ([3500, 3500], "nobody")
    watched.allow(128)
    assert watched.who() == "sysctl"
    watched.write("reuseport backlog=3500", workers=4)
    watched.reload()
    assert (watched.limits(), watched.who()) == ([128, 128, 3500, 3500], "sysctl")
    watched.allow(4096)
    assert watched.who() == "socket_backlog"
    watched.write("reuseport backlog=3000")
    assert watched.who() == "reload"
    watched.reload()
    assert (watched.limits(), watched.who()) == ([3000] * 4, "nobody")
    watched.write("reuseport backlog=3000", workers=2)
    watched.reload()
    assert (watched.limits(), watched.who()) == ([3000, 3000], "nobody")


def test_reuseport_added_and_removed(nginx):
    watched = Watched(nginx, "backlog=100", 4096)
    watched.write("reuseport backlog=100")
    watched.reload()
    assert (watched.limits(), watched.who()) == ([100, 100], "nobody")
    watched.write("backlog=100")
    watched.reload()
    assert (watched.limits(), watched.who()) == ([100], "nobody")


def test_a_lowered_somaxconn_waits_for_the_next_listen(nginx):
    watched = Watched(nginx, "backlog=1000", 4096)
    watched.allow(128)
    watched.reload()
    assert (watched.limits(), watched.who()) == ([1000], "sysctl")
    watched.write("backlog=1001")
    watched.reload()
    assert (watched.limits(), watched.who()) == ([128], "sysctl")


def test_a_number_that_no_int_holds(nginx):
    watched = Watched(nginx, "backlog=2147483648", 4096)
    assert (watched.asked(), watched.limits(), watched.who()) == (-2147483648, [4096], "nobody")
