# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in situations: each builder makes one inside a clean room (room.py) and returns when it stands.

Everything a builder makes belongs to child processes of the room. They hold it until they are killed, which happens at the
latest when the room's pid namespace ends, so no builder has anything to tear down.
"""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import tempfile
from pathlib import Path
from typing import NamedTuple

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
CONNECTIONS_PER_CHILD = 9000  # each connection takes two descriptors of the 20,000 a child may have
LISTENER_HOLDERS = 50
FIRST_PORT = 10000
NGINX_MAIN = """\
pid %(folder)s/nginx.pid;
error_log stderr;
events { worker_connections 20000; }
http {
    access_log off;
    types { text/html html htm; image/png png; }
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    server_names_hash_max_size 131072;
    server_names_hash_bucket_size 128;
    include sites/*.conf;
}
"""
NGINX_SERVER = """\
# customer %(name)s: do not edit, "listen" comes from the address plan
server {
    listen %(address)s:8080%(options)s;
    listen %(address)s:8443%(more)s;  # behind the balancer
    server_name www%(name)s.example.com example%(name)s.com *.shop%(name)s.example.net;
    root /srv/www/%(name)s/public;
    index index.html index.htm;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_timeout 1d;
    add_header X-Frame-Options "SAMEORIGIN" always;
    client_max_body_size 16m;

    location / {
        try_files $uri $uri/ @backend;
    }
    location ~* \\.(?:css|js|png)$ {
        expires 30d;
        add_header Cache-Control "public, immutable";
    }
    location @backend {
        proxy_pass http://127.0.0.1:9000;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
    if ($request_method = "TRACE") {
        return 405;
    }
}
"""
LIBC = ctypes.CDLL(None, use_errno=True)


def idle():
    """A host that does nothing: no listener at all."""


def listeners(count, holders=LISTENER_HOLDERS):
    """`count` TCP listeners, every fourth of them IPv6, dealt to `holders` processes. Backlogs differ, as they do in real life."""
    for holder in range(min(holders, count)):
        _child(_listen_on, range(holder, count, holders))


def connections(count):
    """`count` established TCP connections over loopback (both ends live here, so 2 x `count` sockets) and a listener for each 9,000."""
    for child, first in enumerate(range(0, count, CONNECTIONS_PER_CHILD)):
        _child(_connect_to_itself, child, min(CONNECTIONS_PER_CHILD, count - first))


def processes(count, descriptors):
    """`count` processes with `descriptors` open files each, half of them sockets; the two that listen start last and so have the highest pids."""
    for _each in range(count):
        _child(_open_files, descriptors)
    listeners(2, holders=2)


def namespaces(count):
    """`count` network namespaces, each with one process and one listener and no name in /run/netns, as containers have."""
    for _each in range(count):
        _child(_listen_in_new_namespace)


def connections_and_namespaces(connection_count, namespace_count):
    """The product that hurts: the kernel's table of established connections is one for all namespaces."""
    namespaces(namespace_count)
    connections(connection_count)


def nginx_configuration(files, servers):
    """An nginx that does not run: `files` included files, one for each address, with `servers` servers that have two listens each."""
    main = nginx_main_file()
    (main.parent / "sites").mkdir(parents=True, exist_ok=True)
    main.write_text(NGINX_MAIN % {"folder": main.parent})
    for number in range(files):
        text = "".join(NGINX_SERVER % nginx_server(number, each) for each in range(servers))
        (main.parent / "sites" / f"{number:04}.conf").write_text(text)


def nginx_main_file():
    """Where nginx_configuration() puts it: the same place inside and outside of a room."""
    return Path(tempfile.gettempdir()) / "nginx" / "nginx.conf"


def nginx_server(file, server):
    """One server of a file, which is called FILE-SERVER. The first sets the options of the sockets, the others share them."""
    options, more = (" backlog=1024", " reuseport") if server == 0 else ("", "")
    return {"name": f"{file}-{server}", "address": f"127.1.{file // 250}.{1 + file % 250}", "options": options, "more": more}


class Expected(NamedTuple):
    """How many listeners there are in the room's own namespace, and in all that can be seen there."""

    own: int
    everywhere: int


def expected_listeners(scenario, sizes):
    """What a correct answer holds, so that a goal cannot be reached by looking away."""
    connected = -(-sizes[0] // CONNECTIONS_PER_CHILD) if sizes else 0
    own = {"listeners": sizes[:1], "connections": [connected], "connections_and_namespaces": [connected], "processes": [2]}.get(scenario, [0])
    elsewhere = {"namespaces": sizes[:1], "connections_and_namespaces": sizes[1:]}.get(scenario, [0])
    return Expected(sum(own), sum(own) + sum(elsewhere))


def raise_limits():
    """Give this process, and so its children, room for 20,000 descriptors (or what the hard limit allows)."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 20000 if hard == resource.RLIM_INFINITY else min(20000, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def loopback_up():
    """A new network namespace has its loopback interface down: bring it up (ip link set lo up, without iproute2)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh22x", b"lo", 0)
        _name, flags = struct.unpack("16sh22x", fcntl.ioctl(control, SIOCGIFFLAGS, request))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def die_with_parent():
    """Ask the kernel to kill this process when the thread that started it ends; survives exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _child(build, *arguments):
    """Fork a process that builds something and holds it for ever. Returns when it stands; raises RuntimeError when it could not be built."""
    told, tell = os.pipe()
    if os.fork() == 0:
        try:
            die_with_parent()
            os.close(told)
            kept = build(*arguments)  # a name, so that nothing is closed by the garbage collector
            os.write(tell, b"+")
            os.close(tell)
            while kept:
                signal.pause()
        except OSError as error:
            os.write(tell, str(error).encode())
        finally:
            os._exit(1)
    os.close(tell)
    answer = os.read(told, 1000)
    os.close(told)
    if answer != b"+":
        raise RuntimeError(f"{build.__name__.strip('_')}: {answer.decode() or 'the child died'}")


def _listen_on(numbers):
    return [_listener(number) for number in numbers]


def _listener(number):
    """Listener number N: 20,000 ports on each address of 127/8, IPv6 on the wildcard address."""
    on_ipv6 = number % 4 == 3
    made = socket.socket(socket.AF_INET6 if on_ipv6 else socket.AF_INET)
    if on_ipv6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    address = "::" if on_ipv6 else f"127.{1 + number // 20000}.0.1"
    made.bind((address, FIRST_PORT + number % 20000))
    made.listen(128 + number % 7)
    return made


def _connect_to_itself(child, count):
    """Listen on one loopback address and connect from another, so that no two children share their ports."""
    listener = socket.socket()
    listener.bind(("127.10.0.1", 9000 + child))
    listener.listen(4096)
    kept = [listener]
    for _each in range(count):
        client = socket.socket()
        client.bind((f"127.11.{child}.1", 0))
        client.connect(listener.getsockname())
        kept += [client, listener.accept()[0]]
    return kept


def _open_files(descriptors):
    null = os.open(os.devnull, os.O_RDONLY)
    copies = [os.dup(null) for _each in range(descriptors - descriptors // 2)]
    return copies + [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _each in range(descriptors // 2)]


def _listen_in_new_namespace():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET): " + os.strerror(ctypes.get_errno()))
    made = socket.socket()
    made.bind(("0.0.0.0", 8080))
    made.listen(128)
    return [made]


BUILDERS = {build.__name__: build for build in (idle, listeners, connections, processes, namespaces, connections_and_namespaces, nginx_configuration)}
