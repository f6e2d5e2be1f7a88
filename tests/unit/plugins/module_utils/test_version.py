# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel releases as distributions write them."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._version import is_older, version_of

RELEASES = {
    "debian": ("6.1.0-37-amd64", (6, 1, 0)),
    "rhel8": ("4.18.0-553.el8_10.x86_64", (4, 18, 0)),
    "arch": ("6.17.8-arch1-1", (6, 17, 8)),
    "two_numbers": ("6.18", (6, 18, 0)),
    "release_candidate": ("6.18-rc4", (6, 18, 0)),
    "wsl": ("5.15.167.4-microsoft-standard-WSL2", (5, 15, 167)),
    "plus": ("6.12+", (6, 12, 0)),
    "no_number": ("custom", (0, 0, 0)),
}


@pytest.mark.parametrize("text, numbers", RELEASES.values(), ids=RELEASES)
def test_version(text, numbers):
    assert version_of(text) == numbers


OLDER = {
    "older_major": ("4.18.0", "5.14", True), "older_minor": ("6.1.0", "6.10", True), "same": ("5.14.0-503.el9", "5.14", False),
    "younger_minor": ("6.18.44", "6.5", False), "younger_major": ("10.0", "9.9", False),
}  # fmt: skip


@pytest.mark.parametrize("release, since, older", OLDER.values(), ids=OLDER)
def test_older(release, since, older):
    assert is_older(release, since) is older
