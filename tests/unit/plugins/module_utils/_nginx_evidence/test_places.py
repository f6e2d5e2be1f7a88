# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a configuration says that errors are written, and which paths it uses."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.model import Node
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_evidence.places import WANTED, Logs, logs_of, places_of


def nodes(text):
    return [Node("/etc/nginx/nginx.conf", directive, directive.parent) for directive in parse(text, "nginx.conf", WANTED)]


LOGS = {
    "main": (b"error_log /var/log/e.log warn; http { }", Logs((b"/var/log/e.log",), ())),
    "relative": (b"error_log logs/e.log;", Logs((b"/usr/share/nginx/logs/e.log",), ())),
    "default": (b"http { }", Logs((b"/var/log/default.log",), ())),
    "default_beside_that_of_a_server": (b"http { server { error_log /s.log; } }", Logs((b"/var/log/default.log", b"/s.log"), ())),
    "several": (
        b"error_log /a; error_log /b info; http { error_log /a; server { error_log /c; location / { error_log /d; } } }",
        Logs((b"/a", b"/b", b"/c", b"/d"), ()),
    ),
    "no_files": (
        b"error_log stderr; error_log syslog:server=h; http { error_log memory:32m debug; }",
        Logs((), (b"stderr", b"syslog:server=h", b"memory:32m")),
    ),
    "no_argument": (b"error_log; http { error_log /a; }", Logs((b"/a",), ())),
    "hostile_name": (b'error_log "/var/log/\xff\x1b";', Logs((b"/var/log/\xff\x1b",), ())),
}


@pytest.mark.parametrize("text, expected", LOGS.values(), ids=LOGS)
def test_logs(text, expected):
    assert logs_of(nodes(text), b"/usr/share/nginx/", b"/var/log/default.log") == expected


DEFAULTS = {
    "standard_error": (b"stderr", b"/p/", Logs((), (b"stderr",))),
    "unknown": (None, b"/p/", Logs((), ())),
    "empty_is_standard_error": (b"", b"/p/", Logs((), (b"stderr",))),
    "prefix_unknown": (b"logs/e.log", None, Logs((), (b"logs/e.log",))),
}


@pytest.mark.parametrize("default, prefix, expected", DEFAULTS.values(), ids=DEFAULTS)
def test_default(default, prefix, expected):
    assert logs_of(nodes(b"http { }"), prefix, default) == expected


PLACES = {
    "root": (b"http { root /srv/www; }", [(b"root", b"/srv/www", b"/srv/www")]),
    "relative": (b"http { root html; }", [(b"root", b"html", b"/p/html")]),
    "alias": (b"http { server { location /a { alias /srv/a/; } } }", [(b"alias", b"/srv/a/", b"/srv/a/")]),
    "variable": (b"http { root /srv/$host/www; }", [(b"root", b"/srv/$host/www", b"/srv")]),
    "variable_in_a_name": (b"http { root /srv/x$host; }", [(b"root", b"/srv/x$host", b"/srv")]),
    "variable_at_the_top": (b"http { root /$host; }", [(b"root", b"/$host", b"/")]),
    "variable_first": (b"http { root $where; }", [(b"root", b"$where", None)]),
    "cache": (b"http { proxy_cache_path /c levels=1:2 keys_zone=z:1m; }", [(b"proxy_cache_path", b"/c", b"/c")]),
    "access_log": (b"http { access_log /l buffer=1k; access_log off; access_log syslog:server=h; }", [(b"access_log", b"/l", b"/l")]),
    "error_log": (b"error_log stderr; error_log /e;", [(b"error_log", b"/e", b"/e")]),
    "each_once": (b"http { root /a; server { root /a; } server { root /b; } }", [(b"root", b"/a", b"/a"), (b"root", b"/b", b"/b")]),
    "store": (b"http { proxy_store on; }", []),
    "no_argument": (b"http { root; }", []),
    "nothing": (b"http { }", []),
}


@pytest.mark.parametrize("text, expected", PLACES.values(), ids=PLACES)
def test_places(text, expected):
    assert [(place.directive, place.text, place.looked_at) for place in places_of(nodes(text), b"/p/")] == expected


def test_place_names_its_line():
    (place,) = places_of(nodes(b"http {\n  root\n /srv/www; }"), None)
    assert (place.path, place.line) == ("/etc/nginx/nginx.conf", 2)


def test_relative_path_without_a_prefix_is_unknown():
    (place,) = places_of(nodes(b"http { root html; }"), None)
    assert place.looked_at is None
