# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of listens against the installed nginx: what it refuses, what it binds, and that an edit reaches every socket."""

import os
import re
import subprocess

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.edit import plan_listen, wanted_of
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.owner import sockets_of
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import read_configuration
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.listen_queue import granted_limit
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx.rows import HOSTS, NEW, OLD, ROWS, TLS, http
from kernel_rooms import run, sysctl
from nginx_server import PREAMBLE, SECONDS, Server, program, until

pytestmark = pytest.mark.usefixtures("release")
SOMAXCONN = 4096
STREAM_SERVERS = (1, 25, 5)
EDITED = 77


def told_by_nginx():
    """(version, load_module lines) of the installed nginx."""
    text = subprocess.run([program(), "-V"], capture_output=True, text=True, check=True).stderr
    version = tuple(int(number) for number in re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", text).groups())
    folder = re.search(r"--modules-path=(\S+)", text)
    paths = ["%s/ngx_%s_module.so" % (folder.group(1), name) for name in ("stream", "mail")] if folder else []
    return version, "".join("load_module %s;\n" % path for path in paths if os.path.exists(path))


def config_test(server):
    """(exit code, output) of nginx -t."""
    done = subprocess.run([program(), "-t", "-p", str(server.folder), "-c", str(server.conf)], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stderr


def started(server):
    """The exit code of the start: nginx has bound its sockets when the command ends."""
    return subprocess.run([program(), "-p", str(server.folder), "-c", str(server.conf)], capture_output=True, timeout=SECONDS, check=False).returncode


def listening(server):
    """{address: Send-Q} of all TCP listeners of the room and of the UNIX sockets below the server's folder."""
    found = {}
    for line in run("ss", "-Hltn").splitlines():
        found.setdefault(line.split()[3].replace("*:", "[::]:"), set()).add(int(line.split()[2]))
    for line in run("ss", "-Hlx").splitlines():
        if line.split()[4].startswith(str(server.folder)):
            found.setdefault("unix:" + line.split()[4], set()).add(int(line.split()[3]))
    return found


def bound(sockets):
    """What the model says that ``listening`` will find."""
    queues = [socket for socket in sockets if socket.protocol != "udp" and socket.served_by is None]
    found = {}
    for socket in queues:
        found.setdefault(socket.address.text, set()).add(granted_limit(socket.listen_backlog, SOMAXCONN))
    return found


@pytest.mark.parametrize("expected", ROWS.values(), ids=ROWS)
def test_nginx_does_what_the_model_says(nginx, expected):
    version, modules = told_by_nginx()
    server = Server(nginx.folder / "row", modules + PREAMBLE)
    server.write(expected.text.replace("@folder@", str(server.folder)))
    if TLS in expected.text:
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem", cwd=server.folder)
    sysctl("net.core.somaxconn", SOMAXCONN)
    configuration = read_configuration("/", str(server.conf), str(server.folder) + "/")
    listens = listen_directives(configuration, HOSTS, version)
    sockets = sockets_of(listens, version)
    faults = [fault for one in (*listens, *sockets) for fault in one.faults]
    refused = [fault.message for fault in faults if fault.stage == "test"]
    code, output = config_test(server)
    assert (code != 0) == bool(refused), (output, faults)
    if refused:
        # of the faults that we find nginx names the one that it meets first
        quoted = expected.refused_before_1_25_5 if version < STREAM_SERVERS and expected.refused_before_1_25_5 else expected.refused
        assert quoted in output
        return
    code = started(server)
    assert (code != 0) == any(fault.stage == "bind" for fault in faults), (server.errors(), faults)
    if code:
        assert "98: Address already in use" in server.errors()
        assert listening(server) == {}
        return
    assert listening(server) == bound(sockets)
    check_edit(server, configuration, version, expected.not_edited)


def check_edit(server, configuration, version, refusal):
    """Set the backlog of all listens, reload, and look at every socket."""
    plan = plan_listen(configuration, lambda path: server.conf.read_bytes(), wanted_of("all", backlog=EDITED), None, HOSTS, version)
    assert bool(refusal) == bool(plan.refusals), plan.refusals
    if refusal:
        assert refusal in plan.refusals[0]
        return
    for _path, _before, after in plan.files:
        server.conf.write_bytes(after)
    assert config_test(server)[0] == 0
    server.pid = until(server.pid_of_file, "the pid file of nginx")
    until(server.workers, "the start of the workers")
    if plan.files:
        server.reload()
    assert set.union(*listening(server).values()) == {EDITED}
    again = read_configuration("/", str(server.conf), str(server.folder) + "/")
    assert listening(server) == bound(sockets_of(listen_directives(again, HOSTS, version), version))


def test_rows_of_both_sides_of_1_25_5_are_there():
    assert OLD < STREAM_SERVERS < NEW
    assert told_by_nginx()[0] > (1, 14)


SILENT = {
    "wildcard shadow": ("listen 8080;", "listen 8080;", "listen 127.0.0.1:8080 backlog=1000;"),
    "from an address to the wildcard": ("listen 127.0.0.1:8080;", "listen 8080;", ""),
}


@pytest.mark.parametrize("before, after, second", SILENT.values(), ids=SILENT)
def test_a_reload_that_cannot_bind_changes_nothing(nginx, before, after, second):
    """nginx -t and the signal succeed; only the error log knows."""
    server = nginx(http(before))
    was, workers = listening(server), server.workers()
    server.write(http(after, second) if second else http(after))
    assert config_test(server)[0] == 0
    assert subprocess.run([program(), "-p", str(server.folder), "-c", str(server.conf), "-s", "reload"], check=False, timeout=SECONDS).returncode == 0
    until(lambda: "still could not bind()" in server.errors(), "the end of nginx's tries")
    assert (listening(server), server.workers()) == (was, workers)
