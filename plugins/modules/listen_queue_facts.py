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
    version_added: 0.2.0
    type: bool
    default: false
  diagnose:
    description:
      - Gather evidence of why connections wait, too. What the processes do that hold the listeners, CPU limits of their cgroups, pressure (PSI),
        what was dropped before TCP (softnet, connection tracking), the kernel log, and of nginx the error log and the file systems it uses.
      - Needs O(sample), and V(sockets) and V(processes) in O(gather_subset). The states of processes are read at each O(sample_interval), one process
        after the other, with at most 5 % of one CPU.
      - Nothing is asked that may hang, as a network file system whose server is gone.
    version_added: 0.3.0
    type: bool
    default: false
  as_fact:
    description:
      - Whether the answer becomes the fact C(listen_queue) of the host.
      - With V(false) it is only returned, as RV(listen_queue), for C(register). The controller then keeps one copy of each host's answer instead of
        two, which an audit of very many hosts needs.
    type: bool
    default: true
  as_json:
    description:
      - Whether the answer is returned as one text, RV(listen_queue_json), and not as a fact. O(as_fact) has no meaning then.
      - Ansible marks and copies every value of a result several times on the control node. Of a text there is one, which an audit of very many
        hosts needs. Use C(from_json) to read it.
    version_added: 0.3.0
    type: bool
    default: false
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

- name: Find out why they are full
  netops.listen_queue.listen_queue_facts:
    namespaces: all
    sample: 10
    diagnose: true

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
listen_queue_json:
  description: The same as the fact below, as JSON.
  returned: with O(as_json=true)
  type: str
ansible_facts:
  description: Facts to add to the host.
  returned: with O(as_fact=true), unless O(as_json=true)
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
        softnet:
          description:
            - Sums over all CPUs of C(/proc/net/softnet_stat), each with C(delta) and C(per_second). C(dropped) are packets that found the backlog of a CPU
              full, C(time_squeeze) counts how often packets had to wait for the next round.
          returned: when O(diagnose) is true
          type: dict
          sample: {dropped: {delta: 0, per_second: 0.0}, time_squeeze: {delta: 3, per_second: 0.3}}
        pressure:
          description:
            - Which share of the window (0 to 1) at least one task (C(some)) and all tasks (C(full)) waited for C(cpu), C(io) and C(memory).
            - C(null) where the kernel does not tell it (PSI).
          returned: when O(diagnose) is true
          type: dict
          sample: {cpu: {some: 0.31, full: 0.0}, io: {some: 0.02, full: 0.01}, memory: {some: 0.0, full: 0.0}}
        workers:
          description:
            - The processes that hold a listener, children too, each once. RV(ansible_facts.listen_queue.namespaces[].listeners[].workers) has their pids.
          returned: when O(diagnose) is true
          type: list
          elements: dict
          contains:
            pid:
              description: The process, as the host sees it.
              returned: always
              type: int
            name:
              description: Its name, as the kernel shows it.
              returned: always
              type: str
            role:
              description: V(master), V(worker) or V(helper).
              returned: for nginx
              type: str
            children:
              description: How many of the other workers are its children. Most programs whose children hold the listener do not accept in the parent.
              returned: when there are any
              type: int
            state:
              description:
                - The state at the last read, as in C(ps). V(D) waits for a device or a file system and cannot be killed, V(T) is stopped, V(t) stopped by a
                  debugger, V(R) runs or waits for a CPU, V(S) sleeps, V(Z) has ended.
                - Of a process with several threads, that of the one that tells most, in this order.
              returned: always
              type: str
            states:
              description: In which share of the reads it was in which state.
              returned: always
              type: dict
              sample: {R: 0.7, S: 0.3}
            reads:
              description: How often the state was read.
              returned: always
              type: int
            cpu:
              description: How much of one CPU all of its threads used together. C(null) when it was seen only at the end of the window.
              returned: always
              type: float
              sample: 0.98
            wchan:
              description: Where it slept in the kernel when it was last seen in V(D) or V(T). C(null) when it never was.
              returned: always
              type: str
              sample: rpc_wait_bit_killable
            threads:
              description: How many threads it has.
              returned: always
              type: int
            threads_blocked:
              description: The most threads that were in V(D) or V(T) in one read. At most 64 threads are looked at in one.
              returned: always
              type: int
            open_files:
              description: How many files it has open.
              returned: always
              type: int
            open_files_limit:
              description: How many it may open. C(null) when there is no limit.
              returned: always
              type: int
            cgroup:
              description: C(path) of its cgroup in RV(ansible_facts.listen_queue.cgroups).
              returned: always
              type: str
          sample:
            - {pid: 813, name: nginx, role: worker, state: R, states: {R: 0.9, S: 0.1}, reads: 101, cpu: 0.98, wchan: null, threads: 1, threads_blocked: 0,
               open_files: 812, open_files_limit: 1024, cgroup: /system.slice/nginx.service}
        cgroups:
          description:
            - The cgroups of the workers. C(version) is that of the hierarchy with the CPU controller.
            - C(cpu_quota) is how many CPUs it may use, C(null) without a limit. A limit of an ancestor counts too. Of several, the one that held it up most is
              shown, and C(limited_by) is the path of the ancestor which has it.
            - C(periods) is how many periods began with something to run, C(throttled_periods) in how many it had to wait, C(throttled_share) the share, C(null)
              when there was no period, and C(throttled_seconds) how long it waited, summed over CPUs.
            - C(cpu_pressure) is the share of the window in which a task of it waited for a CPU.
          returned: when O(diagnose) is true
          type: list
          elements: dict
          sample:
            - {path: /system.slice/nginx.service, version: 2, limited_by: /system.slice, cpu_quota: 0.5, periods: 100, throttled_periods: 83,
               throttled_seconds: 4.1, throttled_share: 0.83, cpu_pressure: 0.71}
        kernel_log:
          description:
            - What the kernel log says about listeners. C(null) when it cannot be read.
            - C(syn_flooding) has one entry for each C(port), C(address) (since kernel 6.2) and C(action) (V(cookies) or V(drop)), the latest first, with the
              C(text), how often (C(count)), when last (C(seconds_ago)) and whether C(in_window). The kernel warns once in the life of a listening socket, so
              an earlier warning does not mean that it is over. Earlier ones are here for ports that have a listener, C(syn_flooding_more) counts the others.
            - C(conntrack_full), C(oom_kills) and C(tcp_out_of_memory) are how many messages came C(in_window) and C(before). The kernel leaves out some.
          returned: when O(diagnose) is true
          type: dict
          sample:
            syn_flooding:
              - {port: 80, action: cookies, address: 0.0.0.0, count: 1, in_window: true, seconds_ago: 3,
                 text: "TCP: request_sock_TCP: Possible SYN flooding on port 0.0.0.0:80. Sending cookies."}
            conntrack_full: {in_window: 12, before: 0}
            oom_kills: {in_window: 0, before: 1}
            tcp_out_of_memory: {in_window: 0, before: 0}
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
            conntrack:
              description:
                - Connection tracking. How many connections it knows (C(count)) and may know (C(max)).
                - C(drop) (no room), C(early_drop) (others were forgotten to make room) and C(insert_failed) have C(delta) and C(per_second) over the window.
              returned: when O(diagnose) is true, and the kernel module is loaded
              type: dict
              sample: {count: 262144, max: 262144, drop: {delta: 31, per_second: 3.1}, early_drop: {delta: 0, per_second: 0.0},
                       insert_failed: {delta: 0, per_second: 0.0}}
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
                    - With O(diagnose), C(longest_stall) is how many seconds it was at most not empty and did not get shorter. Where connections come and are
                      accepted at the same speed that looks the same. C(arrivals_seen) is by how much it grew in all, the connections that came at least.
                  returned: when O(sample) is not 0
                  type: dict
                  sample: {reads: 101, max: 12, mean: 1.4, share_half_full: 0.02, share_full: 0.0, drops: {delta: 0, per_second: 0.0}}
                workers:
                  description:
                    - The pids of all processes that hold the socket, see RV(ansible_facts.listen_queue.workers). At most 64, C(workers_more) counts the others.
                    - An empty list when no process holds it, C(null) when that could not be found out.
                  returned: when O(diagnose) is true
                  type: list
                  elements: int
                  sample: [812, 813, 814]
                workers_ended:
                  description: How many that held it at the beginning of the window have ended since.
                  returned: when O(diagnose) is true, and there are any
                  type: int
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
                error_log:
                  description:
                    - What it wrote to its error logs in the window. C(paths) of all that its configuration names, inside its root.
                    - C(lines) has the last 20, oldest first, and prefers C(emerg), C(alert) and C(crit); C(info), C(notice) and C(debug) are left out, and
                      C(lines_more) counts the others. Bytes that are no text are shown as C(\xNN).
                    - C(counts) has lines of the levels C(emerg), C(alert) and C(crit), those that say that C(worker_connections) are not enough, and those
                      that say C(too_many_open_files).
                    - C(null) when there is no such file, or it cannot be read.
                  returned: when O(diagnose) is true
                  type: dict
                  sample:
                    paths: [/var/log/nginx/error.log]
                    lines: ["2026/11/21 04:03:11 [alert] 813#813: *97 1024 worker_connections are not enough"]
                    counts: {worker_connections: 1, too_many_open_files: 0, emerg: 0, alert: 1, crit: 0}
                file_systems:
                  description:
                    - On which type of file system the files are that its configuration names, by C(directive), C(path) and C(source). Network file systems come
                      first. At most 32, C(file_systems_more) counts the others.
                    - C(type) is C(null) when it depends on a variable.
                  returned: when O(diagnose) is true
                  type: list
                  elements: dict
                  sample: [{directive: root, path: /srv/www, type: nfs4, source: {path: /etc/nginx/sites-enabled/default, line: 24}}]
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
    "diagnose": {"type": "bool", "default": False},
    "as_fact": {"type": "bool", "default": True},
    "as_json": {"type": "bool", "default": False},
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
