# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations made of texts, and the rows of what real nginx does with listens (also used by tests/integration/nginx)."""

import fnmatch
import hashlib
from typing import Any, NamedTuple

from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.model import Configuration, Node
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse

MAIN = "/etc/nginx/nginx.conf"
OLD, NEW = (1, 22, 1), (1, 29, 8)
HOSTS = {"localhost": ["127.0.0.1"], "both": ["127.0.0.1", "::1"]}


def configuration(files):
    """A Configuration of ``{path below /etc/nginx: text}``, or of the text of nginx.conf alone."""
    if isinstance(files, (str, bytes)):
        files = {"nginx.conf": files}
    data = {"/etc/nginx/" + name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    nodes, seen = [], {}

    def include(path, parent):
        seen[path] = hashlib.sha256(data[path]).hexdigest()
        numbers = []
        for directive in parse(data[path], path):
            above = parent if directive.parent < 0 else numbers[directive.parent]
            numbers.append(len(nodes))
            nodes.append(Node(path, directive, above))
            if directive.name == b"include":
                for name in sorted(fnmatch.filter(data, "/etc/nginx/" + directive.args[0].decode())):
                    include(name, above)

    include(MAIN, -1)
    return Configuration("/", MAIN, "/etc/nginx/", nodes, seen, [])


class Row(NamedTuple):
    """``@folder@`` stands for a directory. ``sockets`` is what listens and the number it asked listen(2) for."""

    text: str
    sockets: Any = None  # a dict; None: nginx never gets that far
    refused: str = ""  # by nginx -t
    refused_before_1_25_5: str = ""
    bind_fails: bool = False  # nginx -t succeeds, the start does not
    not_edited: str = ""  # why we refuse to set the backlog of all


# The integration test makes these files.
TLS = "ssl_certificate @folder@/cert.pem; ssl_certificate_key @folder@/key.pem;"


def http(*servers):
    return "http { access_log off; %s }" % " ".join("server { %s }" % server for server in servers)


def stream(*servers):
    return "stream { %s }" % " ".join("server { %s return x; }" % server for server in servers)


def mail(*servers):
    return "mail { server_name x; auth_http 127.0.0.1:1; %s }" % " ".join("server { %s protocol smtp; }" % server for server in servers)


PORT = "0.0.0.0:8080"
DUPLICATE = "duplicate listen options for 0.0.0.0:8080"
PAIR = 'duplicate "0.0.0.0:9000" address and port pair'
UNIX = "unix:@folder@/socket"
ROWS = {
    "first plain, second with backlog": Row(http("listen 8080;", "listen 8080 backlog=1000;"), {PORT: 1000}),
    "first with backlog, second plain": Row(http("listen 8080 backlog=1000;", "listen 8080;"), {PORT: 1000}),
    "backlog in both, equal": Row(http("listen 8080 backlog=7;", "listen 8080 backlog=7;"), refused=DUPLICATE),
    "backlog in both, different": Row(http("listen 8080 backlog=7;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "rcvbuf in one, backlog in the other": Row(http("listen 8080 rcvbuf=64k;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "sndbuf in one, backlog in the other": Row(http("listen 8080 sndbuf=64k;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "so_keepalive in one, backlog in the other": Row(http("listen 8080 so_keepalive=30m::10;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "deferred in one, backlog in the other": Row(http("listen 8080 deferred;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "fastopen in one, backlog in the other": Row(http("listen 8080 fastopen=9;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "bind in one, backlog in the other": Row(http("listen 8080 bind;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "reuseport in one, backlog in the other": Row(http("listen 8080 reuseport;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "ipv6only in one, backlog in the other": Row(http("listen 8080 ipv6only=on;", "listen 8080 backlog=8;"), refused=DUPLICATE),
    "accept_filter is ignored on Linux": Row(http("listen 8080 accept_filter=x;", "listen 8080 backlog=8;"), {PORT: 8}),
    "setfib is unknown on Linux": Row(http("listen 8080 setfib=1;"), refused='invalid parameter "setfib=1"'),
    "all options in one": Row(http("listen 8080;", "listen 8080 so_keepalive=on rcvbuf=64k backlog=8;"), {PORT: 8}),
    "default_server beside backlog": Row(http("listen 8080 default_server;", "listen 8080 backlog=8;"), {PORT: 8}),
    "proxy_protocol beside backlog": Row(http("listen 8080 proxy_protocol;", "listen 8080 backlog=8;"), {PORT: 8}),
    "two default servers": Row(http("listen 8080 default;", "listen 8080 default_server;"), refused="a duplicate default server for 0.0.0.0:8080"),
    "twice in one server": Row(http("listen 8080; listen 8080;"), refused="a duplicate listen 0.0.0.0:8080"),
    "twice in one server, by another name": Row(http("listen 8080; listen *:8080;"), refused="a duplicate listen 0.0.0.0:8080"),
    "three names of the wildcard": Row(http("listen 8080;", "listen *:8080 backlog=9;", "listen 0.0.0.0:8080;"), {PORT: 9}),
    "backlog under two names of the wildcard": Row(http("listen 0.0.0.0:8080 backlog=9;", "listen *:8080 backlog=9;"), refused=DUPLICATE),
    "inet6 has its own": Row(http("listen 8080 backlog=9; listen [::]:8080;"), {PORT: 9, "[::]:8080": 511}),
    "inet6 with its own backlog": Row(http("listen 8080; listen [::]:8080 backlog=9;"), {PORT: 511, "[::]:8080": 9}),
    "inet6 spellings": Row(http("listen [::1]:8080 backlog=9;", "listen [0:0:0:0:0:0:0:1]:8080;"), {"[::1]:8080": 9}),
    "localhost is 127.0.0.1": Row(http("listen localhost:8080;", "listen 127.0.0.1:8080 backlog=9;"), {"127.0.0.1:8080": 9}),
    "localhost and 127.0.0.1, both with backlog": Row(
        http("listen localhost:8080 backlog=9;", "listen 127.0.0.1:8080 backlog=9;"), refused="duplicate listen options for 127.0.0.1:8080"
    ),
    "odd digits of an address": Row(http("listen 127..0.1:8080;", "listen 127.0.0.0001:8080 backlog=9;"), {"127.0.0.1:8080": 9}),
    "no listen": Row(http("server_name a;"), {"0.0.0.0:80": 511}, not_edited="this server has no listen"),
    "no listen, and a listen 80 elsewhere": Row(http("server_name a;", "listen 80 backlog=9; server_name b;"), {"0.0.0.0:80": 9}),
    "address without port": Row(http("listen 127.0.0.1;", "listen [::1] backlog=9;", "listen *:81;"), {"127.0.0.1:80": 511, "[::1]:80": 9, "0.0.0.0:81": 511}),
    "star": Row(http("listen *;"), {"0.0.0.0:80": 511}),
    "wildcard serves the plain address": Row(http("listen 8080;", "listen 127.0.0.1:8080;"), {PORT: 511}),
    "wildcard with backlog serves the plain address": Row(http("listen 8080 backlog=9;", "listen 127.0.0.1:8080;"), {PORT: 9}),
    "wildcard shadow": Row(http("listen 8080;", "listen 127.0.0.1:8080 backlog=1000;"), {PORT: 511, "127.0.0.1:8080": 1000}, bind_fails=True),
    "wildcard shadow, both with reuseport": Row(
        http("listen 8080 reuseport;", "listen 127.0.0.1:8080 backlog=100 reuseport;"), {PORT: 511, "127.0.0.1:8080": 100}
    ),
    "wildcard shadow, one with reuseport": Row(
        http("listen 8080;", "listen 127.0.0.1:8080 backlog=100 reuseport;"), {PORT: 511, "127.0.0.1:8080": 100}, bind_fails=True
    ),
    "inet6 wildcard shadow": Row(http("listen [::]:8080;", "listen [::1]:8080 backlog=9;"), {"[::]:8080": 511, "[::1]:8080": 9}, bind_fails=True),
    "dual stack": Row(http("listen [::]:8080 ipv6only=off backlog=9;"), {"[::]:8080": 9}),
    "dual stack and wildcard": Row(http("listen 8080; listen [::]:8080 ipv6only=off;"), {PORT: 511, "[::]:8080": 511}, bind_fails=True),
    "dual stack and address": Row(http("listen 127.0.0.1:8080; listen [::]:8080 ipv6only=off;"), {"127.0.0.1:8080": 511, "[::]:8080": 511}, bind_fails=True),
    "dual stack and wildcard, reuseport": Row(http("listen 8080 reuseport; listen [::]:8080 ipv6only=off reuseport;"), {PORT: 511, "[::]:8080": 511}),
    "dual stack and an address of inet6": Row(http("listen [::1]:8080; listen [::]:8080 ipv6only=off;"), {"[::]:8080": 511}),
    "http and stream": Row(http("listen 8080;") + stream("listen 8080;"), {PORT: 511}, bind_fails=True),
    "http and stream, reuseport": Row(http("listen 8080 reuseport;") + stream("listen 8080 reuseport backlog=9;"), {PORT: 9}),
    "http and stream, wildcard and address": Row(http("listen 8080;") + stream("listen 127.0.0.1:8080;"), {PORT: 511, "127.0.0.1:8080": 511}, bind_fails=True),
    "two addresses": Row(http("listen 127.0.0.1:8080 backlog=1000;", "listen 127.0.0.2:8080;"), {"127.0.0.1:8080": 1000, "127.0.0.2:8080": 511}),
    "backlog 0": Row(http("listen 8080 backlog=0;"), refused='invalid backlog "backlog=0"'),
    "backlog -1": Row(http("listen 8080 backlog=-1;"), refused='invalid backlog "backlog=-1"'),
    "backlog empty": Row(http("listen 8080 backlog=;"), refused='invalid backlog "backlog="'),
    "backlog abc": Row(http("listen 8080 backlog=abc;"), refused='invalid backlog "backlog=abc"'),
    "backlog 4k": Row(http("listen 8080 backlog=4k;"), refused='invalid backlog "backlog=4k"'),
    "backlog a variable": Row(http("listen 8080 backlog=$x;"), refused='invalid backlog "backlog=$x"'),
    "backlog 2^63": Row(http("listen 8080 backlog=9223372036854775808;"), refused='invalid backlog "backlog=9223372036854775808"'),
    "backlog 2^63-1, which is -1 in an int": Row(http("listen 8080 backlog=9223372036854775807;"), refused='invalid backlog "backlog=9223372036854775807"'),
    "backlog 2^32, which is 0 in an int": Row(http("listen 8080 backlog=4294967296;"), refused='invalid backlog "backlog=4294967296"'),
    "backlog 2^32+100": Row(http("listen 8080 backlog=4294967396;"), {PORT: 100}),
    "backlog 2^31": Row(http("listen 8080 backlog=2147483648;"), {PORT: -2147483648}),
    "backlog 99999999999": Row(http("listen 8080 backlog=99999999999;"), {PORT: 1215752191}),
    "backlog 65536": Row(http("listen 8080 backlog=65536;"), {PORT: 65536}),
    "backlog 007": Row(http("listen 8080 backlog=007;"), {PORT: 7}),
    "backlog twice": Row(http("listen 8080 backlog=100 backlog=200;"), {PORT: 200}),
    "BACKLOG": Row(http("listen 8080 BACKLOG=100;"), refused='invalid parameter "BACKLOG=100"'),
    "backlog = 100": Row(http("listen 8080 backlog = 100;"), refused='invalid parameter "backlog"'),
    "reuseport=on": Row(http("listen 8080 reuseport=on;"), refused='invalid parameter "reuseport=on"'),
    "quoted": Row(http("listen \"8080\" 'backlog=77';"), {PORT: 77}),
    "newlines inside": Row(http("listen\n8080\n# c\nbacklog=77\n;"), {PORT: 77}),
    "port range": Row(http("listen 8080-8082 backlog=100;"), {"0.0.0.0:%d" % port: 100 for port in (8080, 8081, 8082)}),
    "port range and one of its ports": Row(
        http("listen 8080-8081;", "listen 8081 backlog=9;"), {PORT: 511, "0.0.0.0:8081": 9}, not_edited="whose options are set at"
    ),
    "port range over a set port": Row(http("listen 8080-8081 backlog=9;", "listen 8081 backlog=9;"), refused="duplicate listen options for 0.0.0.0:8081"),
    "port range upside down": Row(http("listen 8082-8080;"), refused='invalid port range in "8082-8080" of the "listen" directive'),
    "port 0": Row(http("listen 0;"), refused='invalid port in "0" of the "listen" directive'),
    "port 65536": Row(http("listen *:65536;"), refused='invalid port in "*:65536" of the "listen" directive'),
    "a slash": Row(http("listen 127.0.0.1/8;"), refused='invalid host in "127.0.0.1/8" of the "listen" directive'),
    "no host": Row(http("listen :8080;"), refused='no host in ":8080" of the "listen" directive'),
    "not inet6": Row(http("listen [::g]:80;"), refused='invalid IPv6 address in "[::g]:80" of the "listen" directive'),
    "no arguments": Row(http("listen;"), refused='invalid number of arguments in "listen" directive'),
    "bad so_keepalive": Row(http("listen 8080 so_keepalive=::0;"), refused='invalid so_keepalive value: "::0"'),
    "bad rcvbuf": Row(http("listen 8080 rcvbuf=1g;"), refused='invalid rcvbuf "rcvbuf=1g"'),
    "bad ipv6only": Row(http("listen 8080 ipv6only=oo;"), refused='invalid ipv6only flags "oo"'),
    "stream tcp": Row(stream("listen 9000 backlog=9;"), {"0.0.0.0:9000": 9}),
    "stream range": Row(stream("listen 9000-9001 backlog=9;"), {"0.0.0.0:9000": 9, "0.0.0.0:9001": 9}),
    "stream udp with backlog": Row(stream("listen 9000 udp backlog=9;"), refused='"backlog" parameter is incompatible with "udp"'),
    "stream tcp and udp": Row(stream("listen 9000 backlog=9; listen 9000 udp reuseport;"), {"0.0.0.0:9000": 9}),
    "stream duplicate": Row(stream("listen 9000;", "listen 9000 backlog=9;"), {"0.0.0.0:9000": 9}, refused_before_1_25_5=PAIR),
    "stream default_server": Row(stream("listen 9000 default_server;"), {"0.0.0.0:9000": 511}, refused_before_1_25_5='invalid "default_server" parameter'),
    "stream duplicate options": Row(
        stream("listen 9000 bind;", "listen 9000 backlog=9;"), refused="duplicate listen options for 0.0.0.0:9000", refused_before_1_25_5=PAIR
    ),
    "stream without listen": Row(stream(""), refused='no "listen" is defined for server'),
    "mail": Row(mail("listen 9025 backlog=9;", "listen 9026;"), {"0.0.0.0:9025": 9, "0.0.0.0:9026": 511}),
    "mail duplicate": Row(mail("listen 9000;", "listen 9000 backlog=9;"), refused=PAIR),
    "mail reuseport": Row(mail("listen 9025 reuseport;"), refused='invalid parameter "reuseport"', refused_before_1_25_5='invalid "reuseport" parameter'),
    "unix": Row(http("listen %s backlog=77;" % UNIX), {UNIX: 77}),
    "unix twice": Row(http("listen %s;" % UNIX, "listen UNIX:@folder@/socket backlog=77;"), {UNIX: 77}),
    "unix in http and stream": Row(http("listen %s;" % UNIX) + stream("listen %s;" % UNIX), {UNIX: 511}, bind_fails=True),
    "quic with backlog": Row(
        http("listen 8443 quic backlog=9;"), refused='"backlog" parameter is incompatible with "quic"', refused_before_1_25_5='invalid parameter "quic"'
    ),
    "ssl": Row(http("listen 8443 ssl backlog=9; " + TLS, "listen 8443 ssl; server_name a; " + TLS), {"0.0.0.0:8443": 9}),
    "ssl and its backlog in another server": Row(http("listen 8443 ssl; " + TLS, "listen 8443 backlog=9; " + TLS), {"0.0.0.0:8443": 9}),
    "quic beside ssl": Row(
        http("listen 8443 ssl backlog=9; listen 8443 quic reuseport; " + TLS), {"0.0.0.0:8443": 9}, refused_before_1_25_5='invalid parameter "quic"'
    ),
    "quic alone": Row(http("listen 8080 backlog=9; listen 8443 quic; " + TLS), {PORT: 9}, refused_before_1_25_5='invalid parameter "quic"'),
    "stream ssl": Row(stream("listen 8443 ssl backlog=9; " + TLS), {"0.0.0.0:8443": 9}),
    "mail ssl": Row(mail("listen 9993 ssl backlog=9; " + TLS), {"0.0.0.0:9993": 9}),
    "listen in a map": Row("http { access_log off; map $host $x { listen 99; default 1; } server { listen 8080; } }", {PORT: 511}),
    "http2 in one and backlog in the other": Row(http("listen 8080 http2;", "listen 8080 backlog=9;"), {PORT: 9}),
}
