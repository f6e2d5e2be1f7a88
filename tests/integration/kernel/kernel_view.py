# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same sockets seen twice: by the collection's collect(), and by ss, whose output is parsed here and nowhere else."""

import json
import re
import socket
from collections import Counter

from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import checked
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.read import collect
from kernel_rooms import run

OPTIONS = {
    "gather_subset": ["all"], "namespaces": "own", "ports": [], "counters": "listed", "sample": 0, "sample_interval": 0.1, "nginx_status": False,
    "diagnose": False,
}  # fmt: skip
SS_UNIX = re.compile(r"^(u_str|u_seq)\s+LISTEN\s+(\d+)\s+(\d+)\s+(.*?)\s+(\d+)\s+\*\s+0\s*?$", re.DOTALL | re.MULTILINE)


def facts(proc_root="/proc", **options):
    """Return the facts as they reach the controller."""
    return json.loads(json.dumps(collect(checked(dict(OPTIONS, **options)), proc_root)))


def own_namespace(**options):
    namespace = facts(**options)["namespaces"][0]
    assert namespace["names"]["own"] is True
    return namespace


def namespace_of(answer, inode):
    """Return the facts of the one namespace with this inode."""
    found = [namespace for namespace in answer["namespaces"] if namespace["netns"] == inode]
    assert len(found) == 1, "namespace %d is there %d times" % (inode, len(found))
    return found[0]


def listeners_on(namespace, port, address=None):
    return [row for row in namespace["listeners"] if row.get("local_port") == port and address in (None, row["local_address"])]


def listener_on(namespace, port, address=None):
    rows = listeners_on(namespace, port, address)
    assert len(rows) == 1, "port %d has %d listeners: %r" % (port, len(rows), rows)
    return rows[0]


def unix_listener(namespace, path):
    rows = [row for row in namespace["listeners"] if row.get("path") == path]
    assert len(rows) == 1, "%r is not among %r" % (path, [row.get("path") for row in namespace["listeners"]])
    return rows[0]


def problems(answer, code):
    return [problem for problem in answer["problems"] if problem["code"] == code]


def tcp_ext(namespace, *names):
    return [namespace["counters"]["TcpExt"][name] for name in names]


# ss -------------------------------------------------------------------------------------------------------------------


def ss_tcp():
    """Return a sorted list of (family, address, port, device, length, limit, drops, dual stack) of the TCP listeners."""
    rows = []
    for family, flag in (("inet", "-4"), ("inet6", "-6")):
        for line in run("ss", flag, "-HOltnme").splitlines():
            state, length, limit, local = line.split()[:4]
            assert state == "LISTEN"
            address, device, port = ss_endpoint(local)
            v6only = re.search(r"v6only:(\d)", line)
            dual = v6only.group(1) == "0" if v6only and address == "::" else None
            rows.append((family, address, port, device, int(length), int(limit), int(re.search(r",d(\d+)\)", line).group(1)), dual))
    return sorted(rows, key=repr)


def ss_endpoint(text):
    host, _colon, port = text.rpartition(":")
    host, _percent, device = host.partition("%")
    address = host.strip("[]")
    return "::" if address == "*" else address, socket.if_nametoindex(device) if device else None, int(port)


def ss_half_open():
    """Return a Counter of (family, local address, port) of the half-open connections."""
    counts = Counter()
    for family, flag in (("inet", "-4"), ("inet6", "-6")):
        for line in run("ss", flag, "-HOtn", "state", "syn-recv").splitlines():
            address, _device, port = ss_endpoint(line.split()[2])
            counts[family, address, port] += 1
    return counts


def ss_unix():
    """Return ``[(name, length, limit)]`` of the UNIX listeners; a name with a line break is one name."""
    return [(name, int(length), int(limit)) for _kind, length, limit, name, _inode in SS_UNIX.findall(run("ss", "-Hlx"))]


def assert_same_as_ss(namespace):
    """Compare every listener of the calling process's namespace, and every number of it."""
    ours = sorted(
        (
            (
                row["family"],
                row["local_address"],
                row["local_port"],
                row.get("interface"),
                row["accept_queue_length"],
                row["accept_queue_limit"],
                row["drops"],
                row.get("dual_stack"),
            )
            for row in namespace["listeners"]
            if row["family"] != "unix"
        ),
        key=repr,
    )
    assert ours == ss_tcp()
    unix = [(row["accept_queue_length"], row["accept_queue_limit"]) for row in namespace["listeners"] if row["family"] == "unix"]
    assert sorted(unix) == sorted(row[1:] for row in ss_unix())
    by_port = Counter()
    for (_family, _address, port), number in ss_half_open().items():
        by_port[port] += number
    for port in {row["local_port"] for row in namespace["listeners"] if row["family"] != "unix"}:
        rows = listeners_on(namespace, port)
        groups = {(row["family"], row["local_address"], row.get("interface")): row["syn_queue_group_length"] for row in rows if "syn_queue_group_length" in row}
        assert by_port[port] == sum(row["syn_queue_length"] or 0 for row in rows) + sum(groups.values())
