# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads sysctls in the network namespace of the calling thread.

/proc/sys/net is resolved at open(2) for the opening task, so each file is opened anew after a namespace was entered.
"""

import os

from .._version import is_older
from .names import path_of


def read_sysctls(proc, rows, release, problems, netns):
    """Return ``{key: int, str or None}`` for catalogue ``rows``; what cannot be read is ``None`` and a problem.

    ``release`` is the kernel's, as uname(2) gives it: a key that is younger cannot be expected.
    """
    values = {}
    folders = {}
    try:
        for row in rows:
            values[row.key] = None
            try:
                raw = _read(proc, path_of(row.key), folders)
            except OSError as error:
                problems.add("sysctl_unreadable", "%s cannot be read: %s" % (row.key, error.strerror), netns)
                continue
            if raw is not None:
                values[row.key] = value_of(raw)
            elif is_older(release, row.since):
                problems.add("sysctl_missing", "%s does not exist in this kernel; it came with %s" % (row.key, row.since), netns, partial=False)
            else:
                problems.add("sysctl_missing", "%s does not exist here; this kernel hides it from the namespace, or /proc/sys is masked" % row.key, netns)
    finally:
        for folder in folders.values():
            if folder is not None:
                os.close(folder)
    return values


def _read(proc, path, folders):
    """The kernel looks for a name below /proc/sys/net among those of all namespaces, so each folder is looked up just once."""
    folder, _slash, name = path.rpartition("/")
    if folder not in folders:
        folders[folder] = proc.open_folder("sys/" + folder)
    return None if folders[folder] is None else proc.read(name, once=True, folder=folders[folder])


def value_of(raw):
    """Return a number as int, anything else as text with single blanks between its words."""
    words = raw.decode("utf-8", "backslashreplace").split()
    try:
        return int(words[0]) if len(words) == 1 else " ".join(words)
    except ValueError:
        return words[0]


def existing(proc, pattern):
    """Return the paths below /proc/sys that match a pattern with the same number of components, in no order."""
    from .pattern import matches

    found = [""]
    for part in pattern.split("/"):
        found = [path + "/" + name for path in found for name in _names(proc, path) if matches(part, name)]
    return [path[1:] for path in found if not os.path.isdir(proc.path("sys" + path))]


def _names(proc, path):
    try:
        return os.listdir(proc.path("sys" + path))
    except OSError:  # a file, or gone
        return []
