# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directories in which a test would write, from directives and from what the program was built with."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.model import Configuration, Node
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.writes import BUILT, written_folders

ALL_BUILT = dict.fromkeys(BUILT, b"/built/x")


def folders(text, prefix="/p/", arguments=None):
    arguments = ALL_BUILT if arguments is None else arguments
    directives = parse(text, "/etc/nginx.conf")
    nodes = [Node("/etc/nginx.conf", directive, directive.parent) for directive in directives]
    return [folder for folder in written_folders(Configuration("/", "/etc/nginx.conf", "/etc/", nodes, {}, []), prefix, arguments) if folder != "/built"]


DIRECTIVES = {
    "nothing": (b"events {}", []),
    "pid": (b"pid /run/a/nginx.pid;", ["/run/a"]),
    "relative_to_the_prefix": (b"pid logs/nginx.pid;", ["/p/logs"]),
    "in_the_prefix_itself": (b"pid nginx.pid;", ["/p"]),
    "upwards": (b"pid ../x/nginx.pid;", ["/x"]),
    "error_logs_everywhere": (b"error_log /a/e; http { error_log /b/e debug; server { error_log /c/e; } }", ["/a", "/b", "/c"]),
    "no_files": (b"error_log stderr; error_log syslog:server=x; error_log memory:32m debug; http { access_log off; access_log syslog:server=x; }", []),
    "name_known_at_the_request_only": (b"http { access_log /var/log/$host.log; }", []),
    "access_log_with_format": (b"http { access_log '/var/log/my site/a.log' main buffer=32k; }", ["/var/log/my site"]),
    "temporary_directories": (
        b"http { client_body_temp_path /t/body 1 2; proxy_temp_path /u/proxy; fastcgi_temp_path /v/f; uwsgi_temp_path /w/u; scgi_temp_path /x/s; }",
        ["/t", "/u", "/v", "/w", "/x"],
    ),
    "cache": (b"http { proxy_cache_path /var/cache/nginx/one keys_zone=a:1m; }", ["/var/cache/nginx"]),
    "unix_socket": (b"http { server { listen unix:/run/web/x.sock; listen 80; listen UNIX:/run/w2/y; } }", ["/run/w2", "/run/web"]),
    "without_argument": (b"pid; http { server { listen; } }", []),
    "not_utf8": (b"pid /run/\xff/x;", ["/run/\udcff"]),
}


@pytest.mark.parametrize("text, found", DIRECTIVES.values(), ids=DIRECTIVES)
def test_folders_of_directives(text, found):
    assert folders(text) == found


def test_what_a_build_takes_that_was_told_nothing():
    assert written_folders(Configuration("/", "", "", [], {}, []), "/usr/local/nginx/", {}) == ["/usr/local/nginx", "/usr/local/nginx/logs"]


def test_what_debian_was_built_with():
    arguments = {b"--error-log-path": b"stderr", b"--http-log-path": b"/var/log/nginx/access.log", b"--pid-path": b"/run/nginx.pid"}
    found = written_folders(Configuration("/", "", "", [], {}, []), "/usr/share/nginx/", arguments)
    assert found == ["/run", "/usr/share/nginx", "/usr/share/nginx/logs", "/var/log/nginx"]
