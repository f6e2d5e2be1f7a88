# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields a rule may name: the catalogue of a row, its thresholds, and which are only there when asked for.

A row has the parts host, namespace, listener, program and thresholds. A field that does not apply (drops of a unix socket) or was
not asked for (anything sampled) is absent; a field that could not be learned is null. docs/rules.md repeats this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """`kind` is bool, int, number, text, list or open (any names below it). `when` says when the field is there at all."""

    kind: str
    meaning: str
    when: str = ""


SAMPLED = "sampled"
ALL_NAMESPACES = "all namespaces were asked for"
TCP = "inet and inet6"
SYN_QUEUE = "syn_queue was gathered, inet and inet6"
PROCESSES = "processes were gathered"
KNOWN = "a known program"

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
    "sysctls": Field("open", 'by the kernel\'s names: namespace.sysctls."net.core.somaxconn"', "sysctls were gathered"),
    "counters": Field("open", "since the namespace exists: namespace.counters.TcpExt.ListenOverflows", "counters were gathered"),
    "counters_sample": Field("open", "delta and per_second of each counter in the window", SAMPLED),
    "overflows_in_window": Field("int", "ListenOverflows counted in the window (packets, not clients)", SAMPLED),
    "overflows_per_second": Field("number", "the same per second", SAMPLED),
    "nginx_not_listening": Field("list", "text per address of an nginx configuration on which it does not listen", "nginx was gathered and runs here"),
}
_LISTENER = {
    "address": Field("text", "0.0.0.0:80, [::]:80 or the path of a unix socket"),
    "family": Field("text", "inet, inet6 or unix"),
    "port": Field("int", "local port", TCP),
    "accept_queue_length": Field("int", "connections that wait for accept()"),
    "accept_queue_limit": Field("int", "how many may wait (the queue holds one more)"),
    "accept_queue_full": Field("bool", "length > limit"),
    "accept_queue_fill": Field("number", "length / limit; a limit of 0 counts as 1, since it holds one connection"),
    "syn_queue_length": Field("int", "half-open requests; null inside a reuseport group", SYN_QUEUE),
    "at_cap": Field("bool", "limit = somaxconn of its namespace"),
    "limited_by": Field("text", "somaxconn, backlog or unknown (the kernel does not keep what was asked for)"),
    "stale_limit": Field("bool", "true when the limit is older than the sysctl; null when that cannot be told"),
    "reuseport_sockets": Field("int", "sockets that share the address and port; 1 without SO_REUSEPORT"),
    "drops": Field("int", "packets that its queues dropped since it exists: what the socket dropped, at most ListenDrops of the namespace", TCP),
    "drops_per_hour": Field("number", "drops divided by the age of the oldest process that holds it; 0 when there are none", TCP + ", " + PROCESSES),
    "process_age_seconds": Field("int", "age of that process at the time of the facts", PROCESSES),
    "processes": Field("list", "processes that hold the socket, as in the facts", PROCESSES),
    "drops_in_window": Field("int", "drops in the sample window; null when the counter was reset", SAMPLED + ", " + TCP),
    "drops_per_second": Field("number", "the same per second", SAMPLED + ", " + TCP),
    "sample_reads": Field("int", "how often the queue was read in the window", SAMPLED),
    "sample_max": Field("int", "longest queue seen", SAMPLED),
    "sample_mean": Field("number", "mean length", SAMPLED),
    "share_half_full": Field("number", "share of the reads with the queue at least half full, 0 to 1", SAMPLED),
    "share_full": Field("number", "share of the reads with the queue full, 0 to 1", SAMPLED),
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

FIELDS: dict[str, dict[str, Field]] = {"host": _HOST, "namespace": _NAMESPACE, "listener": _LISTENER, "program": _PROGRAM}

# Which parts a rule sees: those of its own level and above.
PARTS = {
    "host": ("host", "thresholds"),
    "namespace": ("host", "namespace", "thresholds"),
    "listener": ("host", "namespace", "listener", "program", "thresholds"),
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
}
