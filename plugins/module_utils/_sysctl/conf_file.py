# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of sysctl.d as their loaders read them, and edits that leave every other byte alone.

Sources: systemd src/sysctl/sysctl.c parse_file() and src/basic/fileio.c read_line_full(); procps-ng src/sysctl.c
parse_setting_line() and Preload() (4.0) and sysctl.c Preload() (3.3). Each rule is also measured: tests/integration/sysctl
runs the real programs on random files.
"""

import re
from typing import NamedTuple, Optional

from .names import path_of
from .values import same

# The loaders by their rules: procps 4.0 (and from 4.0.5), procps 3.3.
SYSTEMD, PROCPS, PROCPS_5, PROCPS_3 = "systemd-sysctl", "procps", "procps-4.0.5", "procps-3.3"
GLOB = re.compile(r"[*?\[]")
COMMENT = ("#", ";")
LINE_FEED = re.compile(rb"\n")
ENDS = {SYSTEMD: re.compile(rb"[\n\r\0]"), PROCPS: LINE_FEED, PROCPS_5: LINE_FEED, PROCPS_3: LINE_FEED}
BLANKS = {SYSTEMD: " \t\n\r", PROCPS: " \t\n\r\v\f", PROCPS_5: " \t\n\r\v\f", PROCPS_3: " \t\n\r"}  # around a line, a key, a value
INDENTS = {**BLANKS, PROCPS_3: " \t"}
LINES = re.compile(rb"[^\n\r\0]*(?:\r\n|[\n\r\0])|[^\n\r\0]+")
LONGEST_LINE = 1 << 20  # of systemd; what follows a longer line is not read


class Setting(NamedTuple):
    """One line that says something about a key.

    ``path`` is the key's path below /proc/sys as the file system sees it, ``literal`` as the loader compares it. ``value``
    is None for ``-key`` without a value: an exclusion.
    """

    path: str
    literal: str
    value: Optional[str]
    line: int

    @property
    def is_glob(self):
        return GLOB.search(self.literal) is not None


def settings(data, loader):
    """Return the Settings of a file's bytes, in order. Lines that ``loader`` cannot read are passed over, as it does."""
    read = {SYSTEMD: _systemd_line, PROCPS_3: _procps_3_line}.get(loader, _procps_line)
    found = []
    for number, raw in _lines(data, loader):
        if loader == SYSTEMD and len(raw) >= LONGEST_LINE:
            break
        text = raw.decode("utf-8", "backslashreplace")
        start = text.lstrip(INDENTS[loader])
        if start and not start.startswith(COMMENT):
            setting = read(start, number)
            if setting is not None:
                found.append(setting)
    return found


def _lines(data, loader):
    """Yield (line number as an editor shows it, bytes without the end of the line)."""
    number = 1
    position = 0
    for end in ENDS[loader].finditer(data):
        yield number, data[position : end.start()].split(b"\0")[0]
        number += end.group() == b"\n"
        position = end.end()
    yield number, data[position:].split(b"\0")[0]


def _systemd_line(text, number):
    key, equals, value = text.strip(BLANKS[SYSTEMD]).partition("=")
    if key.startswith("-"):
        key = key[1:]
    elif not equals:
        return None
    path = simplified(path_of(key.strip(BLANKS[SYSTEMD])))
    return Setting(path, path, value.strip(BLANKS[SYSTEMD]) if equals else None, number)


def _procps_line(text, number):
    key, equals, value = text.partition("=")
    if len(text) < 2:
        return None
    if key.startswith("-"):
        key = key[1:]
    elif not equals:
        return None
    key = key.rstrip(BLANKS[PROCPS])
    return _procps_setting(key, value.strip(BLANKS[PROCPS]) if equals else None, number)


def _procps_3_line(text, number):
    # strtok(3): delimiters before the name are skipped, and a value needs at least one character.
    key, equals, value = text.lstrip("=").partition("=")
    value = value.lstrip("\r").partition("\r")[0].strip(" \t")
    if len(text) < 2 or not equals or not value:
        return None
    return _procps_setting(key.rstrip(BLANKS[PROCPS_3]), value, number)


def _procps_setting(key, value, number):
    literal = path_of(key[1:] if key.startswith("-") else key)
    # It opens the path as it stands: a slash at the end makes a file into a directory that does not exist.
    return Setting(simplified(literal) + ("/" if literal.endswith(("/", "/.")) else ""), literal, value, number)


def simplified(path):
    """Return a path without empty components and single dots."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def with_values(data, values):
    """Return a file's bytes with ``values`` ({key: value}) set, every other byte as it was.

    A key that stands in the file keeps its line: of several lines the last one, which is the one that counts. New keys are
    added at the end.
    """
    lines = LINES.findall(data)
    wanted = {simplified(path_of(key)): (key, value) for key, value in values.items()}
    places = _places(lines)
    added = []
    for path, (key, value) in wanted.items():
        place = places.get(path, [])
        if not place:
            added.append("%s = %s\n" % (key, value))
        elif not _says(lines[place[-1]], path, value):
            lines[place[-1]] = _with_value(lines[place[-1]], value)
    text = b"".join(lines)
    if added and text and not text.endswith(b"\n"):
        text += b"\n"
    return text + "".join(added).encode("utf-8")


def without_keys(data, keys):
    """Return a file's bytes without the assignments of ``keys``; every other byte stays."""
    paths = {simplified(path_of(key)) for key in keys}
    lines = LINES.findall(data)
    gone = {number for path, numbers in _places(lines).items() if path in paths for number in numbers}
    return b"".join(line for number, line in enumerate(lines) if number not in gone)


def values_of(data):
    """Return ``{path: value}`` of the explicit assignments of a file, the last one of each."""
    return {setting.path: setting.value for setting in settings(data, SYSTEMD) if not setting.is_glob}


def _places(lines):
    """Return ``{path: [index of the line]}`` of the explicit settings, exclusions included."""
    places = {}
    for number, line in enumerate(lines):
        for setting in settings(line, SYSTEMD):
            if not setting.is_glob:
                places.setdefault(setting.path, []).append(number)
    return places


def _says(line, path, value):
    """Whether one line sets the value already, for the kernel."""
    (setting,) = settings(line, SYSTEMD)
    return setting.value is not None and same(path, setting.value, value)


def _with_value(line, value):
    """Replace the value of one line; its key, its blanks and its end stay."""
    body = line.rstrip(b"\r\n\0 \t")
    tail = line[len(body) :]
    head, equals, rest = body.partition(b"=")
    if not equals:  # an exclusion becomes an assignment
        return head.replace(b"-", b"", 1) + b" = " + value.encode("utf-8") + tail
    blanks = rest[: len(rest) - len(rest.lstrip(b" \t"))]
    return head + equals + blanks + value.encode("utf-8") + tail
