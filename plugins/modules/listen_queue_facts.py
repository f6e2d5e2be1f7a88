#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: listen_queue_facts
version_added: 0.1.0
short_description: Gather listening sockets, how full their queues are, and who dropped connections
description:
  - Returns every listening TCP and UNIX socket with the length and the limit of its accept queue, its half-open connections, the packets that it
    dropped and the processes that hold it, for one or for all network namespaces of the host, together with the counters and sysctls of each
    namespace.
  - Asks the kernel by netlink. No program is started, C(/proc/net/tcp) is not read, and the cost does not depend on the number of connections
    (except for the subset V(syn_queue)).
  - Without privileges the answer is partial. What is missing is C(null) and named in RV(ansible_facts.listen_queue.problems).
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.attributes.facts
attributes:
  platform:
    platforms: linux
    support: full
options:
  gather_subset:
    description:
      - What to gather, with the meaning that M(ansible.builtin.setup) gives to its option of this name.
      - V(min) is V(sockets), V(counters) and V(sysctls). It is always there, unless it is taken away by V(!min) or name by name.
      - V(all) adds V(processes) (the programs that hold the listeners), V(unix) (UNIX stream listeners), V(syn_queue) (half-open connections),
        V(nginx) and V(sysctl_boot).
      - V(nginx) reads the configuration of each nginx that runs (openresty, Angie, freenginx and Tengine too), on the host and in containers. Its
        listeners then have what they were asked for and where, and RV(ansible_facts.listen_queue.namespaces[].nginx) its workers. No program is started.
        See M(netops.listen_queue.nginx_listen_info) for every C(listen).
      - V(sysctl_boot) says for the sysctls of listen queues which file decides about them at the next boot. See M(netops.listen_queue.sysctl_boot_info).
      - V(syn_queue) makes the kernel walk the whole connection table once per namespace. The module's own namespace comes first, the others under a
        time budget; a namespace that was skipped has C(null) and a problem.
      - A name with a leading V(!) is not gathered.
    type: list
    elements: str
    default: [all]
  namespaces:
    description:
      - V(own) reads the network namespace in which the module runs.
      - V(all) reads those of all processes, threads, bind mounts (C(ip netns), CNI, docker) and, within a time budget, open descriptors.
        This needs C(CAP_SYS_ADMIN) and C(CAP_SYS_PTRACE).
    type: str
    choices: [own, all]
    default: own
  ports:
    description:
      - Return only TCP listeners with these local ports, and no UNIX listeners.
    type: list
    elements: int
    default: []
  nginx_status:
    description:
      - Ask each nginx for its C(stub_status) page, where its configuration offers one over plain HTTP. Needs V(nginx) in O(gather_subset).
      - This is one HTTP request in the nginx's own network namespace, with a time limit of one second, and appears in its access log.
    type: bool
    default: false
  as_fact:
    description:
      - Whether the answer becomes the fact C(listen_queue) of the host.
      - With V(false) it is only returned, as RV(listen_queue), for C(register). The controller then keeps one copy of each host's answer instead of
        two, which an audit of very many hosts needs.
    type: bool
    default: true
  counters:
    description:
      - V(listed) returns the counters that say something about listening sockets.
      - V(all) returns every counter of C(/proc/net/netstat) and C(/proc/net/snmp).
    type: str
    choices: [listed, all]
    default: listed
  sample:
    description:
      - Seconds over which the queues are read again and again. V(0) reads once.
      - Listeners then have RV(ansible_facts.listen_queue.namespaces[].listeners[].sample), namespaces
        RV(ansible_facts.listen_queue.namespaces[].counters_sample).
    type: float
    default: 0
  sample_interval:
    description:
      - Seconds between two reads of the window.
    type: float
    default: 0.1
notes:
  - A second call replaces the whole fact. Use one call for each host and play.
  - Counters and drops count packets, not clients. One client that retries counts many times.
  - A namespace that is held by nothing but a socket is not found.
seealso:
  - name: listen(2)
    description: What a backlog is.
    link: https://man7.org/linux/man-pages/man2/listen.2.html
"""

EXAMPLES = r"""
- name: Gather the listeners of all network namespaces
  netops.listen_queue.listen_queue_facts:
    namespaces: all

- name: Watch the queues of the web server for ten seconds
  netops.listen_queue.listen_queue_facts:
    ports: [80, 443]
    sample: 10

- name: Only queues and their owners
  netops.listen_queue.listen_queue_facts:
    gather_subset: ["!min", sockets, processes]

- name: Name the listeners whose accept queue is full
  ansible.builtin.debug:
    msg: "{{ ansible_facts.listen_queue.namespaces | map(attribute='listeners') | flatten | selectattr('accept_queue_full') }}"
"""

RETURN = r"""
listen_queue:
  description: The same as the fact below.
  returned: with O(as_fact=false)
  type: dict
ansible_facts:
  description: Facts to add to the host.
  returned: with O(as_fact=true)
  type: dict
  contains:
    listen_queue:
      description:
        - What the host's listening sockets look like.
        - A key that does not apply, or was not asked for, is absent. An unknown value is C(null) and has an entry in C(problems).
      returned: always
      type: dict
      contains:
        schema:
          description: Version of this structure.
          returned: always
          type: int
          sample: 1
        kernel:
          description: Release of the kernel.
          returned: always
          type: str
          sample: 6.1.0-37-amd64
        boot_id:
          description: Identifies the boot. Counters and drops of another boot cannot be compared.
          returned: always
          type: str
        collected_at:
          description: When the module started (UTC).
          returned: always
          type: str
          sample: "2026-11-20T21:22:42Z"
        collected_by:
          description: Who looked. The C(version) of the collection, the effective C(uid), and those effective C(capabilities) on which an answer depends.
          returned: always
          type: dict
          sample: {version: 0.1.0, uid: 0, capabilities: [CAP_SYS_PTRACE, CAP_SYS_ADMIN]}
        complete:
          description: V(true) when nothing that was asked for is missing for lack of rights, time or a readable answer.
          returned: always
          type: bool
        gather_subset:
          description: The subsets that were gathered.
          returned: always
          type: list
          elements: str
        scope:
          description: V(own) or V(all), see O(namespaces).
          returned: always
          type: str
        sample:
          description: The window. Measured C(seconds), the C(interval) asked for, and the number of C(reads).
          returned: when O(sample) is not 0
          type: dict
          sample: {seconds: 10.002, interval: 0.1, reads: 101}
        namespaces:
          description: The network namespaces, the module's own first.
          returned: always
          type: list
          elements: dict
          contains:
            netns:
              description: Inode of the namespace.
              returned: always
              type: int
            names:
              description:
                - What the namespace is known by. C(host) is V(true) for the initial namespace, C(own) for the module's own.
                - C(netns) lists names as C(ip netns) shows them. C(unit), C(container), C(runtime) and C(pod_uid) come from the cgroup of its first process.
              returned: always
              type: dict
              sample: {container: 0f1e2d..., runtime: containerd, pod_uid: 6f2b...}
            sysctls:
              description: Values of the listen-queue sysctls in this namespace, by their kernel name.
              returned: when gathered
              type: dict
              sample: {net.core.somaxconn: 4096, net.ipv4.tcp_syncookies: 1}
            counters:
              description: Packets or events since the namespace exists, by the kernel's group and name.
              returned: when gathered
              type: dict
              sample: {TcpExt: {ListenOverflows: 0, ListenDrops: 0}}
            counters_sample:
              description:
                - For each counter, C(delta) over the window and C(per_second).
                - A counter that went backwards has the delta V(reset) and no rate.
              returned: when O(sample) is not 0
              type: dict
              sample: {TcpExt: {ListenOverflows: {delta: 3, per_second: 0.3}}}
            listeners:
              description: The listening sockets. C(null) when the namespace could not be read.
              returned: when sockets or unix are gathered
              type: list
              elements: dict
              contains:
                family:
                  description: V(inet), V(inet6) or V(unix).
                  returned: always
                  type: str
                local_address:
                  description: Address that it listens on.
                  returned: for inet and inet6
                  type: str
                local_port:
                  description: Port that it listens on.
                  returned: for inet and inet6
                  type: int
                path:
                  description: Name of the socket. An abstract name starts with C(@); bytes that are no text are shown as C(\xNN). C(null) when unnamed.
                  returned: for unix
                  type: str
                dual_stack:
                  description: Whether an inet6 wildcard listener takes IPv4 too.
                  returned: for inet6 wildcard listeners
                  type: bool
                interface:
                  description: Index of the device that the socket is bound to.
                  returned: when bound to one
                  type: int
                reuseport_sockets:
                  description: How many sockets share the address and port. Each has a queue of its own.
                  returned: when more than one
                  type: int
                accept_queue_length:
                  description: Connections that wait for accept() (Recv-Q of C(ss -lt)).
                  returned: always
                  type: int
                accept_queue_limit:
                  description: The limit that the kernel keeps (Send-Q of C(ss -lt)). One more than this can wait.
                  returned: always
                  type: int
                accept_queue_full:
                  description: Whether the next connection is dropped. True when the length is above the limit.
                  returned: always
                  type: bool
                syn_queue_length:
                  description: Half-open connections. C(null) when not counted, and for the single sockets of a reuseport group that has some.
                  returned: when gathered, for inet and inet6
                  type: int
                syn_queue_group_length:
                  description: Half-open connections of the whole reuseport group.
                  returned: when only the sum is known
                  type: int
                drops:
                  description:
                    - Packets that this socket dropped since it exists. C(null) before kernel 4.7.
                    - With C(TCP_DEFER_ACCEPT) the ACKs that the kernel holds back count too, and nobody loses anything by them. They are counted in
                      C(TcpExt.TCPDeferAcceptDrop), real drops of listeners in C(TcpExt.ListenDrops).
                  returned: for inet and inet6
                  type: int
                limited_by:
                  description:
                    - What set the limit, V(somaxconn) or V(backlog).
                    - V(unknown) when it is not known what the program asked for, because the kernel does not keep that. Of nginx it is known from its
                      configuration.
                  returned: always
                  type: str
                at_cap:
                  description: Whether the limit equals the namespace's somaxconn.
                  returned: always
                  type: bool
                stale_limit:
                  description:
                    - Whether the same listen() call would set another limit now.
                    - A limit above somaxconn is always stale, one that equals it never. C(null) when that depends on what the program asked for.
                  returned: always
                  type: bool
                listen_backlog:
                  description: What the configuration on disk asks for.
                  returned: for listeners of nginx, when gathered
                  type: int
                source:
                  description: The C(path) (inside nginx's root) and the C(line) of the C(listen) that decides about it.
                  returned: for listeners of nginx, when gathered
                  type: dict
                  sample: {path: /etc/nginx/sites-enabled/default, line: 22}
                must_act:
                  description:
                    - C(who) has to act so that the limit becomes what the configuration asks for, and C(because) of what. V(config), V(sysctl), V(reload),
                      V(socket_backlog), V(restart), or C(null) when that cannot be known.
                  returned: for listeners of nginx that have not the limit which their configuration asks for, when gathered
                  type: dict
                  sample: {who: sysctl, because: "the configuration asks for backlog=8192, net.core.somaxconn allows 4096, and the limit is 4096"}
                processes:
                  description:
                    - Programs that hold the socket. Of a master and its workers, the master.
                    - An empty list when no process holds it, C(null) when that could not be found out.
                  returned: when gathered
                  type: list
                  elements: dict
                  sample: [{pid: 812, name: nginx, unit: nginx.service, started_at: "2026-11-20T20:00:00Z"}]
                sample:
                  description:
                    - The accept queue over the window. Number of C(reads), C(max) and C(mean) length.
                    - C(share_half_full) and C(share_full) are the shares of the reads in which it was half full and full.
                    - C(drops) has C(delta) and C(per_second).
                  returned: when O(sample) is not 0
                  type: dict
                  sample: {reads: 101, max: 12, mean: 1.4, share_half_full: 0.02, share_full: 0.0, drops: {delta: 0, per_second: 0.0}}
            nginx:
              description: The nginx that run in this namespace.
              returned: when gathered, and there is one
              type: list
              elements: dict
              contains:
                pid:
                  description: The master process, as the host sees it. C(name), C(started_at), C(unit), C(container) and C(pod_uid) as with processes.
                  returned: always
                  type: int
                version:
                  description: What the binary that runs calls itself.
                  returned: always
                  type: str
                  sample: nginx/1.22.1
                config:
                  description: The main configuration file, inside its root.
                  returned: always
                  type: str
                older:
                  description: During a binary upgrade, the master that was there before. Likewise C(newer).
                  returned: during an upgrade
                  type: int
                workers:
                  description: How many workers serve. With C(master_process off) V(1).
                  returned: always
                  type: int
                workers_shutting_down:
                  description: How many workers of an earlier configuration still end their connections.
                  returned: when there are any
                  type: int
                open_files:
                  description: Open files of the worker that has most of them.
                  returned: always
                  type: int
                open_files_limit:
                  description: The smallest limit of open files of a worker.
                  returned: always
                  type: int
                worker_connections:
                  description: Connections of one worker. A proxied request takes two.
                  returned: always
                  type: int
                not_listening:
                  description: Addresses of the configuration on which it does not listen, each with C(must_act) as for listeners.
                  returned: when there are any
                  type: list
                  elements: dict
                stub_status:
                  description:
                    - Numbers of the page. The C(gap) between C(accepts) and C(handled) proves that worker_connections ran out. What the kernel dropped because
                      a queue was full is in neither number.
                  returned: when O(nginx_status) is true and it gave an answer
                  type: dict
                  sample: {accepts: 97, handled: 60, gap: 37, requests: 60, active: 24, reading: 0, writing: 1, waiting: 23}
                advice:
                  description: Sentences on what a change of a listen would not mend.
                  returned: when there are any
                  type: list
                  elements: str
        sysctl_boot:
          description:
            - What the next boot makes of the sysctls. C(loader) and C(sysctls) are those of M(netops.listen_queue.sysctl_boot_info), for the keys of
              RV(ansible_facts.listen_queue.namespaces[].sysctls).
            - The values now are those of the module's own network namespace. C(null) when the files could not be read.
          returned: when gathered
          type: dict
          sample: {loader: {name: systemd-sysctl, why: systemd is running}, sysctls: {net.core.somaxconn: {boot_value: 512, drift: true}}}
        problems:
          description: What could not be known, each with a C(code), a C(message), how often (C(count)) and the C(netns), when it is one.
          returned: always
          type: list
          elements: dict
"""

from ..module_utils._runner import run_facts

ARGUMENT_SPEC = {
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "namespaces": {"type": "str", "choices": ["own", "all"], "default": "own"},
    "ports": {"type": "list", "elements": "int", "default": []},
    "nginx_status": {"type": "bool", "default": False},
    "as_fact": {"type": "bool", "default": True},
    "counters": {"type": "str", "choices": ["listed", "all"], "default": "listed"},
    "sample": {"type": "float", "default": 0},
    "sample_interval": {"type": "float", "default": 0.1},
}


def gather(parameters):
    """Check the options before anything is read."""
    from ..module_utils._facts.options import checked
    from ..module_utils._facts.read import collect

    return collect(checked(parameters), "/proc")


def main():
    run_facts(ARGUMENT_SPEC, "listen_queue", gather)


if __name__ == "__main__":
    main()
