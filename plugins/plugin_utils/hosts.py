# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One registered variable of many hosts, out of hostvars."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .plain import plain

# What a report needs of a result. Failed results of core 2.19 and later also hold objects that are no data.
KEPT = ("unreachable", "failed", "msg", "module_stderr", "module_stdout")
FACTS = "ansible_facts"
FACT = "listen_queue"
TEXT = "listen_queue_json"


def read_results(hostvars: Mapping[str, Any], hosts: Iterable[str], variable: str) -> dict[str, Any]:
    """Host name -> the part of its result that tells about listen queues, as plain data; None where a host has none.

    A registered result holds no templates, so nothing is lost by reading it as it was stored.
    """
    return {plain(name): _kept(result) for name, result in registered(hostvars, hosts, variable)}


def registered(hostvars: Mapping[str, Any], hosts: Iterable[str], variable: str) -> Iterator[tuple[str, Any]]:
    """`raw_get` skips the templating of a host's other variables, but still merges them all, which takes 2 ms a host.

    So look first where core 2.16 to 2.21 keep what is registered. That is no public interface: what is not there, `raw_get` finds.
    """
    kept = getattr(getattr(hostvars, "_variable_manager", None), "_nonpersistent_fact_cache", None)
    kept = kept if isinstance(kept, Mapping) else {}
    read = getattr(hostvars, "raw_get", hostvars.get)
    for name in hosts:
        variables = kept.get(name)
        if not isinstance(variables, Mapping) or variable not in variables:
            variables = read(name) or {}
        yield name, variables.get(variable)


def _kept(result: Any) -> dict[str, Any] | None:
    if not isinstance(result, Mapping):
        return None
    kept = {key: plain(result[key]) for key in (*KEPT, FACT) if key in result}
    facts = result.get(FACTS)
    if isinstance(facts, Mapping) and FACT in facts:
        kept[FACTS] = {FACT: plain(facts[FACT])}
    if TEXT in result:
        kept.update(_parsed(result[TEXT]))
    return kept


def _parsed(text: Any) -> dict[str, Any]:
    try:
        return {FACT: json.loads(plain(text))}
    except (TypeError, ValueError, RecursionError) as error:
        return {"failed": True, "msg": "the answer is no JSON: %s" % error}
