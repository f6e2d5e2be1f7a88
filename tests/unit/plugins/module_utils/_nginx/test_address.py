# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the first argument of a listen means. test_owner.py has what real nginx says to the same."""

import ipaddress

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.address import atoi, packed_ipv6, parse_address
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx.rows import HOSTS
from hypothesis import given
from hypothesis import strategies as st

MEANS = {
    b"8080": ["0.0.0.0:8080"],
    b"0080": ["0.0.0.0:80"],
    b"*": ["0.0.0.0:80"],
    b"*:8080": ["0.0.0.0:8080"],
    b"127.0.0.1": ["127.0.0.1:80"],
    b"127.0.0.1:8080": ["127.0.0.1:8080"],
    b"127.1:8080": ["127.1:8080"],
    b"1..2.3:8080": ["1.0.2.3:8080"],
    b"...": ["0.0.0.0:80"],
    b"256.1.1.1:80": ["256.1.1.1:80"],
    b"8080-8082": ["0.0.0.0:8080", "0.0.0.0:8081", "0.0.0.0:8082"],
    b"127.0.0.1:80-81": ["127.0.0.1:80", "127.0.0.1:81"],
    b"[::]:80-81": ["[::]:80", "[::]:81"],
    b"[::]": ["[::]:80"],
    b"[0:0::0]:8080": ["[::]:8080"],
    b"[FE80::A]:8080": ["[fe80::a]:8080"],
    b"[::ffff:127.0.0.1]:8080": ["[::ffff:127.0.0.1]:8080"],
    b"localhost": ["127.0.0.1:80"],
    b"localhost:8080": ["127.0.0.1:8080"],
    b"both:8080": ["127.0.0.1:8080", "[::1]:8080"],
    b"both:80-81": ["127.0.0.1:80", "127.0.0.1:81", "[::1]:80", "[::1]:81"],
    b"nowhere.example:8080": ["nowhere.example:8080"],
    b"my-host": ["my-host:80"],
    b"8080-x": ["8080-x:80"],
    b"caf\xe9:8080": ["caf\\xe9:8080"],
    b"unix:/run/x": ["unix:/run/x"],
    b"UNIX:/run/x:y": ["unix:/run/x:y"],
    b"unix:x\xff": ["unix:x\\xff"],
    b"unix:" + b"x" * 107: ["unix:" + "x" * 107],
}
REFUSED = {
    b"": "no host",
    b":8080": "no host",
    b"0": "invalid port",
    b"65536": "invalid port",
    b"99999999999999999999": "99999999999999999999:80",
    b"*:0": "invalid port",
    b"*:": "invalid port",
    b"*:8080x": "invalid port",
    b"*:-1": "invalid port",
    b"1:2:3": "invalid port",
    b"*:80-": "invalid port",
    b"80-0": "invalid port",
    b"80-65536": "invalid port",
    b"81-80": "invalid port range",
    b"*:81-80": "invalid port range",
    b"127.0.0.1/8": "invalid host",
    b"a?b": "invalid host",
    b"[::1": "invalid host",
    b"[::1]8080": "invalid host",
    b"[::1]/:8080": "invalid host",
    b"[]:8080": "no host",
    b"[::1::]:8080": "invalid IPv6 address",
    b"[1:2:3]:8080": "invalid IPv6 address",
    b"[12345::]:8080": "invalid IPv6 address",
    b"[fe80::1%eth0]:8080": "invalid IPv6 address",
    b"[::1]:0": "invalid port",
    b"unix:": "no path in the unix domain socket",
    b"unix:" + b"x" * 108: "too long path in the unix domain socket",
}


@pytest.mark.parametrize("text, expected", MEANS.items(), ids=repr)
def test_means(text, expected):
    assert [address.text for address in parse_address(text, 80, HOSTS)] == expected


@pytest.mark.parametrize("text, reason", REFUSED.items(), ids=repr)
def test_refused(text, reason):
    if reason.endswith(":80"):  # too large for a number, so a name
        assert [address.text for address in parse_address(text, 80)] == [reason]
        return
    with pytest.raises(InputError) as caught:
        parse_address(text, 80)
    assert str(caught.value) == reason


def test_fields():
    inet6, unix, name = (parse_address(text, 80)[0] for text in (b"[::]:8080", b"unix:/x", b"nowhere"))
    assert inet6 == ("inet6", "::", 8080, None, None)
    assert unix == ("unix", None, None, "/x", None)
    assert name == (None, None, 80, None, "nowhere")
    assert [address.is_wildcard for address in (inet6, unix, name)] == [True, False, False]


def test_stream_and_mail_have_no_default_port():
    assert parse_address(b"127.0.0.1", 0)[0].port == 0


def test_all_ports():
    assert len(parse_address(b"1-65535", 80)) == 65535


ATOI = {b"0": 0, b"007": 7, b"9223372036854775807": 2**63 - 1, b"9223372036854775808": None, b"0" * 5000 + b"1": 1, b"9" * 5000: None}
ATOI.update(dict.fromkeys((b"", b"-1", b"+1", b" 1", b"1 ", b"1_0", b"4k", b"\xb2", "١".encode())))


@pytest.mark.parametrize("digits, number", ATOI.items(), ids=lambda value: repr(value)[:30])
def test_atoi(digits, number):
    assert atoi(digits) == number


@given(st.ip_addresses(v=6), st.booleans())
def test_every_ipv6_address_is_read(address, is_exploded):
    text = address.exploded if is_exploded else address.compressed
    assert packed_ipv6(text.encode()) == address.packed


@given(st.text("0123456789abcdefg:.", max_size=45))
def test_ipv6_agrees_with_the_library(text):
    try:
        expected = ipaddress.IPv6Address(text).packed
    except ValueError:
        expected = None
    found = packed_ipv6(text.encode())
    # nginx's dotted part is laxer: leading zeros and empty octets
    assert found == expected or (expected is None and "." in text)


@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(text):
    try:
        addresses = parse_address(text, 80)
    except InputError as error:
        assert str(error)
    else:
        assert addresses and all(address.text for address in addresses)
