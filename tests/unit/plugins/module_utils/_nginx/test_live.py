# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration and the sockets that listen: which belong together, and what follows."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.advice import advice
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.live import Surroundings, join
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.owner import sockets_of
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.process import Worker
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import read_configuration
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.settings import Settings
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener


def lives(tmp_path, servers, listeners, **known):
    (tmp_path / "n.conf").write_text("http { %s }" % servers)
    sockets = sockets_of(listen_directives(read_configuration(str(tmp_path), "/n.conf", "/")))
    values = {"held": None, "somaxconn": 4096, "is_running": True, "has_socket_backlog": True, **known}
    return join(sockets, Surroundings(None if listeners is None else tuple(listeners), **values))


def row(limit, inode=1, **values):
    return listener(accept_queue_limit=limit, inode=inode, **values)


# what: (servers, listeners, what else is known, (who, stale, number of live sockets) of each socket)
JOINS = {
    "as_asked": ("server { listen 80; }", [row(511)], {}, [("nobody", False, 1)]),
    "ipv6": ("server { listen [::]:80; }", [row(511, family="inet6", address="::")], {}, [("nobody", False, 1)]),
    "unix": ("server { listen unix:/run/x.sock; }", [unix_listener(accept_queue_limit=511)], {}, [("nobody", False, 1)]),
    "capped": ("server { listen 80 backlog=9000; }", [row(4096)], {}, [("sysctl", False, 1)]),
    "raised_later": ("server { listen 80 backlog=2048; }", [row(128)], {}, [("socket_backlog", True, 1)]),
    "old_kernel": ("server { listen 80 backlog=2048; }", [row(128)], {"has_socket_backlog": False}, [("restart", True, 1)]),
    "mixed_reuseport": ("server { listen 80 reuseport; }", [row(511), row(128, inode=2)], {}, [("socket_backlog", True, 2)]),
    "not_there": ("server { listen 80; }", [], {}, [("reload", None, 0)]),
    "other_port": ("server { listen 80; }", [row(511, port=81)], {}, [("reload", None, 0)]),
    "does_not_run": ("server { listen 80; }", [], {"is_running": False}, [("nobody", None, 0)]),
    "perhaps_runs": ("server { listen 80; }", [], {"is_running": None}, [(None, None, 0)]),
    "other_program": ("server { listen 80; }", [row(128, inode=7)], {"held": frozenset((1,))}, [("config", None, 0)]),
    "beside_another_program": ("server { listen 80 reuseport; }", [row(128, inode=7), row(511)], {"held": frozenset((1,))}, [("nobody", False, 1)]),
    "sockets_unknown": ("server { listen 80; }", None, {}, [(None, None, 0)]),
    "somaxconn_unknown": ("server { listen 80; }", [row(511)], {"somaxconn": None}, [(None, None, 1)]),
    "shadowed_with_options": (
        "server { listen 8080; listen 127.0.0.1:8080 backlog=1000; }",
        [row(511, port=8080)],
        {},
        [("config", False, 1), ("config", None, 0)],
    ),
    "shadowed_without_options": ("server { listen 8080; listen 127.0.0.1:8080; }", [row(511, port=8080)], {}, [("nobody", False, 1), (None, None, 0)]),
    "wildcard_now": ("server { listen 80; }", [row(511, address="127.0.0.1")], {}, [("restart", None, 0)]),
    "quic": ("server { listen 443 quic; }", [], {}, [(None, None, 0)]),
}


@pytest.mark.parametrize("servers, listeners, known, expected", JOINS.values(), ids=JOINS)
def test_join(tmp_path, servers, listeners, known, expected):
    found = lives(tmp_path, servers, listeners, **known)
    assert [(live.actor and live.actor.who, live.is_stale, len(live.listeners)) for live in found] == expected


def test_other_program_is_named(tmp_path):
    (live,) = lives(tmp_path, "server { listen 80; }", [row(128, inode=7)], held=frozenset((1,)))
    assert live.actor.because == "another process listens on 0.0.0.0:80; stop it, or let nginx listen elsewhere"


SETTINGS = Settings(2, 512, None, False)


def worker(**values):
    fields = {
        "pid": 11, "role": "worker", "is_shutting_down": False, "state": "S", "wchan": None, "cpu_seconds": 0.0, "start_ticks": 1, "open_files": 10,
        "open_files_limit": 1024, **values,
    }  # fmt: skip
    return Worker(**fields)


def queue(length, inode):
    return row(511, inode=inode, accept_queue_length=length)


GAP = {"accepts": 97, "gap": 37}
EXHAUSTED = (
    "nginx itself closed 37 of 97 accepted connections for want of worker_connections (now 512%s); raise worker_connections and "
    "worker_rlimit_nofile: a longer listen queue does not help"
)
UNEVEN = (
    "one of the 3 queues of 0.0.0.0:80 holds 40 connections and the others 2: with reuseport a connection waits for one worker, and that one is stalled or "
    "overloaded; look at state and CPU time of the workers, or take reuseport away"
)
MIGRATE = (
    "before a reload with fewer workers or without reuseport, set net.ipv4.tcp_migrate_req=1 in this network namespace: "
    "without it the connections that wait in the queues which go away are reset"
)
# what: (settings, workers, queue lengths, status, migrate, sentences)
ADVICE = {
    "nothing": (SETTINGS, [worker()], [0], None, 0, []),
    "gap": (SETTINGS, [worker()], [0], GAP, 0, [EXHAUSTED % ""]),
    "gap_of_a_proxy": (SETTINGS._replace(is_proxy=True), [], [0], GAP, 0, [EXHAUSTED % ", of which a proxied request takes two"]),
    "no_gap": (SETTINGS, [worker()], [0], {"accepts": 97, "gap": 0}, 0, []),
    "few_files": (
        SETTINGS._replace(worker_connections=4096), [worker()], [0], None, 0,
        ["a worker may open 1024 files but has worker_connections 4096; set worker_rlimit_nofile to at least twice that"],
    ),
    "nearly_full": (
        SETTINGS, [worker(open_files=470), worker(pid=12)], [0], None, 0,
        ["worker 11 has 470 open files of at most 512; raise worker_connections and worker_rlimit_nofile before they run out"],
    ),
    "nearly_full_but_ending": (SETTINGS, [worker(open_files=470, is_shutting_down=True)], [0], None, 0, []),
    "unknown_files": (SETTINGS._replace(worker_connections=None), [worker(open_files=None, open_files_limit=None)], [0], None, 0, []),
    "uneven": (SETTINGS, [], [1, 40, 1], None, 1, [UNEVEN]),
    "even": (SETTINGS, [], [30, 40, 20], None, 1, []),
    "short": (SETTINGS, [], [0, 7, 0], None, 1, []),
    "migrate": (SETTINGS, [], [0, 0], None, 0, [MIGRATE]),
    "no_such_sysctl": (SETTINGS, [], [0, 0], None, None, []),
}  # fmt: skip


@pytest.mark.parametrize("settings, workers, lengths, status, migrate, sentences", ADVICE.values(), ids=ADVICE)
def test_advice(tmp_path, settings, workers, lengths, status, migrate, sentences):
    found = lives(tmp_path, "server { listen 80 reuseport; }", [queue(length, number) for number, length in enumerate(lengths, 1)])
    assert advice(settings, workers, found, status, migrate) == sentences
