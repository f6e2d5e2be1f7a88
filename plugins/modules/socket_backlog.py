#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: socket_backlog
version_added: 0.2.0
short_description: Set the backlog of live listening sockets without a reload or restart of their program
description:
  - Borrows the socket from the program that holds it, and calls C(listen(2)) on it with the new backlog.
    The program is not stopped, signalled or told, and no connection is lost.
  - Works for every program, and reaches what a reload does not, for example C(net.core.somaxconn) that was raised after nginx had called C(listen(2)).
  - All sockets of a C(reuseport) group are set. The limits before and after are read from the kernel.
  - The kernel keeps the smaller one of the backlog and C(net.core.somaxconn) of the socket's network namespace. The module refuses a number that would
    be cut in this way, because it could lower the limit.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.checkpoint
attributes:
  check_mode:
    support: full
    details: Borrows the sockets, so that missing rights are found, and gives them back as they are.
  diff_mode:
    support: full
options:
  listen:
    description:
      - Where the program listens, an address and port or the path of a UNIX socket, for example V(127.0.0.1:6379), V([::1]:6379), V(*:80),
        V(/run/app.sock), V(@abstract).
      - A port alone and V(*:PORT) mean C(0.0.0.0), or C([::]) where that takes IPv4 connections too.
      - Names are not looked up.
    type: str
    required: true
  backlog:
    description:
      - The limit of the accept queue. A limit of N holds N + 1 connections.
    type: int
    required: true
  netns:
    description:
      - The network namespace of the socket, as a name of C(ip netns), a path, a process id or an inode.
      - By default that of process O(pid), or of the module.
    type: str
  pid:
    description:
      - Set only sockets that this process holds.
    type: int
  assume_somaxconn:
    description:
      - In check mode, what C(net.core.somaxconn) would be by then, because an earlier task of the play would set it.
      - It has no effect when something is really changed.
    type: int
notes:
  - Needs Linux 5.6 or newer on the host, and the right to trace the program (root with C(CAP_SYS_PTRACE)).
  - The change is not persistent. The program sets its own number again when it restarts, and may do so when it is reloaded.
  - A smaller backlog drops no connection that waits already.
seealso:
  - module: netops.listen_queue.nginx_listen
  - module: netops.listen_queue.nginx_reload
  - module: netops.listen_queue.listen_queue_verify
"""

EXAMPLES = r"""
- name: Let nginx use the somaxconn that was raised after it had started
  netops.listen_queue.socket_backlog:
    listen: 0.0.0.0:80
    backlog: 4096

- name: Give redis in a container a longer queue
  netops.listen_queue.socket_backlog:
    listen: 0.0.0.0:6379
    backlog: 2048
    netns: "{{ redis_pid }}"

- name: The same for a UNIX socket
  netops.listen_queue.socket_backlog:
    listen: /run/redis/redis.sock
    backlog: 2048
"""

RETURN = r"""
listen:
  description: Where the sockets listen, as the kernel has it.
  returned: success
  type: str
  sample: 0.0.0.0:80
netns:
  description: Inode of their network namespace.
  returned: success
  type: int
  sample: 4026531840
somaxconn:
  description: C(net.core.somaxconn) of that namespace. C(null) when it cannot be read.
  returned: success
  type: int
  sample: 4096
sockets:
  description:
    - The sockets, each with its limit C(before) and C(after) (in check mode, the limit that it would get), the connections that waited when it was looked at
      (C(accept_queue_length)), its C(inode), and the C(processes) that hold it.
    - A UNIX socket has C(path) instead of C(local_address) and C(local_port).
  returned: success
  type: list
  elements: dict
  sample:
    - local_address: 0.0.0.0
      local_port: 80
      inode: 31337
      accept_queue_length: 0
      before: 511
      after: 4096
      processes: [{pid: 812, name: nginx, started_at: "2026-01-01T00:00:00Z", unit: nginx.service}]
notes:
  description: Sentences on what could undo the change, and on connections that wait already.
  returned: success
  type: list
  elements: str
"""

from ..module_utils._checkpoint.session import Session
from ..module_utils._runner import run_journalled

ARGUMENT_SPEC = {
    "listen": {"type": "str", "required": True},
    "backlog": {"type": "int", "required": True},
    "netns": {"type": "str"},
    "pid": {"type": "int"},
    "assume_somaxconn": {"type": "int"},
    "checkpoint": {"type": "str"},
}


def change(parameters, is_check, session):
    from ..module_utils._socket_backlog.control import act

    return act(parameters, is_check, "/proc", session)


def main():
    run_journalled(ARGUMENT_SPEC, change, Session("/proc", "/var/lib/netops.listen_queue"))


if __name__ == "__main__":
    main()
