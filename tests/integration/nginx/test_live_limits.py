# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""socket_backlog on a real nginx: what a reload does not reach, and what the next reload makes of it."""

import pytest
from kernel_modules import limits, set_backlog
from kernel_rooms import sysctl
from kernel_traffic import connect
from nginx_server import until


@pytest.mark.parametrize("listen, number, sockets", [("", 511, 1), ("backlog=2048", 2048, 1), ("backlog=2048 reuseport", 2048, 2)])
def test_a_raised_somaxconn_reaches_nginx_without_a_reload(nginx, listen, number, sockets):
    sysctl("net.core.somaxconn", 128)
    server = nginx("http { server { listen 8080 %s; } }" % listen)
    sysctl("net.core.somaxconn", 4096)
    server.reload()
    assert server.limits(8080) == [128] * sockets
    workers = server.workers()
    answer = set_backlog("8080", number)
    assert limits(answer) == [(128, number)] * sockets
    assert {process["pid"] for row in answer.values["sockets"] for process in row["processes"]} == {server.pid}
    assert server.limits(8080) == [number] * sockets
    assert server.workers() == workers
    server.reload()
    assert server.limits(8080) == [number] * sockets  # the number of the configuration did not change
    assert set_backlog("8080", number).changed is False


def test_a_reload_with_another_number_sets_its_own(nginx):
    server = nginx("http { server { listen 8080 backlog=100; } }")
    answer = set_backlog("8080", 2000)
    assert answer.values["notes"] == [
        "nginx (%d) may set its own number again when it is reloaded, and will when it is restarted; write a backlog of 2000 into its configuration too"
        % server.pid
    ]
    server.write("http { server { listen 8080 backlog=200; } }")
    server.reload()
    assert server.limits(8080) == [200]
    assert limits(set_backlog("8080", 50)) == [(200, 50)]


def test_sockets_of_nginx_side_by_side(nginx):
    server = nginx("http { server { listen 8080; listen [::]:8080; listen 127.0.0.1:8081; listen unix:{folder}/a.sock; } }".replace("{folder}", "/run"))
    for number, endpoint in enumerate(("*:8080", "[::]:8080", "127.0.0.1:8081", "unix:/run/a.sock")):
        assert limits(set_backlog(endpoint, 600 + number)) == [(511, 600 + number)]
    assert (server.limits(8080), server.limits(8081)) == ([600, 601], [602])
    connect(3, "127.0.0.1", 8080)
    until(lambda: set_backlog("8080", 600).values["sockets"][0]["accept_queue_length"] == 0, "the accepting of connections")
