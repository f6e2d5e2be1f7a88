# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for a page: bounded in time and size, whoever answers."""

import contextlib
import socket
import threading
import time

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._stub_status.page import LONGEST, Place
from ansible_collections.netops.listen_queue.plugins.module_utils._stub_status.read import ask, open_socket


@pytest.fixture
def server():
    """A function that serves one connection with ``act(connection)`` and returns its Place."""
    made = []

    def serve(act):
        listener = socket.create_server(("127.0.0.1", 0))
        made.append(listener)

        def run():
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                connection.recv(1000)
                act(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        made.append(thread)
        return Place("inet", "127.0.0.1", listener.getsockname()[1], "localhost", b"/")

    yield serve
    for each in made:
        if isinstance(each, socket.socket):
            with contextlib.suppress(OSError):  # wakes a thread that waits in accept(), which close() does not
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        else:
            each.join(10)


def test_answer_in_pieces(server):
    def act(connection):
        for piece in (b"HTTP/1.1 ", b"200", b" OK\r\n"):
            connection.sendall(piece)
            time.sleep(0.01)

    place = server(act)
    assert ask(open_socket(place), place) == b"HTTP/1.1 200 OK\r\n"


def test_endless_answer(server):
    def act(connection):
        while True:
            connection.sendall(b"x" * 10000)

    place = server(act)
    assert ask(open_socket(place), place) == b"x" * LONGEST


@pytest.mark.parametrize("piece", [b"", b"x"])
def test_answer_that_never_ends_in_time(server, piece):
    def act(connection):
        connection.settimeout(0.01)
        while True:
            connection.sendall(piece)
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    place = server(act)
    connection = open_socket(place)
    with pytest.raises(TimeoutError):
        ask(connection, place, 0.1)
    assert connection.fileno() == -1


def test_nobody_listens():
    place = Place("inet", "127.0.0.1", 1, "localhost", b"/")
    with pytest.raises(ConnectionRefusedError):
        ask(open_socket(place), place)
