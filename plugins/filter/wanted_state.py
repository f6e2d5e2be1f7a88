# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: wanted_state
short_description: What must hold on a host after a change
version_added: 0.2.0
description:
  - Turns results of M(netops.listen_queue.sysctl_dropin) and M(netops.listen_queue.nginx_listen), also of check mode, into the options
    of M(netops.listen_queue.listen_queue_verify).
positional: _input, listens, sockets
options:
  _input:
    description: The result of M(netops.listen_queue.sysctl_dropin). One that was skipped stands for no sysctls.
    type: dict
    required: true
  listens:
    description: The result of a loop of M(netops.listen_queue.nginx_listen), whose items have C(listen) and C(backlog).
    type: dict
    default: {}
  sockets:
    description: More sockets, each with C(listen), C(backlog) and perhaps C(netns).
    type: list
    elements: dict
    default: []
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Wait until it holds
  netops.listen_queue.listen_queue_verify:
    listeners: "{{ wanted.listeners }}"
    sysctls: "{{ wanted.sysctls }}"
    boot_sysctls: "{{ wanted.boot_sysctls }}"
  vars:
    wanted: "{{ sysctl_result | netops.listen_queue.wanted_state(nginx_results) }}"
"""

RETURN = r"""
_value:
  description: The keys C(listeners), C(sysctls) and C(boot_sysctls).
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.change import wanted
from ..plugin_utils.plain import NotPlain, plain


def wanted_state(sysctls: Mapping[str, Any], listens: Mapping[str, Any] | None = None, sockets: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return wanted.wanted_state(_shaped(sysctls), _shaped(listens or {}), plain(sockets))
    except (NotPlain, AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError("wanted_state: %r is missing or wrong in what it was given" % (error,)) from error


def _shaped(result: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that are read. A result of core 2.19 and later holds objects that are no data."""
    kept = {key: plain(result[key]) for key in ("sysctls",) if key in result}
    if "results" in result:
        keys = ("ansible_loop_var", "directives", plain(result["results"][0].get("ansible_loop_var", "item")) if result["results"] else "item")
        kept["results"] = [{key: plain(each[key]) for key in keys if key in each} for each in result["results"]]
    return kept


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"wanted_state": wanted_state}
