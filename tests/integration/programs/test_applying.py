# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a changed backlog takes effect: what a reload of each program does to the limit of its socket."""

import os
import signal
import socket
from typing import NamedTuple

import pytest
from programs_cases import APACHE, APPLICATION, BY_ID, CASES, DEBIAN, HAPROXY, LIGHTTPD, PGBOUNCER, RACK, TCP, VENV, Case
from programs_room import SOMAXCONN, until

BEFORE, AFTER = 100, 200


class Reload(NamedTuple):
    """A program whose ``file`` says BEFORE and then AFTER, and which prints ``ready`` whenever it is. ``after`` is the limit then."""

    program: str
    place: str
    command: str
    file: str
    text: str
    signal: int
    ready: str
    after: int
    as_another_user: bool = False
    times: int = 2


HAPROXY_FILE = HAPROXY + "frontend it\n    bind 127.0.0.1:8080\n    backlog %d\n"
PHP_FPM = "[global]\nerror_log = /dev/stderr\n[it]\nlisten = 127.0.0.1:8080\nlisten.backlog = %d\npm = static\npm.max_children = 1\n"
PUMA = "bind 'tcp://127.0.0.1:8080?backlog=%d'\nrackup '{folder}/app.ru'\nworkers 1\npreload_app! false\n"
RELOADS = {
    "Apache, graceful": Reload(
        "apache", DEBIAN, "apache2 -DFOREGROUND -f {folder}/it", "it", APACHE + "ListenBackLog %d\n", signal.SIGUSR1, "resuming normal operations", BEFORE
    ),
    "Apache, restart": Reload(
        "apache", DEBIAN, "apache2 -DFOREGROUND -f {folder}/it", "it", APACHE + "ListenBackLog %d\n", signal.SIGHUP, "resuming normal operations", BEFORE
    ),
    "lighttpd, graceful": Reload(
        "lighttpd", DEBIAN, "lighttpd -D -f {folder}/it", "it", LIGHTTPD + "server.listen-backlog = %d\n", signal.SIGUSR1, "server started", BEFORE
    ),
    "HAProxy, master and worker": Reload("haproxy", DEBIAN, "haproxy -W -f {folder}/it", "it", HAPROXY_FILE, signal.SIGUSR2, "Loading success", BEFORE),
    "php-fpm": Reload("php-fpm", DEBIAN, "/usr/sbin/php-fpm* -F -R -n -y {folder}/it", "it", PHP_FPM, signal.SIGUSR2, "ready to handle connections", BEFORE),
    "PgBouncer": Reload(
        "pgbouncer",
        DEBIAN,
        "pgbouncer -u nobody {folder}/it",
        "it",
        PGBOUNCER + "listen_backlog = %d\n",
        signal.SIGHUP,
        "got SIGHUP",
        BEFORE,
        as_another_user=True,
        times=1,
    ),
    "uWSGI": Reload(
        "uwsgi",
        DEBIAN,
        "uwsgi-core {folder}/it.ini",
        "it.ini",
        "[uwsgi]\nsocket = 127.0.0.1:8080\nlisten = %d\nmaster = 1\n",
        signal.SIGHUP,
        "spawned uWSGI worker 1",
        BEFORE,
    ),
    "Gunicorn": Reload(
        "gunicorn", VENV, "gunicorn -c it.py app:wsgi", "it.py", "bind = '127.0.0.1:8080'\nbacklog = %d\n", signal.SIGHUP, "Booting worker", BEFORE
    ),
    "Puma, phased": Reload("puma", DEBIAN, "puma -C {folder}/it", "it", PUMA, signal.SIGUSR1, "booted in", BEFORE),
    "Unicorn": Reload(
        "unicorn", DEBIAN, "unicorn -c {folder}/it {folder}/app.ru", "it", "listen '127.0.0.1:8080', :backlog => %d\n", signal.SIGHUP, "worker=0 ready", AFTER
    ),
}


@pytest.mark.parametrize("case", RELOADS.values(), ids=RELOADS)
def test_reload(case, room):
    room.write({case.file: case.text % BEFORE, "app.ru": RACK, "app.py": APPLICATION})
    process = room.start(*case.command.split())
    assert room.wait_for(process, [TCP])[TCP][0] == BEFORE
    room.wait_for_print(case.ready, case.times - 1)
    room.write({case.file: case.text % AFTER})
    os.kill(process.pid, case.signal)
    room.wait_for_print(case.ready, case.times)
    assert room.limits([TCP]) == {TCP: case.after}
    assert BY_ID[case.program].applied == ("reload" if case.after == AFTER else "restart")


@pytest.mark.parametrize("case", [CASES["HAProxy"]], ids=[""])
def test_haproxy_that_takes_over_without_its_sockets_listens_anew(case, room):
    room.write({"it": HAPROXY_FILE % BEFORE})
    first = room.start("haproxy", "-db", "-f", "{folder}/it")
    room.wait_for(first, [TCP])
    room.write({"it": HAPROXY_FILE % AFTER})
    second = room.start("haproxy", "-db", "-f", "{folder}/it", "-sf", str(first.pid))
    until(lambda: room.limits([TCP]) == {TCP: AFTER} and second.poll() is None, room.printed)


@pytest.mark.parametrize("case", [CASES["Redis"]], ids=[""])
def test_redis_refuses_to_change_it(case, room):
    room.wait_for(room.start(*case.command), [TCP])
    with socket.create_connection(("127.0.0.1", 8080)) as client:
        client.sendall(b"CONFIG SET tcp-backlog 600\r\n")
        assert b"can't set immutable config" in client.recv(200)
    assert room.limits([TCP]) == {TCP: 511}


@pytest.mark.parametrize("case", [Case("uwsgi", DEBIAN, ("uwsgi-core", "--socket", "127.0.0.1:8080", "--listen", str(SOMAXCONN + 1)), {})], ids=[""])
def test_uwsgi_refuses_more_than_somaxconn(case, room):
    assert room.start(*case.command).wait(20) == 1
    assert "Listen queue size is greater than the system max net.core.somaxconn (%d)" % SOMAXCONN in room.printed()
