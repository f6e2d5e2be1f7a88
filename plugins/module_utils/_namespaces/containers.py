# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the container, pod and systemd unit of a process in the text of /proc/<pid>/cgroup.

Sources: systemd's cgroup naming (systemd.unit(5), systemd.slice(5)), docker and podman (libpod) cgroup managers,
the kubelet's cgroup names (pkg/kubelet/cm), containerd's and CRI-O's scopes, LXC 4 (lxc.payload), systemd-nspawn(1).
Both cgroup versions and the hybrid layout give the same answer; of several hierarchies the most telling one counts.
"""

import re
from typing import NamedTuple, Optional


class Owner(NamedTuple):
    """Where a process belongs; each is ``None`` where it does not apply."""

    unit: Optional[str]
    container: Optional[str]
    runtime: Optional[str]
    pod_uid: Optional[str]


NOBODY = Owner(None, None, None, None)

# One path component per runtime. The monitor of a container (conmon) is not in it: its scopes match no row.
RUNTIMES = tuple(
    (runtime, re.compile(pattern))
    for runtime, pattern in (
        ("docker", r"docker-([0-9a-f]{64})\.scope\Z"),
        ("podman", r"libpod-(?:payload-)?([0-9a-f]{64})(?:\.scope)?\Z"),
        ("containerd", r"(?:.*:)?(?:cri-containerd|nerdctl)[-:]([0-9a-f]{64})(?:\.scope)?\Z"),
        ("crio", r"crio-([0-9a-f]{64})(?:\.scope)?\Z"),
        ("lxc", r"lxc\.payload\.(.+)\Z"),
        ("nspawn", r"systemd-nspawn@(.+)\.service\Z"),
        ("nspawn", r"machine-(?!qemu\\x2d|lxc\\x2d)(.+)\.scope\Z"),  # libvirt registers its virtual machines there too
    )
)
# Managers of cgroups without systemd: the id is a component of its own and its parent tells the runtime.
PLAIN_ID = re.compile(r"[0-9a-f]{64}\Z")
PARENTS = {"docker": "docker", "libpod_parent": "podman", "k8s.io": "containerd", "default": "containerd"}
LXC_PARENTS = ("lxc", "lxc.payload")
POD = re.compile(r"(?:.*-)?pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?::.*)?\Z")
UNIT = re.compile(r".+\.(?:service|scope|socket)\Z")


def owner_of(cgroup):
    """Return the Owner that the bytes of a cgroup file describe."""
    best = NOBODY
    for line in cgroup.decode("utf-8", "backslashreplace").split("\n"):
        path = line.split(":", 2)[-1]
        if path not in ("", "/"):
            owner = owner_of_path(path)
            # A hierarchy that knows the container beats one that knows only the unit, and any beats none.
            if sum(part is not None for part in owner) > sum(part is not None for part in best):
                best = owner
    return best


def owner_of_path(path):
    """Return the Owner that one cgroup path describes; the innermost container wins (kind, docker in docker)."""
    unit = container = runtime = pod = None
    parent = ""
    for part in path.split("/"):
        match = POD.match(part)
        if match:
            pod = match.group(1).replace("_", "-")
        found = _container(part, parent, pod)
        if found:
            runtime, container = found
        elif container is None and UNIT.match(part):
            unit = part
        parent = part
    return Owner(None if container else unit, container, runtime, pod)


def _container(part, parent, pod):
    for runtime, pattern in RUNTIMES:
        match = pattern.match(part)
        if match:
            return runtime, match.group(1).replace("\\x2d", "-")
    if PLAIN_ID.match(part) and (pod or parent in PARENTS):
        return PARENTS.get(parent), part  # the kubelet's cgroupfs layout does not name the runtime
    if parent in LXC_PARENTS and part:
        return "lxc", part
    return None
