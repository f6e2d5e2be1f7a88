# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os
import re
import subprocess
import sys

import pytest
import testinfra
from bench import ROOT, limits, playbook, wait_until

sys.path.insert(0, str(ROOT / "tools"))
import cores

HOSTS = ("host1", "host2", "host3")
PYTHONS = cores.find_pythons()
TESTED = (cores.CORES[0], cores.CORES[-1])
# Does not accept, and drops a connection as soon as a change of the host was committed.
DROPPING = """
import glob, socket, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 6379))
listener.listen(2)
while not glob.glob("/var/lib/netops.listen_queue/checkpoints/tune-*/head.committed"):
    time.sleep(0.01)
clients = [socket.socket() for number in range(6)]
for client in clients:
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", 6379))
for client in clients[:4]:
    listener.accept()
time.sleep(600)
"""
OF_HOST1 = "{{ [{'listen': '127.0.0.1:6379', 'backlog': 4}] if inventory_hostname == 'host1' else [] }}"
SHOP = [{"listen": "0.0.0.0:8080", "backlog": 5000}]
BROKEN = "{{ 'http://127.0.0.1:9090/broken' if inventory_hostname == 'host2' else '' }}"


def container(name):
    return "listen-queue-%s-canary-%s" % (os.environ.get("TEST_RUN", "0"), name)


def engine(*arguments):
    subprocess.run([ROOT / "tools" / "engine.sh", *arguments], check=True, stdout=subprocess.DEVNULL)


def all_limits():
    return {name: limits(testinfra.get_host("podman://" + container(name)), 8080) for name in HOSTS}


def cores_of(sample):
    """The test runs with both cores when TEST_ALL is set, else with one of them."""
    tested = TESTED if os.environ.get("TEST_ALL") else [sample]
    return pytest.mark.parametrize("core", tested, ids=[core.version for core in tested], indirect=True)


@pytest.fixture
def reconnects(monkeypatch):
    """Each task connects anew. Over a connection that was open a host that is gone is one that does not answer, and fails."""
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-o ControlMaster=no")


@pytest.fixture
def core(request):
    """The folder of an ansible-core. Afterwards all hosts are as they were prepared."""
    yield cores.environment_of(request.param, PYTHONS)
    assert playbook("rollback", target="all", reason="the next test").code == 0
    assert all_limits() == everywhere(128)


def everywhere(limit):
    return {name: [limit] for name in HOSTS}


@cores_of(TESTED[0])
def test_second_host_fails_its_proof_and_the_third_is_not_begun(core):
    run = playbook("tune", core=core, target="all", reason="the sale", backlog_tune_url=BROKEN)
    assert run.code == 2, run.output
    assert all_limits() == {"host1": [5000], "host2": [128], "host3": [128]}
    assert "host3" not in run.recap()


@cores_of(TESTED[1])
def test_second_host_vanishes_and_the_third_is_not_begun(core, reconnects):
    engine("pause", container("host2"))
    try:
        run = playbook("tune", "--timeout", "5", core=core, target="all", reason="the sale")
    finally:
        engine("unpause", container("host2"))
    assert run.code != 0, run.output
    assert all_limits() == {"host1": [5000], "host2": [128], "host3": [128]}
    assert run.recap()["host2"]["unreachable"] == 1


@cores_of(TESTED[0])
def test_first_host_vanishes_and_no_other_is_begun(core, reconnects):
    engine("pause", container("host1"))
    try:
        runs = [playbook(name, "--timeout", "5", core=core, target="all", reason="the sale") for name in ("tune", "mitigate", "promote")]
    finally:
        engine("unpause", container("host1"))
    assert [(run.code != 0, list(run.recap())) for run in runs] == [(True, ["host1", "localhost"])] * 3, runs
    assert all_limits() == everywhere(128)


@cores_of(TESTED[1])
def test_one_host_of_a_batch_vanishes_and_the_next_batch_is_not_begun(core, tmp_path):
    """Ansible itself would go on. Of six hosts the third to fifth are one batch."""
    more = {"again": {"ansible_host": container("host1")}, "gone1": {"ansible_host": "gone"}, "gone2": {"ansible_host": "gone"}}
    inventory = tmp_path / "more.yml"
    inventory.write_text(json.dumps({"all": {"hosts": more}}), encoding="utf-8")
    run = playbook("tune", "--inventory", str(inventory), core=core, target="host1,again,host2,gone1,gone2,host3", reason="the sale")
    assert run.code != 0 and "gone1, gone2 failed or was lost, so this host stays as it is" in run.output, run.output
    assert all_limits() == {"host1": [5000], "host2": [5000], "host3": [128]}


@cores_of(TESTED[1])
def test_first_host_vanishes_after_its_proof_and_no_other_is_begun(core, reconnects):
    leave = "until ls /var/lib/netops.listen_queue/checkpoints/mitigate-*/head.committed; do sleep 0.01; done; mv /usr/sbin/sshd /usr/sbin/sshd.away"
    engine("exec", container("host1"), "systemd-run", "--unit=leaving", "--collect", "sh", "-c", leave)
    try:
        run = playbook("mitigate", "--timeout", "5", core=core, target="all", reason="the sale", backlog_tune_sockets=SHOP)
    finally:
        engine("exec", container("host1"), "mv", "/usr/sbin/sshd.away", "/usr/sbin/sshd")
    assert run.code == 2 and "host1 was proven before, but cannot be reached any more: " in run.output, run.output
    assert all_limits() == {"host1": [5000], "host2": [128], "host3": [128]}


@cores_of(TESTED[1])
def test_first_host_drops_packets_after_its_proof_and_no_other_is_begun(core):
    engine("exec", container("host1"), "systemd-run", "--unit=dropping", "--collect", "python3", "-c", DROPPING)
    wait_until(lambda: limits(testinfra.get_host("podman://" + container("host1")), 6379) == [2])
    try:
        run = playbook("tune", core=core, target="all", reason="the sale", backlog_tune_sockets=OF_HOST1)
    finally:
        engine("exec", container("host1"), "systemctl", "stop", "dropping")
    assert run.code == 2, run.output
    assert re.search(r"host1 was proven before, but .*127.0.0.1:6379 has dropped \d+ packets since the earlier look", run.output), run.output
    assert all_limits() == {"host1": [5000], "host2": [128], "host3": [128]}


@cores_of(TESTED[1])
def test_all_hosts_are_changed_when_nothing_fails(core):
    run = playbook("tune", core=core, target="all", reason="the sale")
    assert run.code == 0, run.output
    assert all_limits() == everywhere(5000)
    listed = playbook("checkpoints", core=core)
    assert "committed on host1, host2, host3" in listed.output
