# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields a rule may name: the catalogue of a row, its thresholds, and which are only there when asked for.

A row has the parts host, namespace, listener, program and thresholds, and workers and nginx where the facts were gathered for a
diagnosis. A field that does not apply (drops of a unix socket) or was not asked for (anything sampled) is absent; a field that could
not be learned is null. docs/rules.md and docs/diagnose.md repeat these tables.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """`kind` is bool, int, number, text, list or open (any names below it). `when` says when the field is there at all.

    `source` is where a host learns it: what a diagnosis names beside its evidence.
    """

    kind: str
    meaning: str
    when: str = ""
    source: str = ""


SAMPLED = "sampled"
ALL_NAMESPACES = "all namespaces were asked for"
TCP = "inet and inet6"
SYN_QUEUE = "syn_queue was gathered, inet and inet6"
PROCESSES = "processes were gathered"
KNOWN = "a known program"
DIAGNOSED = "diagnosed"
HELD = "diagnosed, a process holds the socket"
NGINX = "diagnosed, a listener of nginx"
CONNTRACK = "diagnosed, connections are tracked"

DIAG = "sock_diag (ss -ltn)"
NETSTAT = "/proc/net/netstat of the namespace"
SNMP = "/proc/net/snmp of the namespace"
SOFTNET = "/proc/net/softnet_stat"
KMSG = "/dev/kmsg"
CONNTRACK_COUNT = "net.netfilter.nf_conntrack_count and nf_conntrack_max"
CONNTRACK_STAT = "/proc/net/stat/nf_conntrack"
STAT = "/proc/PID/stat"
HOLDERS = "/proc/PID/fd"
CPU_STAT = "cpu.stat and cpu.max of the cgroup"
ERROR_LOG = "the error log of nginx"

_HOST = {
    "name": Field("text", "inventory name"),
    "kernel": Field("text", "kernel release"),
    "collected_at": Field("text", "UTC time of the facts"),
    "complete": Field("bool", "false when something asked for could not be read"),
    "uid": Field("int", "user id that read the facts"),
    "somaxconn": Field("int", "net.core.somaxconn of the host's own namespace", "the host's own namespace was seen"),
    "containers_at_cap": Field("list", "text per container listener whose limit is its cap while the host allows more", ALL_NAMESPACES),
    "containers_at_cap_count": Field("int", "length of that list", ALL_NAMESPACES),
    "sample_seconds": Field("number", "measured length of the sample window", SAMPLED),
}
_NAMESPACE = {
    "label": Field("text", "host, or the name of the namespace: netns, pod, container or unit"),
    "kind": Field("text", "host, netns, pod, container, unit or unnamed"),
    "is_host": Field("bool", "the initial namespace of the machine"),
    "is_container": Field("bool", "belongs to a container or pod"),
    "netns": Field("int", "inode of the namespace"),
    "listener_count": Field("int", "listening sockets in it; null when they could not be read", "sockets were gathered"),
    "sysctls": Field("open", 'by the kernel\'s names: namespace.sysctls."net.core.somaxconn"', "sysctls were gathered", source="/proc/sys of the namespace"),
    "counters": Field("open", "since the namespace exists: namespace.counters.TcpExt.ListenOverflows", "counters were gathered", source=NETSTAT),
    "counters_sample": Field("open", "delta and per_second of each counter in the window", SAMPLED, source=NETSTAT),
    "overflows_in_window": Field("int", "ListenOverflows counted in the window (packets, not clients)", SAMPLED, source=NETSTAT),
    "overflows_per_second": Field("number", "the same per second", SAMPLED, source=NETSTAT),
    "nginx_not_listening": Field("list", "text per address of an nginx configuration on which it does not listen", "nginx was gathered and runs here"),
}
_LISTENER = {
    "address": Field("text", "0.0.0.0:80, [::]:80 or the path of a unix socket"),
    "family": Field("text", "inet, inet6 or unix"),
    "port": Field("int", "local port", TCP),
    "accept_queue_length": Field("int", "connections that wait for accept()", source=DIAG),
    "accept_queue_limit": Field("int", "how many may wait (the queue holds one more)", source=DIAG),
    "accept_queue_full": Field("bool", "length > limit", source=DIAG),
    "accept_queue_fill": Field("number", "length / limit; a limit of 0 counts as 1, since it holds one connection"),
    "syn_queue_length": Field("int", "half-open requests; null inside a reuseport group", SYN_QUEUE, source=DIAG),
    "at_cap": Field("bool", "limit = somaxconn of its namespace", source=DIAG),
    "limited_by": Field("text", "somaxconn, backlog or unknown (the kernel does not keep what was asked for)", source=DIAG),
    "stale_limit": Field("bool", "true when the limit is older than the sysctl; null when that cannot be told", source=DIAG),
    "reuseport_sockets": Field("int", "sockets that share the address and port; 1 without SO_REUSEPORT", source=DIAG),
    "drops": Field("int", "packets that its queues dropped since it exists: what the socket dropped, at most ListenDrops of the namespace", TCP, source=DIAG),
    "drops_per_hour": Field("number", "drops divided by the age of the oldest process that holds it; 0 when there are none", TCP + ", " + PROCESSES),
    "process_age_seconds": Field("int", "age of that process at the time of the facts", PROCESSES),
    "processes": Field("list", "processes that hold the socket, as in the facts", PROCESSES),
    "drops_in_window": Field("int", "drops in the sample window; null when the counter was reset", SAMPLED + ", " + TCP, source=DIAG),
    "drops_per_second": Field("number", "the same per second", SAMPLED + ", " + TCP, source=DIAG),
    "sample_reads": Field("int", "how often the queue was read in the window", SAMPLED, source=DIAG),
    "sample_max": Field("int", "longest queue seen", SAMPLED, source=DIAG),
    "sample_mean": Field("number", "mean length", SAMPLED, source=DIAG),
    "share_half_full": Field("number", "share of the reads with the queue at least half full, 0 to 1", SAMPLED, source=DIAG),
    "share_full": Field("number", "share of the reads with the queue full, 0 to 1", SAMPLED, source=DIAG),
}
_PROGRAM = {
    "name": Field("text", "name of the first process that holds the socket", PROCESSES),
    "unit": Field("text", "its systemd unit", "it runs in one"),
    "id": Field("text", "row of the program table, such as nginx", KNOWN),
    "called": Field("text", "its name in a sentence, such as a Java program", KNOWN),
    "setting": Field("text", "what sets its backlog", KNOWN),
    "default": Field("text", "what it asks for when nothing is configured: a number, or the rule it follows from", KNOWN),
    "default_backlog": Field("int", "the same as a number", "a known program of which every listener asks for that number"),
    "applied": Field("text", "how a changed setting takes effect: reload, restart, or none", KNOWN),
    "applied_by": Field("text", "what makes a changed setting effective", KNOWN),
    "quirk": Field("text", "what to know before changing it", KNOWN),
}

_DIAGNOSED_HOST = {
    "cpu_pressure": Field("number", "share of the window in which some task waited for a CPU; null without PSI", DIAGNOSED, "/proc/pressure/cpu"),
    "io_pressure": Field("number", "the same for disks", DIAGNOSED, "/proc/pressure/io"),
    "memory_pressure": Field("number", "the same for memory", DIAGNOSED, "/proc/pressure/memory"),
    "softnet_dropped_in_window": Field("int", "packets that met a full netdev_max_backlog of a CPU", DIAGNOSED, SOFTNET),
    "softnet_dropped_per_second": Field("number", "the same per second", DIAGNOSED, SOFTNET),
    "conntrack_full_logged": Field("int", "lines `table full, dropping packet` in the window; null where the log cannot be read", DIAGNOSED, KMSG),
    "tcp_out_of_memory_logged": Field("int", "lines `out of memory -- consider tuning tcp_mem` in the window", DIAGNOSED, KMSG),
}
_DIAGNOSED_NAMESPACE = {
    "is_pod": Field("bool", "belongs to a pod of Kubernetes", DIAGNOSED),
    "tune_netns": Field("text", "what backlog_tune_netns takes for it; empty for the host's own", DIAGNOSED),
    "tcp_listener_count": Field("int", "listening sockets of inet and inet6 in it", DIAGNOSED),
    "listen_drops_in_window": Field("int", "ListenDrops counted in the window (packets, not clients)", DIAGNOSED, NETSTAT),
    "passive_opens_in_window": Field("int", "connections that all its listeners completed in the window", DIAGNOSED, SNMP),
    "passive_opens_per_second": Field("number", "the same per second", DIAGNOSED, SNMP),
    "syn_queue_drops_in_window": Field("int", "TCPReqQFullDrop: SYNs that met a full SYN queue, cookies off", DIAGNOSED, NETSTAT),
    "syn_queue_cookies_in_window": Field("int", "TCPReqQFullDoCookies: SYNs that met a full SYN queue, or any with tcp_syncookies=2", DIAGNOSED, NETSTAT),
    "syn_queue_full_per_second": Field("number", "both together per second", DIAGNOSED, NETSTAT),
    "cookies_sent_in_window": Field("int", "SyncookiesSent", DIAGNOSED, NETSTAT),
    "cookies_received_in_window": Field("int", "SyncookiesRecv; retries count again", DIAGNOSED, NETSTAT),
    "unanswered_share": Field(
        "number", "share of what a full SYN queue turned away or answered by a cookie that never became a connection", DIAGNOSED, NETSTAT
    ),
    "syn_retransmits_per_second": Field("number", "TCPSynRetrans: SYNs and SYN-ACKs of this side that got no answer in time", DIAGNOSED, NETSTAT),
    "conntrack_count": Field("int", "tracked connections", CONNTRACK, CONNTRACK_COUNT),
    "conntrack_max": Field("int", "how many may be tracked", CONNTRACK, CONNTRACK_COUNT),
    "conntrack_fill": Field("number", "count / max", CONNTRACK, CONNTRACK_COUNT),
    "conntrack_drops_in_window": Field("int", "packets dropped because no connection could be tracked; null without rights", CONNTRACK, CONNTRACK_STAT),
}
_DIAGNOSED_LISTENER = {
    "is_loopback": Field("bool", "listens on 127.0.0.0/8 or ::1 only", DIAGNOSED),
    "listen_backlog": Field("int", "what the configuration on disk asks for", NGINX, "the configuration of nginx"),
    "source": Field("text", "path:line of the listen that decides", NGINX, "the configuration of nginx"),
    "overflowed": Field("bool", "its accept queue overflowed in the window; of a unix socket: was seen full", DIAGNOSED, DIAG + "; " + NETSTAT),
    "other_drops": Field("bool", "it dropped packets that no full accept queue explains", DIAGNOSED, DIAG + "; " + NETSTAT),
    "limit_pressed": Field("bool", "overflowed, or full in more reads than thresholds.burst_share", DIAGNOSED, DIAG),
    "under_pressure": Field("bool", "overflowed, or half full in more reads than thresholds.share_of_reads", DIAGNOSED, DIAG),
    "longest_stall": Field("number", "seconds of the longest run of reads in which the queue was not empty and never got shorter", DIAGNOSED, DIAG),
    "stall_share": Field("number", "the same as a share of the window", DIAGNOSED, DIAG),
    "nothing_accepted": Field("bool", "no connection was taken out of the queue, as far as counters and CPU time tell", DIAGNOSED, SNMP + "; " + STAT),
    "arrivals_seen": Field("int", "by how much the queue grew between reads, in all: at least so many connections arrived", DIAGNOSED, DIAG),
    "limit_from": Field("text", "what a larger limit needs: somaxconn, program or stale (a new listen()); null when that cannot be told", DIAGNOSED, DIAG),
    "siblings_idle_share": Field("number", "share of the other sockets of its reuseport group that are not under pressure", "diagnosed, reuseport", DIAG),
    "syn_queue_capacity": Field("int", "half-open requests it holds before a SYN meets a full queue", "diagnosed, inet and inet6", DIAG),
    "syn_queue_full": Field(
        "bool", "SYNs met its full SYN queue; null where counters move and no listener can be told", "diagnosed, inet and inet6", DIAG + "; " + NETSTAT
    ),
    "syn_queue_three_quarters": Field("bool", "cookies are off and 3/4 of tcp_max_syn_backlog are half-open", "diagnosed, inet and inet6", DIAG),
    "syn_flood_logged": Field("bool", "the kernel warned of its port in the window (it does so once in a socket's life)", "diagnosed, inet and inet6", KMSG),
    "rp_filter_drops_per_second": Field("number", "IPReversePathFilter of its namespace", "diagnosed, IPv4, not loopback", NETSTAT),
}
_WORKERS = {
    "count": Field("int", "processes that hold the socket and can accept: without masters and parents, at most 64", DIAGNOSED, HOLDERS),
    "pids": Field("text", "their process ids", DIAGNOSED, HOLDERS),
    "cpu_mean": Field("number", "mean of their use of one CPU each, all threads", HELD, STAT),
    "cpu_max": Field("number", "the busiest one's", HELD, STAT),
    "saturated_share": Field("number", "share of them that used their CPU up (thresholds.worker_cpu); null for threads that cannot be told apart", HELD, STAT),
    "runnable_share": Field("number", "mean share of the reads in state R: ran or wanted to", HELD, STAT),
    "stopped": Field("int", "how many were stopped (T) in most reads", HELD, STAT),
    "stopped_share": Field("number", "share of them", HELD, STAT),
    "stopped_pids": Field("text", "their process ids", HELD, STAT),
    "all_stopped": Field("bool", "all were", HELD, STAT),
    "blocked": Field("int", "how many waited uninterruptibly (D) in most reads", HELD, STAT),
    "blocked_share": Field("number", "share of them", HELD, STAT),
    "wait_in": Field("list", "kernel functions in which those that did not move waited", HELD, "/proc/PID/wchan"),
    "open_files_used": Field("number", "open files / limit of the one that is nearest to it", HELD, "/proc/PID/fd, /proc/PID/limits"),
    "open_files": Field("int", "its open files", HELD, "/proc/PID/fd"),
    "open_files_limit": Field("int", "its RLIMIT_NOFILE", HELD, "/proc/PID/limits"),
    "throttled_share": Field("number", "share of the periods in which their cgroup was throttled; 0 without a quota", HELD, CPU_STAT),
    "throttled_seconds": Field("number", "how long", HELD, CPU_STAT),
    "cpu_quota": Field("number", "CPUs the cgroup may use; null when not limited", HELD, CPU_STAT),
    "cpu_pressure": Field(
        "number", "share of the window in which a task of the host, or of their cgroup, waited for a CPU", HELD, "/proc/pressure/cpu, cpu.pressure"
    ),
    "had_time_left": Field("bool", "they neither used up their CPU nor waited for one, were not stopped or blocked, and the queue was drained", HELD, STAT),
    "ended": Field("int", "holders that ended in the window", DIAGNOSED, HOLDERS),
}
_NGINX = {
    "worker_connections": Field("int", "connections of one worker", NGINX, "the configuration of nginx"),
    "slots_used": Field("number", "active / (worker_connections x workers)", NGINX + ", stub_status", "stub_status"),
    "gap": Field("int", "accepts - handled since nginx started", NGINX + ", stub_status", "stub_status"),
    "log_worker_connections": Field("int", "`worker_connections are not enough` in the window; null where the log cannot be read", NGINX, ERROR_LOG),
    "log_too_many_open_files": Field("int", "`Too many open files` in the window", NGINX, ERROR_LOG),
    "log_lines": Field("list", "the last lines of the window", NGINX, ERROR_LOG),
    "network_file_systems": Field("list", "text per directory of the configuration that is on a network file system", NGINX, "/proc/PID/mountinfo"),
}
_SIZE = {
    "limit": Field("int", "the limit that would have held what came, by the measured rate and the longest stall"),
    "somaxconn": Field("int", "that, or thresholds.somaxconn where it is larger"),
    "backlog": Field("int", "that, or what the configuration asks for already where it is larger"),
}

FIELDS: dict[str, dict[str, Field]] = {
    "host": {**_HOST, **_DIAGNOSED_HOST},
    "namespace": {**_NAMESPACE, **_DIAGNOSED_NAMESPACE},
    "listener": {**_LISTENER, **_DIAGNOSED_LISTENER},
    "program": _PROGRAM,
    "workers": _WORKERS,
    "nginx": _NGINX,
    "size": _SIZE,
}

# Which parts a rule sees: those of its own level and above. Only the texts of a fix see the advised size, too.
LEVELS = ("host", "namespace", "listener")
FIX = "fix"
_SEEN_BY_LISTENERS = ("host", "namespace", "listener", "program", "workers", "nginx", "thresholds")
PARTS = {
    "host": ("host", "thresholds"),
    "namespace": ("host", "namespace", "thresholds"),
    "listener": _SEEN_BY_LISTENERS,
    FIX: (*_SEEN_BY_LISTENERS, "size"),
}


class Threshold(NamedTuple):
    """A number rules compare with, its unit in the name, and where it comes from."""

    value: float
    meaning: str
    source: str


THRESHOLDS = {
    "somaxconn": Threshold(4096, "net.core.somaxconn at least", "kernel default since 5.4 (include/linux/socket.h)"),
    "large_limit": Threshold(4096, "a limit from which more room only adds waiting", "our judgement: the kernel's default cap; ClickHouse listen_backlog docs"),
    "fill": Threshold(0.5, "a queue this full (0 to 1) is under pressure", "our judgement: half of the limit, sustained"),
    "share_of_reads": Threshold(0.5, "share of the reads of a window that make it sustained", "our judgement: most reads"),
    "drops_per_second": Threshold(5, "drops per second that are critical", "netdata tcp_listen.conf: critical above 5 per second"),
    "drops_per_hour": Threshold(60, "drops per hour, averaged since the process started, that are worth a look", "our judgement: one per minute"),
    "process_age_seconds": Threshold(600, "no average over a younger process", "our judgement: ten minutes"),
    "small_limit": Threshold(128, "a limit below this is small for any program", "kernel default cap before 5.4 (include/linux/socket.h)"),
    "burst_share": Threshold(0.1, "full in at most this share of the reads is a burst", "our judgement: one read in ten"),
    "stall_share": Threshold(0.8, "a queue that never got shorter for this share of the window stands still", "our judgement: most of the window"),
    "worker_cpu": Threshold(0.8, "use of one CPU from which a worker has no time left", "common advice for nginx workers: 80 %"),
    "workers_share": Threshold(0.5, "share of the workers (or of the sockets of a group) that counts as all of them", "our judgement: half of them"),
    "reads_in_state": Threshold(0.5, "share of the reads in one state that makes a worker blocked, stopped or short of CPU", "our judgement: most reads"),
    "slots_used": Threshold(0.8, "share of nginx's connection slots in use", "common advice for nginx: 80 % of worker_connections x workers"),
    "open_files": Threshold(0.95, "share of RLIMIT_NOFILE in use", "our judgement: the next burst meets the limit"),
    "throttled_share": Threshold(0.25, "share of the periods in which a cgroup was throttled", "kubernetes-mixin CPUThrottlingHigh: 25 %"),
    "cpu_pressure": Threshold(0.2, "share of the window in which some task waited for a CPU", "our judgement: a fifth"),
    "syn_queue_per_second": Threshold(5, "SYNs per second at a full SYN queue that are a flood", "netdata tcp_listen.conf: critical above 5 per second"),
    "unanswered_share": Threshold(0.5, "share of handshakes without an end that makes it a flood", "our judgement: most of them"),
    "conntrack_fill": Threshold(0.95, "a conntrack table this full (0 to 1) has no room", "our judgement: connections end while we look"),
    "lost_per_second": Threshold(
        1, "packets per second lost on the way to TCP that are worth a verdict", "netdata tcp_listen.conf: warning above 1 per second"
    ),
    "peer_deviations": Threshold(5, "median absolute deviations above its peers that make a host stand out", "our judgement"),
}
