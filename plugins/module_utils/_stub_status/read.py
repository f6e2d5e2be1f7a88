# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an nginx for its stub_status page, over a socket that was made in the network namespace of the server."""

import socket
import time

from .page import LONGEST, request

TIMEOUT = 1.0  # seconds for one page: nginx answers from memory, and with a full accept queue it does not answer at all
BUDGET = 3.0  # seconds for all pages of a run
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


def open_socket(place):
    """Return a socket for ``place``, to be called inside the namespace; it stays in it. Raises OSError."""
    return socket.socket(FAMILIES[place.family], socket.SOCK_STREAM | socket.SOCK_CLOEXEC)


def ask(connection, place, seconds=TIMEOUT):
    """Return the bytes of the answer, at most LONGEST. Closes the socket. Raises OSError, also when it takes longer than ``seconds``."""
    deadline = time.monotonic() + seconds
    with connection:
        _wait(connection, deadline)
        connection.connect((place.address, place.port))
        _wait(connection, deadline)
        connection.sendall(request(place))
        answer = b""
        while len(answer) < LONGEST:
            _wait(connection, deadline)
            piece = connection.recv(LONGEST - len(answer))
            if not piece:
                break
            answer += piece
    return answer


def _wait(connection, deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    connection.settimeout(left)
