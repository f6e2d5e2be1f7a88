# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests follow each other."""

import tarfile

import pytest
from bench import FOLDER, ROOT, journal, limits, name_of, playbook, unlike_prepared

pytestmark = pytest.mark.sample("plain")
ARCHIVE = ROOT / "tests" / "fixtures" / "releases" / "netops-listen_queue-0.1.0.tar.gz"
MORE = [{"listen": 8080, "backlog": 5500}]


@pytest.fixture(scope="module")
def earlier():
    """The folder of the earlier state, unpacked where Ansible finds it."""
    folder = FOLDER / "earlier" / "ansible_collections" / "netops" / "listen_queue"
    if not folder.exists():
        folder.mkdir(parents=True)
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
    return folder


def changed(run, host):
    assert run.code == 0, run.output
    return run.recap()[name_of(host)]["changed"] > 0


def test_upgrade_finds_nothing_to_change(host, earlier):
    assert changed(playbook("tune", collection=earlier, target=name_of(host), reason="the sale"), host)
    assert not changed(playbook("tune", target=name_of(host), reason="the sale"), host)


def test_downgrade_finds_nothing_to_change_and_reads_the_journal(host, earlier):
    assert changed(playbook("tune", target=name_of(host), reason="more", backlog_tune_listens=MORE), host)
    assert not changed(playbook("tune", collection=earlier, target=name_of(host), reason="more", backlog_tune_listens=MORE), host)
    listed = playbook("checkpoints", collection=earlier, target=name_of(host))
    assert listed.code == 0 and ": more" in listed.output and ": the sale" in listed.output


def test_each_rolls_back_what_the_other_did(host, earlier):
    assert changed(playbook("rollback", collection=earlier, target=name_of(host), reason="too much"), host)
    assert limits(host, 8080) == [5000]
    assert [(row["state"], row["problem"]) for row in journal(host)] == [("committed", None), ("rolled_back", None)]
    assert changed(playbook("rollback", target=name_of(host), reason="it is over"), host)
    assert unlike_prepared(host) == [] and limits(host, 8080) == [128]
