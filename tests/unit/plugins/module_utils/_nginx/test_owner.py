# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model against what nginx 1.22.1 and 1.26.3 do with the same configurations (tests/integration/nginx asks the real one)."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.owner import blocker, carriers, is_live, sockets_of
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.inet_diag import ListenSocket
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx.rows import HOSTS, NEW, OLD, ROWS, configuration, http, mail, stream


def model(text, version=NEW):
    listens = listen_directives(configuration(text), HOSTS, version)
    return listens, sockets_of(listens, version)


def faults(text, version=NEW):
    listens, sockets = model(text, version)
    return list(dict.fromkeys((fault.stage, fault.message) for row in (*listens, *sockets) for fault in row.faults))


def in_our_words(message):
    """Before 1.23 stream and mail said it the other way round."""
    return message.replace('invalid "default_server" parameter', 'invalid parameter "default_server"').replace(
        'invalid "reuseport" parameter', 'invalid parameter "reuseport"'
    )


@pytest.mark.parametrize("version", [OLD, NEW], ids=["1.22.1", "1.29.8"])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row, version):
    _listens, sockets = model(row.text, version)
    found = faults(row.text, version)
    refused = row.refused_before_1_25_5 if version is OLD and row.refused_before_1_25_5 else row.refused
    messages = [message for stage, message in found if stage == "test"]
    if refused:
        assert in_our_words(refused) in messages[0]
        assert messages[0].startswith("/etc/nginx/nginx.conf:1: ")
        return
    assert messages == []
    assert ("bind" in dict(found)) == row.bind_fails
    bound = {socket.address.text: socket.listen_backlog for socket in sockets if socket.served_by is None and socket.protocol != "udp"}
    assert bound == row.sockets
    assert all(socket.owner in (None, *socket.listens) for socket in sockets)


SENTENCES = {
    "duplicate options name both places": (
        http("\nlisten 8080 rcvbuf=9;", "\nlisten 8080 backlog=9;"),
        ("test", "/etc/nginx/nginx.conf:3: duplicate listen options for 0.0.0.0:8080 (the first is at /etc/nginx/nginx.conf:2)"),
    ),
    "shadow": (
        http("\nlisten 8080;", "\nlisten 127.0.0.1:8080 backlog=9;"),
        (
            "bind",
            (
                "/etc/nginx/nginx.conf:3: bind() to 127.0.0.1:8080 will fail (98: Address already in use) because of 0.0.0.0:8080 at "
                "/etc/nginx/nginx.conf:2, which nginx -t does not see and a reload only logs: set backlog there instead of here, or reuseport in both"
            ),
        ),
    ),
    "dual stack": (
        http("\nlisten 8080;\nlisten [::]:8080 ipv6only=off;"),
        (
            "bind",
            (
                "/etc/nginx/nginx.conf:2: bind() to 0.0.0.0:8080 will fail (98: Address already in use) because of [::]:8080 at "
                "/etc/nginx/nginx.conf:3, which nginx -t does not see and a reload only logs: take ipv6only=off away there, or this listen"
            ),
        ),
    ),
    "two contexts": (
        http("\nlisten 8080;") + stream("\nlisten 8080;"),
        (
            "bind",
            (
                "/etc/nginx/nginx.conf:3: bind() to 0.0.0.0:8080 will fail (98: Address already in use) because of 0.0.0.0:8080 at "
                "/etc/nginx/nginx.conf:2, which nginx -t does not see and a reload only logs: let only one of stream and http listen there"
            ),
        ),
    ),
    "wildcard of another context": (
        http("\nlisten 8080;") + stream("\nlisten 127.0.0.1:8080;"),
        (
            "bind",
            (
                "/etc/nginx/nginx.conf:3: bind() to 127.0.0.1:8080 will fail (98: Address already in use) because of 0.0.0.0:8080 at "
                "/etc/nginx/nginx.conf:2, which nginx -t does not see and a reload only logs: give one of them another port"
            ),
        ),
    ),
}


@pytest.mark.parametrize("text, expected", SENTENCES.values(), ids=SENTENCES)
def test_sentence(text, expected):
    assert faults(text) == [expected]


def test_unknown_version_is_a_note_where_versions_differ():
    note = "/etc/nginx/nginx.conf:1: nginx before 1.25.5 refuses a second listen on 0.0.0.0:9000 (the first is at /etc/nginx/nginx.conf:1)"
    assert faults(stream("listen 9000;", "listen 9000;"), None) == [("note", note)]


def test_ports_of_the_kernels_choice_do_not_clash():
    assert {stage for stage, _message in faults(stream("listen 127.0.0.1;") + mail("listen 127.0.0.1;"))} == {"note"}


CARRIERS = {
    "the owner alone": (("listen 1;", "listen 1 bind;", "listen 1 default_server;"), [1]),
    "the default server first": (("listen 1;", "listen 1;", "listen 1 default_server;"), [2, 0, 1]),
    "the alias default": (("listen 1;", "listen 1 default;"), [1, 0]),
    "the first": (("listen 1;", "listen 1 ssl;"), [0, 1]),
    "not an implicit one": (("server_name a;", "listen 80;"), [1]),
    "only implicit": (("server_name a;",), []),
}


@pytest.mark.parametrize("servers, expected", CARRIERS.values(), ids=CARRIERS)
def test_carriers(servers, expected):
    listens, sockets = model(http(*servers))
    assert carriers(sockets[0], listens) == expected


def live(address, port=8080, family="inet", path=None, v6only=None):
    return ListenSocket(family, address, port, path, 0, v6only, 0, 511, 0, 0, 1, 1)


LIVE = {
    "same": ("listen 8080;", live("0.0.0.0"), True),
    "another address": ("listen 8080;", live("127.0.0.1"), False),
    "another port": ("listen 8080;", live("0.0.0.0", 8081), False),
    "inet6": ("listen [::0]:8080;", live("::", family="inet6"), True),
    "another family": ("listen [::]:8080;", live("0.0.0.0"), False),
    "unix": ("listen unix:/run/x;", live(None, None, "unix", "/run/x"), True),
    "another path": ("listen unix:/run/x;", live(None, None, "unix", "/run/y"), False),
    "a name that is not resolved": ("listen nowhere:8080;", live("127.0.0.1"), False),
}


@pytest.mark.parametrize("listen, listener, expected", LIVE.values(), ids=LIVE)
def test_is_live(listen, listener, expected):
    assert is_live(model(http(listen))[1][0], listener) is expected


BLOCKERS = {
    "wildcard for an address": ("listen 8080;", [live("127.0.0.1")], "127.0.0.1:8080"),
    "address for a wildcard": ("listen 127.0.0.1:8080;", [live("0.0.0.0")], "0.0.0.0:8080"),
    "another port": ("listen 8080;", [live("127.0.0.1", 8081)], None),
    "another address": ("listen 127.0.0.1:8080;", [live("127.0.0.2")], None),
    "live already": ("listen 8080;", [live("127.0.0.1"), live("0.0.0.0")], None),
    "inet6 beside inet": ("listen [::]:8080;", [live("127.0.0.1")], None),
    "dual stack for inet": ("listen [::]:8080 ipv6only=off;", [live("127.0.0.1")], "127.0.0.1:8080"),
    "inet for dual stack": ("listen 127.0.0.1:8080;", [live("::", family="inet6", v6only=False)], "[::]:8080"),
    "unix": ("listen unix:/x;", [live("0.0.0.0")], None),
}


@pytest.mark.parametrize("listen, listeners, expected", BLOCKERS.values(), ids=BLOCKERS)
def test_blocker(listen, listeners, expected):
    assert blocker(model(http(listen))[1][0], listeners) == expected
