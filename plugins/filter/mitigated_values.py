# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: mitigated_values
short_description: The sysctls and limits that a checkpoint set
version_added: 0.2.0
description:
  - Reads the changes of one checkpoint of M(netops.listen_queue.checkpoint_info), so that what was set for the time being can be made permanent.
positional: _input, configs
options:
  _input:
    description: The checkpoint.
    type: dict
    required: true
  configs:
    description: RV(netops.listen_queue.nginx_listen_info#module:configs), to know which sockets are those of nginx.
    type: list
    elements: dict
    default: []
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: What did the last checkpoint set?
  ansible.builtin.debug:
    msg: "{{ journal.checkpoints | last | netops.listen_queue.mitigated_values }}"
"""

RETURN = r"""
_value:
  description:
    - C(sysctls) with their values, and C(sockets), each with C(listen) and C(backlog).
    - Those of nginx are among C(listens) too, and all others among C(others).
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.change.journals import mitigated
from ..plugin_utils.plain import NotPlain, plain


def mitigated_values(checkpoint: Mapping[str, Any], configs: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return mitigated(plain(checkpoint)["changes"], plain(configs))
    except (NotPlain, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError("mitigated_values: %r is missing or wrong in the checkpoint" % (error,)) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"mitigated_values": mitigated_values}
