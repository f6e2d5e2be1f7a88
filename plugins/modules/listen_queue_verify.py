#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: listen_queue_verify
version_added: 0.2.0
short_description: Wait until the wanted limits and values hold on the live system, or say what does not
description:
  - Looks at the kernel and at nginx, again and again, until everything that is asked for holds at the same time. Fails with one sentence when the time is over.
  - Of every listener of O(listeners) all sockets have the limit, no queue is half full, no socket drops packets between two looks,
      and a connection was made.
  - Every nginx that holds one of these sockets, or runs with O(config), has no serving worker that is older than the last write of its
    configuration, and has told no error of the level C(emerg) since. So a reload that was accepted and changed nothing is found.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
attributes:
  check_mode:
    support: full
    details: Looks once and never fails, because what it waits for was not done in check mode.
  diff_mode:
    support: none
    details: The module changes nothing.
options:
  listeners:
    description:
      - What must listen, with which limit.
    type: list
    elements: dict
    default: []
    suboptions:
      listen:
        description:
          - Where, as an address and port or the path of a UNIX socket, written as in M(netops.listen_queue.socket_backlog).
        type: str
        required: true
      limit:
        description:
          - The limit (C(Send-Q)) of each of its sockets. The kernel sets the smaller one of the backlog and C(net.core.somaxconn).
        type: int
        required: true
      netns:
        description:
          - The network namespace of this listener, if it is another one than O(netns).
        type: str
      drops:
        description:
          - How many packets its sockets have dropped at most since they were made, all together. From RV(listeners) of an earlier look it
            says that nothing was dropped since.
          - Without it no packet may be dropped between two looks.
        type: int
  sysctls:
    description:
      - Sysctls and the values that they must have now, in the namespace O(netns).
    type: dict
    default: {}
  boot_sysctls:
    description:
      - Sysctls and the values that they must get at the next boot, whichever file decides about them.
    type: dict
    default: {}
  config:
    description:
      - Main configuration file of an nginx that must run with what is on disk, as nginx inside O(root) names it.
    type: path
  root:
    description:
      - The directory that nginx sees as C(/), for O(config).
    type: path
    default: /
  probe:
    description:
      - Whether to open (and close at once) a connection to each listener.
    type: bool
    default: true
  url:
    description:
      - An HTTP or HTTPS address that must answer, asked from the managed host in the namespace O(netns). Redirects are not followed.
    type: str
  url_status:
    description:
      - The answers that are good. Without any, C(2xx) and C(3xx).
    type: list
    elements: int
    default: []
  url_validate_certs:
    description:
      - Whether the certificate of an HTTPS address must be valid.
    type: bool
    default: true
  netns:
    description:
      - The network namespace, as a name of C(ip netns), a path, a process id or an inode. By default that of the module.
    type: str
  timeout:
    description:
      - Seconds to wait until everything holds. With V(0) it looks once.
    type: float
    default: 30
  interval:
    description:
      - Seconds between two looks.
    type: float
    default: 0.5
notes:
  - With listeners it takes at least one O(interval), because drops are seen by two looks only, unless O(listeners[].drops) tells of an earlier one.
  - Run it as root. What nginx has open, and when its configuration was written, others may not see; such checks are among RV(unknown).
  - A worker that died has a successor that is younger than the configuration and knows nothing of it. It proves no reload, as far as the error log tells
    of the death. Of directories from which files are included it is not known whether a name that came or went matters, so that is among RV(unknown), too.
  - The age of workers and files is compared by the wall clock. When it was set in between, run M(netops.listen_queue.nginx_reload) again.
seealso:
  - module: netops.listen_queue.nginx_reload
  - module: netops.listen_queue.socket_backlog
  - module: netops.listen_queue.sysctl_boot_info
  - module: netops.listen_queue.connect_probe
"""

EXAMPLES = r"""
- name: The new limit is live, and stays after a reboot
  netops.listen_queue.listen_queue_verify:
    listeners:
      - {listen: "0.0.0.0:80", limit: 4096}
      - {listen: "[::]:80", limit: 4096}
    sysctls: {net.core.somaxconn: 4096}
    boot_sysctls: {net.core.somaxconn: 4096}
    url: http://127.0.0.1/health
    timeout: 20
"""

RETURN = r"""
verified:
  description: Whether everything held at the same time.
  returned: always
  type: bool
checks:
  description:
    - Each check as it was seen last. The checks are C(limit), C(queue), C(drops), C(sysctl), C(boot_sysctl), C(workers), C(error_log), C(probe), C(url).
    - Of C(workers) the time after which the oldest one should have started, that of the last write of the configuration, and when it did start.
    - C(subject) is what was looked at, C(expected) what was to be there, C(seen) what was there. C(ok) is C(null) when nothing can tell.
      C(time) is since when C(ok) is what it is, in seconds after the start.
    - As long as a limit or a sysctl is wrong, nginx, boot values, connections and O(url) are not looked at, except in the last look.
  returned: always
  type: list
  elements: dict
  sample:
    - {check: limit, subject: "0.0.0.0:80", expected: 4096, seen: [4096, 4096], ok: true, time: 0.51}
    - {check: queue, subject: "0.0.0.0:80", expected: 0.5, seen: 0.012, ok: true, time: 0.01}
listeners:
  description:
    - O(listeners) with what their sockets have dropped since they were made (C(drops), C(null) when that is not known). Given to this module again,
      on the same host, it finds out what was dropped in between.
  returned: always
  type: list
  elements: dict
  sample: [{listen: "0.0.0.0:80", limit: 4096, netns: null, drops: 17}]
unknown:
  description: Sentences on what could not be checked here.
  returned: always
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 0.52
"""

from ..module_utils._runner import run_change

LISTENER = {"listen": {"type": "str", "required": True}, "limit": {"type": "int", "required": True}, "netns": {"type": "str"}, "drops": {"type": "int"}}
ARGUMENT_SPEC = {
    "listeners": {"type": "list", "elements": "dict", "default": [], "options": LISTENER},
    "sysctls": {"type": "dict", "default": {}},
    "boot_sysctls": {"type": "dict", "default": {}},
    "config": {"type": "path"},
    "root": {"type": "path", "default": "/"},
    "probe": {"type": "bool", "default": True},
    "url": {"type": "str"},
    "url_status": {"type": "list", "elements": "int", "default": []},
    "url_validate_certs": {"type": "bool", "default": True},
    "netns": {"type": "str"},
    "timeout": {"type": "float", "default": 30},
    "interval": {"type": "float", "default": 0.5},
}


def act(parameters, is_check):
    from ..module_utils._verify.read import verify

    return verify(parameters, is_check, "/proc")


def main():
    run_change(ARGUMENT_SPEC, act)


if __name__ == "__main__":
    main()
