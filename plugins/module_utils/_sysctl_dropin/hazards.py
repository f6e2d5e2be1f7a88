# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that a running system cannot get back, and keys that depend on each other.

Source: Documentation/admin-guide/sysctl/kernel.rst and vm.rst; net/ipv4/sysctl_net_ipv4.c ipv4_local_port_range(),
ipv4_privileged_ports().
"""

from .._sysctl.names import dotted
from .._sysctl.values import PORT_RANGE

# Written to make something happen; there is no value that could stand in a file or be put back.
ACTIONS = ("vm/drop_caches", "vm/compact_memory", "net/ipv4/route/flush", "net/ipv6/route/flush")
# Path: the values that stay until the next boot; None means every one.
ONE_WAY = {
    "kernel/modules_disabled": None,
    "kernel/kexec_load_disabled": None,
    "kernel/kexec_load_limit_panic": None,
    "kernel/kexec_load_limit_reboot": None,
    "kernel/tainted": None,
    "kernel/unprivileged_bpf_disabled": ("1",),
    "kernel/yama/ptrace_scope": ("3",),
}
# Of these two one counts, and the other one is 0, which cannot be written.
EITHER = (
    ("vm/dirty_bytes", "vm/dirty_ratio"),
    ("vm/dirty_background_bytes", "vm/dirty_background_ratio"),
    ("vm/overcommit_kbytes", "vm/overcommit_ratio"),
)
TWINS = {**dict(EITHER), **{right: left for left, right in EITHER}}
# The range has to begin at or above the first unprivileged port, at any moment.
UNPRIVILEGED = "net/ipv4/ip_unprivileged_port_start"


def why_refused(paths, path):
    """Return why a key cannot be set together with the others of ``paths``, or at all, as the end of a sentence; or None."""
    if path in ACTIONS:
        return "makes something happen and keeps no value, so it belongs into no file and cannot be taken back"
    if TWINS.get(path) in paths:
        return "and %s set each other to 0; give one of them" % dotted(TWINS[path])
    return None


def why_one_way(path, text, before):
    """Return why the running value ``before`` would not come back after ``text``, as the end of a sentence; or None."""
    final = ONE_WAY.get(path, ())
    if final is None or text in final:
        return "stays %s until the next boot, so it could not be taken back" % text
    if path in TWINS and before == "0":
        return "is 0 because %s counts instead, and could not be set back to 0" % dotted(TWINS[path])
    return None


def in_order(values, first_port):
    """Return ``values`` ({path: text}) in an order in which the kernel takes them; the inverse order takes them back.

    ``first_port`` is the first unprivileged port before.
    """
    if PORT_RANGE not in values or UNPRIVILEGED not in values:
        return values
    is_range_first = int(values[PORT_RANGE].split()[0], 0) >= int(first_port, 0)
    pair = (PORT_RANGE, UNPRIVILEGED) if is_range_first else (UNPRIVILEGED, PORT_RANGE)
    return {**{path: values[path] for path in pair}, **values}
