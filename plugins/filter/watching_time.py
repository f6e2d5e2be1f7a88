# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Ansible reads the documentation above the imports)
from __future__ import annotations

DOCUMENTATION = r"""
name: watching_time
short_description: How long an audit watches its hosts, as one sentence
version_added: 0.3.0
description:
  - While hosts watch their queues nothing is printed. This says beforehand how long that takes.
options:
  _input:
    description: Seconds that each host watches its queues.
    type: float
    required: true
  hosts:
    description: Number of hosts.
    type: int
    required: true
  forks:
    description: How many of them are watched at the same time.
    type: int
    required: true
author:
  - netops.listen_queue authors (@netops)
"""

EXAMPLES = r"""
- name: Say how long it takes
  ansible.builtin.debug:
    msg: "{{ 10 | netops.listen_queue.watching_time(ansible_play_hosts | length, ansible_forks) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The sentence.
  type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError


def watching_time(seconds: Any, hosts: Any, forks: Any) -> str:
    """See DOCUMENTATION."""
    try:
        each, number, together = float(seconds), int(hosts), max(1, int(forks))
    except (TypeError, ValueError) as error:
        raise AnsibleFilterError("watching_time: seconds, hosts and forks must be numbers: %s" % error) from error
    text = "%d host%s watched for %s" % (number, " is" if number == 1 else "s are", _duration(each))
    rounds = -(-number // together)
    return text + (" each, %d at a time: %s or more in all." % (together, _duration(rounds * each)) if rounds > 1 else ".")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return "%g second%s" % (round(seconds, 1), "" if seconds == 1 else "s")
    return "%d minutes" % round(seconds / 60)


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"watching_time": watching_time}
