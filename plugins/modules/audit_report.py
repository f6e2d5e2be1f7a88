#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: audit_report
short_description: Judge listen queue facts and write the reports
version_added: 0.1.0
description:
  - Turns the facts of all hosts of a play, or saved ones, into findings by rules, and writes reports on the controller.
  - The page C(report.html) needs no network and no other file.
  - Compares them with an earlier audit, when one is given, and tells what is new, resolved and changed.
  - Runs on the controller alone, once for all hosts, and reads the registered results straight from C(hostvars).
  - The role P(netops.listen_queue.backlog_audit#role) is the comfortable way to use it.
options:
  variable:
    description: Name of the variable in which the results of M(netops.listen_queue.listen_queue_facts) were registered.
    type: str
  hosts:
    description: Names of the hosts whose O(variable) is read. One without it is in the report as not audited.
    type: list
    elements: str
  saved:
    description: Instead of O(variable), a directory of saved facts (HOST.json), or one file of a whole audit.
    type: str
  directory:
    description: Directory on the controller for the files. It is made when it does not exist.
    type: str
    required: true
  mode:
    description: Mode of the files, in octal.
    type: str
    default: "0640"
  formats:
    description:
      - Which reports are written. V(json) is C(report.json) (see C(docs/report.schema.json)), V(markdown) C(report.md), V(html) C(report.html),
        V(csv) C(report.csv), V(junit) C(report.junit.xml) and V(prometheus) C(report.prom).
      - Files of an earlier audit that are not asked for now stay as they are.
    type: list
    elements: str
    choices: [json, markdown, html, csv, junit, prometheus]
    default: [json, markdown, html]
    version_added: 0.3.0
  save_facts:
    description: Whether to write the facts of all hosts to C(facts.json), too, for O(saved).
    type: bool
    default: false
  rule_dirs:
    description: Directories on the controller with rule files, after the rules of the collection.
    type: list
    elements: str
    default: []
  rules:
    description: More rules, written as in a rule file.
    type: list
    elements: dict
    default: []
  skip_rules:
    description: Ids of rules that are not used.
    type: list
    elements: str
    default: []
  waivers:
    description: Accepted findings, each with rule, reason and expires.
    type: list
    elements: dict
    default: []
  thresholds:
    description: Numbers that replace built-in thresholds, or new ones for own rules.
    type: dict
    default: {}
  baseline:
    description:
      - An earlier audit to compare with, its C(report.json), or its C(facts.json), which is judged by the same rules first.
      - Only what could be looked at both times is compared. One that cannot be read, or is of another schema, is an error before anything is written.
    type: str
    version_added: 0.3.0
  save_baseline:
    description:
      - File in which this audit is saved as a baseline.
      - It stays as it was in check mode, and when O(fail_on_drift) fails the audit.
    type: str
    version_added: 0.3.0
  fail_on:
    description: From which severity on RV(verdict) says that the audit fails.
    type: str
    choices: [critical, warning, never]
    default: never
  fail_on_drift:
    description: From which severity on RV(verdict) says that the audit fails because of findings that O(baseline) does not have.
    type: str
    choices: [critical, warning, never]
    default: never
    version_added: 0.3.0
  columns:
    description: Width of RV(table).
    type: int
    default: 92
  show:
    description:
      - Whether to print RV(table), in the colours that Ansible uses for such things, and without any where it uses none.
      - Where stdout belongs to a callback that does not print text, RV(table) is a part of the result that it shows.
    type: bool
    default: false
    version_added: 0.3.0
requirements:
  - jmespath (on the controller)
extends_documentation_fragment:
  - netops.listen_queue.attributes
attributes:
  check_mode:
    support: full
    details: The reports are written in check mode as well, since a report is no change of a host. O(save_baseline) is not.
  diff_mode:
    support: none
    details: Reports have no diff.
  platform:
    support: full
    platforms: posix
seealso:
  - module: netops.listen_queue.listen_queue_facts
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Read the listen queues
  netops.listen_queue.listen_queue_facts:
    namespaces: all
  register: result

- name: Judge them and write report.json, report.md and report.html into reports
  netops.listen_queue.audit_report:
    variable: result
    hosts: "{{ ansible_play_hosts_all }}"
    directory: reports
  run_once: true
  delegate_to: localhost

- name: Judge saved facts for a pipeline, which fails for what is worse than in the last release
  netops.listen_queue.audit_report:
    saved: reports/facts.json
    directory: reports
    formats: [json, junit]
    baseline: audits/last-release.json
    fail_on_drift: warning
  register: audit
  failed_when: audit.verdict | length > 0
"""

RETURN = r"""
files:
  description: Paths of the files that were written.
  returned: success
  type: list
  elements: str
  sample: [/home/me/reports/report.json, /home/me/reports/report.md, /home/me/reports/report.html]
table:
  description: The report for a terminal, line by line.
  returned: success
  type: list
  elements: str
verdict:
  description: Why the audit fails by O(fail_on), by O(fail_on_drift), or by both, as one sentence each. Empty when it does not.
  returned: success
  type: str
counts:
  description: Findings by severity, unknown by severity, waived, and hosts by status.
  returned: success
  type: dict
drift:
  description: New and resolved findings by severity, and the numbers of changed values and of findings that could not be judged again.
  returned: with O(baseline)
  type: dict
  sample: {new: {critical: 0, warning: 1, info: 0}, resolved: {critical: 0, warning: 0, info: 0}, changed: 3, not_judged: 0}
"""
