#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sysctl_dropin
version_added: 0.2.0
short_description: Set sysctls now and for the next boot, in a file that really wins
description:
  - Writes keys into one file of C(/etc/sysctl.d) and into the running kernel. It works out by the rules of the program that applies these files at boot
    whether another file would win, and refuses, reports or takes a later name instead of a change that the next boot reverts.
  - A value that the kernel refuses never reaches the file. It is tried out in a new network namespace, which nobody uses, before anything is written.
  - Several keys are one change of the file. It is on the disk before it has its name, and every line that is not about these keys stays byte for byte.
    A link stays one. Mode, owner, SELinux label and extended attributes stay.
  - The order is to prepare the file, set the running values, put the file in place, read both back. When a step fails the values are what they were.
  - Where no file of sysctl.d counts, as in a container without an init system, only the running value is set, and RV(persistence) says where it persists.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.checkpoint
attributes:
  check_mode:
    support: full
    details: Nothing is tried out, so a value that only the kernel can judge is predicted as accepted.
  diff_mode:
    support: full
    details: Shows the changed lines of the file, and the running values.
options:
  name:
    description:
      - Base name of the file, with or without C(.conf). It is refused where the file would hide one of another directory that has the same name.
      - Without it the name is chosen so that the file wins. The file is found again by its first line, and keeps its name.
    type: str
  values:
    description:
      - Keys and their values, with dots or slashes in the names. Required with O(state=present).
      - With O(state=absent) the keys to remove, whatever their values. Without any, all that this module wrote, and the file.
    type: dict
  at_least:
    description:
      - Values are lower limits. The file gets the larger one of the value and what the next boot would set, and the running value is raised, never lowered.
    type: bool
    default: false
  state:
    description:
      - With V(absent) the lines are removed. With O(runtime=true) a key that still has the value of the file gets the one that the next boot will give it.
    type: str
    choices: [present, absent]
    default: present
  runtime:
    description:
      - Whether the running values change too. Those that would not come back before the next boot, as C(kernel.modules_disabled), are refused then.
    type: bool
    default: true
  persist:
    description:
      - Whether the values are written into a file. With V(false) only the running values change, for example to get through an incident.
    type: bool
    default: true
  on_conflict:
    description:
      - What to do when a line of the file would not count at boot. Another file that sets the same value is no conflict.
      - V(fail) changes nothing. V(report) writes the file all the same and lists RV(conflicts).
      - V(override) takes a later name for the file and removes the one with the old name in the same change. Files of others are never masked or changed.
        C(/etc/sysctl.conf) cannot be overridden where C(sysctl --system) runs at boot, because it reads that file last.
    type: str
    choices: [fail, report, override]
    default: fail
  allow:
    description:
      - Names of the keys that may be set, with the wildcards C(*), C(?) and C([...]).
      - With O(state=absent) only these get another running value; lines are removed whatever they name.
      - Without it, the sysctls of listen queues and their neighbours in the kernel. Anything else, such as C(kernel.core_pattern), is refused.
    type: list
    elements: str
  netns:
    description:
      - Name (as C(ip netns) shows it), process id or inode of the network namespace whose running values are set. Without it, that of the module.
      - The file is written where the container of that namespace boots with it, else nowhere.
    type: str
  root:
    description:
      - Directory of the system whose file is written, for example of an image. With another one than C(/), O(runtime) has to be false.
    type: path
    default: /
  loader:
    description:
      - Whose rules decide who wins. V(auto) finds out what the system boots with.
    type: str
    choices: [auto, systemd-sysctl, procps]
    default: auto
notes:
  - What does not persist, or will be set by another program after the boot, is a warning too.
  - A listening socket keeps the limit that it got from listen(2). A new C(net.core.somaxconn) counts for it when its program listens again.
  - Previous versions of the file are kept in C(/var/lib/netops.listen_queue/previous), for root alone, the last 50 of them.
seealso:
  - module: netops.listen_queue.sysctl_boot_info
    description: Says which file decides, and which programs write later than these files.
"""

EXAMPLES = r"""
- name: Room for 4096 waiting connections, now and after a reboot
  netops.listen_queue.sysctl_dropin:
    values:
      net.core.somaxconn: 4096
      net.ipv4.tcp_max_syn_backlog: 4096
    at_least: true

- name: The same, also where a vendor's file has the last word so far
  netops.listen_queue.sysctl_dropin:
    values:
      net.core.somaxconn: 4096
    on_conflict: override

- name: In the network namespace of a container, from the host
  netops.listen_queue.sysctl_dropin:
    netns: "{{ container_pid }}"
    values:
      net.core.somaxconn: 4096

- name: Only for the next boot of an image
  netops.listen_queue.sysctl_dropin:
    root: /srv/images/web
    runtime: false
    name: 60-web
    values:
      net.core.somaxconn: 4096

- name: Now, and only until the next boot
  netops.listen_queue.sysctl_dropin:
    values:
      net.core.somaxconn: 4096
    persist: false

- name: Take it back
  netops.listen_queue.sysctl_dropin:
    state: absent
"""

RETURN = r"""
path:
  description: The file. C(null) when none counts here, or none was found to be removed.
  returned: success
  type: str
  sample: /etc/sysctl.d/99-listen-queue.conf
removed_path:
  description: The file with the old name, after O(on_conflict=override) took a later one.
  returned: success
  type: str
sysctls:
  description:
    - For each key the values C(before) and C(after), each C(runtime) (as text, C(null) when not looked at) and C(boot) (C(null) when nothing sets it).
    - C(boot_source) is the C(path) and C(line) that decide at boot afterwards. C(later_writers) are programs on this system that set the key after that,
      as M(netops.listen_queue.sysctl_boot_info) describes them.
    - In check mode C(after) is the prediction, else it is what was read back.
  returned: success
  type: dict
  sample:
    net.core.somaxconn:
      before: {runtime: "128", boot: null}
      after: {runtime: "4096", boot: "4096"}
      boot_source: {path: /etc/sysctl.d/99-listen-queue.conf, line: 2}
      later_writers: []
conflicts:
  description: Lines of the file that do not count at boot, and why. Only with O(on_conflict=report).
  returned: success
  type: list
  elements: str
unchanged:
  description: Keys whose running value stays as it is after O(state=absent), and why.
  returned: success
  type: dict
loader:
  description: What applies the files at boot, its C(name) and C(why) it is believed to. The name is C(null) when nothing does.
  returned: success
  type: dict
  sample: {name: systemd-sysctl, why: systemd is running}
persists:
  description: Whether the values are in a file that counts at boot.
  returned: success
  type: bool
persistence:
  description: Where such values persist when no file of sysctl.d counts or O(persist=false), for example the pod spec. C(null) otherwise.
  returned: success
  type: str
previous:
  description: The C(path) of each file that was changed or removed, and the C(copy) of what it was.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/sysctl.d/99-listen-queue.conf, copy: /var/lib/netops.listen_queue/previous/ca978112ca1b}]
"""

from ..module_utils._checkpoint.session import Session
from ..module_utils._runner import run_journalled

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "values": {"type": "dict"},
    "at_least": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "runtime": {"type": "bool", "default": True},
    "persist": {"type": "bool", "default": True},
    "on_conflict": {"type": "str", "choices": ["fail", "report", "override"], "default": "fail"},
    "allow": {"type": "list", "elements": "str"},
    "netns": {"type": "str"},
    "root": {"type": "path", "default": "/"},
    "loader": {"type": "str", "choices": ["auto", "systemd-sysctl", "procps"], "default": "auto"},
    "checkpoint": {"type": "str"},
}


def change(parameters, is_check, session):
    """Return the module's Answer."""
    from ..module_utils._sysctl_dropin.control import act

    return act(parameters, is_check, "/proc", session)


def main():
    run_journalled(ARGUMENT_SPEC, change, Session("/proc", "/var/lib/netops.listen_queue"))


if __name__ == "__main__":
    main()
