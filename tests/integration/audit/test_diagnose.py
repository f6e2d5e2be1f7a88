# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/diagnose.yml: hosts whose facts are given, hosts that do not answer, and this machine."""

import sys
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import situation

PLAYBOOK = Path(__file__).parents[3] / "playbooks" / "diagnose.yml"
STOPPED = {"worker": {"states": {"T": 1.0}}}


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 2), ("never", 0)])
def test_why_listeners_drop_and_who_does_not_answer(audit, fail_on, code):
    audit.answering("web1", {"changed": False, "listen_queue": situation(**STOPPED)})
    audit.answering("web2", {"changed": False, "listen_queue": situation()})
    audit.unreachable("web3")
    outcome = audit.run(playbook=PLAYBOOK, backlog_audit_fail_on=fail_on)
    assert outcome.code == code, outcome.output
    assert [(each["host"], each["cause"]) for each in outcome.report["diagnoses"]] == [("web1", "workers_stopped"), ("web2", "healthy")]
    assert outcome.statuses == {"web1": "audited", "web2": "audited", "web3": "unreachable"}
    assert "application_too_slow: workers_stopped" in outcome.output
    assert "$ kill -CONT 813" in outcome.output
    assert "## Diagnoses" in outcome.markdown


def test_this_machine(audit):
    """Whatever it does, each listener gets a verdict, and the window was as long as was asked for."""
    audit.hosts["localhost"] = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    outcome = audit.run(playbook=PLAYBOOK, backlog_audit_window=1)
    assert outcome.code == 0, outcome.output
    host = outcome.report["hosts"]["localhost"]
    assert host["sample_seconds"] >= 1
    assert len(outcome.report["diagnoses"]) == host["listeners"]


@pytest.mark.parametrize("window", ["soon", []])
def test_a_window_that_is_none(audit, window):
    audit.answering("web1", {"changed": False, "listen_queue": situation()})
    outcome = audit.run(playbook=PLAYBOOK, backlog_audit_window=window)
    assert outcome.code != 0
    assert "backlog_audit_window" in outcome.output
