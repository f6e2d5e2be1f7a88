# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether facts were gathered for a diagnosis, and whether those parts have the shape they must have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARTS = (("workers", list), ("cgroups", list), ("pressure", dict), ("softnet", dict), ("kernel_log", dict))


def is_diagnosed(facts: Mapping[str, Any]) -> bool:
    """Whether these facts were gathered with `diagnose: true`."""
    return all(key in facts for key, _kind in _PARTS)


def diagnosis_fault(facts: Mapping[str, Any]) -> str | None:
    """Why the parts for a diagnosis are not of this schema, as facts_fault() says it; None when they are, or are not there."""
    for key, kind in _PARTS:
        if facts.get(key) is not None and not isinstance(facts[key], kind):
            return "are broken: %s must be a %s" % (key, "list" if kind is list else "mapping")
        if kind is list and not all(isinstance(each, dict) for each in facts.get(key) or ()):
            return "are broken: %s must be a list of mappings" % key
    return None
