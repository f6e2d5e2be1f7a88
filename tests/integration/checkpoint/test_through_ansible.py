# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play of users' own: what it changes in a checkpoint is committed, or taken back by its rescue, which ends as failed with both reasons."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkpoint_host import KEYS, STATE, SYSCTL_D, Host
from kernel_rooms import sysctl
from own_ansible import environment_below

PLAY = """
- name: Tune the shop
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/netops.listen_queue.listen_queue:
      checkpoint: "{{ opened.id | default(omit) }}"
  tasks:
    - name: Change and prove
      block:
        - name: Open
          netops.listen_queue.checkpoint:
            state: open
            id: IDENTIFIER
            reason: larger queues
            rollback_after: 600
            checkpoint: "{{ omit }}"
          register: opened
        - name: Raise
          netops.listen_queue.sysctl_dropin:
            values:
              net.core.somaxconn: 5000
            loader: systemd-sysctl
        - name: Prove
          ansible.builtin.assert:
            that: WANTED
            fail_msg: drops go on
            quiet: true
        - name: Commit
          netops.listen_queue.checkpoint:
            state: committed
            id: "{{ opened.id }}"
            reason: proven
            checkpoint: "{{ omit }}"
      rescue:
        - name: Take back
          netops.listen_queue.checkpoint:
            state: rolled_back
            id: "{{ opened.id }}"
            reason: "{{ ansible_failed_result.msg }}"
            fail: true
            checkpoint: "{{ omit }}"
"""


def play(folder, wanted, *options):
    """Run the play on this machine; return its exit code and output."""
    (folder / "play.yml").write_text(PLAY.replace("WANTED", wanted).replace("IDENTIFIER", '"{{ omit }}"' if options else "play"))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", "play.yml", *options]
    with tempfile.TemporaryDirectory(prefix="lq-play-") as short:
        environment = environment_below(folder, TMPDIR=short, ANSIBLE_NOCOLOR="1", ANSIBLE_PYTHON_INTERPRETER=sys.executable)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=28, check=False)
    return done.returncode, done.stdout + done.stderr


def ended(host: Host):
    host.id = "play"
    return host.info()


def test_play_commits(host):
    sysctl(KEYS[0], 700)
    code, output = play(host.folder, "true")
    assert code == 0, output
    assert sysctl(KEYS[0]) == 5000
    row = ended(host)
    assert (row["state"], row["reason"], row["result"]["reason"]) == ("committed", "larger queues", "proven")
    assert row["owner"].endswith("@%s, play Tune the shop" % os.uname().nodename)
    assert {change["module"] for change in row["changes"]} == {"netops.listen_queue.sysctl_dropin"}
    assert host.undo().returncode == 0
    assert (sysctl(KEYS[0]), list(SYSCTL_D.iterdir())) == (700, [])


def test_rescue_takes_back_and_fails_with_both_reasons(host):
    sysctl(KEYS[0], 700)
    code, output = play(host.folder, "false")
    assert code == 2, output
    words = " ".join(output.split())
    assert "(drops go on); it had been opened for: larger queues" in words
    assert ended(host)["state"] == "rolled_back"
    assert (sysctl(KEYS[0]), list(SYSCTL_D.iterdir())) == (700, [])


def test_check_mode_runs_to_its_end_and_opens_nothing(host):
    sysctl(KEYS[0], 700)
    code, output = play(host.folder, "true", "--check")
    assert code == 0, output
    assert (sysctl(KEYS[0]), list(SYSCTL_D.iterdir()), Path(STATE).exists()) == (700, [], False)
