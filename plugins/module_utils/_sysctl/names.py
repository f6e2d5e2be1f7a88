# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysctl names and their files below /proc/sys.

Source: sysctl.d(5): the first separator decides. ``net.ipv4.conf.eth0/1.rp_filter`` and ``net/ipv4/conf/eth0.1/rp_filter``
are the same key.
"""

SWAP = str.maketrans("./", "/.")


def path_of(key):
    """Return the path of ``key`` relative to /proc/sys."""
    slash, dot = key.find("/"), key.find(".")
    if slash != -1 and (dot == -1 or slash < dot):
        return key
    return key.translate(SWAP)


def dotted(path):
    """Return the key with dots of a path below /proc/sys: the inverse of path_of() for keys that begin with a word and a dot."""
    return path.translate(SWAP)
