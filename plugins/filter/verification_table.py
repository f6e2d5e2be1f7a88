# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: verification_table
short_description: What was expected and seen on the hosts of a play, as lines for a terminal
version_added: 0.2.0
description:
  - Collects a registered result of M(netops.listen_queue.listen_queue_verify) of many hosts. Of more than ten hosts only what does not hold
    is listed.
positional: _input, hosts, variable
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  hosts:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
  variable:
    description: The registered variable of each host that holds the module's result.
    type: str
    required: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Show what was verified
  ansible.builtin.debug:
    msg: "{{ hostvars | netops.listen_queue.verification_table(ansible_play_batch, 'verified') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: Lines of at most 120 columns.
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.change import wanted
from ..plugin_utils.hosts import registered
from ..plugin_utils.plain import NotPlain, plain


def verification_table(hostvars: Mapping[str, Any], hosts: Iterable[str], variable: str) -> list[str]:
    """See DOCUMENTATION."""
    try:
        found = {plain(name): result for name, result in registered(hostvars, hosts, variable)}
        return wanted.verification_table({name: {"checks": plain(result.get("checks"))} if result else None for name, result in found.items()})
    except (NotPlain, KeyError, TypeError, AttributeError) as error:
        raise AnsibleFilterError("verification_table: %r is missing or wrong in what was registered" % (error,)) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"verification_table": verification_table}
