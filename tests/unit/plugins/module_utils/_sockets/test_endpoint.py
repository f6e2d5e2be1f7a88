# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses in all spellings, and the live sockets that they stand for."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import SocketTarget
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.endpoint import Endpoint, matching, nothing_listens, parse_endpoint, text_of
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener
from hypothesis import given
from hypothesis import strategies as st

HOW = "; write it like 127.0.0.1:8080, [::1]:8080, *:8080 or /run/app.sock"
SPELLINGS = {
    "port": ("8080", Endpoint("inet", "0.0.0.0", 8080, None, True)),
    "star": ("*:8080", Endpoint("inet", "0.0.0.0", 8080, None, True)),
    "colon": (":8080", Endpoint("inet", "0.0.0.0", 8080, None, True)),
    "blanks_around": (" 8080\n", Endpoint("inet", "0.0.0.0", 8080, None, True)),
    "ipv4": ("127.0.0.1:80", Endpoint("inet", "127.0.0.1", 80, None)),
    "wildcard_by_its_name": ("0.0.0.0:80", Endpoint("inet", "0.0.0.0", 80, None)),
    "ipv6": ("[::1]:80", Endpoint("inet6", "::1", 80, None)),
    "ipv6_in_full": ("[0:0:0:0:0:0:0:1]:80", Endpoint("inet6", "::1", 80, None)),
    "ipv6_upper_case": ("[2001:DB8::A]:80", Endpoint("inet6", "2001:db8::a", 80, None)),
    "ipv6_wildcard": ("[::]:80", Endpoint("inet6", "::", 80, None)),
    "ipv6_wildcard_of_netstat": (":::80", Endpoint("inet6", "::", 80, None)),
    "ipv6_of_netstat": ("::1:80", Endpoint("inet6", "::1", 80, None)),
    "mapped": ("[::ffff:10.0.0.1]:80", Endpoint("inet6", "::ffff:10.0.0.1", 80, None)),
    "path": ("/run/x.sock", Endpoint("unix", None, None, "/run/x.sock")),
    "path_with_percent_and_colons": ("/run/%x:1:2", Endpoint("unix", None, None, "/run/%x:1:2")),
    "path_of_nginx": ("unix:/run/x.sock", Endpoint("unix", None, None, "/run/x.sock")),
    "relative_path": ("unix:x.sock", Endpoint("unix", None, None, "x.sock")),
    "abstract": ("@x", Endpoint("unix", None, None, "@x")),
    "abstract_of_nginx": ("unix:@x", Endpoint("unix", None, None, "@x")),
}
WRONG = {
    "": "listen: '' is no address and port (no host)",
    "0": "listen: '0' is no address and port (invalid port)",
    "127.0.0.1": "listen: 127.0.0.1 has no port",
    "127.0.0.1:": "listen: '127.0.0.1:' is no address and port (invalid port)",
    "127.0.0.1:65536": "listen: '127.0.0.1:65536' is no address and port (invalid port)",
    "127.0.0.1:8080;": "listen: '127.0.0.1:8080;' is no address and port (invalid port)",
    "[::1]": "listen: [::1] has no port",
    "[::g]:80": "listen: '[::g]:80' is no address and port (invalid IPv6 address)",
    "::": "listen: '::' is no address and port (invalid port)",
    "unix:": "listen: 'unix:' is no address and port (no path in the unix domain socket)",
    "/" + 107 * "x": "listen: %r is no address and port (too long path in the unix domain socket)" % ("/" + 107 * "x"),
}
WRONG_OTHERWISE = {
    "80-90": "listen: 80-90 is a range of ports; name one of them",
    "localhost:80": "listen: names are not looked up; write the address of localhost instead",
    "app": "listen: names are not looked up; write the address of app instead",
    "127.0.0.53%lo:53": "listen: leave the device out of 127.0.0.53%lo:53; the sockets of all devices are meant",
}


@pytest.mark.parametrize("text, endpoint", SPELLINGS.values(), ids=SPELLINGS)
def test_spelling(text, endpoint):
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize("text, sentence", [(text, sentence + HOW) for text, sentence in WRONG.items()] + list(WRONG_OTHERWISE.items()))
def test_what_is_no_endpoint(text, sentence):
    with pytest.raises(InputError) as raised:
        parse_endpoint(text)
    assert str(raised.value) == sentence


def test_the_option_is_named():
    with pytest.raises(InputError, match=r"^listeners: names are not looked up"):
        parse_endpoint("localhost:80", "listeners")


@given(st.text(max_size=40))
def test_any_text_is_an_endpoint_or_a_sentence(text):
    try:
        endpoint = parse_endpoint(text)
    except InputError as error:
        assert str(error).startswith("listen: ")
    else:
        assert (endpoint.path is None) == (endpoint.port is not None)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(1, 65535))
def test_the_text_of_an_endpoint_is_a_spelling_of_it(address, port):
    endpoint = parse_endpoint(("[%s]:%d" if address.version == 6 else "%s:%d") % (address, port))
    assert parse_endpoint(endpoint.text) == endpoint


GROUP = [listener("inet", "0.0.0.0", 80, inode=number) for number in (1, 2)]
OTHERS = [listener("inet", "127.0.0.1", 80), listener("inet", "0.0.0.0", 81), listener("inet6", "::", 80, v6only=True), unix_listener("/run/x.sock")]
DUAL = listener("inet6", "::", 8080, v6only=False)
MATCHES = {
    "group": ("0.0.0.0:80", GROUP),
    "group_by_its_port": ("80", GROUP),
    "one_address": ("127.0.0.1:80", OTHERS[:1]),
    "ipv6_alone": ("[::]:80", OTHERS[2:3]),
    "path": ("/run/x.sock", OTHERS[3:]),
    "dual_stack": ("[::]:8080", [DUAL]),
    "dual_stack_by_its_port": ("8080", [DUAL]),
    "dual_stack_is_not_0.0.0.0": ("0.0.0.0:8080", []),
    "ipv6_only_is_no_dual_stack": ("*:90", []),
    "nothing": ("127.0.0.2:80", []),
}


@pytest.mark.parametrize("text, found", MATCHES.values(), ids=MATCHES)
def test_sockets_of_an_endpoint(text, found):
    rows = [*GROUP, *OTHERS, DUAL, listener("inet6", "::", 90, v6only=True), listener("inet6", "::", 90, v6only=None)]
    assert matching(rows, parse_endpoint(text)) == found


def test_whether_ipv6_is_dual_stack_may_be_unknown():
    assert matching([listener("inet6", "::", 90, v6only=None)], parse_endpoint("90")) == []


NOTHING = {
    "same_port": ("127.0.0.2:80", "nothing listens on 127.0.0.2:80 in here; there is 0.0.0.0:80, 127.0.0.1:80, [::]:80"),
    "other_ports": ("127.0.0.1:9", "nothing listens on 127.0.0.1:9 in here; there is 0.0.0.0:80, 0.0.0.0:81, 127.0.0.1:80, [::]:80"),
    "path": ("/run/y.sock", "nothing listens on unix:/run/y.sock in here; there is unix:/run/x.sock"),
}


@pytest.mark.parametrize("text, sentence", NOTHING.values(), ids=NOTHING)
def test_nothing_listens(text, sentence):
    assert nothing_listens(parse_endpoint(text), GROUP + OTHERS, "here") == sentence


def test_nothing_listens_at_all():
    assert nothing_listens(parse_endpoint("80"), OTHERS[3:], "this network namespace") == (
        "nothing listens on 0.0.0.0:80 in this network namespace; there is no listener at all"
    )


def test_of_many_listeners_a_few_are_named():
    sentence = nothing_listens(parse_endpoint("9"), [listener(port=port) for port in range(100, 130)], "x")
    assert sentence.endswith("0.0.0.0:110, 0.0.0.0:111 and 18 more")


@pytest.mark.parametrize("row, text", [(GROUP[0], "0.0.0.0:80"), (DUAL, "[::]:8080"), (OTHERS[3], "unix:/run/x.sock")])
def test_a_target_is_its_socket_and_no_other(row, text):
    target = SocketTarget(7, row.inode, row.family, row.local_address, row.local_port, row.path, row.cookie)
    assert (str(target), text_of(row)) == (text, text)
    assert target.is_of(row)
    assert target._replace(cookie=None).is_of(row)
    for other in ({"inode": 9}, {"cookie": 9}, {"local_port": 9}, {"path": "9"}, {"family": "9"}, {"local_address": "9"}):
        assert not target.is_of(row._replace(**other))
