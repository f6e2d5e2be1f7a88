#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: nginx_reload
version_added: 0.2.0
short_description: Reload nginx, and prove on its workers and sockets that it took the new configuration
description:
  - Sends the master process its C(HUP), on the host or in a container, and waits until new workers run or its error log says why there are none.
  - A reload that was accepted and changed nothing is a failure with the reason. C(nginx -s reload) and C(systemctl reload) end well in that case,
    for example when an address is in use.
  - Reads the limit of every listening socket back from the kernel.
  - No pid file is read (in a container it names another process), and no service manager is asked.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.checkpoint
attributes:
  check_mode:
    support: full
    details: Finds the masters and sends no signal.
  diff_mode:
    support: none
options:
  pid:
    description:
      - The master process, as the host sees it.
    type: int
  config:
    description:
      - Reload every nginx that runs with this main configuration file, as nginx inside O(root) names it.
      - Without O(pid) and O(config) every nginx that runs is reloaded, in containers too.
    type: path
  root:
    description:
      - The directory that nginx sees as C(/), for O(config).
    type: path
    default: /
  timeout:
    description:
      - Seconds to wait for each nginx. Where its error log can be read, an error ends the wait earlier.
      - nginx itself tries for 2.5 seconds to bind an address that is in use.
    type: int
    default: 30
notes:
  - Connections that wait in a queue are kept. With C(reuseport) and fewer workers some are reset, unless C(net.ipv4.tcp_migrate_req) is 1.
  - With C(master_process off) there are no workers to tell by. RV(applied) is C(null) then, unless the error log tells more.
  - After a reload nginx calls listen(2) only for addresses whose backlog in the configuration changed. RV(needs) says when that is not enough.
seealso:
  - module: netops.listen_queue.nginx_listen
  - module: netops.listen_queue.nginx_listen_info
"""

EXAMPLES = r"""
- name: Reload nginx and look at its sockets
  netops.listen_queue.nginx_reload:
    config: /etc/nginx/nginx.conf

- name: Reload one nginx
  netops.listen_queue.nginx_reload:
    pid: 812
    timeout: 60
"""

RETURN = r"""
applied:
  description:
    - Whether every nginx took the configuration that is on disk. When it is V(false) the module has failed.
    - C(null) in check mode, and where nothing proves it.
  returned: always
  type: bool
emerg:
  description: What the error logs of nginx say since, of the levels C(emerg) and C(alert).
  returned: always
  type: list
  elements: str
  sample: ["bind() to 127.0.0.1:8080 failed (98: Address already in use)"]
sockets:
  description:
    - The listening sockets of nginx afterwards. C(listen_backlog) is what the configuration asks for, C(accept_queue_limit) what the kernel keeps.
    - A UNIX socket has C(path) instead of C(local_address) and C(local_port).
  returned: always
  type: list
  elements: dict
  sample: [{pid: 812, local_address: 0.0.0.0, local_port: 80, accept_queue_limit: 4096, listen_backlog: 4096}]
needs:
  description:
    - What is still to be done until the sockets are what the configuration asks for, V(none), V(socket_backlog), V(reload) or V(restart).
    - C(null) when that cannot be known.
  returned: always
  type: str
  sample: none
masters:
  description:
    - The same for each nginx, with C(pid), C(config), C(applied), C(emerg), C(sockets), C(needs).
    - C(notes) are sentences on what stands in the way of the limits that are asked for, for example C(net.core.somaxconn).
  returned: always
  type: list
  elements: dict
"""

from ..module_utils._checkpoint.session import Session
from ..module_utils._runner import run_journalled

ARGUMENT_SPEC = {
    "pid": {"type": "int"},
    "config": {"type": "path"},
    "root": {"type": "path", "default": "/"},
    "timeout": {"type": "int", "default": 30},
    "checkpoint": {"type": "str"},
}


def change(parameters, is_check, session):
    from ..module_utils._nginx_reload.control import act

    return act(parameters, is_check, "/proc", session)


def main():
    run_journalled(ARGUMENT_SPEC, change, Session("/proc", "/var/lib/netops.listen_queue"), mutually_exclusive=[["pid", "config"]])


if __name__ == "__main__":
    main()
