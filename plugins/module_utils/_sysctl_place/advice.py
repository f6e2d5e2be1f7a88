# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sysctls of a namespace persist when no file of sysctl.d sets them."""

KUBERNETES = "the pod spec (securityContext.sysctls; the kubelet must allow unsafe ones), or the CNI plugin tuning"
RUNTIMES = {
    "docker": "the container's definition (docker run --sysctl, or sysctls in the compose file)",
    "podman": "the container's definition (podman run --sysctl, or Sysctl= in its .container unit)",
    "containerd": "the container's definition (linux.sysctl of its OCI spec; nerdctl run --sysctl)",
    "crio": KUBERNETES,
    "lxc": "the container's configuration (lxc.sysctl.NAME = VALUE)",
    "nspawn": "the service that starts the container, or a sysctl.d inside it when it boots with systemd",
}
UNIT = "the unit file of %s (an ExecStartPre= that sets it, before the program listens)"
NAMED = "what makes the namespace %s when the system boots (its unit file, or the CNI plugin tuning)"
HOST = "what sets sysctls when this system boots, as nothing here reads sysctl.d"
UNKNOWN = "what makes this namespace: the container's definition, the pod spec, a unit file or the CNI plugin tuning"


def elsewhere(owner, name):
    """Return the place as a phrase. ``owner`` is the Owner of a process in the namespace, ``name`` the one of ``ip netns`` or None."""
    if owner.pod_uid is not None:
        return KUBERNETES
    if owner.container is not None:
        return RUNTIMES.get(owner.runtime, UNKNOWN)
    if name is not None and not name.isdigit():
        return NAMED % name
    if owner.unit is not None and owner.unit.endswith(".service"):
        return UNIT % owner.unit
    return UNKNOWN
