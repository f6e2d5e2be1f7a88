# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stub_status: where it is offered, what is asked, what the answer says."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import read_configuration
from ansible_collections.netops.listen_queue.plugins.module_utils._stub_status.page import Place, parse, places, request

STATUS = "stub_status; "
# servers of http: the places, best first
OFFERED = {
    "exact": ("server { listen 8080; location = /s { stub_status; } }", ["http://127.0.0.1:8080/s"]),
    "prefix": ("server { listen 8080; location /s/ { stub_status on; } }", ["http://127.0.0.1:8080/s/"]),
    "preferred_prefix": ("server { listen 8080; location ^~ /s { stub_status; } }", ["http://127.0.0.1:8080/s"]),
    "whole_server": ("server { listen 8080; stub_status; }", ["http://127.0.0.1:8080/"]),
    "nested": ("server { listen 8080; location /a { location /a/s { stub_status; } } }", ["http://127.0.0.1:8080/a/s"]),
    "implicit_listen": ("server { location = /s { stub_status; } }", ["http://127.0.0.1:80/s"]),
    "ipv6": ("server { listen [::]:81; location = /s { stub_status; } }", ["http://[::1]:81/s"]),
    "one_address": ("server { listen 10.0.0.5:81; location = /s { stub_status; } }", ["http://10.0.0.5:81/s"]),
    "loopback_first": ("server { listen 10.0.0.5:81; listen 127.0.0.1:82; location = /s { stub_status; } }", ["http://127.0.0.1:82/s", "http://10.0.0.5:81/s"]),
    "two_servers": ("server { listen 1; location /a { stub_status; } } server { listen 2; }", ["http://127.0.0.1:1/a"]),
    "tls_only": ("server { listen 443 ssl; location = /s { stub_status; } }", []),
    "proxy_protocol": ("server { listen 81 proxy_protocol; location = /s { stub_status; } }", []),
    "unix_only": ("server { listen unix:/run/x; location = /s { stub_status; } }", []),
    "pattern": ("server { listen 81; location ~ ^/s { stub_status; } }", []),
    "named": ("server { listen 81; location @s { stub_status; } }", []),
    "condition": ("server { listen 81; if ($a) { stub_status; } }", []),
    "no_text": ('server { listen 81; location "/a b" { stub_status; } }', []),
    "host_name": ("server { listen no.example:81; location = /s { stub_status; } }", []),
    "none": ("server { listen 81; }", []),
}


def places_of(tmp_path, servers):
    (tmp_path / "n.conf").write_text("http { %s }" % servers)
    configuration = read_configuration(str(tmp_path), "/n.conf", "/")
    return places(configuration.nodes, listen_directives(configuration))


@pytest.mark.parametrize("servers, expected", OFFERED.values(), ids=OFFERED)
def test_places(tmp_path, servers, expected):
    assert [place.text for place in places_of(tmp_path, servers)] == expected


HOSTS = {
    "first_plain_name": ('"*.x" ~^a .b good.example other', "good.example"),
    "none": ("", "localhost"),
    "only_patterns": ("*.x _", "localhost"),
    "line_breaks": ('"a\r\nX-Evil: 1" "b c"', "localhost"),
}


@pytest.mark.parametrize("names, host", HOSTS.values(), ids=HOSTS)
def test_host(tmp_path, names, host):
    server_name = "server_name %s;" % names if names else ""
    (place,) = places_of(tmp_path, "server { listen 81; %s location = /s { stub_status; } }" % server_name)
    assert request(place) == b"GET /s HTTP/1.0\r\nHost: %s\r\nUser-Agent: netops.listen_queue\r\n\r\n" % host.encode()


HEAD = b"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n"
PAGE = b"Active connections: 24 \nserver accepts handled requests\n 97 60 61 \nReading: 1 Writing: 2 Waiting: 21 \n"
NUMBERS = {"accepts": 97, "handled": 60, "gap": 37, "requests": 61, "active": 24, "reading": 1, "writing": 2, "waiting": 21}
ANSWERS = {
    "nginx": (HEAD + PAGE, NUMBERS, None),
    "tengine": (HEAD + PAGE.replace(b"handled requests", b"handled requests request_time").replace(b" 61 ", b" 61 1234"), NUMBERS, None),
    "forbidden": (b"HTTP/1.1 403 Forbidden\r\n\r\n<html>", None, "the answer is 403"),
    "redirect": (b"HTTP/1.1 301 Moved Permanently\r\n\r\n", None, "the answer is 301"),
    "other_page": (HEAD + b"<html>hello</html>", None, "the answer is no stub_status page"),
    "tls": (b"\x15\x03\x01\0\x02", None, "the answer is not HTTP"),
    "empty": (b"", None, "the answer is not HTTP"),
    "huge_numbers": (HEAD + PAGE.replace(b"97", b"9" * 30), {**NUMBERS, "accepts": int("9" * 30), "gap": int("9" * 30) - 60}, None),
}


@pytest.mark.parametrize("answer, numbers, reason", ANSWERS.values(), ids=ANSWERS)
def test_answer(answer, numbers, reason):
    assert parse(answer) == (numbers, reason)


def test_answer_cut_at_every_byte():
    whole = HEAD + PAGE.rstrip(b" \n")
    for end in range(len(whole) - 1):
        assert parse(whole[:end])[0] is None, end


def test_text_of_a_place():
    assert Place("inet6", "::1", 81, "x", b"/").text == "http://[::1]:81/"
