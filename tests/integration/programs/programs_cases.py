# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to start each program with nothing configured but where it listens, and what its sockets are expected to be."""

from typing import NamedTuple

from ansible_collections.netops.listen_queue.plugins.plugin_utils.programs.match import PROGRAMS
from programs_room import SOMAXCONN

DEBIAN, MACHINE, VENV = "debian", "machine", "venv"
BY_ID = {program.id: program for program in PROGRAMS}
TCP, TCP2, UNIX = "127.0.0.1:8080", "127.0.0.1:8081", "/tmp/it.sock"


class Case(NamedTuple):
    """``limits`` is ``{address: limits that are right}``, None meaning default_backlog of the row ``program``; ``found`` is the id that
    the facts lead to where it is another one. A Python program is a text for ``python -c``.
    """

    program: str
    place: str
    command: tuple
    limits: dict
    files: dict = {}  # noqa: RUF012 (never changed)
    found: str = ""
    as_another_user: bool = False

    def is_right(self, address, limit):
        return limit in (self.limits[address] or (BY_ID[self.program].default_backlog,))


def debian(program, command, limits, files=None, **more):
    return Case(program, DEBIAN, tuple(command.split()), limits, files or {}, **more)


def venv(program, command, limits, **more):
    return Case(program, VENV, tuple(command.split()), limits, {"app.py": APPLICATION}, **more)


def python(program, text, limits):
    return Case(program, VENV, ("python", "-c", text), limits, found="python")


APPLICATION = """
def wsgi(environ, start_response):
    return []

async def asgi(scope, receive, send):
    pass
"""
APACHE = """
ServerName localhost
ServerRoot {folder}
PidFile {folder}/it.pid
Listen 127.0.0.1:8080
User nobody
Group nogroup
Mutex fcntl:{folder}
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
StartServers 1
"""
HAPROXY = """
defaults
    mode http
    timeout client 1s
    timeout connect 1s
    timeout server 1s
"""
HAPROXY_CHAIN = (
    "global\n    maxconn 700\n"
    + HAPROXY
    + """
frontend of-the-process
    bind 127.0.0.1:8080
    bind /tmp/it.sock
frontend of-the-frontend
    bind 127.0.0.1:8081
    maxconn 300
frontend of-the-line
    bind 127.0.0.1:8082 maxconn 77
    maxconn 300
frontend backlog-of-the-frontend
    bind 127.0.0.1:8083 maxconn 77
    backlog 55
frontend backlog-of-the-line
    bind 127.0.0.1:8084 maxconn 77 backlog 9
    backlog 55
"""
)
LIGHTTPD = 'server.document-root = "{folder}"\nserver.bind = "127.0.0.1"\nserver.port = 8080\n'
PGBOUNCER = "[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = 8080\nunix_socket_dir = {folder}\nauth_type = any\n"
PHP_FPM = """
[global]
error_log = /dev/stderr
[tcp]
listen = 127.0.0.1:8080
pm = static
pm.max_children = 1
[unix]
listen = /tmp/it.sock
pm = static
pm.max_children = 1
"""
RACK = "run lambda { |env| [200, {}, []] }\n"
RSYSLOG = """
module(load="imptcp")
module(load="imtcp")
input(type="imptcp" address="127.0.0.1" port="8080")
input(type="imtcp" address="127.0.0.1" port="8081")
*.* /dev/null
"""
RUBY = "require 'socket'; TCPServer.new('127.0.0.1', 8080).then { sleep }"
UNBOUND = """
server:
    interface: 127.0.0.1
    port: 8080
    chroot: ""
    username: ""
    directory: "{folder}"
    use-syslog: no
    pidfile: ""
remote-control:
    control-enable: no
"""
JAVA = """
import java.net.*;
import java.nio.channels.*;
import com.sun.net.httpserver.HttpServer;

public class It {
    public static void main(String[] arguments) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        try (ServerSocket one = new ServerSocket(); ServerSocketChannel two = ServerSocketChannel.open()) {
            one.bind(new InetSocketAddress(here, 8080));
            two.bind(new InetSocketAddress(here, 8081));
            HttpServer.create(new InetSocketAddress(here, 8082), 0).start();
            Thread.sleep(60000);
        }
    }
}
"""
TORNADO = """
import asyncio, tornado.web
async def main():
    tornado.web.Application([]).listen(8080, "127.0.0.1")
    await asyncio.Event().wait()
asyncio.run(main())
"""
ASYNCIO = """
import asyncio
async def main():
    await asyncio.start_server(print, "127.0.0.1", 8080)
    await asyncio.start_unix_server(print, "it.sock")
    await asyncio.Event().wait()
asyncio.run(main())
"""
SOCKETSERVER = """
import http.server, socketserver, threading
one = socketserver.TCPServer(("127.0.0.1", 8080), None)
http.server.ThreadingHTTPServer(("127.0.0.1", 8081), None).serve_forever()
"""
LISTEN = """
import signal, socket
one = socket.socket()
one.bind(("127.0.0.1", 8080))
one.listen()
signal.pause()
"""
NODE = 'for (const place of [[8080, "127.0.0.1"], ["it.sock"]]) require("http").createServer().listen(...place)'

CASES = {
    "Apache": debian("apache", "apache2 -DFOREGROUND -f {folder}/it.conf", {TCP: None}, {"it.conf": APACHE}),
    "lighttpd": debian("lighttpd", "lighttpd -D -f {folder}/it.conf", {TCP: (1024, 4096)}, {"it.conf": LIGHTTPD}),
    "HAProxy": debian(
        "haproxy",
        "haproxy -db -f {folder}/it.cfg",
        {TCP: (700,), TCP2: (300,), "127.0.0.1:8082": (77,), "127.0.0.1:8083": (55,), "127.0.0.1:8084": (9,)},
        {"it.cfg": HAPROXY_CHAIN},
    ),
    "HAProxy without any number": debian(
        "haproxy",
        "haproxy -db -f {folder}/it.cfg",
        {TCP: range(2000, 2500)},  # half of OPEN_FILES, without those that it needs itself
        {"it.cfg": HAPROXY + "frontend it\n    bind 127.0.0.1:8080\n"},
    ),
    "memcached": debian("memcached", "memcached -u root -l 127.0.0.1 -p 8080 -U 0", {TCP: None}),
    "memcached on a UNIX socket": debian("memcached", "memcached -u root -s {folder}/it.sock", {UNIX: None}),
    "PgBouncer": debian(
        "pgbouncer", "pgbouncer -u nobody {folder}/it.ini", {TCP: None, "/tmp/.s.PGSQL.8080": None}, {"it.ini": PGBOUNCER}, as_another_user=True
    ),
    "MariaDB": debian(
        "mariadb",
        "mariadbd --no-defaults --user=root --datadir={folder} --skip-grant-tables --bind-address=127.0.0.1 --port=8080 --socket={folder}/it.sock "
        "--innodb-log-file-size=4M --innodb-buffer-pool-size=8M",
        {TCP: (80,), UNIX: (80,)},
    ),
    "php-fpm": debian("php-fpm", "/usr/sbin/php-fpm* -F -R -n -y {folder}/it.conf", {TCP: (SOMAXCONN,), UNIX: (SOMAXCONN,)}, {"it.conf": PHP_FPM}),
    "uWSGI": debian("uwsgi", "uwsgi-core --socket 127.0.0.1:8080 --http-socket {folder}/it.sock", {TCP: None, UNIX: None}),
    "Puma": debian("puma", "puma -b tcp://127.0.0.1:8080 -b unix://{folder}/it.sock {folder}/it.ru", {TCP: None, UNIX: None}, {"it.ru": RACK}),
    "Unicorn": debian("unicorn", "unicorn -l 127.0.0.1:8080 -l {folder}/it.sock {folder}/it.ru", {TCP: None, UNIX: None}, {"it.ru": RACK}),
    "node_exporter, written in Go": debian("go", "prometheus-node-exporter --web.listen-address=127.0.0.1:8080", {TCP: (SOMAXCONN,)}),
    "Ruby": debian("ruby", "ruby {folder}/it.rb", {TCP: (128, 4096)}, {"it.rb": RUBY}),
    "sshd": debian("sshd", "/usr/sbin/sshd -D -e -f /dev/null -h {folder}/key -p 8080 -o ListenAddress=127.0.0.1", {TCP: None}),
    "Unbound": debian("unbound", "unbound -d -c {folder}/it.conf", {TCP: None}, {"it.conf": UNBOUND}),
    "rsyslog": debian("rsyslog", "rsyslogd -n -i {folder}/it.pid -f {folder}/it.conf", {TCP: (5, 64), TCP2: (25,)}, {"it.conf": RSYSLOG}),
    "Redis": Case("redis", MACHINE, ("redis-server", "--bind", "127.0.0.1", "--port", "8080", "--unixsocket", "it.sock", "--save", ""), {TCP: None}),
    "Node.js": Case("node", MACHINE, ("node", "-e", NODE), {TCP: None}),
    "Java": Case(
        "java",
        MACHINE,
        ("java", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true", "It.java"),
        dict.fromkeys((TCP, TCP2, "127.0.0.1:8082"), (50,)),
        {"It.java": JAVA},
    ),
    "Gunicorn": venv("gunicorn", "gunicorn -b 127.0.0.1:8080 -b unix:it.sock app:wsgi", {TCP: None}),
    "Uvicorn": venv("uvicorn", "uvicorn --port 8080 app:asgi", {TCP: None}),
    "Uvicorn with workers": venv("uvicorn", "uvicorn --port 8080 --workers 2 app:asgi", {TCP: None}),
    "Hypercorn": venv("hypercorn", "hypercorn -b 127.0.0.1:8080 app:asgi", {TCP: None}),
    "Waitress": venv("waitress", "waitress-serve --listen=127.0.0.1:8080 app:wsgi", {TCP: None}),
    "Gunicorn as a module": venv("gunicorn", "python -m gunicorn -b 127.0.0.1:8080 app:wsgi", {TCP: None}, found="python"),
    "aiohttp": python("aiohttp", "from aiohttp import web; web.run_app(web.Application(), host='127.0.0.1', port=8080)", {TCP: None}),
    "Tornado": python("tornado", TORNADO, {TCP: None}),
    "asyncio": python("asyncio", ASYNCIO, {TCP: None}),
    "socketserver and http.server": python("socketserver", SOCKETSERVER, {TCP: None, TCP2: None}),
    "socket.listen() of Python": python("python", LISTEN, {TCP: (128,)}),
}
SEEN_ELSEWHERE = {"nginx"}  # tests/integration/nginx


def seen():
    """The ids of the rows that the tests start."""
    return {case.program for case in CASES.values()} | SEEN_ELSEWHERE


def unseen():
    """The names of the rows that they do not."""
    return [program.called for program in PROGRAMS if program.id not in seen()]
