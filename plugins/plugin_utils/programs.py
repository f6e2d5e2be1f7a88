# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What well-known programs ask for in listen(2) when nobody configures it.

A table with a source per row, and one pure function that finds the row of a listener's processes. The built-in default is what
the program passes to listen(2); the kernel still cuts it to net.core.somaxconn of the listener's namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_INET = ("inet", "inet6")
_ALL = ("inet", "inet6", "unix")
_GITHUB = "https://github.com/"


class Program(NamedTuple):
    """One row: `names` is a pattern for the whole of /proc/PID/comm (15 bytes at most), `families` those whose default it is."""

    id: str
    names: str
    setting: str
    default_backlog: int
    families: tuple[str, ...]
    applied_by: str
    quirk: str
    source: str


PROGRAMS = (
    Program(
        "nginx",
        r"nginx|openresty",
        "listen ... backlog=",
        511,
        _ALL,
        "nginx -s reload when the number differs from the one in the running configuration, otherwise a restart",
        "backlog= may stand in one listen directive of an address:port only; 0 and -1 are refused; with reuseport each worker's socket gets the full value",
        _GITHUB + "nginx/nginx/blob/master/src/os/unix/ngx_linux_config.h",
    ),
    Program(
        "redis",
        r"redis-server|redis-sentinel",
        "tcp-backlog",
        511,
        _ALL,
        "a restart of the server (the setting cannot be changed while it runs)",
        "logs a warning at start when somaxconn is lower than tcp-backlog",
        _GITHUB + "redis/redis/blob/unstable/src/config.c",
    ),
    Program(
        "haproxy",
        r"haproxy",
        "backlog (in the frontend or on the bind line)",
        1024,
        _INET,
        "a reload (the new process listens again)",
        "the default is the frontend's maxconn when that is set, so a lower limit may be meant",
        _GITHUB + "haproxy/haproxy/blob/master/doc/configuration.txt",
    ),
    Program(
        "sshd",
        r"sshd",
        "none (compiled in)",
        128,
        _INET,
        "nothing: use ssh.socket with Backlog= where more is needed",
        "under socket activation systemd owns the socket and its Backlog= decides",
        _GITHUB + "openssh/openssh-portable/blob/master/ssh.h",
    ),
    Program(
        "php-fpm",
        r"php-fpm[0-9.]*",
        "listen.backlog (in the pool)",
        511,
        _ALL,
        "a restart of php-fpm (a reload keeps the listening socket)",
        "the status page shows listen queue and listen queue len; there is no drop counter on a unix socket",
        _GITHUB + "php/php-src/blob/master/sapi/fpm/www.conf.in",
    ),
    Program(
        "apache",
        r"apache2|httpd",
        "ListenBackLog",
        511,
        _INET,
        "a restart",
        "httpd is also the name of other small servers",
        "https://httpd.apache.org/docs/2.4/mod/mpm_common.html#listenbacklog",
    ),
    Program(
        "memcached",
        r"memcached",
        "-b",
        1024,
        _INET,
        "a restart",
        "",
        _GITHUB + "memcached/memcached/blob/master/memcached.c",
    ),
    Program(
        "pgbouncer",
        r"pgbouncer",
        "listen_backlog",
        128,
        _ALL,
        "a restart",
        "",
        _GITHUB + "pgbouncer/pgbouncer/blob/master/doc/config.md",
    ),
    Program(
        "uwsgi",
        r"uwsgi",
        "listen",
        100,
        _ALL,
        "a restart",
        "refuses to start when listen is larger than somaxconn",
        _GITHUB + "unbit/uwsgi/blob/master/core/init.c",
    ),
)

_MATCHERS = tuple((re.compile(program.names).fullmatch, program) for program in PROGRAMS)
_known: dict[str, Program | None] = {}


def find_program(names: Iterable[str]) -> Program | None:
    """The row of the first process name that has one; None when no name is known."""
    for name in names:
        if name not in _known:
            if len(_known) > 10_000:  # names come from hosts: keep the memory of them bounded
                _known.clear()
            _known[name] = next((program for match, program in _MATCHERS if match(name)), None)
        if _known[name] is not None:
            return _known[name]
    return None
