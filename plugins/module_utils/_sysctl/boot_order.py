# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wins at the next boot: every assignment of a key in the files of sysctl.d, and why each of the others loses.

Common to the loaders: a file hides those of the same name in later directories, the files that are left are read in the byte
order of their names, and a pattern never beats an explicit key. They differ in what they do with /etc/sysctl.conf, hidden
files, ``-key`` and invalid values; see conf_file.py for the sources.
"""

import re
from typing import NamedTuple, Optional

from .conf_file import PROCPS_3, PROCPS_5, SYSTEMD, Setting, settings, simplified
from .names import dotted, path_of
from .pattern import matches
from .values import kept

DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
SYSCTL_CONF = "/etc/sysctl.conf"
COMMAND_LINE = "/proc/cmdline"
YIELDS = "a pattern does not override %s, which names the key"
EXCLUDES = "it excludes the key from patterns"
KERNEL_ARGUMENT = re.compile(r'(?:[^\s"]|"[^"]*"?)+')


class BootFile(NamedTuple):
    """A file in one of DIRECTORIES (or /etc/sysctl.conf). ``data`` is None when it cannot be read, as ``fault`` says.

    ``real`` is the path without symbolic links; it equals ``path`` for a plain file.
    """

    directory: str
    name: str
    real: str
    data: Optional[bytes]
    fault: Optional[str] = None

    @property
    def path(self):
        return self.directory + "/" + self.name


class Assignment(NamedTuple):
    """One assignment of a key. ``value`` is the text in the file; None stands for an exclusion (``-key``).

    ``path`` is the file without symbolic links, ``via`` the link through which the loader reads it. The one that ``wins`` has no
    ``why_not``.
    """

    key: str
    value: Optional[str]
    path: str
    line: int
    loader: str
    via: Optional[str]
    wins: bool
    why_not: Optional[str]


class _Entry(NamedTuple):
    """A Setting with the file in which it stands; ``lost`` says why the loader does not even look at it.

    ``number`` tells it from another one that says the same on the same line, after a carriage return.
    """

    number: int
    setting: Setting
    file: BootFile
    lost: Optional[str]

    def where(self):
        return "%s:%d" % (shown(self.file.path), self.setting.line)


class BootOrder:
    """What one loader does with a set of files. ``command_line`` is /proc/cmdline of the initial namespace, or empty.

    ``files`` are BootFiles in the order of their directories; only those of the first loader that finds them count.
    """

    def __init__(self, files, loader, command_line=""):
        self.loader = loader
        found = [(setting, file, None) for setting, file in kernel_arguments(command_line)]
        for file, lost in reading_order(files, loader):
            found += [(setting, file, lost) for setting in settings(file.data or b"", loader)]
        self._entries = [_Entry(number, *entry) for number, entry in enumerate(found)]

    def paths(self):
        """Return the paths (below /proc/sys) of the keys that are named explicitly, in their order."""
        return list(dict.fromkeys(entry.setting.path for entry in self._entries if not entry.setting.is_glob))

    def assignments(self, key):
        """Return the Assignments of ``key`` in the order in which they are read."""
        path = simplified(path_of(key))
        mine = [entry for entry in self._entries if self._concerns(entry.setting, path)]
        read = [entry for entry in mine if entry.lost is None]
        lost = _systemd(read) if self.loader == SYSTEMD else _procps(read, path, self.loader)
        tried = [entry for entry in read if entry not in lost]
        lost.update(_last_valid(tried, path))
        lost.update({entry: entry.lost for entry in mine if entry.lost})
        return [self._assignment(path, entry, lost.get(entry)) for entry in mine]

    def winner(self, key):
        """Return the Assignment that decides about ``key`` at boot, or None when nothing does."""
        return next((assignment for assignment in self.assignments(key) if assignment.wins), None)

    def _concerns(self, setting, path):
        if not setting.is_glob:
            return setting.path == path
        return matches(setting.literal, path, self.loader == PROCPS_5 and setting.value is None)

    def _assignment(self, path, entry, why_not):
        file = entry.file
        via = None if file.real == file.path else shown(file.path)
        return Assignment(dotted(path), entry.setting.value, shown(file.real), entry.setting.line, self.loader, via, why_not is None, why_not)


def reading_order(files, loader):
    """Return ``[(BootFile, None or why the loader does not read it)]``; those that it reads in its order."""
    first, unread = {}, []
    for file in files:
        if file.path == SYSCTL_CONF:
            continue
        if not file.name.endswith(".conf"):
            unread.append((file, "no loader reads %s: its name does not end in .conf" % shown(file.path)))
        elif loader == SYSTEMD and file.name.startswith("."):
            unread.append((file, "systemd-sysctl does not read hidden files"))
        elif file.name in first:
            unread.append((file, "masked by %s, a file of the same name" % shown(first[file.name].path)))
        else:
            first[file.name] = file
    last = [file for file in files if file.path == SYSCTL_CONF]
    if loader == SYSTEMD:
        unread += [(file, "systemd-sysctl does not read %s itself, only links to it in %s" % (SYSCTL_CONF, DIRECTORIES[0])) for file in last]
        last = []
    return unread + [(file, None) for file in sorted(first.values(), key=lambda file: file.name.encode("utf-8", "surrogateescape")) + last]


def _systemd(read):
    """Return ``{entry: why}`` of those that systemd-sysctl does not try: per key it keeps one assignment, the last one."""
    naming = [entry for entry in read if not entry.setting.is_glob and not _is_kernel(entry)]
    patterns = [entry for entry in read if entry.setting.is_glob]
    if naming:
        last = naming[-1]
        lost = {entry: YIELDS % last.where() for entry in patterns}
        lost.update({entry: ("overridden by %s" if last.setting.value is not None else "excluded by %s") % last.where() for entry in naming[:-1]})
        if last.setting.value is None:
            lost[last] = EXCLUDES
        return lost
    # Patterns are kept like keys, by their text. One that says again what it said keeps its place, so that others may still override it.
    lost, places = {}, {}
    for entry in patterns:
        earlier = places.get(entry.setting.path)
        if earlier is not None and earlier.setting.value == entry.setting.value:
            lost[entry] = "it repeats %s" % earlier.where()
            continue
        if earlier is not None:
            lost[earlier] = "overridden by %s" % entry.where()
        places[entry.setting.path] = entry
    lost.update({entry: EXCLUDES for entry in places.values() if entry.setting.value is None})
    return lost


def _procps(read, path, loader):
    """Return ``{entry: why}`` of those that ``sysctl --system`` does not try: it writes all others one after the other."""
    naming = [entry for entry in read if entry.setting.literal == path and not _is_kernel(entry)]
    if loader == PROCPS_5:
        naming += [entry for entry in read if entry.setting.is_glob and entry.setting.value is None]
    lost = {entry: EXCLUDES for entry in read if entry.setting.value is None}
    for entry in read:
        if entry.setting.is_glob and entry not in lost:
            if loader == PROCPS_3:
                lost[entry] = "procps 3.3 does not know patterns"
            elif naming:
                lost[entry] = ("excluded by %s" if naming[0].setting.value is None else YIELDS) % naming[0].where()
    return lost


def _is_kernel(entry):
    return entry.file.path == COMMAND_LINE


def _last_valid(tried, path):
    """Return ``{entry: why}`` of all but the last one whose value the kernel takes."""
    refused = {entry: kept(path, entry.setting.value).refused for entry in tried}
    valid = [entry for entry in tried if not refused[entry]]
    lost = {entry: "the kernel refuses it: %s" % why for entry, why in refused.items() if why}
    lost.update({entry: "overridden by %s" % valid[-1].where() for entry in valid[:-1]})
    return lost


def shown(path):
    """Return a path as text for people and for JSON: a name of a file may hold bytes that are no text."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def kernel_arguments(command_line):
    """Yield (Setting, BootFile) of the ``sysctl.*=`` of a kernel command line.

    The kernel writes them before it starts init (fs/proc/proc_sysctl.c process_sysctl_arg(), since 5.8): each ``.`` is a
    ``/``, quotes may stand around the argument or its value, and what comes after ``--`` is init's.
    """
    file = BootFile("/proc", "cmdline", COMMAND_LINE, None)
    for match in KERNEL_ARGUMENT.finditer(command_line):
        argument = match.group()
        if argument == "--":
            return
        name, equals, value = (argument[1:] if argument.startswith('"') else argument).partition("=")
        if name[:7] in ("sysctl.", "sysctl/") and equals:
            path = simplified(name[7:].replace(".", "/"))
            yield Setting(path, path, value.strip('"'), 1), file
