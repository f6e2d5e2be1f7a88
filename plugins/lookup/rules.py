# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: rules
short_description: Rule documents for the filter findings
version_added: 0.1.0
description:
  - Reads the rules that come with the role P(netops.listen_queue.backlog_audit#role), then those of the given directories, in order of file name.
  - Each file holds one rule, and its id is the name of the file without C(.yml). Rules are checked by P(netops.listen_queue.findings#filter).
options:
  _terms:
    description: Directories with more rules, on the controller.
    type: list
    elements: str
  builtin:
    description: Whether to start with the rules of the collection.
    type: bool
    default: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: List the ids of all rules
  ansible.builtin.debug:
    msg: "{{ lookup('netops.listen_queue.rules', '/etc/ansible/listen-queue-rules') | map(attribute='rule') | map(attribute='id') }}"
"""

RETURN = r"""
_raw:
  description: One list of mappings with the keys source (the path of the file) and rule (its content).
  type: list
  elements: list
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils.files import BUILTIN_RULES, read_rules
from ..plugin_utils.saved import SavedError


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        """See DOCUMENTATION. Raises AnsibleLookupError with the name of the directory or file."""
        self.set_options(var_options=variables, direct=kwargs)
        folders = [BUILTIN_RULES] if self.get_option("builtin") else []
        try:
            return [read_rules(folders + [Path(self._loader.path_dwim(str(term))) for term in terms])]
        except SavedError as error:
            raise AnsibleLookupError(str(error)) from error
