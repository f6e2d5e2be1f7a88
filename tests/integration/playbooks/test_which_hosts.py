# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that changes hosts ends as failed when it was not told which, or when there are none; and so do roles that were told something they do not know.

No host is asked: a run that gets past the question tries to start the Python that the inventory names, and there is none.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INVENTORY = """
[web]
web1
[db]
db1
[all:vars]
ansible_connection=local
ansible_python_interpreter=/nonexistent/python
"""
CHANGING = ("tune", "commit", "rollback", "mitigate", "promote")
UNNAMED = "Say which hosts are meant, for example with -e target=web (or -e target=all). Nothing was changed."


@pytest.fixture
def run(tmp_path):
    """Run ansible-playbook; the code, and what it printed on one line."""
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(INVENTORY)
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "LC_ALL": "C.UTF-8"}

    def go(playbook, *arguments):
        command = [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, playbook, *arguments]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, " ".join(done.stdout.split())

    return go


def named(name):
    return ROOT / "playbooks" / f"{name}.yml"


@pytest.mark.parametrize("name", CHANGING)
def test_without_a_target_nothing_is_begun(run, name):
    code, output = run(named(name), "-e", "reason=why")
    assert (code, UNNAMED in output) == (2, True), output


REFUSED = {
    "empty": (("-e", "target="), UNNAMED),
    "limit_is_no_target": (("--limit", "web"), UNNAMED),
    "misspelt": (("-e", "target=wbe"), "No host that is meant by target=wbe is in the inventory. Nothing was changed."),
    "none_is_left": (("-e", "target=web:!web1"), "No host that is meant by target=web:!web1 is in the inventory. Nothing was changed."),
    "limit_leaves_others": (("-e", "target=web", "--limit", "db1"), "No host that is meant by target=web is in the inventory and among those of --limit db1. "),
}


@pytest.mark.parametrize("arguments, sentence", REFUSED.values(), ids=REFUSED)
def test_target_that_means_no_host_is_refused(run, arguments, sentence):
    code, output = run(named("commit"), "-e", "reason=why", *arguments)
    assert (code, sentence in output, "Read the journal" in output) == (2, True, False), output


BEGUN = {
    "group": (("-e", "target=web"), "web1"),
    "pattern": (("-e", "target=all:!db"), "web1"),
    "list": (("-e", '{"target": ["db"]}'), "db1"),
    "limited": (("-e", "target=all", "--limit", "db"), "db1"),
}


@pytest.mark.parametrize("arguments, host", BEGUN.values(), ids=BEGUN)
def test_hosts_that_are_meant_are_asked(run, arguments, host):
    code, output = run(named("commit"), "-e", "reason=why", *arguments)
    assert code == 2 and "Read the journal" in output and "/nonexistent/python" in output
    assert [name for name in ("web1", "db1") if f"fatal: [{name}]" in output] == [host]


def role(folder, name, tasks_from="main"):
    path = folder / "play.yml"
    path.write_text(
        "- hosts: web\n  gather_facts: false\n  tasks:\n"
        f"    - ansible.builtin.import_role: {{name: netops.listen_queue.{name}, tasks_from: {tasks_from}}}\n"
        "      vars: {backlog_tune_reason: why}\n"
    )
    return path


MISSPELT = {
    "tune": ("backlog_tune", "main", "backlog_tune_listen", "backlog_tune_listens"),
    "nginx": ("backlog_nginx", "main", "backlog_nginx_listen", "backlog_nginx_listens"),
    "sysctl": ("backlog_sysctl", "main", "backlog_sysctl_sysctls", "backlog_sysctl_values"),
    "audit": ("backlog_audit", "main", "backlog_audit_failon", "backlog_audit_fail_on"),
    "diagnose": ("backlog_audit", "diagnose", "backlog_audit_windows", "backlog_audit_window"),
    "saved": ("backlog_audit", "saved", "backlog_audit_form", "backlog_audit_from"),
}


@pytest.mark.parametrize("name, tasks, given, known", MISSPELT.values(), ids=MISSPELT)
def test_misspelt_variable_is_named(run, tmp_path, name, tasks, given, known):
    code, output = run(role(tmp_path, name, tasks), "-e", f"{given}=x")
    assert code == 2 and f"{name} has no variable {given}; it has " in output, output
    assert known in output.split("; it has ")[1].split('"')[0].split(", ")
    assert "/nonexistent/python" not in output
