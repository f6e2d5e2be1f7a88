# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What listen(2) grants, and what later changes of somaxconn do to a socket that listens already: nothing."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.listen_queue import granted_limit, limited_by, stale_limit
from kernel_rooms import sysctl
from kernel_traffic import connect, listen, listen_again, listen_unix, port_of, queue_of
from kernel_view import assert_same_as_ss, listener_on, own_namespace, unix_listener

INT_MAX = 2147483647
# situation: (somaxconn at listen(), requested, somaxconn now, limit, at_cap, stale_limit without and with the request known, limited_by with it)
LIMITS = {
    "below the cap": (4096, 128, 4096, 128, False, None, False, "backlog"),
    "equal to the cap": (128, 128, 128, 128, True, False, False, "backlog"),
    "capped": (128, 1000, 128, 128, True, False, False, "somaxconn"),
    "capped, then raised": (128, 1000, 2000, 128, False, None, True, "somaxconn"),
    "capped, then raised a little": (128, 1000, 500, 128, False, None, True, "somaxconn"),
    "not capped, then raised": (4096, 128, 65535, 128, False, None, False, "backlog"),
    "lowered below the limit": (4096, 1000, 50, 1000, False, True, True, "backlog"),
    "capped, then lowered": (4096, INT_MAX, 128, 4096, False, True, True, "somaxconn"),
    "lowered to the limit": (4096, 1000, 1000, 1000, True, False, False, "backlog"),
    "minus one is the largest request": (300, -1, 300, 300, True, False, False, "somaxconn"),
    "the most negative request": (300, -INT_MAX - 1, 300, 300, True, False, False, "somaxconn"),
    "70000": (4096, 70000, 4096, 4096, True, False, False, "somaxconn"),
    "above 65535": (INT_MAX, 70000, INT_MAX, 70000, False, None, False, "backlog"),
    "the largest request": (INT_MAX, INT_MAX, INT_MAX, INT_MAX, True, False, False, "backlog"),
    "zero requested": (4096, 0, 4096, 0, False, None, False, "backlog"),
    "zero allowed": (0, 511, 0, 0, True, False, False, "somaxconn"),
    "zero allowed later": (511, 511, 0, 511, False, True, True, "backlog"),
}


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest.mark.parametrize(("somaxconn", "requested", "later", "limit", "at_cap", "stale", "known_stale", "known_cause"), LIMITS.values(), ids=LIMITS)
def test_the_limit_is_of_the_moment_of_listen(somaxconn, requested, later, limit, at_cap, stale, known_stale, known_cause, kind):
    sysctl("net.core.somaxconn", somaxconn)
    listener = listen("127.0.0.1", requested) if kind == "tcp" else listen_unix(b"\0limit", requested)
    sysctl("net.core.somaxconn", later)

    def row_of(namespace):
        return listener_on(namespace, port_of(listener)) if kind == "tcp" else unix_listener(namespace, "@limit")

    namespace = own_namespace()
    row = row_of(namespace)
    assert row["accept_queue_limit"] == limit == granted_limit(requested, somaxconn)
    assert namespace["sysctls"]["net.core.somaxconn"] == later
    assert (row["at_cap"], row["stale_limit"], row["limited_by"]) == (at_cap, stale, "unknown")
    assert limited_by(requested, limit) == known_cause
    assert_same_as_ss(namespace)
    # The kernel's own answer to "would the same call set another limit now?"
    listen_again(listener, requested)
    again = row_of(own_namespace())["accept_queue_limit"]
    assert (again != limit) is known_stale is stale_limit(requested, limit, later)
    assert again == granted_limit(requested, later)
    assert stale in (None, known_stale)


def test_a_smaller_limit_drops_no_waiting_connection():
    listener = listen("127.0.0.1", 100)
    connect(40, "127.0.0.1", port_of(listener))
    listen_again(listener, 5)
    namespace = own_namespace()
    row = listener_on(namespace, port_of(listener))
    assert (row["accept_queue_length"], row["accept_queue_limit"], row["accept_queue_full"], row["drops"]) == (40, 5, True, 0)
    assert queue_of(listener) == (40, 5)
    assert_same_as_ss(namespace)
