# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: report_table
short_description: A report of listen queues as lines for a terminal
version_added: 0.1.0
description:
  - Renders what P(netops.listen_queue.findings#filter) returned as lines, grouped by severity, rule and host.
  - Control characters that came from hosts are written as escapes. Long groups are cut and say so.
positional: _input, columns
options:
  _input:
    description: The report model, also as read from a C(report.json).
    type: dict
    required: true
  columns:
    description: Longest line. At least 40.
    type: int
    default: 100
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Show a report that was written earlier
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'reports/report.json') | from_json | netops.listen_queue.report_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.plain import NotPlain, plain
from ..plugin_utils.report.model import ReportError, check_report
from ..plugin_utils.report.terminal import COLUMNS, table


def report_table(report: Any, columns: int = COLUMNS) -> list[str]:
    """See DOCUMENTATION."""
    try:
        model = plain(report)
        check_report(model)
        return table(model, max(int(columns), 40))
    except (NotPlain, ReportError, TypeError, ValueError) as error:
        raise AnsibleFilterError("report_table: %s" % error) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"report_table": report_table}
