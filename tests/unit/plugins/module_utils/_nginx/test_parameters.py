# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other arguments of a listen mean, beyond the rows that test_owner.py shares with real nginx."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.parameters import PARAMETERS, c_int, parse_parameters
from hypothesis import given
from hypothesis import strategies as st

NEW, OLD = (1, 29, 8), (1, 22, 1)
# situation: (arguments, context, version, names, sets_options, listen_backlog)
UNDERSTOOD = {
    "nothing": ("", "http", NEW, "", "", 511),
    "backlog": ("backlog=7", "http", NEW, "backlog", "backlog", 7),
    "an option without backlog": ("ssl reuseport", "http", NEW, "ssl reuseport", "reuseport", 511),
    "not options": ("default_server ssl http2 proxy_protocol", "http", NEW, "default_server ssl http2 proxy_protocol", "", 511),
    "the alias default": ("default", "http", NEW, "default", "", 511),
    "all options": (
        "bind rcvbuf=1 sndbuf=1k so_keepalive=off ipv6only=off fastopen=3 reuseport deferred multipath",
        "http",
        NEW,
        "bind rcvbuf sndbuf so_keepalive ipv6only fastopen reuseport deferred multipath",
        "bind rcvbuf sndbuf so_keepalive ipv6only fastopen reuseport deferred multipath",
        511,
    ),
    "quic": ("quic reuseport", "http", NEW, "quic reuseport", "reuseport", None),
    "quic of an unknown version": ("quic", "http", None, "quic", "", None),
    "http3 of a fork": ("http3", "http", NEW, "http3", "", None),
    "udp": ("udp", "stream", OLD, "udp", "", None),
    "mail": ("ssl backlog=7", "mail", OLD, "ssl backlog", "backlog", 7),
    "stream of an unknown version": ("default_server deferred", "stream", None, "default_server deferred", "deferred", 511),
    "the last backlog": ("backlog=7 backlog=8", "http", NEW, "backlog", "backlog", 8),
}
FAULTS = {
    "unknown": ("foo", "http", NEW, ['test: invalid parameter "foo"']),
    "case": ("Reuseport", "http", NEW, ['test: invalid parameter "Reuseport"']),
    "no UTF-8": (b"caf\xe9", "http", NEW, ['test: invalid parameter "caf\\xe9"']),
    "empty": (b"", "http", NEW, []),
    "http's alone": ("default", "stream", NEW, ['test: invalid parameter "default"']),
    "not of mail": ("fastopen=1", "mail", NEW, ['test: invalid parameter "fastopen=1"']),
    "before 1.25.0": ("quic", "http", OLD, ['test: invalid parameter "quic"']),
    "before 1.25.5": ("deferred", "stream", OLD, ['test: invalid parameter "deferred"']),
    "since 1.25.5": ("deferred", "stream", (1, 25, 5), []),
    "twice": ("backlog=7 backlog=8", "http", NEW, ["note: backlog is given twice and nginx takes the last"]),
    "flag twice": ("ssl ssl", "http", NEW, []),
    "overflow": ("backlog=99999999999", "http", NEW, ["note: backlog=99999999999 is more than an int holds, so nginx asks for 1215752191"]),
    "negative in an int": ("backlog=2147483648", "http", NEW, ["note: backlog=2147483648 is more than an int holds, so nginx asks for -2147483648"]),
    "udp and backlog": ("udp backlog=7", "stream", NEW, ['test: "backlog" parameter is incompatible with "udp"']),
    "quic and several": (
        "quic ssl deferred",
        "http",
        NEW,
        ['test: "deferred" parameter is incompatible with "quic"', 'test: "ssl" parameter is incompatible with "quic"'],
    ),
    "so_keepalive": ("so_keepalive=30m:1h:", "http", NEW, []),
    "so_keepalive zero": ("so_keepalive=0", "http", NEW, ['test: invalid so_keepalive value: "0"']),
    "so_keepalive word": ("so_keepalive=yes", "http", NEW, ['test: invalid so_keepalive value: "yes"']),
    "ipv6only": ("ipv6only=yes", "http", NEW, ['test: invalid parameter "ipv6only=yes"']),
    "fastopen": ("fastopen=x", "http", NEW, ['test: invalid fastopen "fastopen=x"']),
    "a newline behind a number": (b"rcvbuf=1\n", "http", NEW, ['test: invalid rcvbuf "rcvbuf=1\n"']),
}


def split(args):
    return [args] if isinstance(args, bytes) and args else args.encode().split() if isinstance(args, str) else []


@pytest.mark.parametrize("args, context, version, names, sets, backlog", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_understood(args, context, version, names, sets, backlog):
    found = parse_parameters(split(args), context, version)
    assert (" ".join(found.names), " ".join(found.sets_options), found.listen_backlog) == (names, sets, backlog)
    assert found.is_default_backlog is ("backlog" not in found.names)
    assert found.ipv6only is ("ipv6only=off" not in args)
    assert not [fault for fault in found.faults if fault.stage == "test"]


@pytest.mark.parametrize("args, context, version, expected", FAULTS.values(), ids=FAULTS)
def test_faults(args, context, version, expected):
    assert ["%s: %s" % fault for fault in parse_parameters(split(args), context, version).faults] == expected


def test_refused_backlog_is_unknown():
    assert parse_parameters([b"backlog=0"], "http").listen_backlog is None


INTS = {0: 0, 2**31 - 1: 2**31 - 1, 2**31: -(2**31), 2**32 - 1: -1, 2**32: 0, 2**32 + 5: 5, None: None}


@pytest.mark.parametrize("number, expected", INTS.items(), ids=repr)
def test_c_int(number, expected):
    assert c_int(number) == expected


def test_table():
    for name, row in PARAMETERS.items():
        assert set(row.contexts.split()) <= {"http", "stream", "mail"}, name
        assert {context for context, _version in row.since} <= set(row.contexts.split()), name


@given(
    st.lists(st.one_of(st.binary(max_size=12), st.sampled_from(sorted(PARAMETERS)).map(lambda name: name + b"1"))), st.sampled_from(["http", "stream", "mail"])
)
def test_any_arguments_are_read(args, context):
    found = parse_parameters(args, context)
    assert set(found.sets_options) <= set(found.names)
