# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: report_markdown
short_description: A report of listen queues as Markdown
version_added: 0.1.0
description:
  - Renders what P(netops.listen_queue.findings#filter) returned as one Markdown document with every finding, its evidence and its fix.
  - Text that came from hosts, inventories and waivers is escaped.
options:
  _input:
    description: The report model, also as read from a C(report.json).
    type: dict
    required: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Render a report that was written earlier
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', 'reports/report.json') | from_json | netops.listen_queue.report_markdown }}"
    dest: reports/report.md
    mode: "0640"
"""

RETURN = r"""
_value:
  description: The document.
  type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.plain import NotPlain, plain
from ..plugin_utils.report.model import ReportError, check_report, markdown_report


def report_markdown(report: Any) -> str:
    """See DOCUMENTATION."""
    try:
        model = plain(report)
        check_report(model)
        return markdown_report(model)
    except (NotPlain, ReportError) as error:
        raise AnsibleFilterError("report_markdown: %s" % error) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"report_markdown": report_markdown}
