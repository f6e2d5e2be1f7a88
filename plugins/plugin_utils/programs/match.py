# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program of table.py a listener belongs to, by what the facts know of its processes: names and units. Pure.

Command lines are not among the facts, since they may hold passwords: what runs in an interpreter is told by its unit, or not at all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from .table import PROGRAMS, Program

__all__ = ("FIELD_NAMES", "PROGRAMS", "Program", "find_program", "program_fields")

MANAGER = "systemd"  # who holds a socket together with it got it from a socket unit
_LOOKS_KEPT = 10_000  # names come from hosts: keep the memory of them bounded
_SERVICE = ".service"

_is_interpreter = re.compile(r"java|python[0-9.]*|pypy[0-9.]*|ruby[0-9.]*|bundle|beam\.smp|dotnet").fullmatch
_BY_NAME = tuple((re.compile(program.names).fullmatch, program) for program in PROGRAMS if program.names)
_BY_UNIT = tuple((re.compile(program.units).fullmatch, program) for program in PROGRAMS if program.units)
_known: dict[tuple[str, str], Program | None] = {}


def find_program(names: Iterable[str], units: Iterable[str | None] = ()) -> Program | None:
    """The row of the first process that has one; None when none is known.

    `names` is comm of the processes that hold the socket, `units` the systemd unit of each, in the same order, as far as it is known.
    """
    holders = list(itertools.zip_longest(names, units))
    if any(name == MANAGER for name, _unit in holders):
        holders = [(MANAGER, None)]
    return next((program for name, unit in holders if name and (program := _look_up(name, unit or ""))), None)


def _look_up(name: str, unit: str) -> Program | None:
    if not unit.endswith(_SERVICE) or not _is_interpreter(name):
        unit = ""
    key = name, unit
    if key not in _known:
        if len(_known) > _LOOKS_KEPT:
            _known.clear()
        service = unit[: -len(_SERVICE)]
        by_unit = next((program for match, program in _BY_UNIT if match(service)), None) if service else None
        _known[key] = by_unit or next((program for match, program in _BY_NAME if match(name)), None)
    return _known[key]


def _fields(program: Program, family: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": program.id,
        "called": program.called,
        "setting": program.setting,
        "default": program.asks_for,
        "applied": program.applied,
        "applied_by": program.applied_by,
        "quirk": program.quirk,
    }
    if program.default_backlog is not None and program.every_listener and family in program.families:
        fields["default_backlog"] = program.default_backlog
    return fields


_FIELDS = {(program.id, family): _fields(program, family) for program in PROGRAMS for family in ("inet", "inet6", "unix")}
FIELD_NAMES = (*_FIELDS["nginx", "inet"],)


def program_fields(program: Program, family: Any) -> dict[str, Any]:
    """What a rule sees of a listener's program; `default_backlog` only where every listener of that family asks for it."""
    return _FIELDS.get((program.id, family), {}) if isinstance(family, str) else {}
