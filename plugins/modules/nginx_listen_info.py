#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: nginx_listen_info
version_added: 0.2.0
short_description: Show every listen of nginx, the queue that it got, and who must act when that is not what it asks for
description:
  - Returns each C(listen) of a configuration with file and line, and each address and port with the directive that owns its socket options, the
    backlog that is asked for, the cap and the limits of the live sockets.
  - Without O(config) it looks at every nginx that runs, on the host and in containers, openresty, Angie, freenginx and Tengine too. Their files are
    read as they see them, and their sockets in their own network namespace.
  - No program is started and C(nginx -T) is not called, which has side effects. Version and paths are read from the binary that runs.
  - The configuration is the one on disk. An nginx that has not been reloaded since the last change runs with another one.
  - Without privileges the answer is partial. What is missing is C(null) and named in C(problems).
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.attributes.info
options:
  config:
    description:
      - The main configuration file, as nginx inside O(root) names it.
      - When it is not given, the configurations of all running nginx are shown.
    type: path
  prefix:
    description:
      - The directory to which a relative O(config) belongs (C(nginx -p)). Includes belong to the directory of O(config), as with nginx.
    type: path
  root:
    description:
      - The directory that nginx sees as C(/), for example C(/proc/812/root) or the root file system of a container. Symbolic links never lead out of it.
    type: path
    default: /
  stub_status:
    description:
      - Ask each running nginx for its C(stub_status) page, where the configuration offers one over plain HTTP.
      - This is one HTTP request on the nginx's own network namespace, with a time limit of one second, and appears in its access log.
    type: bool
    default: false
notes:
  - A process is recognised by its name. An nginx whose binary has been given a name of its own is not found.
  - Host names in C(listen) are looked up in C(/etc/hosts) inside O(root) and never in the DNS.
  - The values of directives other than C(listen) and C(server_name) are not returned, because configurations hold secrets.
seealso:
  - module: netops.listen_queue.listen_queue_facts
"""

EXAMPLES = r"""
- name: Look at every nginx that runs here
  netops.listen_queue.nginx_listen_info:
  register: nginx

- name: Show what is not as the configuration asks, and who must act
  ansible.builtin.debug:
    msg: "{{ nginx.configs | map(attribute='sockets') | select | flatten | rejectattr('must_act.who', 'in', ['nobody', none]) }}"

- name: Look at a configuration that does not run
  netops.listen_queue.nginx_listen_info:
    config: /etc/nginx/nginx.conf
    root: /var/lib/machines/web

- name: See whether nginx runs out of worker_connections
  netops.listen_queue.nginx_listen_info:
    stub_status: true
"""

RETURN = r"""
configs:
  description:
    - One entry for each nginx that runs. With O(config) those that run with that file, or one entry when none does.
    - A key that does not apply is absent. An unknown value is C(null).
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The main file, inside its root. C(null) when it is not known.
      returned: always
      type: str
      sample: /etc/nginx/nginx.conf
    running:
      description: The nginx that runs with it. C(null) when none does.
      returned: always
      type: dict
      contains:
        pid:
          description: The master process, as the host sees it. A pid file in a container holds RV(configs[].running.inner_pid).
          returned: always
          type: int
        name:
          description: Name of the process.
          returned: always
          type: str
        started_at:
          description: When the master started (UTC).
          returned: always
          type: str
        unit:
          description: Its systemd unit. The keys C(container) and C(pod_uid) likewise.
          returned: when it has one
          type: str
        inner_pid:
          description: Its pid in its own PID namespace.
          returned: always
          type: int
        version:
          description: What the binary that runs calls itself.
          returned: always
          type: str
          sample: nginx/1.22.1
        command_line:
          description: Its command line as the kernel shows it. nginx joins the arguments, so quotes are lost.
          returned: always
          type: str
        exe:
          description: Path of the binary, inside its root.
          returned: always
          type: str
        exe_deleted:
          description: Whether the binary was replaced or removed since the start.
          returned: always
          type: bool
        netns:
          description: Inode of its network namespace.
          returned: always
          type: int
        root:
          description: The directory through which its files were read.
          returned: always
          type: str
        prefix:
          description: nginx's prefix.
          returned: always
          type: str
        error_log:
          description: The error log of the command line or of the build. The configuration may name others.
          returned: always
          type: str
        master_process:
          description: V(false) when one process is master and worker (C(master_process off)).
          returned: always
          type: bool
        older:
          description: During a binary upgrade, the master that was there before. Likewise C(newer).
          returned: during an upgrade
          type: int
        worker_processes:
          description: The number in the configuration, or V(auto).
          returned: always
          type: raw
        worker_connections:
          description: Connections of one worker. A proxied request takes two, one to the client and one to the upstream.
          returned: always
          type: int
        is_proxy:
          description: Whether the configuration passes requests on (C(proxy_pass) and its like).
          returned: always
          type: bool
        workers:
          description:
            - The children of the master with C(pid), C(role) (V(worker) or V(helper)), whether it is C(shutting_down), C(state) and C(wchan) (where it sleeps
              in the kernel), C(cpu_seconds) since it started, C(open_files) and the soft C(open_files_limit).
            - A single worker that uses a whole CPU, or sleeps elsewhere than in C(epoll_wait), is why its queue grows.
          returned: always
          type: list
          elements: dict
        stub_status:
          description:
            - The numbers of the page. C(accepts) are connections taken from the accept queue, C(handled) those that were kept, C(gap) is the difference;
              then C(requests), and the present C(active), C(reading), C(writing) and C(waiting) connections.
            - A C(gap) proves that worker_connections ran out, and nothing else. Connections that the kernel dropped because a listen queue was full
              are in neither number, so no gap does not prove that nothing was dropped.
            - C(null) when there is no such page, or it gave no answer.
          returned: when O(stub_status) is true
          type: dict
          sample: {accepts: 97, handled: 60, gap: 37, requests: 60, active: 24, reading: 0, writing: 1, waiting: 23}
    listens:
      description: Every C(listen), in nginx's order. C(null) when the configuration could not be read.
      returned: always
      type: list
      elements: dict
      contains:
        file:
          description: The file, inside the root, as nginx names it.
          returned: always
          type: str
        line:
          description: The line of the directive, or of the server for an implicit one.
          returned: always
          type: int
        context:
          description: V(http), V(stream) or V(mail).
          returned: always
          type: str
        server_names:
          description: The names of its server.
          returned: always
          type: list
          elements: str
        args:
          description: The arguments in their order, without quotes.
          returned: always
          type: list
          elements: str
        local_address:
          description: The address as the kernel writes it. C(null) for a host name that is not in C(/etc/hosts), which is in C(name) then.
          returned: except for UNIX sockets
          type: str
        local_port:
          description: The port, the first of a range.
          returned: except for UNIX sockets
          type: int
        last_port:
          description: The last port.
          returned: for a range of ports
          type: int
        path:
          description: Path of the UNIX socket.
          returned: for UNIX sockets
          type: str
        listen_backlog:
          description: What this directive by itself asks for. C(null) for UDP and QUIC, which have no queue.
          returned: always
          type: int
        is_default_backlog:
          description: Whether that is nginx's default, 511.
          returned: always
          type: bool
        reuseport:
          description: Whether each worker gets a socket, and a queue, of its own.
          returned: always
          type: bool
        ssl:
          description: Whether it has the parameter C(ssl).
          returned: always
          type: bool
        quic:
          description: Whether it has the parameter C(quic).
          returned: always
          type: bool
        udp:
          description: Whether it has the parameter C(udp).
          returned: always
          type: bool
        default_server:
          description: Whether it has the parameter C(default_server) (or C(default)).
          returned: always
          type: bool
        options_owner:
          description: Whether it sets socket options. Only one C(listen) of an address and port may, and a backlog belongs there.
          returned: always
          type: bool
        implicit:
          description: V(true) for a server without C(listen).
          returned: always
          type: bool
        faults:
          description: What nginx refuses or takes differently than one might read.
          returned: when there are any
          type: list
          elements: str
    sockets:
      description: Every address and port that nginx makes of them. C(null) when the configuration could not be read.
      returned: always
      type: list
      elements: dict
      contains:
        local_address:
          description: Address. UNIX sockets have C(path) instead.
          returned: except for UNIX sockets
          type: str
        local_port:
          description: Port.
          returned: except for UNIX sockets
          type: int
        context:
          description: V(http), V(stream) or V(mail).
          returned: always
          type: str
        protocol:
          description: V(tcp), V(udp) (also QUIC) or V(unix).
          returned: always
          type: str
        options_owner:
          description: C(path) and C(line) of the C(listen) that sets the socket options. C(null) when none does.
          returned: always
          type: dict
        served_by_wildcard:
          description: V(true) when nginx makes no socket for it, because it sets no option and the wildcard address of the port is listened on too.
          returned: when true
          type: bool
        listen_backlog:
          description: What the configuration asks for.
          returned: for sockets with a queue
          type: int
        is_default_backlog:
          description: Whether that is nginx's default, 511.
          returned: for sockets with a queue
          type: bool
        reuseport:
          description: Whether each worker has a socket of its own.
          returned: for sockets with a queue
          type: bool
        somaxconn:
          description: net.core.somaxconn of the network namespace, which caps it.
          returned: for sockets with a queue
          type: int
        accept_queue_limit:
          description: The smallest limit of its live sockets. C(null) when there are none.
          returned: for sockets with a queue
          type: int
        stale_limit:
          description: Whether listen() with what the configuration asks for would set another limit now.
          returned: for sockets with a queue
          type: bool
        live:
          description: The live sockets, with C(accept_queue_length), C(accept_queue_limit) and C(drops). With C(reuseport) one for each worker.
          returned: for sockets with a queue
          type: list
          elements: dict
        must_act:
          description:
            - Who has to act so that the limit becomes what the configuration asks for, and because of what.
            - C(who) is V(nobody), V(config) (change it), V(sysctl) (raise net.core.somaxconn first), V(reload), V(socket_backlog) (nginx would not
              call listen() again by itself), V(restart), or C(null) when that cannot be known.
          returned: for sockets with a queue
          type: dict
          sample: {who: socket_backlog, because: "the limit is 128 and should be 2048, ..."}
        faults:
          description: Why nginx refuses it, or cannot bind it though C(nginx -t) succeeds.
          returned: when there are any
          type: list
          elements: str
    advice:
      description: Sentences on what a change of a listen would not mend, such as worker_connections that run out or a stalled worker's queue.
      returned: always
      type: list
      elements: str
    problems:
      description: What could not be read of this nginx, a sentence each.
      returned: always
      type: list
      elements: str
problems:
  description: What could not be known beside that, each with a C(code), a C(message), how often (C(count)) and the C(netns), when it is one.
  returned: always
  type: list
  elements: dict
"""

from ..module_utils._runner import run_info

ARGUMENT_SPEC = {
    "config": {"type": "path"},
    "prefix": {"type": "path"},
    "root": {"type": "path", "default": "/"},
    "stub_status": {"type": "bool", "default": False},
}


def gather(parameters):
    from ..module_utils._nginx_info.read import collect

    return collect(parameters, "/proc")


def main():
    run_info(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
