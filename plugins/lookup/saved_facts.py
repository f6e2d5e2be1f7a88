# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: saved_facts
short_description: Saved listen queue facts for the filter findings
version_added: 0.1.0
description:
  - Reads facts of M(netops.listen_queue.listen_queue_facts) that were saved earlier, from files on the controller.
  - A file C(HOST.json) in a directory holds one host's result as C(ansible --tree) writes it (there the name has no C(.json)), a mapping with the
    key C(ansible_facts), or the bare facts.
  - One file can also hold the facts of a whole audit, as P(netops.listen_queue.backlog_audit#role) saves them.
options:
  _terms:
    description: Directories or files.
    type: list
    elements: str
    required: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Judge facts that were saved earlier
  ansible.builtin.debug:
    msg: "{{ lookup('netops.listen_queue.saved_facts', 'saved/') | netops.listen_queue.findings(rules=lookup('netops.listen_queue.rules')) }}"
"""

RETURN = r"""
_raw:
  description: One mapping of host names to results.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils.files import read_facts
from ..plugin_utils.saved import SavedError


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        """See DOCUMENTATION. Raises AnsibleLookupError with the name of the directory or file."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [read_facts(Path(self._loader.path_dwim(str(term))) for term in terms)]
        except SavedError as error:
            raise AnsibleLookupError(str(error)) from error
