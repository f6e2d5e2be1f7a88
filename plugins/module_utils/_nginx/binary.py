# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx binary knows of itself: its version, how it was configured, and where it looks for its files.

``nginx -V`` and ``nginx -h`` print literals (src/core/nginx.c ngx_show_version_info()), so they can be read from the file
and nothing of a container's image needs to be run.
"""

import re
from typing import NamedTuple, Optional

LONGEST = 1 << 16  # bytes of the longest literal: the configure arguments
_LITERALS = {
    "version": re.compile(rb"[A-Za-z]{1,20} version: ([A-Za-z_.-]+/[0-9][^\0\n]{0,80})\n"),
    "arguments": re.compile(rb"configure arguments:([^\0]{0,65000})\0"),
    "prefix": re.compile(rb"set prefix path \(default: ([^\0\n]*)\)\n"),
    "config": re.compile(rb"set configuration file \(default: ([^\0\n]*)\)\n"),
    "error_log": re.compile(rb"set error log file \(default: ([^\0\n]*)\)\n"),
}
# Cheap to look for; the patterns are tried around these only.
_MARKS = (b" version: ", b"configure arguments:", b"(default: ")
_ARGUMENT = re.compile(rb"--[^\s=']+(?:=(?:'[^']*'|[^\s'])*)?")
_CORE = re.compile(r"(?:nginx|freenginx|openresty)/(\d+)\.(\d+)\.(\d+)")


class Binary(NamedTuple):
    """A build of nginx. Paths are bytes; relative ones belong below the prefix. ``None`` is unknown."""

    version: Optional[str]  # nginx/1.22.1, openresty/1.21.4.1, Angie/1.7.0
    prefix: Optional[bytes]
    config: Optional[bytes]
    error_log: Optional[bytes]
    pid: Optional[bytes]


class Scanner:
    """Takes the file in pieces (bytes, each at most some MiB) until it knows enough."""

    def __init__(self):
        self._found = {}
        self._tail = b""

    def feed(self, piece):
        """Look at the next piece; return True when nothing more is wanted."""
        data = self._tail + piece
        for mark in _MARKS:
            position = data.find(mark)
            while position >= 0:
                self._look(data[max(0, position - 64) : position + LONGEST])
                position = data.find(mark, position + len(mark))
        self._tail = data[-LONGEST:]
        return len(self._found) == len(_LITERALS)

    def _look(self, window):
        for name, pattern in _LITERALS.items():
            match = None if name in self._found else pattern.search(window)
            if match:
                self._found[name] = match.group(1)

    def arguments(self):
        """Return the arguments of the configure script, {name: value} in bytes; empty when they were not found."""
        return _given(self._found.get("arguments", b""))

    def binary(self):
        """Return the Binary; ``None`` when this is no nginx."""
        found = self._found
        if "version" not in found and "arguments" not in found:
            return None
        given = _given(found["arguments"]) if "arguments" in found else {}
        prefix = found.get("prefix") or given.get(b"--prefix")
        built = "arguments" in found  # what was not given has the default of auto/options
        return Binary(
            found["version"].decode("ascii", "backslashreplace") if "version" in found else None,
            None if prefix == b"NONE" else prefix or (b"/usr/local/nginx" if built else None),
            found.get("config") or given.get(b"--conf-path") or (b"conf/nginx.conf" if built else None),
            found.get("error_log") or given.get(b"--error-log-path") or (b"logs/error.log" if built else None),
            given.get(b"--pid-path") or (b"logs/nginx.pid" if built else None),
        )


def _given(arguments):
    values = {}
    for argument in _ARGUMENT.findall(arguments):
        name, _equals, value = argument.partition(b"=")
        values[name] = value.replace(b"'", b"")
    return values


def core_version(version):
    """Return nginx's own version as three numbers; ``None`` for forks that count otherwise."""
    match = _CORE.match(version or "")
    return tuple(int(number) for number in match.groups()) if match else None
