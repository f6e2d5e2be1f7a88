# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a configuration says that nginx writes its errors, and which files and folders it uses.

Sources: src/core/ngx_log.c (error_log), src/http/ngx_http_core_module.c, ngx_http_log_module.c, the caches of the upstream modules.
What accept(2) refuses is written to the log of the server that the address belongs to, not to the main one: src/event/ngx_event_accept.c.
"""

from typing import List, NamedTuple, Optional, Tuple

LOGS = frozenset((b"error_log",))
FOLDERS = frozenset(
    b"root alias access_log error_log proxy_cache_path fastcgi_cache_path uwsgi_cache_path scgi_cache_path client_body_temp_path "
    b"proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path proxy_store".split()
)
WANTED = LOGS | FOLDERS
NO_FILES = (b"syslog:", b"memory:", b"stderr")
NO_PATHS = (b"off", b"on", b"stderr", b"")


class Place(NamedTuple):
    """One path of a configuration. ``looked_at`` is what of it is known without the values of variables, ``None`` when nothing is."""

    directive: bytes
    text: bytes
    looked_at: Optional[bytes]
    path: str
    line: int


class Logs(NamedTuple):
    """The files that errors are written to, and the other destinations, both as they were written; files are absolute."""

    files: Tuple[bytes, ...]
    others: Tuple[bytes, ...]


def logs_of(nodes, prefix, default):
    """Return the Logs of a configuration. ``prefix`` and ``default`` (the log without any error_log) are bytes, or ``None``."""
    given = [node.directive.args[0] for node in nodes if node.directive.name in LOGS and node.directive.args]
    if not any(node.directive.name in LOGS and node.parent < 0 for node in nodes) and default is not None:
        given.insert(0, default)
    files: List[bytes] = []
    others: List[bytes] = []
    for value in given:
        if value.startswith(NO_FILES) or not value:
            others.append(value or b"stderr")
        else:
            path = _below(prefix, value)
            (others if path is None else files).append(path or value)
    return Logs(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(others)))


def places_of(nodes, prefix):
    """Return the Places of a configuration, each directive and path once."""
    found = {}
    for node in nodes:
        directive = node.directive
        if directive.name not in FOLDERS or not directive.args:
            continue
        text = directive.args[0]
        if text in NO_PATHS or text.startswith(NO_FILES):
            continue
        path = _below(prefix, text)
        fixed = path.partition(b"$")[0] if path else None
        if fixed is not None and b"$" in path:
            fixed = fixed.rpartition(b"/")[0] or (b"/" if fixed.startswith(b"/") else None)
        if text.startswith(b"$"):
            fixed = None
        found.setdefault((directive.name, text), Place(directive.name, text, fixed, node.path, directive.line))
    return list(found.values())


def _below(prefix, path):
    if path.startswith(b"/"):
        return path
    return None if prefix is None else prefix.rstrip(b"/") + b"/" + path
