# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Literals of nginx binaries."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.binary import LONGEST, Binary, Scanner, core_version

DEBIAN = (
    b"\x7fELF\0\0nginx version: nginx/1.22.1\n\0  -p prefix     : set prefix path (default: /usr/share/nginx/)\n"
    b"  -e filename   : set error log file (default: stderr)\n  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)\n\0"
    b"unknown PROXY protocol version: %ui\0configure arguments: --with-cc-opt='-g -O2 --prefix=/not/this' --prefix=/usr/share/nginx "
    b"--conf-path=/etc/nginx/nginx.conf --pid-path=/run/nginx.pid --with-threads\n\0rest"
)
BINARIES = {
    "debian": (DEBIAN, Binary("nginx/1.22.1", b"/usr/share/nginx/", b"/etc/nginx/nginx.conf", b"stderr", b"/run/nginx.pid")),
    "built_without_options": (
        b"nginx version: nginx/1.29.8\n\0configure arguments:\n\0",
        Binary("nginx/1.29.8", b"/usr/local/nginx", b"conf/nginx.conf", b"logs/error.log", b"logs/nginx.pid"),
    ),
    "openresty": (
        b"nginx version: openresty/1.21.4.1\n\0configure arguments: --prefix=/usr/local/openresty/nginx --with-cc-opt='-O2 -I/x'\n\0",
        Binary("openresty/1.21.4.1", b"/usr/local/openresty/nginx", b"conf/nginx.conf", b"logs/error.log", b"logs/nginx.pid"),
    ),
    "angie": (
        b"Angie version: Angie/1.7.0\n\0configure arguments: --prefix=/etc/angie --conf-path=/etc/angie/angie.conf --pid-path=/run/angie/angie.pid\n\0",
        Binary("Angie/1.7.0", b"/etc/angie", b"/etc/angie/angie.conf", b"logs/error.log", b"/run/angie/angie.pid"),
    ),
    "build_name": (b"nginx version: nginx/1.25.3 (nginx-plus-r31)\n\0", Binary("nginx/1.25.3 (nginx-plus-r31)", None, None, None, None)),
    "quoted_value": (
        b"nginx version: nginx/1.1.1\n\0configure arguments: --prefix='/srv/my nginx' --conf-path=/x\n\0",
        Binary("nginx/1.1.1", b"/srv/my nginx", b"/x", b"logs/error.log", b"logs/nginx.pid"),
    ),
    "no_prefix": (b"nginx version: nginx/1.1.1\n\0set prefix path (default: NONE)\n", Binary("nginx/1.1.1", None, None, None, None)),
    "version_removed": (b"configure arguments: --prefix=/x\n\0", Binary(None, b"/x", b"conf/nginx.conf", b"logs/error.log", b"logs/nginx.pid")),
    "no_nginx": (b"OpenSSL version: OpenSSL 3.0\n\0", None),
    "empty": (b"", None),
    "endless_literal": (b"configure arguments: " + b"x" * (2 * LONGEST), None),
}


def scan(data, size):
    scanner = Scanner()
    for start in range(0, len(data), size):
        if scanner.feed(data[start : start + size]):
            break
    return scanner.binary()


@pytest.mark.parametrize("data, expected", BINARIES.values(), ids=BINARIES)
def test_binary(data, expected):
    assert scan(data, 1 << 20) == expected


@pytest.mark.parametrize("size", [1, 7, 100, 333])
def test_literals_across_pieces(size):
    assert scan(b"\0" * 1000 + DEBIAN, size) == BINARIES["debian"][1]


def test_cut_short_at_every_byte():
    whole = BINARIES["debian"][1]
    for end in range(len(DEBIAN)):
        found = scan(DEBIAN[:end], 1 << 20)
        assert found is None or all(value in (None, expected) for value, expected in zip(found, whole, strict=True))


def test_stops_when_it_knows_all():
    scanner = Scanner()
    assert scanner.feed(DEBIAN)


VERSIONS = {
    "nginx/1.22.1": (1, 22, 1),
    "openresty/1.21.4.1": (1, 21, 4),
    "freenginx/1.27.0": (1, 27, 0),
    "Angie/1.7.0": None,
    "Tengine/3.1.0": None,
    "nginx": None,
    None: None,
}


@pytest.mark.parametrize("text", VERSIONS, ids=str)
def test_core_version(text):
    assert core_version(text) == VERSIONS[text]
