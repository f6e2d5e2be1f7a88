# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible data to plain JSON types.

Ansible hands filters subclasses of the JSON types: core 2.16 marks text from hosts as AnsibleUnsafeText, 2.19 and later tag
scalars and wrap containers so that their items are templated on access. JMESPath's functions look at the exact type and the
JSON encoder of a later step would trip over the marks, so everything is copied once, here.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

_EXACT = frozenset((str, int, float, bool, type(None)))


class NotPlain(ValueError):
    """A value that has no JSON form, such as an undefined variable or a function."""


def plain(value: Any) -> Any:
    """A copy of `value` made of dict, list, str, int, float, bool and None only.

    Dates (YAML turns 2026-12-31 into one) become ISO text, tuples and sets lists, keys text. Raises NotPlain for anything else.
    """
    kind = type(value)
    if kind in _EXACT:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {key if key.__class__ is str else plain_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return _other(value)


def plain_text(value: Any) -> str:
    """An exact str, also from a subclass that overrides str()."""
    return str.__str__(value) if isinstance(value, str) else str(value)


def _other(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__add__(value, 0)
    if isinstance(value, float):
        return float.__add__(value, 0.0)
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    raise NotPlain("a value of type %s has no JSON form" % type(value).__name__)
