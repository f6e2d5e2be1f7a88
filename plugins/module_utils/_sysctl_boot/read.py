# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the files of sysctl.d inside a root, and finds out which program applies them when that system boots."""

import os
import re
from typing import NamedTuple, Optional

from .._errors import ReadError
from .._namespaces.read import is_initial
from .._sysctl.boot_order import COMMAND_LINE, DIRECTORIES, SYSCTL_CONF, BootFile, BootOrder, shown
from .._sysctl.conf_file import PROCPS, PROCPS_3, PROCPS_5, SYSTEMD
from .._version import is_older

MOST_BYTES = 4 << 20
KERNEL_ARGUMENTS_SINCE = "5.8"
SYSTEMD_SYSCTL = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
SYSCTL = ("/usr/sbin/sysctl", "/sbin/sysctl", "/usr/bin/sysctl", "/bin/sysctl")
INIT = "/sbin/init"
# Scripts that call `sysctl --system` at boot: sysvinit on Debian, OpenRC.
INIT_SCRIPTS = ("/etc/init.d/procps", "/etc/init.d/sysctl")
UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
VERSION = re.compile(rb"procps-ng ([0-9]+(?:\.[0-9]+)+)")


class Loader(NamedTuple):
    """What applies the files at boot. ``name`` is systemd-sysctl, procps, or None when nothing does; ``why`` is how that is known.

    ``flavour`` is the name by which conf_file.py knows its rules: procps 3.3 has others than 4.0.
    """

    name: Optional[str]
    flavour: Optional[str]
    why: str


def boot_files(root, problems):
    """Return the BootFiles below a Root, in the order of their directories. What cannot be read is a problem."""
    found = []
    for directory in DIRECTORIES:
        try:
            names = sorted(os.fsdecode(name) for name in root.names(directory))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problems.add("sysctl_files_unreadable", "%s cannot be listed: %s" % (directory, error.strerror))
            continue
        found += [file for file in (_boot_file(root, directory, name, problems) for name in names) if file is not None]
    directory, _slash, name = SYSCTL_CONF.rpartition("/")
    last = _boot_file(root, directory, name, problems)
    return found if last is None else found + [last]


def _boot_file(root, directory, name, problems):
    """Return one BootFile; None for what is no file of a loader, and for what a merged /usr shows a second time."""
    path = directory + "/" + name
    counts = name.endswith(".conf")
    try:
        file = root.read(path, MOST_BYTES)
    except ReadError as error:  # a directory, a device such as /dev/null, or far too large
        if counts and not str(error).startswith("it is a"):
            problems.add("sysctl_files_unreadable", "%s cannot be used: %s" % (shown(path), error))
        return BootFile(directory, name, path, None, str(error)) if counts and path != SYSCTL_CONF else None
    except FileNotFoundError:  # a dangling link hides the files of its name all the same
        return BootFile(directory, name, path, None, "it is a link to nothing") if counts and path != SYSCTL_CONF else None
    except OSError as error:
        if counts:
            problems.add("sysctl_files_unreadable", "%s cannot be read: %s" % (shown(path), error.strerror))
        return BootFile(directory, name, path, None, error.strerror) if counts else None
    if directory == DIRECTORIES[-1] and file.path == DIRECTORIES[-2] + "/" + name:
        return None
    return BootFile(directory, name, file.path, file.data)


def find_loader(root, wanted="auto"):
    """Return the Loader of the system in a Root; ``wanted`` names one, or is ``auto`` for what this system boots with."""
    if wanted == SYSTEMD:
        return Loader(SYSTEMD, SYSTEMD, "it was asked for")
    if wanted == PROCPS:
        return Loader(PROCPS, procps_flavour(root), "it was asked for")
    runs = root.exists("/run/systemd/system")
    if runs or _target(root, INIT).endswith("/systemd"):
        if not any(root.exists(path) for path in SYSTEMD_SYSCTL):
            return Loader(None, None, "systemd is here, but systemd-sysctl is not installed")
        if _is_masked(root, "systemd-sysctl.service"):
            return Loader(None, None, "systemd-sysctl.service is masked")
        return Loader(SYSTEMD, SYSTEMD, "systemd is running" if runs else "%s is systemd" % INIT)
    if root.exists(INIT) and any(root.exists(path) for path in INIT_SCRIPTS) and any(root.exists(path) for path in SYSCTL):
        return Loader(PROCPS, procps_flavour(root), "there is no systemd, and an init script runs sysctl --system")
    return Loader(None, None, "no init system that reads sysctl.d was found")


def procps_flavour(root):
    """Return the flavour of the installed procps; that of 4.0 when there is none."""
    for path in SYSCTL:
        try:
            match = VERSION.search(root.read(path, MOST_BYTES).data)
        except (OSError, ReadError):
            continue
        if match:
            version = [int(part) for part in match.group(1).split(b".")]
            return PROCPS_3 if version < [4] else PROCPS if version < [4, 0, 5] else PROCPS_5
    return PROCPS


def _target(root, path):
    try:
        return root.read(path, MOST_BYTES).path
    except (OSError, ReadError):
        return ""


def _is_masked(root, unit):
    for folder in UNIT_FOLDERS:
        try:
            if not root.read(folder + "/" + unit, MOST_BYTES).data:
                return True
        except ReadError:  # a link to /dev/null
            return True
        except OSError:
            continue
    return False


def host_arguments(proc, root_path):
    """Return the kernel command line as text, where its ``sysctl.*=`` concern the system in ``root_path``: else it is empty."""
    release = os.uname().release
    if is_older(release, KERNEL_ARGUMENTS_SINCE) or not is_here(proc, root_path) or not is_initial(proc):
        return ""
    return (proc.read(COMMAND_LINE[len("/proc/") :]) or b"").decode("utf-8", "backslashreplace")


def is_here(proc, root_path):
    """True when the root is the one of the running system, whose kernel values are at hand."""
    try:
        return root_path is not None and os.path.samefile(root_path, proc.path("self/root"))
    except OSError:
        return False


def boot_orders(root, arguments, problems):
    """Return ``{flavour: BootOrder}`` of both loaders for the files in a Root. ``arguments`` is the kernel command line."""
    files = boot_files(root, problems)
    return {flavour: BootOrder(files, flavour, arguments) for flavour in (SYSTEMD, procps_flavour(root))}
