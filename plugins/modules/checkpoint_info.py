#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: checkpoint_info
version_added: 0.2.0
short_description: Say what was changed on a host in checkpoints, when, by whom, and how to take it back
description:
  - Reads the journals of checkpoints that M(netops.listen_queue.checkpoint) opened on the host, those that have ended too, and returns what each change was
    before and after.
  - Changes nothing, and takes no lock.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.attributes.info
options:
  id:
    description:
      - Only this checkpoint.
    type: str
notes:
  - The journals are for root alone, because old versions of configuration files may hold passwords. None of their bytes is returned.
seealso:
  - module: netops.listen_queue.checkpoint
"""

EXAMPLES = r"""
- name: What is open, and what was changed lately
  netops.listen_queue.checkpoint_info:
  register: journal

- name: Nothing waits for somebody to act
  ansible.builtin.assert:
    that: journal.checkpoints | map(attribute='state') | intersect(['open', 'rolling_back', 'rollback_failed']) is falsy
"""

RETURN = r"""
checkpoints:
  description: The checkpoints of the host, the oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
      sample: 20260729T120000Z-4f2a
    state:
      description:
        - V(open), V(committed), V(rolled_back) or V(abandoned).
        - V(rolling_back) was interrupted and is finished by the next run. V(rollback_failed) has C(steps) in RV(checkpoints[].result) for somebody to do.
      type: str
      sample: open
    reason:
      description: Why it was opened.
      type: str
      sample: larger queues for the sale
    owner:
      description: Who opened it.
      type: str
      sample: alice@controller, play Tune
    opened_at:
      description: When, in UTC.
      type: str
      sample: "2026-07-29T12:00:00Z"
    rollback_after:
      description: Seconds from then on. C(null) when it has no deadline.
      type: int
      sample: 600
    seconds_left:
      description: Seconds until the host rolls back by itself. C(null) when it is not open or has no deadline.
      type: int
      sample: 412
    armed_by:
      description: What waits for the deadline, V(systemd), V(process), or V(next_run) of a module. C(null) when it has no deadline.
      type: str
      sample: systemd
    after_boot:
      description: What rolls back when the host boots before it is committed, V(unit) or V(next_run) of a module.
      type: str
      sample: unit
    undo_command:
      description: The command that takes everything back, to be run as root on the host.
      type: str
      sample: /usr/bin/python3 -I /var/lib/netops.listen_queue/checkpoints/20260729T120000Z-4f2a/undo.pyz
    changes:
      description: What was changed, in order.
      type: list
      elements: dict
      contains:
        module:
          description: By which module.
          type: str
          sample: netops.listen_queue.sysctl_dropin
        at:
          description: When, in UTC.
          type: str
          sample: "2026-07-29T12:00:03Z"
        state:
          description:
            - V(applied), V(undone), or V(conflict) when somebody else had changed something of it since.
            - V(prepared) is being made just now, or was interrupted.
          type: str
          sample: applied
        kind:
          description: V(file), V(folder), V(sysctl), V(socket), or V(nginx_reload).
          type: str
          sample: sysctl
        target:
          description: What was changed.
          type: str
          sample: /proc/sys/net/core/somaxconn
        netns:
          description: The inode of the network namespace of a sysctl or socket.
          type: int
          sample: 4026531840
        listen:
          description: Address and port of a socket, or its path.
          type: str
          sample: 0.0.0.0:80
        before:
          description: The value before. Of a file its digest, size, mode and owner. C(null) when it did not exist.
          type: raw
          sample: "128"
        after:
          description:
            - The value after, likewise.
            - Of a socket C(null), where its limit follows from the configuration at the next reload.
          type: raw
          sample: "4096"
    result:
      description:
        - How it ended, C(by) whom, C(at) what time, for what C(reason).
        - Of a rollback what became of each thing (C(changes)), what was kept because somebody else changed it (C(conflicts)), what could not be put
          back (C(failures)), and what is to be done by hand (C(steps)).
        - C(null) while it is open.
      type: dict
    problem:
      description: Why the journal cannot be read, as a sentence. C(null) when it can.
      type: str
"""

from ..module_utils._runner import run_info

ARGUMENT_SPEC = {"id": {"type": "str"}}


def gather(parameters):
    from ..module_utils._checkpoint.read import read_rows
    from ..module_utils._proc import ProcFS

    return {"checkpoints": read_rows(ProcFS("/proc"), "/var/lib/netops.listen_queue", parameters["id"])}


def main():
    run_info(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
