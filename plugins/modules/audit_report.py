#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: audit_report
short_description: Judge listen queue facts and write the reports
version_added: 0.1.0
description:
  - Turns the facts of all hosts of a play, or saved ones, into findings by rules, and writes C(report.json), C(report.md) and C(report.html)
    on the controller. The page needs no network and no other file.
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
  fail_on:
    description: From which severity on RV(verdict) says that the audit fails.
    type: str
    choices: [critical, warning, never]
    default: never
  columns:
    description: Width of RV(table).
    type: int
    default: 92
requirements:
  - jmespath (on the controller)
extends_documentation_fragment:
  - netops.listen_queue.attributes
attributes:
  check_mode:
    support: full
    details: The files are written in check mode as well, since a report is no change of a host.
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
  description: Why the audit fails by O(fail_on), as one sentence. Empty when it does not.
  returned: success
  type: str
counts:
  description: Findings by severity, unknown by severity, waived, and hosts by status.
  returned: success
  type: dict
"""
