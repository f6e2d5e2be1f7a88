# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: report_verdict
short_description: Why an audit of listen queues fails, as one sentence
version_added: 0.1.0
description:
  - Decides from what P(netops.listen_queue.findings#filter) returned whether an audit fails.
  - With V(critical) or V(warning) findings of at least that severity fail it, and so do hosts that were not audited and checks of at least
    that severity without a result, because unknown is not fine.
options:
  _input:
    description: The report model, also as read from a C(report.json).
    type: dict
    required: true
  fail_on:
    description: From which severity on the audit fails.
    type: str
    choices: [critical, warning, never]
    required: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Fail when a report that was written earlier holds something critical
  ansible.builtin.assert:
    that: verdict == ''
    fail_msg: "{{ verdict }}"
  vars:
    report: "{{ lookup('ansible.builtin.file', 'reports/report.json') | from_json }}"
    verdict: "{{ report | netops.listen_queue.report_verdict('critical') }}"
"""

RETURN = r"""
_value:
  description: The sentence; empty when the audit does not fail.
  type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.plain import NotPlain, plain
from ..plugin_utils.report.model import ReportError, check_report, verdict


def report_verdict(report: Any, fail_on: Any) -> str:
    """See DOCUMENTATION."""
    try:
        model = plain(report)
        check_report(model)
        if fail_on not in ("critical", "warning", "never"):
            raise ReportError("fail_on must be critical, warning or never, not %s" % fail_on)
        return verdict(model, plain(fail_on))
    except (NotPlain, ReportError) as error:
        raise AnsibleFilterError("report_verdict: %s" % error) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"report_verdict": report_verdict}
