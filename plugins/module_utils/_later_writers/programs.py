# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that set sysctls after the loader has run, and what their files say. Who sets a value last is not known at rest.

Sources: tuned plugin_sysctl.py (``=>`` raises only) and tuned-main.conf (reapply_sysctl); ufw /etc/default/ufw IPT_SYSCTL;
containernetworking/plugins tuning; cilium bandwidth manager (pkg/datapath/linux/bandwidth) and its sysctl overwrites; calico
felix (int_dataplane.go, endpoint_mgr.go); moby libnetwork (ip_forward); systemd.network(5).
"""

import json
from typing import NamedTuple, Optional

from .._sysctl.boot_order import shown
from .._sysctl.conf_file import SYSTEMD, settings, simplified
from .._sysctl.names import path_of
from .._sysctl.pattern import matches

ALWAYS_TUNED = "tuned sets it when it starts, and again with each profile"
WHEN = {
    "ufw": "ufw sets it when its firewall starts",
    "cni": "the CNI plugin tuning sets it in the network namespace of each new pod, not in the host's",
    "cloud-init": "cloud-init mentions it; it runs late in the boot, of a new instance or of each",
    "networkd": "systemd-networkd sets it for each interface that it configures",
    "docker": "dockerd sets it when it starts",
    "cilium": "the Cilium agent may set it when it starts (the first three with its bandwidth manager)",
    "calico": "Calico's agent sets it for its interfaces",
}
RP_FILTER = "net/ipv4/conf/*/rp_filter"
# program: (where it is seen, ((pattern, value or None when it varies), ...))
FIXED = {
    "docker": (
        ("/etc/docker", "/run/docker.sock", "/usr/bin/dockerd"),
        (("net/ipv4/ip_forward", "1"), ("net/bridge/bridge-nf-call-*", "1"), ("net/ipv4/conf/*/route_localnet", None)),
    ),
    "cilium": (
        ("/run/cilium", "/etc/cni/net.d/05-cilium.conflist", "/etc/cni/net.d/05-cilium.conf"),
        (
            ("net/core/somaxconn", "4096"),
            ("net/ipv4/tcp_max_syn_backlog", "4096"),
            ("net/core/netdev_max_backlog", "1000"),
            ("net/core/default_qdisc", "fq"),
            ("net/ipv4/tcp_congestion_control", None),
            (RP_FILTER, "0"),
        ),
    ),
    "calico": (
        ("/var/lib/calico", "/etc/cni/net.d/10-calico.conflist"),
        (("net/ipv4/ip_forward", "1"), ("net/ipv4/conf/cali*/*", None)),
    ),
}
# Options of systemd.network(5), and of networkd.conf(5) for all links: (option, pattern)
NETWORKD = (
    ("IPForward", "net/ipv4/ip_forward"),
    ("IPForward", "net/ipv*/conf/*/forwarding"),
    ("IPv4Forwarding", "net/ipv4/conf/*/forwarding"),
    ("IPv4ReversePathFilter", RP_FILTER),
    ("IPv4RouteLocalnet", "net/ipv4/conf/*/route_localnet"),
    ("IPv4AcceptLocal", "net/ipv4/conf/*/accept_local"),
    ("IPv4ProxyARP", "net/ipv4/conf/*/proxy_arp"),
)


class Claim(NamedTuple):
    """One program's say on the keys that match ``pattern`` (a path below /proc/sys); None is what is not known."""

    program: str
    pattern: str
    value: Optional[str]
    path: str
    line: Optional[int]
    when: str

    def facts(self):
        return {"program": self.program, "path": shown(self.path), "line": self.line, "value": self.value, "note": self.when}


def claims_on(claims, path):
    """Return the facts of the Claims that concern ``path``."""
    return [claim.facts() for claim in claims if matches(claim.pattern, path)]


def sysctl_claims(program, path, data, when):
    """Claims of a file in the syntax of sysctl.d."""
    return [Claim(program, row.literal, row.value, path, row.line, when) for row in settings(data, SYSTEMD) if row.value is not None]


def ini_lines(data):
    """Yield (section, option, value, line number) of an ini file as tuned and systemd write it; the section is lower case."""
    section = ""
    for number, line in enumerate(data.decode("utf-8", "backslashreplace").split("\n"), 1):
        text = line.strip()
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1].lower()
        elif text and text[0] not in "#;":
            option, equals, value = text.partition("=")
            if equals:
                yield section, option.strip(), value.strip(), number


def tuned_profile(path, data, when):
    """Return (names of the profiles that it includes, its Claims)."""
    included, claims = [], []
    for section, option, value, line in ini_lines(data):
        if section == "sysctl":
            text = "=" + value if value.startswith(">") else value  # `=>` raises only
            claims.append(Claim("tuned", simplified(path_of(option)), text, path, line, when))
        elif section == "main" and option == "include":
            included += value.replace(",", " ").split()
    return included, claims


def tuned_when(main):
    """Return when tuned's values count, from tuned-main.conf (bytes or None)."""
    for _section, option, value, _line in ini_lines(main or b""):
        if option == "reapply_sysctl" and value.lower() in ("0", "false", "no"):
            return ALWAYS_TUNED + "; files of sysctl.d do not count after that"
    return ALWAYS_TUNED + "; after that it applies /etc/sysctl.conf, /etc/sysctl.d and /run/sysctl.d again, which then win"


def cni_claims(path, data):
    """Claims of a CNI configuration (one plugin or a list)."""
    try:
        document = json.loads(data.decode("utf-8", "replace"))
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    plugins = document.get("plugins", [document])
    claims = []
    for plugin in plugins if isinstance(plugins, list) else ():
        values = plugin.get("sysctl") if isinstance(plugin, dict) and plugin.get("type") == "tuning" else None
        for key, value in values.items() if isinstance(values, dict) else ():
            claims.append(Claim("cni", simplified(path_of(key)), str(value), path, None, WHEN["cni"]))
    return claims


def networkd_claims(path, data):
    """Claims of a .network file or of networkd.conf."""
    claims = []
    for section, option, value, line in ini_lines(data):
        if section == "network":
            claims += [Claim("networkd", pattern, value, path, line, WHEN["networkd"]) for name, pattern in NETWORKD if name == option]
    return claims


def mentions(program, path, data, wanted):
    """Claims of lines that name one of the ``wanted`` paths, in either spelling, in any text."""
    claims = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if b"net" in line and not line.lstrip().startswith(b"#"):
            dots = line.decode("utf-8", "backslashreplace").replace("/", ".")
            claims += [Claim(program, key, None, path, number, WHEN[program]) for key in wanted if key.replace("/", ".") in dots]
    return claims
