# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own nginx does what the tests believe."""

import os

from kernel_rooms import sysctl
from nginx_server import title


def test_starts_in_a_room_and_reloads(nginx):
    sysctl("net.core.somaxconn", 100)
    server = nginx("http { server { listen 8080 backlog=77; } server { listen 8081; } }")
    assert (server.limits(8080), server.limits(8081), len(server.workers())) == ([77], [100], 2)
    assert title(server.pid).startswith("nginx: master process ")
    server.write("http { server { listen 8080 backlog=78; } }")
    server.reload()
    assert (server.limits(8080), server.limits(8081)) == ([78], [])
    assert set(os.listdir("/var/log/nginx")) <= {"access.log", "error.log"}


def test_two_masters_during_an_upgrade(nginx):
    server = nginx("http { server { listen 8080; } }")
    new = server.upgrade()
    assert title(new).startswith("nginx: master process ")
    assert (server.folder / "nginx.pid.oldbin").read_text().strip() == str(server.pid)
