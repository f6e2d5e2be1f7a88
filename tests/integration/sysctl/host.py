# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the test's own inside a room: empty sysctl.d directories, its own values, and what a reboot would make of them."""

import os
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.session import Session
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin.control import act
from kernel_rooms import MS_BIND, in_child, mount, new_netns, run

KEY = "net.core.somaxconn"
ETC, USR = Path("/etc/sysctl.d"), Path("/usr/lib/sysctl.d")
SYSTEMD_SYSCTL = ("/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl")
STATE = "/run/state"
DEFAULTS = {
    "name": None, "values": None, "at_least": False, "state": "present", "runtime": True, "persist": True, "on_conflict": "fail", "allow": None, "netns": None,
    "root": "/", "loader": "auto", "checkpoint": None,
}  # fmt: skip


def furnish(with_init=True, with_ansible=False):
    """Make the room's /etc/sysctl.d and /usr/lib/sysctl.d empty; ``with_init`` it looks as if systemd had booted it.

    Else nothing is in /etc, but Ansible needs the rest of it.
    """
    if with_ansible:
        mount("tmpfs", str(ETC), "tmpfs")
    else:
        mount("tmpfs", "/etc", "tmpfs", data="size=1m,mode=755")
        ETC.mkdir()
    mount("tmpfs", str(USR), "tmpfs")
    if with_ansible:  # what the module keeps goes into the room too
        os.makedirs("/run/var-lib/netops.listen_queue", 0o700)
        mount("/run/var-lib", "/var/lib", "none", MS_BIND)
    if with_init:
        os.makedirs("/run/systemd/system")


def drop_in(is_check=False, **options):
    """Call the module's code; return its Answer, or the error that it raises."""
    return act({**DEFAULTS, "values": {KEY: 5000}, **options}, is_check, "/proc", Session("/proc", STATE))


def refusal(**options):
    """The sentence with which the module refuses."""
    with pytest.raises(ListenQueueError) as caught:
        drop_in(**options)
    return str(caught.value)


def after_reboot(key=KEY):
    """The value in a new network namespace after the real systemd-sysctl has read the room's files."""

    def boot():
        new_netns()
        run(next(place for place in SYSTEMD_SYSCTL if os.path.exists(place)), "--prefix=/net")
        return value(key)

    return in_child(boot)


def value(key=KEY):
    return " ".join(Path("/proc/sys", key.replace(".", "/")).read_text(encoding="ascii").split())


def snapshot():
    """Everything that a refused change has to leave alone: names, bytes, modes and values."""
    found = {KEY: value()}
    for folder in (ETC, USR, Path("/etc")):
        for path in sorted(folder.iterdir()):
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_ino, path.read_bytes() if path.is_file() else None)
    return found
