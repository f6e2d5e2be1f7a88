# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls around listen queues: who they belong to, what a new network namespace gets, and how Kubernetes sees them.

Measured on Linux 6.18 in new namespaces, unless the row's source says otherwise. "constant": a fixed value, whatever the
host has; "inherited": the initial namespace's value at the moment of creation; "computed": from the size of the
namespace's connection hash; "global": one value for the whole kernel, and no such file in other namespaces (or read-only).
Nothing ever propagates to a namespace that exists.
"""

from .gathered import GATHERED, K8S, NET_CORE, TCP_IPV4, Sysctl

CATALOG = GATHERED + tuple(
    Sysctl(*row)
    for row in (
        ("net.ipv4.tcp_syn_retries", True, "constant", "6", "4.6", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_syn_linear_timeouts", True, "constant", "4", "6.5", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_fastopen", True, "constant", "1", "4.13", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_tw_reuse", True, "constant", "2", "4.13", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_max_tw_buckets", True, "computed", "hash entries / 2", "4.10", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_fin_timeout", True, "constant", "60", "4.6", "safe (1.29)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_keepalive_time", True, "constant", "7200", "4.5", "safe (1.29)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_keepalive_intvl", True, "constant", "75", "4.5", "safe (1.29)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_keepalive_probes", True, "constant", "9", "4.5", "safe (1.29)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_rmem", True, "inherited", "4096 131072 ...", "4.15", "safe (1.32)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_wmem", True, "inherited", "4096 16384 ...", "4.15", "safe (1.32)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_congestion_control", True, "inherited", "cubic", "4.15", "unsafe", TCP_IPV4),
        ("net.ipv4.ip_local_port_range", True, "constant", "32768 60999", "3.16", "safe", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.ip_local_reserved_ports", True, "constant", "", "3.16", "safe (1.27)", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.ip_unprivileged_port_start", True, "constant", "1024", "4.11", "safe", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.conf.all.rp_filter", True, "inherited", "0", "2.6.24", "unsafe", "net/ipv4/devinet.c"),
        ("net.ipv4.conf.default.rp_filter", True, "inherited", "0", "2.6.24", "unsafe", "net/ipv4/devinet.c"),
        ("net.ipv6.bindv6only", True, "constant", "0", "2.6.24", "unsafe", "net/ipv6/sysctl_net_ipv6.c"),
        ("net.unix.max_dgram_qlen", True, "constant", "10", "2.6.24", "unsafe", "net/unix/sysctl_net_unix.c"),
        ("net.core.optmem_max", True, "constant", "131072", "6.7", "unsafe", NET_CORE),
        ("net.core.netdev_max_backlog", False, "global", "1000", "2.4", "node", NET_CORE),
        ("net.core.netdev_budget", False, "global", "300", "2.6", "node", NET_CORE),
        ("net.core.default_qdisc", False, "global", "pfifo_fast or fq_codel", "3.12", "node", NET_CORE),
        ("net.core.rmem_max", False, "global", "212992", "2.4", "node", NET_CORE),
        ("net.core.wmem_max", False, "global", "212992", "2.4", "node", NET_CORE),
        ("net.ipv4.tcp_mem", False, "global", "by memory", "2.4", "node", TCP_IPV4),
        ("net.ipv4.tcp_max_orphans", False, "global", "by memory", "2.4", "node", TCP_IPV4),
    )
)
