#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: sysctl_boot_info
version_added: 0.2.0
short_description: Say which file decides about a sysctl at the next boot, and why the others do not
description:
  - Reads C(/etc/sysctl.conf) and the directories C(sysctl.d) as the program does that applies them when the system boots, and returns for each key
    every assignment with its file and line, the one that wins, the value now and the value after the next boot.
  - Knows C(systemd-sysctl) and C(sysctl --system) of procps, which do not agree about C(/etc/sysctl.conf), hidden files, excluded keys and invalid values.
    Each rule was measured with the real programs of several releases.
  - Starts no program and changes nothing.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.attributes.info
options:
  keys:
    description:
      - Names of sysctls, with dots or slashes. The wildcards C(*), C(?) and C([...]) stand for what the files name and the kernel has.
      - Without any, the sysctls that decide about listen queues.
    type: list
    elements: str
    default: []
  root:
    description:
      - Directory of the system whose files are read, for example of an image or C(/proc/PID/root) of a container. Paths in the answer are inside it.
      - With another one than C(/) the values now are C(null), because they belong to the running system.
    type: path
    default: /
  loader:
    description:
      - Whose rules count. V(auto) finds out what this system boots with.
    type: str
    choices: [auto, systemd-sysctl, procps]
    default: auto
notes:
  - What the boot really leaves behind also depends on programs that set sysctls later. Those that are seen are listed in RV(sysctls.name.later_writers).
  - A key that a kernel module brings is set only when the module is loaded before the loader runs.
seealso:
  - module: netops.listen_queue.listen_queue_facts
    description: Gathers the same answer with its subset V(sysctl_boot).
  - name: sysctl.d(5)
    description: The files and their order.
    link: https://www.freedesktop.org/software/systemd/man/latest/sysctl.d.html
"""

EXAMPLES = r"""
- name: See who decides about somaxconn
  netops.listen_queue.sysctl_boot_info:
    keys: [net.core.somaxconn]
  register: boot

- name: Fail when a reboot would change it
  ansible.builtin.assert:
    that: boot.sysctls["net.core.somaxconn"].drift is false
    fail_msg: "{{ boot.sysctls['net.core.somaxconn'].drift_reason }}"

- name: Compare what an admin's sysctl --system would do
  netops.listen_queue.sysctl_boot_info:
    keys: ["net.ipv4.tcp_*", "net.ipv4.conf.*.rp_filter"]
    loader: procps
"""

RETURN = r"""
loader:
  description:
    - What applies the files at boot, its C(name) and C(why) it is believed to.
    - The name is C(null) when nothing does, as in a container without an init system. Then no assignment wins.
  returned: always
  type: dict
  sample: {name: systemd-sysctl, why: systemd is running}
sysctls:
  description:
    - The answer for each key, by its name with dots.
    - The same is returned as C(keys), which Jinja reaches as C(result["keys"]) only.
  returned: always
  type: dict
  contains:
    name:
      description: One key, under its own name.
      returned: always
      type: dict
      contains:
        runtime_value:
          description: The value now, in the network namespace of the module. A number, or text. C(null) when it is not known.
          returned: always
          type: raw
          sample: 4096
        boot_value:
          description: The value after the next boot as the kernel will show it. C(null) when nothing sets the key, which leaves the kernel's default,
              and when a file could not be read, as RV(sysctls.name.drift_reason) says then.
          returned: always
          type: raw
          sample: 512
        boot_source:
          description: C(path) and C(line) that decide, without symbolic links; C(via) is the link that the loader reads. C(null) when nothing sets the key.
          returned: always
          type: dict
          sample: {path: /usr/lib/sysctl.d/99-vendor.conf, line: 3}
        assignments:
          description:
            - All assignments in the order in which they are read. C(value) is the text of the file, C(null) for an exclusion (C(-key)).
            - C(wins) is V(true) for at most one, C(why_not) says why another one does not.
            - Those of the kernel command line (C(sysctl.*=)) have the path C(/proc/cmdline).
          returned: always
          type: list
          elements: dict
          sample:
            - {path: /etc/sysctl.d/10-web.conf, line: 1, value: "4096", wins: false, why_not: "overridden by /usr/lib/sysctl.d/99-vendor.conf:3"}
            - {path: /usr/lib/sysctl.d/99-vendor.conf, line: 3, value: "512", wins: true, why_not: null}
        drift:
          description: Whether the next boot changes the value, or the two loaders disagree. C(null) when that cannot be known.
          returned: always
          type: bool
        drift_reason:
          description: Why there is drift, or why it is not known. C(null) without drift.
          returned: always
          type: str
        per_namespace:
          description: Whether each network namespace has a value of its own, which no file of sysctl.d sets. C(null) when that is not known.
          returned: always
          type: bool
        later_writers:
          description:
            - Programs on this system that set the key after the loader has run. C(program), the C(path) and C(line) by which it is known, the C(value), and a
              C(note) that says when.
            - Looked for are tuned, ufw, CNI tuning, Cilium, Calico, docker, cloud-init and systemd-networkd.
          returned: always
          type: list
          elements: dict
          sample: []
problems:
  description: What could not be known, each with a C(code), a C(message) and how often (C(count)).
  returned: always
  type: list
  elements: dict
complete:
  description: V(true) when nothing that was asked for is missing for lack of rights or a readable file.
  returned: always
  type: bool
"""

from ..module_utils._runner import run_info

ARGUMENT_SPEC = {
    "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "root": {"type": "path", "default": "/"},
    "loader": {"type": "str", "choices": ["auto", "systemd-sysctl", "procps"], "default": "auto"},
}


def gather(parameters):
    """Return the module's result."""
    from ..module_utils._problems import Problems
    from ..module_utils._proc import ProcFS
    from ..module_utils._sysctl_info.read import boot_facts

    problems = Problems()
    facts = boot_facts(ProcFS("/proc"), parameters["root"], parameters["keys"], parameters["loader"], problems)
    return dict(facts, keys=facts["sysctls"], problems=problems.as_list(), complete=not problems.partial)


def main():
    run_info(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
