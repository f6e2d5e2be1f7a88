# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens connections to see whether, and how fast, somebody answers. Every wait has an end."""

import errno
import math
import os
import select
import socket
import time
from contextlib import suppress

from .latency import CONNECTED, FAILED, REFUSED, RESET, TIMEOUT, Attempt
from .web_answer import MOST_READ, request, status_of

FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "unix": socket.AF_UNIX}
LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1"}
SHORTEST_WATCH, LONGEST_WATCH = 0.001, 0.1  # seconds to wait for a reset that follows
WAYS = {errno.ECONNREFUSED: REFUSED, errno.ECONNRESET: RESET, errno.ETIMEDOUT: TIMEOUT}


def connect_once(family, place, seconds, kind=socket.SOCK_STREAM):
    """Connect in the network namespace of the calling thread, to what bind(2) calls ``place``; return the Attempt.

    With tcp_abort_on_overflow a listener resets connections that the client believes to be made. The reset comes one way
    later, so it is waited for as long as the connect took.
    """
    start = time.monotonic()
    with socket.socket(FAMILIES[family], kind | socket.SOCK_CLOEXEC) as client:
        client.setblocking(False)
        try:
            number = client.connect_ex(place)
        except (OSError, ValueError, OverflowError) as error:  # a name that does not fit
            return Attempt(FAILED, 0.0, getattr(error, "strerror", None) or str(error))
        if number == errno.EPROTOTYPE and kind == socket.SOCK_STREAM:
            return connect_once(family, place, seconds, socket.SOCK_SEQPACKET)
        if number in (errno.EINPROGRESS, errno.EINTR):
            if not _is_ready(client, seconds, True):
                return Attempt(TIMEOUT, time.monotonic() - start)
            number = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        took = time.monotonic() - start
        if number == 0 and family != "unix" and _is_ready(client, min(max(took, SHORTEST_WATCH), LONGEST_WATCH), False):
            number = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number == 0:
        return Attempt(CONNECTED, took)
    if number == errno.EAGAIN:  # only UNIX sockets say so at once
        return Attempt(TIMEOUT, took, "the accept queue is full")
    outcome = WAYS.get(number, FAILED)
    return Attempt(outcome, took, os.strerror(number) if outcome == FAILED else None)


def _is_ready(client, seconds, for_writing):
    poll = select.poll()
    poll.register(client, select.POLLOUT if for_writing else select.POLLIN)
    return bool(poll.poll(max(1, math.ceil(seconds * 1000))))  # an attempt that ends too early would be followed by a useless one


def connect_often(family, place, count, seconds, most_seconds, pause=0.0):
    """Connect up to ``count`` times, one after the other, for at most about ``most_seconds``; return the Attempts."""
    deadline, attempts = time.monotonic() + most_seconds, []
    while len(attempts) < count:
        left = deadline - time.monotonic()
        if attempts and left <= 0:
            break
        attempts.append(connect_once(family, place, min(seconds, max(left, 0.001))))
        if pause and len(attempts) < count:
            time.sleep(min(pause, max(deadline - time.monotonic(), 0)))
    return attempts


def place_of(listener):
    """Return what connect(2) wants in order to reach a TCP ListenSocket in its own namespace."""
    address = LOCAL.get(listener.local_address, listener.local_address)
    if listener.family == "inet6":
        return address, listener.local_port, 0, listener.interface
    return address, listener.local_port


def unix_place_of(proc, pid, path):
    """Return what connect(2) wants in order to reach the UNIX socket that process ``pid`` has bound to ``path``."""
    if path.startswith("@"):
        return b"\0" + os.fsencode(path[1:])
    return proc.path("%d/%s/%s" % (pid, "root" if path.startswith("/") else "cwd", path.lstrip("/")))


def ask(url, seconds, validate_certs=True):
    """Return ``(status, None)``, or ``(None, sentence)``, of the answer to an Url."""
    deadline = time.monotonic() + seconds
    reason = "the name %s could not be looked up" % url.host
    for address in _resolved(url, seconds):
        try:
            status = status_of(_answer(url, address, deadline, validate_certs))
        except OSError as error:
            reason = "there is no answer (%s)" % (error.strerror or error)
            continue
        return status, None if status else "the answer is not HTTP"
    return None, reason


def _answer(url, address, deadline, validate_certs):
    """Return the first bytes of the answer, with the whole first line if it has one. Raises OSError."""
    with socket.create_connection(address, _left(deadline)) as plain, _secured(plain, url, validate_certs) as connection:
        connection.settimeout(_left(deadline))
        connection.sendall(request(url))
        answer = b""
        while b"\n" not in answer and len(answer) < MOST_READ:
            connection.settimeout(_left(deadline))
            piece = connection.recv(MOST_READ - len(answer))
            if not piece:
                break
            answer += piece
    return answer


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    return left


def _secured(plain, url, validate_certs):
    if not url.is_tls:
        return plain
    import ssl

    context = ssl.create_default_context()
    if not validate_certs:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=url.host)


def _resolved(url, seconds):
    """Look a name up in a thread that may be left behind: a resolver cannot be told when to end."""
    from threading import Thread

    found = []

    def resolve():
        with suppress(OSError, UnicodeError):
            found.extend(row[4][:2] for row in socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM))

    thread = Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(seconds)
    return list(found)
