# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which capabilities a process has, from the text of /proc/<pid>/status."""

# include/uapi/linux/capability.h: the capabilities on which the completeness of an answer depends
CAPABILITIES = ((1, "CAP_DAC_OVERRIDE"), (2, "CAP_DAC_READ_SEARCH"), (12, "CAP_NET_ADMIN"), (19, "CAP_SYS_PTRACE"), (21, "CAP_SYS_ADMIN"))


def capability_names(status):
    """Return the names of those effective CAPABILITIES that a status file shows, or ``None`` when it has no CapEff line."""
    for line in status.split(b"\n"):
        if line.startswith(b"CapEff:"):
            mask = int(line.split()[1], 16)
            return [name for bit, name in CAPABILITIES if mask >> bit & 1]
    return None
