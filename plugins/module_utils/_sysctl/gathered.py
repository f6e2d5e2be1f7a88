# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sysctls that are read in every namespace: the part of the catalogue that decides about listen queues.

See catalog.py for the meaning of the columns and for the rows that are knowledge only.
"""

from typing import NamedTuple

NET_CORE = "net/core/sysctl_net_core.c"
TCP_IPV4 = "net/ipv4/sysctl_net_ipv4.c"
K8S = "kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster"


class Sysctl(NamedTuple):
    """One key. ``since`` is the kernel in which it became what the row says (text, for people).

    ``kubernetes`` is safe (since which version), unsafe (needs --allowed-unsafe-sysctls) or node.
    """

    key: str
    per_namespace: bool
    in_new_namespace: str
    default: str
    since: str
    kubernetes: str
    source: str


GATHERED = tuple(
    Sysctl(*row)
    for row in (
        ("net.core.somaxconn", True, "constant", "4096 (128 before 5.4)", "2.6.24", "unsafe", NET_CORE),
        ("net.ipv4.tcp_max_syn_backlog", True, "computed", "max(128, hash entries / 128)", "4.10", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_syncookies", True, "constant", "1", "4.6", "safe", TCP_IPV4 + "; " + K8S),
        ("net.ipv4.tcp_abort_on_overflow", True, "constant", "0", "4.15", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_synack_retries", True, "constant", "5", "4.10", "unsafe", TCP_IPV4),
        ("net.ipv4.tcp_migrate_req", True, "constant", "0", "5.14", "unsafe", TCP_IPV4),
    )
)
