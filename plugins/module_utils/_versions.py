# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel versions as numbers."""

import re

NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def version_of(text):
    """Return ``(major, minor, patch)`` of the start of a release such as ``4.18.0-553.el8.x86_64``; zeros when there is none."""
    match = NUMBERS.match(text)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)


def is_older(release, since):
    """True when the kernel ``release`` is older than ``since``. Distributions backport, so this may expect too little, never too much."""
    return version_of(release) < version_of(since)
