# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that serve well, badly or not at all, and what their clients do to them.

Each runs in a process of its own from before the window until the end of the room, so that every window sees the same.
The load is small: some hundred connections per second, and none leaves the room.
"""

import contextlib
import errno
import os
import resource
import signal
import socket
import time

from kernel_rooms import Program
from kernel_traffic import keep, listen, listen_unix, port_of, send_syns

NAME = "shop"  # of no program that anybody knows
LOOPBACK = "127.0.0.1"
PATIENCE = 0.3  # seconds until a client gives up
CPU = min(os.sched_getaffinity(0))  # where a burst and the program it meets share a processor


# Programs -------------------------------------------------------------------------------------------------------------


def serve(serving, backlog=511, prepare=None, address=LOOPBACK, path=None, **bound):
    """A program that listens on an address or a UNIX path and calls ``serving(listener)``; ``told`` is its port, or the path."""
    listeners = []

    def open_for_business():
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(NAME)
        if prepare:
            prepare()
        listeners.append(listen_unix(path.encode(), backlog) if path else listen(address, backlog, **bound))
        return path or port_of(listeners[0])

    return Program(open_for_business, lambda: serving(listeners[0]))


def never(_listener):
    """It listens, and does something else for ever."""


def promptly(listener):
    """Accept and answer each connection as soon as it comes."""
    while True:
        with listener.accept()[0] as client:
            answer(client)


def answer(client):
    with contextlib.suppress(OSError):  # it gave up
        client.send(b"HTTP/1.0 204 No Content\r\n\r\n")


def working(seconds):
    """Compute for so many seconds of CPU time before each answer."""

    def serving(listener):
        while True:
            with listener.accept()[0] as client:
                end = time.thread_time() + seconds
                while time.thread_time() < end:
                    pass
                answer(client)

    return serving


def waiting(seconds):
    """Wait so long for somebody else, a database for example, before each answer."""

    def serving(listener):
        while True:
            with listener.accept()[0] as client:
                time.sleep(seconds)
                answer(client)

    return serving


def hoarding(listener):
    """Keep every connection for ever; a full table of descriptors is no reason to stop trying, as in most servers."""
    while True:
        try:
            keep(listener.accept()[0])
        except OSError as error:
            assert error.errno == errno.EMFILE
            time.sleep(0.05)


def few_descriptors(number):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def blocked(listener):
    """Wait, uninterruptible, for a child of vfork(2) that itself waits for somebody to write into a FIFO."""
    fifo = "/run/nobody-writes"
    os.mkfifo(fifo)
    actions = [(os.POSIX_SPAWN_CLOSE, listener.fileno()), (os.POSIX_SPAWN_OPEN, 0, fifo, os.O_RDONLY, 0)]
    os.posix_spawn("/bin/true", ["true"], {}, file_actions=actions)


def on_one_processor(pid=0):
    os.sched_setaffinity(pid, {CPU})


# Clients --------------------------------------------------------------------------------------------------------------


def again_and_again(action, pause=0.02, patience=PATIENCE):
    """What calls ``action()`` for ever; the sockets that it returns are closed when their patience is over."""

    def go_on():
        waiting = []
        while True:
            waiting.append((time.monotonic() + patience, action() or ()))
            while waiting and waiting[0][0] < time.monotonic():
                for client in waiting.pop(0)[1]:
                    client.close()
            time.sleep(pause)

    return go_on


def clients(action, pause=0.02):
    return Program(lambda: None, again_and_again(action, pause))


def knocking(number, place, address=LOOPBACK, request=b"GET / HTTP/1.0\r\n\r\n"):
    """Begin ``number`` connections to a port or path and return the clients; each sends a request if it gets through at once."""
    found = []
    is_unix = isinstance(place, str)
    for _turn in range(number):
        client = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET)
        client.setblocking(False)
        with contextlib.suppress(OSError):  # its SYN was dropped, or the UNIX queue is full
            client.connect_ex(place if is_unix else (address, place))
            client.send(request)
        found.append(client)
    return found


def visitors(place, number=4):
    """Clients that come steadily, at most ``number`` times 50 per second, whether or not they are served."""
    return clients(lambda: knocking(number, place))


def bursts(port, number, pause=0.2):
    """Clients that all come in the same moment: the processor they share with the program runs nothing else meanwhile."""

    def urgently():
        on_one_processor()
        with contextlib.suppress(PermissionError):  # in a user namespace; the bursts are less dense then
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        found = knocking(number, port)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return found

    return clients(urgently, pause)


def flood(port, number=20):
    """SYNs of peers that never answer, at most ``number`` times 50 per second."""
    return clients(lambda: send_syns(number, LOOPBACK, port))


def half_requests(number, port):
    """Clients that wait, and let wait, in the middle of their request."""
    return Program(lambda: len(keep(knocking(number, port, request=b"GET / HTTP/1.1\r\n"))))


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
