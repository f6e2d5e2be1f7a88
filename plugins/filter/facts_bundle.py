# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: facts_bundle
short_description: The listen queue facts of many hosts in one document
version_added: 0.1.0
description:
  - Collects a registered result of M(netops.listen_queue.listen_queue_facts) of many hosts, so that one task can save them all.
  - The lookup P(netops.listen_queue.saved_facts#lookup) reads such a file.
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
- name: Save the facts of all hosts
  ansible.builtin.copy:
    content: "{{ hostvars | netops.listen_queue.facts_bundle(ansible_play_hosts_all, 'result') | to_json }}"
    dest: facts.json
    mode: "0640"
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The document, with the results by host name under C(hosts).
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.hosts import read_results
from ..plugin_utils.plain import NotPlain
from ..plugin_utils.saved import bundle


def facts_bundle(hostvars: Mapping[str, Any], hosts: Iterable[str], variable: str) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return bundle(read_results(hostvars, hosts, variable))
    except NotPlain as error:
        raise AnsibleFilterError("facts_bundle: %s" % error) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"facts_bundle": facts_bundle}
