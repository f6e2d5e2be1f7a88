# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import os
import signal
import subprocess

import pytest
from bench import command_of, journal, limits, name_of, playbook, unlike_prepared, wait_until

pytestmark = pytest.mark.sample("admin")


def test_host_rolls_back_after_its_controller_was_killed(host):
    command = command_of("tune", target=name_of(host), reason="the sale")
    controller = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: limits(host, 8080) == [5000])
    os.killpg(controller.pid, signal.SIGKILL)
    assert controller.wait() == -signal.SIGKILL
    wait_until(lambda: host.run("ls /var/lib/netops.listen_queue/checkpoints/*/head.rolled_back").rc == 0)
    wait_until(lambda: limits(host, 8080) == [128])
    assert unlike_prepared(host) == []


def test_journal_says_that_it_was_the_deadline(host):
    [row] = journal(host)
    assert (row["state"], row["armed_by"], row["result"]["by"]) == ("rolled_back", "systemd", "the deadline")


def test_commit_that_comes_too_late_says_so(host):
    run = playbook("commit", target=name_of(host), reason="late")
    assert run.code == 2 and "there is nothing to commit" in run.output and "is rolled_back" in run.output


@pytest.mark.only("admin")
def test_manual_commit_keeps_the_change(host):
    given = {"backlog_tune_watch": 0.5, "backlog_tune_rollback_after": 300}
    held = playbook("tune", target=name_of(host), reason="the sale", backlog_tune_commit="manual", **given)
    assert held.code == 0 and "waits for the playbook commit" in held.output
    again = playbook("tune", target=name_of(host), reason="another change", backlog_tune_listens=[{"listen": 8080, "backlog": 600}], **given)
    assert again.code == 2 and "the sale" in again.output
    assert playbook("commit", target=name_of(host), reason="it holds").code == 0
    assert [row["state"] for row in journal(host)] == ["rolled_back", "committed"]
    assert limits(host, 8080) == [5000]
