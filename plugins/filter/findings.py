# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: Judge the listen queue facts of hosts by rules
version_added: 0.1.0
description:
  - Turns the facts of M(netops.listen_queue.listen_queue_facts) of any number of hosts into one report model, with rules that are data.
  - A field that is V(null) in the facts makes a rule's answer unknown, never quiet. A host without facts is in the report with its reason.
  - The order of everything in the result depends on nothing but its content.
positional: _input
options:
  _input:
    description:
      - The facts by host name. Each value is the result of the module, a mapping with the key C(ansible_facts), or the bare facts.
      - With O(variable), C(hostvars); then only that variable of each host is read, which is much faster than extracting it with Jinja.
    type: dict
    required: true
  hosts:
    description: Names of the hosts to take from C(hostvars). Used together with O(variable).
    type: list
    elements: str
  variable:
    description: The registered variable of each host that holds the module's result. Empty when the input is a dict of facts.
    type: str
    default: ""
  rules:
    description:
      - Rule documents with their source, as the lookup P(netops.listen_queue.rules#lookup) returns them.
      - A later one replaces an earlier one of the same id.
    type: list
    elements: dict
    required: true
  extra_rules:
    description: More rule documents, without a source. They come after O(rules).
    type: list
    elements: dict
    default: []
  skip_rules:
    description: Ids of rules to leave out.
    type: list
    elements: str
    default: []
  waivers:
    description: Accepted findings, each with a rule, a reason and the last day it counts. An expired one does not apply and is reported.
    type: list
    elements: dict
    default: []
  thresholds:
    description: Numbers that replace the built-in thresholds of the same name or add new ones for own rules.
    type: dict
    default: {}
  generated_at:
    description: The time of the report, UTC, such as V(2026-11-20T21:22:42Z). By default now.
    type: str
requirements:
  - jmespath (on the controller)
seealso:
  - module: netops.listen_queue.listen_queue_facts
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Show what the built-in rules say about the facts of this play's hosts
  ansible.builtin.debug:
    msg: "{{ hostvars | netops.listen_queue.findings(hosts=ansible_play_hosts_all, variable='result', rules=rules) }}"
  vars:
    rules: "{{ lookup('netops.listen_queue.rules') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The report model, schema 1.
  type: dict
  contains:
    schema:
      description: Version of this structure.
      type: int
    generated_at:
      description: UTC time of the report.
      type: str
    collection:
      description: Name and version of the collection that made it.
      type: dict
    thresholds:
      description: The thresholds that were used.
      type: dict
    rules:
      description: The rules that were used, with severity and source.
      type: list
      elements: dict
    hosts:
      description: Per host its status (audited, partial, unreachable or failed), the reason where it is not audited, and how much was seen.
      type: dict
    findings:
      description: What the rules found, by severity, rule, host, namespace and listener, with summary, because, evidence, fix and references.
      type: list
      elements: dict
    unknown:
      description: What could not be judged, by rule and missing fields, with the number of times and up to ten host names.
      type: list
      elements: dict
    queues:
      description: The up to 50 listeners with the most drops or the fullest queues, also those no rule found.
      type: list
      elements: dict
    not_sampled:
      description: Rules that looked at nothing on some hosts because no sample was taken.
      type: list
      elements: dict
    waived:
      description: Findings covered by a waiver.
      type: list
      elements: dict
    expired_waivers:
      description: Waivers past their last day, with the number of findings they would cover.
      type: list
      elements: dict
    unused_waivers:
      description: Waivers that covered nothing.
      type: list
      elements: dict
    diagnoses:
      description:
        - Why each listener drops connections or does not, the worst first. C(verdict), C(cause), C(severity), C(confidence), C(summary), C(because),
          C(evidence) and its C(sources), C(log) (lines of nginx's error logs), C(also), C(not_seen), C(unknown), C(fixes) in the order that helps, C(size)
          and C(references), with C(host), C(namespace), C(listener) and C(program).
      returned: when facts were gathered with O(netops.listen_queue.listen_queue_facts#module:diagnose=true)
      type: list
      elements: dict
    diagnosis_counts:
      description: Number of listeners by verdict.
      returned: like RV(_value.diagnoses)
      type: dict
    fleet:
      description: Hosts far above their peers, each with C(metric), C(value), C(peers_median), the number of C(peers), and a C(text).
      returned: like RV(_value.diagnoses)
      type: list
      elements: dict
    counts:
      description: Findings by severity, unknown by severity, waived, and hosts by status.
      type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.hosts import read_results
from ..plugin_utils.judge import JudgeError, judge
from ..plugin_utils.plain import NotPlain, plain


def findings(data: Any, rules: Any = None, hosts: Any = None, variable: str = "", **given: Any) -> dict[str, Any]:
    """See DOCUMENTATION. Raises AnsibleFilterError with one sentence."""
    try:
        return judge(_results(data, hosts, variable), rules, **given)
    except (*JudgeError, TypeError) as error:
        raise AnsibleFilterError("findings: %s" % error) from error


def _results(data: Any, hosts: Iterable[str] | None, variable: str) -> dict[str, Any]:
    """Host name -> plain result. Reads `variable` of `hosts` without templating all their other variables."""
    if not isinstance(data, Mapping):
        raise NotPlain("the input must be a mapping of host names to facts, or hostvars")
    if not variable:
        return {str(name): plain(data[name]) for name in data}
    return read_results(data, hosts or (), variable)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"findings": findings}
