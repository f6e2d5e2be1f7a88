# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a playbook from changing more hosts than it should. What it is good for is tried in molecule/canary."""

from pathlib import Path

import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
BATCHES = {"tune": [1, "10%", "50%"], "promote": [1, "10%", "50%"], "mitigate": [1, "100%"]}
CHANGING = (*BATCHES, "commit", "rollback")
GATE = {"name": "netops.listen_queue.backlog_tune", "tasks_from": "gate"}


def plays(name):
    return yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CHANGING)
def test_without_a_target_there_is_no_host(name):
    first, play = plays(name)
    assert (first["ansible.builtin.import_playbook"], play["hosts"]) == ("target.yml", "{{ target | default('nobody_was_named') }}")


@pytest.mark.parametrize("name", BATCHES)
def test_one_host_is_first_and_each_batch_begins_with_the_gate(name):
    play = plays(name)[1]
    assert (play["serial"], play["max_fail_percentage"]) == (BATCHES[name], 0)
    assert play["tasks"][0]["ansible.builtin.import_role"] == GATE
    assert set(play) <= {"name", "hosts", "serial", "max_fail_percentage", "gather_facts", "tasks"}
