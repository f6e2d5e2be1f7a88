# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ``nginx -t`` writes: it makes the pid file, missing logs, temporary directories and caches, and changes their owner.

After ngx_init_cycle(): ngx_create_paths(), ngx_create_pidfile(), the opening of cycle->open_files, and
ngx_open_listening_sockets(), which makes and removes the files of UNIX sockets.
"""

import posixpath
import re

FILES = frozenset(b"pid lock_file error_log access_log google_perftools_profiles".split())
FOLDERS = frozenset(
    b"client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path "
    b"proxy_cache_path fastcgi_cache_path uwsgi_cache_path scgi_cache_path".split()
)
NAMES = FILES | FOLDERS | {b"listen"}
# Values that name no file, and files whose names are not known before a request comes.
NO_FILE = re.compile(rb"(?:off|stderr|syslog:.*|memory:.*|.*\$.*)\Z", re.DOTALL)
# auto/options: what a build takes that was not told otherwise, below its prefix
BUILT = {
    b"--pid-path": b"logs/nginx.pid",
    b"--lock-path": b"logs/nginx.lock",
    b"--error-log-path": b"logs/error.log",
    b"--http-log-path": b"logs/access.log",
    b"--http-client-body-temp-path": b"client_body_temp",
    b"--http-proxy-temp-path": b"proxy_temp",
    b"--http-fastcgi-temp-path": b"fastcgi_temp",
    b"--http-uwsgi-temp-path": b"uwsgi_temp",
    b"--http-scgi-temp-path": b"scgi_temp",
}


def written_folders(configuration, prefix, arguments):
    """Return the directories (text, inside the root) in which a test of the Configuration may make or change something.

    ``prefix`` is nginx's own; ``arguments`` are those of its configure script, {name: value} in bytes. A temporary
    directory is made, or gets another owner, so the directory above it is the one that counts.
    """
    paths = [arguments.get(name, default) for name, default in BUILT.items()]
    for node in configuration.nodes:
        directive = node.directive
        if directive.name in NAMES and directive.args:
            value = directive.args[0]
            if directive.name == b"listen":
                value = value[5:] if value[:5].lower() == b"unix:" else b""
            paths.append(value)
    top = (prefix or "/").encode("utf-8", "surrogateescape")
    folders = {posixpath.dirname(posixpath.normpath(posixpath.join(top, path))) for path in paths if path and not NO_FILE.match(path)}
    return sorted(folder.decode("utf-8", "surrogateescape") for folder in folders)
