# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report model as JSON: one line for each host, finding and listener, so that grep and diff work on it too. Pure.

docs/report.schema.json describes it. json's own indentation is not used: it leaves the fast encoder, and takes four times as long.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any


def json_report(report: Mapping[str, Any]) -> str:
    """The whole model. A number that JSON does not have (NaN, infinity) is unknown: null."""
    try:
        return "".join(_lines(report))
    except ValueError:
        return "".join(_lines(finite(report)))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    mark = "{\n"
    for key, value in report.items():
        yield "%s%s: " % (mark, _encode(key))
        yield from _items(value)
        mark = ",\n"
    yield "\n}\n"


def _items(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield "{\n "
        yield ",\n ".join("%s: %s" % (_encode(key), _encode(each)) for key, each in value.items())
        yield "\n}"
    elif isinstance(value, list) and value:
        yield "[\n "
        yield ",\n ".join(map(_encode, value))
        yield "\n]"
    else:
        yield _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def finite(value: Any) -> Any:
    """A copy without NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
