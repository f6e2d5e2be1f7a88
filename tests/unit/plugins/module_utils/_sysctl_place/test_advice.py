# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value persists when no file of sysctl.d sets it."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.containers import NOBODY, Owner
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_place.advice import elsewhere

PLACES = {
    "pod": (Owner(None, "0f1e", "containerd", "6f2b"), None, "the pod spec"),
    "docker": (Owner(None, "0f1e", "docker", None), None, "docker run --sysctl"),
    "podman": (Owner(None, "0f1e", "podman", None), None, "podman run --sysctl"),
    "lxc": (Owner(None, "web", "lxc", None), None, "lxc.sysctl.NAME"),
    "unit": (Owner("shop.service", None, None, None), None, "the unit file of shop.service"),
    "session": (Owner("session-1.scope", None, None, None), None, "the container's definition, the pod spec, a unit file or the CNI plugin tuning"),
    "named": (NOBODY, "shop", "what makes the namespace shop"),
    "inode": (NOBODY, "4026532001", "what makes this namespace"),
}


@pytest.mark.parametrize("owner, name, phrase", PLACES.values(), ids=PLACES)
def test_place(owner, name, phrase):
    assert phrase in elsewhere(owner, name)
