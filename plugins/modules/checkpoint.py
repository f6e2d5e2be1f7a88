#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: checkpoint
version_added: 0.2.0
short_description: Make a group of changes that is committed as a whole, or that the host takes back by itself
description:
  - Opens a checkpoint on the host. Modules that are given its id write down what was there before they change it, and RV(checkpoint.undo_command)
    takes all of it back, byte for byte, in the order that works, with nothing but Python.
  - When nobody commits it within O(rollback_after) seconds, the host rolls back by itself, also when the controller and the connection are gone. It
    rolls back too when it boots meanwhile, before sysctls are set and nginx starts.
  - What somebody else changed in the meantime is never overwritten. It stays, and is reported as a conflict.
  - While a checkpoint is open, a run that does not name it changes nothing, so it is also the lease against a second controller.
  - A rollback puts files back, lets nginx read them again, restores the limits of live sockets and then sysctls, and looks at all of it once more. One
    that fails says what is left to do by hand, and nothing else may change the host until that is done.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
attributes:
  check_mode:
    support: full
    details: Nothing is opened, so RV(id) is C(null), and other tasks accept that as O(id) in check mode.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(open) opens one. There is at most one at a time.
      - V(committed) keeps the changes. It fails when they were rolled back already.
      - V(rolled_back) takes the changes back. That works for a committed checkpoint too, as long as its journal is kept.
      - V(abandoned) ends one whose rollback failed, after somebody did by hand what was left.
    type: str
    choices: [open, committed, rolled_back, abandoned]
    required: true
  id:
    description:
      - Which checkpoint. Required unless O(state=open), where it is made up when it is not given.
      - A checkpoint that is opened again under its id stays as it is.
    type: str
  reason:
    description:
      - Why, for those who find it later.
    type: str
    required: true
  rollback_after:
    description:
      - Seconds after which the host rolls back by itself, with O(state=open). V(0) means never, except when it boots.
      - Time is counted by the kernel, so that nobody's change of the clock matters.
    type: int
    default: 900
  owner:
    description:
      - Who, for those who find it later.
      - By default the user and the name of the controller, and the play.
    type: str
  fail:
    description:
      - End as failed after a good rollback, for use in C(rescue). The message has both reasons, that of the opening and that of the rollback.
    type: bool
    default: false
notes:
  - The journal is in C(/var/lib/netops.listen_queue/checkpoints), for root alone. Checkpoints that have ended are kept for 30 days, and at most five
    of them. They hold old versions of configuration files.
  - On a host with systemd the deadline is a transient timer, and a unit that exists only while a checkpoint is open rolls back at boot. Elsewhere
    a process waits for the deadline, and what a boot interrupted is rolled back by the next run of a module of this collection.
  - A run that was killed is looked at by the next one. Either all that it was to change is changed, or nothing.
  - M(netops.listen_queue.nginx_listen) and M(netops.listen_queue.nginx_reload) write down the limits of live sockets, so these come back too, whoever
    reloaded nginx. When somebody changed the configuration since, its limits are left to it.
seealso:
  - module: netops.listen_queue.checkpoint_info
"""

EXAMPLES = r"""
- name: Change, prove, keep
  block:
    - name: Open a checkpoint
      netops.listen_queue.checkpoint:
        state: open
        reason: larger queues for the sale
        rollback_after: 600
      register: opened

    - name: Let 4096 connections wait
      netops.listen_queue.sysctl_dropin:
        values:
          net.core.somaxconn: 4096
        checkpoint: "{{ opened.id }}"

    - name: Keep it
      netops.listen_queue.checkpoint:
        state: committed
        id: "{{ opened.id }}"
        reason: proven on the live sockets
  rescue:
    - name: Take everything back
      netops.listen_queue.checkpoint:
        state: rolled_back
        id: "{{ opened.id }}"
        reason: "{{ ansible_failed_result.msg }}"
        fail: true

- name: After a rollback that failed, and after what was left was done by hand
  netops.listen_queue.checkpoint:
    state: abandoned
    id: 20260729T120000Z-4f2a
    reason: the immutable flag of nginx.conf was taken away, and the old file copied back
"""

RETURN = r"""
id:
  description: The checkpoint. C(null) in check mode with O(state=open).
  returned: always
  type: str
  sample: 20260729T120000Z-4f2a
checkpoint:
  description:
    - What RV(netops.listen_queue.checkpoint_info#module:checkpoints) has about it.
    - C(null) in check mode with O(state=open).
  returned: always
  type: dict
  contains:
    undo_command:
      description: The command that takes everything back, to be run as root on the host.
      type: str
      sample: /usr/bin/python3 -I /var/lib/netops.listen_queue/checkpoints/20260729T120000Z-4f2a/undo.pyz
    state:
      description: V(open), V(committed), V(rolling_back), V(rolled_back), V(rollback_failed) or V(abandoned).
      type: str
      sample: open
notes:
  description: Sentences on what did not work as it should, for example when systemd did not take the timer.
  returned: always
  type: list
  elements: str
"""

from ..module_utils._runner import run_change

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["open", "committed", "rolled_back", "abandoned"], "required": True},
    "id": {"type": "str"},
    "reason": {"type": "str", "required": True},
    "rollback_after": {"type": "int", "default": 900},
    "owner": {"type": "str"},
    "fail": {"type": "bool", "default": False},
}


def change(parameters, is_check):
    from ..module_utils._checkpoint.control import act

    return act(parameters, is_check, "/proc", "/var/lib/netops.listen_queue")


def main():
    run_change(ARGUMENT_SPEC, change)


if __name__ == "__main__":
    main()
