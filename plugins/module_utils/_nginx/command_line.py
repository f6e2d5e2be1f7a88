# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx process says of itself in /proc/<pid>/cmdline.

A master that runs with workers writes ``nginx: master process `` and its arguments, joined by blanks, over its argument
area (src/os/unix/ngx_setproctitle.c, ngx_process_cycle.c): the quoting is lost, and what does not fit into the area of
arguments and environment is cut. With ``master_process off`` the arguments stay as they were.
"""

import re
from typing import NamedTuple, Optional

NAMES = ("nginx", "openresty", "angie", "freenginx", "tengine", "nginx-debug")  # of programs, as the kernel shows them
MASTER, WORKER, HELPER, PLAIN = "master", "worker", "helper", "plain"
_TITLE = re.compile(rb"(?:nginx|openresty|angie|freenginx|tengine):(?: (.*))?\Z", re.DOTALL)
# angie: master process v1.7.0 #1 [/usr/sbin/angie -c /etc/angie/angie.conf]
_ANGIE = re.compile(rb"v([0-9][^ ]*)(?: [A-Z]+)? #[0-9]+ \[(.*?)\]?\Z", re.DOTALL)
_HELPERS = (b"cache manager process", b"cache loader process", b"privileged agent process")
_OPTION = re.compile(rb" (?=-[?hvVtTqpcegs])")
_FLAGS = b"?hvVtTq"
_COMMANDS = b"?hvVtTs"  # with one of these nginx does something and ends


class Title(NamedTuple):
    """What a process is. ``line`` are a master's arguments joined by blanks, None when it does not show them."""

    role: str
    line: Optional[bytes]
    is_shutting_down: bool


class Options(NamedTuple):
    """The command line. Paths are bytes as given, None when not given; ``is_command`` is for ``-t``, ``-s`` and the like."""

    prefix: Optional[bytes]
    config: Optional[bytes]
    directives: Optional[bytes]
    error_log: Optional[bytes]
    is_command: bool


def title_of(cmdline):
    """Return the Title of the bytes of a cmdline file; ``None`` when it is no nginx, or a zombie."""
    text = cmdline.rstrip(b"\0")
    match = _TITLE.match(text)
    if match:
        return _title(match.group(1) or b"")
    name = text.split(b"\0", 1)[0].rsplit(b"/", 1)[-1]
    return Title(PLAIN, None, False) if name.decode("ascii", "replace") in NAMES else None


def _title(text):
    """What follows the program's name. Any part of it may be cut off; of nothing the process's parent has to tell what it is."""
    if not text:
        return Title(PLAIN, None, False)
    if b"master process ".startswith(text):
        return Title(MASTER, None, False)
    if text.startswith(b"master process"):
        return Title(MASTER, text[len(b"master process ") :] or None, False)
    if text.startswith(b"worker process") or b"worker process".startswith(text):
        return Title(WORKER, None, b"is shutting down" in text)
    is_helper = any(text.startswith(helper) or helper.startswith(text) for helper in _HELPERS)
    return Title(HELPER, None, b"is shutting down" in text) if is_helper else None


def options_of_line(line, is_cut):
    """Return the Options in a master's title. Of a line that is cut, the last value and all that did not fit are unknown.

    A value ends where the next option seems to begin: that is a guess only for values with `` -c`` or the like inside.
    """
    angie = _ANGIE.match(line)
    parts = _OPTION.split(angie.group(2) if angie else line)[1:]
    return _options(parts[:-1] if is_cut else parts, joined=True)


def options_of_arguments(cmdline):
    """Return the Options of arguments that are still separated by NUL bytes."""
    return _options(cmdline.rstrip(b"\0").split(b"\0")[1:], joined=False)


def _options(arguments, joined):
    """After src/core/nginx.c ngx_get_options(): flags may stand together, a value may stick to its letter or follow it."""
    values, letters, left = {}, set(), list(arguments)[::-1]
    while left:
        argument = left.pop()
        for position in range(1, len(argument)):
            letter = argument[position : position + 1]
            letters.add(letter)
            if letter in _FLAGS:
                continue
            value = argument[position + 1 :]
            if joined:
                value = value[1:] if value.startswith(b" ") else value
            values[letter] = value or (left.pop() if left and not joined else b"")
            break
    is_command = any(letter in _COMMANDS for letter in letters)
    return Options(values.get(b"p") or None, values.get(b"c") or None, values.get(b"g"), values.get(b"e"), is_command)


def is_cut(cmdline, area):
    """Whether a title may be cut: it fills the ``area`` bytes of arguments and environment, two NUL bytes excepted.

    ``None`` when the area is not known.
    """
    return None if not area else len(cmdline.rstrip(b"\0")) + 2 >= area
