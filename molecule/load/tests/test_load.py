# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import contextlib
import json
import subprocess
from pathlib import Path

import pytest
from bench import ROOT, limits, name_of, playbook

pytestmark = pytest.mark.sample("admin")
CLIENTS = Path(__file__).parents[1] / "clients.py"


@contextlib.contextmanager
def clients_of(host):
    """Clients on the host ask as long as the block lasts; its value then has "good" and "failed"."""
    program = CLIENTS.read_text(encoding="utf-8")
    command = [ROOT / "tools" / "engine.sh", "exec", "-i", host.backend.name, "python3", "-c", program]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    counted = {}
    try:
        yield counted
    finally:
        counted.update(json.loads(running.communicate("stop\n", timeout=60)[0]))


def test_no_request_fails_while_the_host_is_tuned_and_rolled_back(host):
    with clients_of(host) as counted:
        assert playbook("tune", target=name_of(host), reason="the sale").code == 0
        assert [limits(host, port) for port in (8080, 9090)] == [[5000], [5000]]
        assert playbook("rollback", target=name_of(host), reason="the sale is over").code == 0
        assert [limits(host, port) for port in (8080, 9090)] == [[128], [128]]
    assert counted["failed"] == {} and counted["good"] > 500, counted


@pytest.mark.only("admin")
def test_clients_would_have_noticed_a_restart(host):
    with clients_of(host) as counted:
        for attempt in range(5):
            host.check_output("systemctl reset-failed nginx; systemctl restart nginx; echo %s", str(attempt))
    assert sum(counted["failed"].values()) > 0, counted
