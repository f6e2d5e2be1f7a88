# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs: redis on IPv4, IPv6 and a UNIX socket gets longer and shorter queues while it answers."""

import shutil
import socket
import subprocess

from kernel_modules import broken, limits, set_backlog, verify
from kernel_traffic import keep, wait_until
from kernel_view import own_namespace

PORT = 6390


def start_redis(folder):
    """Start a redis with a backlog of 100; it ends with the room."""
    program = shutil.which("redis-server")
    assert program, "there is no redis-server; run: make needs"
    options = {"bind": "127.0.0.1 ::1", "port": PORT, "unixsocket": folder / "redis.sock", "tcp-backlog": 100, "dir": folder, "save": '""'}
    (folder / "redis.conf").write_text("".join("%s %s\n" % option for option in options.items()))
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "redis.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(lambda: len([row for row in own_namespace()["listeners"] if "redis" in str(row["processes"])]) == 3, 10)
    return process


def is_answered(family, place):
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(place)
        client.sendall(b"PING\r\n")
        return client.recv(16) == b"+PONG\r\n"


def test_redis_on_three_kinds_of_sockets(tmp_path):
    process = start_redis(tmp_path)
    path = str(tmp_path / "redis.sock")
    places = {"127.0.0.1:6390": (socket.AF_INET, ("127.0.0.1", PORT)), "[::1]:6390": (socket.AF_INET6, ("::1", PORT)), path: (socket.AF_UNIX, path)}
    client = keep(socket.create_connection(("127.0.0.1", PORT)))
    for endpoint, place in places.items():
        raised = set_backlog(endpoint, 3000)
        assert (limits(raised), [row["name"] for row in raised.values["sockets"][0]["processes"]]) == ([(100, 3000)], ["redis-server"])
        assert raised.values["notes"] == [
            "redis-server (%d) may set its own number again when it is reloaded, and will when it is restarted; write a backlog of 3000 into its "
            "configuration too" % process.pid
        ]
        assert is_answered(*place)
    assert verify(listeners=[(endpoint, 3000) for endpoint in places]).values["verified"] is True
    for endpoint, place in places.items():
        assert limits(set_backlog(endpoint, 7, pid=process.pid)) == [(3000, 7)]
        assert is_answered(*place)
    assert broken(verify(listeners=[(endpoint, 3000) for endpoint in places])) == ["limit"]
    client.sendall(b"PING\r\n")
    assert client.recv(16) == b"+PONG\r\n"
