# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions: the collection's own, and the kernel's as numbers."""

VERSION = "0.3.0"  # galaxy.yml does not travel with a module; a test keeps both equal


def version_of(text):
    """Return ``(major, minor, patch)`` of a release such as ``4.18.0-553.el8.x86_64``; zeros where there is no number."""
    numbers = []
    for part in (text.split(".") + ["", ""])[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits) if digits else 0)
    return tuple(numbers)


def is_older(release, since):
    """True when the kernel ``release`` is older than ``since``. Distributions backport, so this may expect too little, never too much."""
    return version_of(release) < version_of(since)
