# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: last_checkpoint
short_description: The checkpoint that a rollback takes back
version_added: 0.3.0
description:
  - Finds the last checkpoint of many hosts that was not rolled back, and the hosts on which it is the last one, too.
  - What a host answered in another form than M(netops.listen_queue.checkpoint_info) does is left out, so that it does not stop the others.
positional: _input, hosts, variable, id
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
  id:
    description: The id of the checkpoint, if it is not the last one that is meant.
    type: str
    default: ""
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Which hosts would roll back what?
  ansible.builtin.debug:
    msg: "{{ hostvars | netops.listen_queue.last_checkpoint(ansible_play_hosts, 'journal') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: C(id), C(opened_at) and C(hosts). Where no checkpoint is meant C(id) is empty, and so is C(opened_at) where O(id) was given.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.change import journals
from ..plugin_utils.hosts import registered
from ..plugin_utils.plain import NotPlain, plain


def last_checkpoint(hostvars: Mapping[str, Any], hosts: Iterable[str], variable: str, id: Any = "") -> dict[str, Any]:  # noqa: A002 (the option's name)
    """See DOCUMENTATION."""
    try:
        found = {plain(name): plain(result.get("checkpoints")) for name, result in registered(hostvars, hosts, variable) if result}
        return journals.last_checkpoint(found, str(plain(id) or ""))
    except (NotPlain, AttributeError) as error:
        raise AnsibleFilterError("last_checkpoint: %r is missing or wrong in what was registered" % (error,)) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"last_checkpoint": last_checkpoint}
