# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of facts as they are needed for a diagnosis: of the right type or None, and logic that knows "unknown". Pure.

Facts come from machines that may be hostile: whatever has an unexpected type, is not finite or far out of range counts as not learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LARGEST = 1 << 53  # beyond this JSON's numbers are not exact, and no counter of a window comes near


def at(value: Any, *keys: str) -> Any:
    """The value below `keys`; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def whole(value: Any) -> int | None:
    """A number of things: an int that is not negative."""
    return value if value.__class__ is int and 0 <= value <= LARGEST else None


def number(value: Any) -> float | None:
    """A finite number that is not negative."""
    return value if (value.__class__ is int or value.__class__ is float) and 0 <= value <= LARGEST else None


def text(value: Any) -> str | None:
    return value if value.__class__ is str else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """The mappings in a list; [] for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def share(part: float | None, of: float | None, digits: int = 4) -> float | None:
    """part / of; 0 of nothing is 0."""
    return None if part is None or of is None else round(part / of, digits) if of else 0.0


def most(values: Iterable[float | None]) -> float | None:
    """The largest of the known values; None when none is known."""
    return max((value for value in values if value is not None), default=None)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean; None when one of them is unknown or there is none."""
    known = list(values)
    return None if not known or None in known else round(sum(value or 0 for value in known) / len(known), 4)


def total(values: Iterable[int | None]) -> int | None:
    """The sum; None when a part is unknown."""
    known = list(values)
    return None if None in known else sum(value or 0 for value in known)


# --- Kleene's logic: one known part may decide, whatever the others are


def both(*parts: bool | None) -> bool | None:
    return False if False in parts else None if None in parts else True


def either(*parts: bool | None) -> bool | None:
    return True if True in parts else None if None in parts else False


def above(value: float | None, limit: float) -> bool | None:
    return None if value is None else value > limit


def at_least(value: float | None, limit: float) -> bool | None:
    return None if value is None else value >= limit


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def share_of(flags: Iterable[bool | None], limit: float) -> float | None:
    """The share of the flags that are true; None where unknown ones decide whether it reaches `limit`."""
    known = list(flags)
    if not known:
        return None
    lowest = sum(flag is True for flag in known) / len(known)
    highest = sum(flag is not False for flag in known) / len(known)
    return round(lowest, 4) if lowest >= limit or highest < limit else None


def matching(mapping: Mapping[int, dict[str, Any]], keys: Any) -> list[dict[str, Any]]:
    """The values of `mapping` for a list of keys, in its order; keys of another type than int name nothing."""
    return [mapping[key] for key in keys if key.__class__ is int and key in mapping] if isinstance(keys, list) else []
