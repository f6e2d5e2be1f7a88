# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs, questions, and first lines of answers."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._probe.web_answer import Url, parse_url, request, status_of
from hypothesis import given
from hypothesis import strategies as st

URLS = {
    "plain": ("http://127.0.0.1/", Url(False, "127.0.0.1", 80, "/", "127.0.0.1")),
    "without_a_path": ("http://example.org", Url(False, "example.org", 80, "/", "example.org")),
    "port_and_query": ("http://h:8080/a?b=c&d", Url(False, "h", 8080, "/a?b=c&d", "h:8080")),
    "ipv6": ("http://[::1]:81/x", Url(False, "::1", 81, "/x", "[::1]:81")),
    "tls": ("https://example.org/", Url(True, "example.org", 443, "/", "example.org")),
}
WRONG = [
    "", "127.0.0.1", "ftp://h/", "http://", "http://h:0/", "http://h:65536/", "http://h:x/", "http://h/a b", "http://h/\r\nX: y", "http://h/é",
    "http://h?x", "http://h/\n",
]  # fmt: skip


@pytest.mark.parametrize("text, url", URLS.values(), ids=URLS)
def test_url(text, url):
    assert parse_url(text) == url


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_asked(text):
    with pytest.raises(InputError) as raised:
        parse_url(text)
    assert str(raised.value) == "url: %r is no URL that can be asked; write it like http://127.0.0.1:8080/health" % text


@pytest.mark.parametrize("text", ["http://u:secret@h/", "https://secret@h", "ftp://u:secret@h/", "secret@"])
def test_password_is_refused_and_not_shown(text):
    with pytest.raises(InputError) as raised:
        parse_url(text)
    sentence = "url: what holds an @ is not asked; name a URL that needs neither user nor password, like http://127.0.0.1:8080/health"
    assert str(raised.value) == sentence


SHOWN = {
    "http://h": "http://h/",
    "http://[::1]:81/x": "http://[::1]:81/x",
    "https://h:8443/a?token=secret?b": "https://h:8443/a?...",
    "http://h/a@b": "http://h/a@b",
}


@pytest.mark.parametrize("text, shown", SHOWN.items())
def test_what_people_are_shown(text, shown):
    assert parse_url(text).text == shown


@given(st.text())
def test_no_url_adds_a_line_to_the_question(text):
    try:
        url = parse_url("http://h/" + text)
    except InputError:
        return
    assert request(url).count(b"\r\n") == 6 == request(url).count(b"\n")


def test_request():
    lines = request(parse_url("http://[::1]:81/x")).decode().split("\r\n")
    assert lines == ["GET /x HTTP/1.1", "Host: [::1]:81", "User-Agent: netops.listen_queue", "Accept: */*", "Connection: close", "", ""]


ANSWERS = {
    b"HTTP/1.1 200 OK\r\n": 200, b"HTTP/1.0 404\n": 404, b"HTTP/1.1 503 Service Unavailable\r\nX: y": 503, b"": None, b"HTTP/1.1 2": None,
    b"HTTP/1.1 200": None, b"HTTP/1.1 999 x\r\n": None, b"HTTP/2 200\r\n": None, b"SSH-2.0-x\r\n": None, b"\x15\x03\x01\x00\x02\x02\x16": None,
}  # fmt: skip


@pytest.mark.parametrize("answer, status", ANSWERS.items())
def test_status(answer, status):
    assert status_of(answer) == status
