#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: nginx_listen
version_added: 0.2.0
short_description: Set backlog and reuseport of what nginx listens on, tested before it is in place
description:
  - Sets or removes C(backlog) and C(reuseport) of an address and port in exactly the one C(listen) directive that may carry them. Where a directive
    sets socket options of that address already, that is the one; otherwise the default server's, otherwise the first.
  - Changes only the bytes of that parameter. Comments, spacing, line ends and the encoding of everything else stay, and so do owner, mode, ACL,
    SELinux label and extended attributes. A symbolic link stays one, and the real file is replaced.
  - What nginx would accept without ever applying it is refused with what to do instead, for example C(backlog) on C(127.0.0.1:80) beside a listen
    on C(80).
  - Lets nginx test the result before it is in place. The test sees the new files and is shut off from the machine, so that it makes no pid file,
    log or directory. When nginx refuses the result, nothing was changed.
  - Several files change all together or not at all. Somebody else's change in the meantime is never overwritten.
  - It never reloads nginx. RV(needs) says what is still to be done.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.checkpoint
attributes:
  check_mode:
    support: full
    details: Stops after planning. Nothing is written and nginx is not started, so RV(tested_by) is C(null).
  diff_mode:
    support: full
    details: Shows changed lines alone, and of a line with several directives only the changed one, because its neighbours may hold secrets.
options:
  listen:
    description:
      - The address and port, in any spelling that nginx knows (V(8080), V(*:8080), V(127.0.0.1:8080), V([::]:8080), V(unix:/run/x.sock)), or a
        range of ports as it is in the directive.
      - V(all) means every address that has a listen queue. Datagram sockets (C(udp), C(quic)) are left out.
    type: str
    required: true
  backlog:
    description:
      - How many connections may wait to be accepted. The kernel grants at most C(net.core.somaxconn) of the network namespace of nginx.
      - With O(state=absent) the number does not matter.
    type: int
  reuseport:
    description:
      - Whether each worker has a queue of its own. Each of them gets the whole O(backlog).
    type: bool
  state:
    description:
      - V(present) sets what is given of O(backlog) and O(reuseport).
      - V(absent) removes C(backlog), or with O(reuseport=true) and without O(backlog) C(reuseport).
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The main configuration file, as nginx inside O(root) names it.
      - When it is not given, it is that of the nginx that runs, or of the one that is installed. Where several run, it has to be given.
    type: path
  prefix:
    description:
      - The directory to which a relative O(config) belongs (C(nginx -p)).
    type: path
  root:
    description:
      - The directory that nginx sees as C(/), for example C(/proc/812/root) or the root file system of a container. Symbolic links never lead out of it.
    type: path
    default: /
  validate:
    description:
      - Let nginx test the result. Where an nginx runs with this configuration its own binary is asked, with its options, in its own container, with no
        more rights than it has itself.
    type: bool
    default: true
  validate_timeout:
    description:
      - Seconds that one test may take. A configuration with many host names waits for the resolver.
    type: int
    default: 60
notes:
  - A file with several hard links is refused. Replacing it would leave the other names with the old text, and writing into it in place could
    be cut short by a crash.
  - Previous versions are kept in C(/var/lib/netops.listen_queue/previous), for root alone, the last 50 of them.
  - Where a private mount namespace cannot be made (without C(CAP_SYS_ADMIN)) the test uses a second main file beside the first, whose name begins
    with a dot, and removes it afterwards. Then missing logs and temporary directories may be made by the test, as C(nginx -t) does.
  - One run at a time changes a machine. A second one fails at once and names the first.
  - Modules that nginx loads are part of the test. What a configuration lets Lua or Perl write while it is read is not contained.
seealso:
  - module: netops.listen_queue.nginx_listen_info
  - module: netops.listen_queue.nginx_reload
"""

EXAMPLES = r"""
- name: Let 4096 connections wait on port 443
  netops.listen_queue.nginx_listen:
    listen: 443
    backlog: 4096
  notify: Reload nginx and look at its sockets

- name: Give every address of one configuration the same queue
  netops.listen_queue.nginx_listen:
    config: /etc/nginx/nginx.conf
    listen: all
    backlog: 8192

- name: Back to the default of 511
  netops.listen_queue.nginx_listen:
    listen: "[::]:80"
    state: absent

- name: In a container, from the host
  netops.listen_queue.nginx_listen:
    root: /proc/812/root
    config: /etc/nginx/nginx.conf
    listen: 8080
    backlog: 1024
    reuseport: true
"""

RETURN = r"""
config:
  description: The main file.
  returned: success
  type: str
  sample: /etc/nginx/nginx.conf
files:
  description: The files that were changed, or would be in check mode. Real paths inside O(root), without symbolic links.
  returned: success
  type: list
  elements: str
  sample: [/etc/nginx/sites-available/shop]
directive:
  description: The directive that carries the parameters, the first one with O(listen=all). C(null) when none has to.
  returned: success
  type: dict
  sample: {file: /etc/nginx/sites-enabled/shop, line: 3}
directives:
  description:
    - All directives that carry the parameters, each with the addresses (C(listen)) that it stands for.
    - C(listens_anew) says whether the next reload calls listen(2) for them, because their number is another one than before. Where it is C(false),
      a limit that is not what one wants needs M(netops.listen_queue.socket_backlog). C(null) is unknown.
  returned: success
  type: list
  elements: dict
  sample: [{file: /etc/nginx/sites-enabled/shop, line: 3, listen: ["0.0.0.0:443"], listens_anew: true}]
tested_by:
  description:
    - How the result was tested, V(private_mounts) or V(shadow_includes).
    - C(null) when it was not, because nothing changed, in check mode, or with O(validate=false).
  returned: success
  type: str
  sample: private_mounts
previous:
  description: Where the previous version (C(copy)) of each changed file (C(path)) is kept.
  returned: success
  type: list
  elements: dict
  sample: [{path: /etc/nginx/sites-available/shop, copy: /var/lib/netops.listen_queue/previous/ca978112ca1b}]
needs:
  description:
    - What is to be done until the live sockets are what the configuration asks for.
    - V(none), V(reload), V(socket_backlog) (a reload would not call listen(2), because the number in the configuration is the one that nginx has
      read already), or V(restart). C(null) when that cannot be known.
    - Without an nginx that runs with this configuration it is V(none).
  returned: success
  type: str
  sample: reload
notes:
  description: Sentences on what else stands in the way, for example C(net.core.somaxconn), and what was left out of O(listen=all).
  returned: success
  type: list
  elements: str
"""

from ..module_utils._checkpoint.session import Session
from ..module_utils._runner import run_journalled

ARGUMENT_SPEC = {
    "listen": {"type": "str", "required": True},
    "backlog": {"type": "int"},
    "reuseport": {"type": "bool"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "config": {"type": "path"},
    "prefix": {"type": "path"},
    "root": {"type": "path", "default": "/"},
    "validate": {"type": "bool", "default": True},
    "validate_timeout": {"type": "int", "default": 60},
    "checkpoint": {"type": "str"},
}


def change(parameters, is_check, session):
    from ..module_utils._nginx_listen.control import act

    return act(parameters, is_check, "/proc", session)


def main():
    run_journalled(ARGUMENT_SPEC, change, Session("/proc", "/var/lib/netops.listen_queue"))


if __name__ == "__main__":
    main()
