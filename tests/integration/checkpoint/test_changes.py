# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open, change, commit or roll back: what is there afterwards, and what is said about it."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._files.store import opened
from checkpoint_host import PORTS, PROC, STATE, SYSCTL_D, Host, refusal, without_packing
from kernel_rooms import drop_privileges, in_child, run, sysctl
from nginx_server import until


def everything(host: Host):
    """Change two sysctls now and for the boot, three listens in three files, reload, and one limit by hand."""
    host.sysctl()
    host.listen()
    host.reload()
    host.backlog("0.0.0.0:8083", 2000)


def prepared(host):
    before = host.prepare()
    assert host.limits() == [[511]] * 3
    host.open()
    return before


def test_all_kinds_of_changes_are_taken_back_byte_for_byte_f27(host):
    before = prepared(host)
    everything(host)
    assert host.limits() == [[1000], [1000], [2000]]
    assert sysctl("net.core.somaxconn") == 5000
    answer = host.checkpoint("rolled_back", reason="it did not help")
    assert (answer.changed, answer.failure) == (True, None)
    assert host.snapshot() == before
    assert host.limits() == [[511]] * 3
    assert host.leftovers() == []
    row = answer.values["checkpoint"]
    assert (row["state"], row["result"]["reason"], row["result"]["failures"]) == ("rolled_back", "it did not help", [])
    assert {each["state"] for each in row["changes"]} == {"undone"}


def test_committed_changes_stay_and_can_be_rolled_back_later(host):
    before = prepared(host)
    everything(host)
    after = host.snapshot()
    answer = host.checkpoint("committed")
    assert (answer.changed, answer.failure, answer.values["checkpoint"]["state"]) == (True, None, "committed")
    assert host.snapshot() == after
    assert host.checkpoint("committed").changed is False  # F45: twice
    assert host.checkpoint("rolled_back").changed is True
    assert host.snapshot() == before
    assert host.limits() == [[511]] * 3


def test_limits_come_back_before_the_sysctl_that_allows_them(host):
    sysctl("net.core.somaxconn", 128)
    listener = socket.create_server(("127.0.0.1", 9000), backlog=100)
    host.open()
    host.sysctl(values={"net.core.somaxconn": 5000})
    host.backlog("127.0.0.1:9000", 3000)
    host.checkpoint("rolled_back")
    assert [row["result"] for row in host.info()["result"]["changes"]] == ["restored"] * 3
    assert sysctl("net.core.somaxconn") == 128
    assert limit_of(9000) == 100
    listener.close()


def test_limit_above_the_old_sysctl_comes_back_before_it(host):
    """It is older than the sysctl's value: with that back first, listen(2) would give no more."""
    listener = socket.create_server(("127.0.0.1", 9000), backlog=1000)
    sysctl("net.core.somaxconn", 128)
    host.open()
    host.sysctl(values={"net.core.somaxconn": 5000})
    host.backlog("127.0.0.1:9000", 3000)
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    assert (sysctl("net.core.somaxconn"), limit_of(9000)) == (128, 1000)
    listener.close()


def limit_of(port):
    return int(run("ss", "-Hltn", "sport", "= :%d" % port).split()[2])


def test_limit_above_the_lowered_sysctl_comes_back_after_it(host):
    sysctl("net.core.somaxconn", 4000)
    listener = socket.create_server(("127.0.0.1", 9000), backlog=3000)
    host.open()
    host.backlog("127.0.0.1:9000", 100)
    host.sysctl(values={"net.core.somaxconn": 128})
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    assert (sysctl("net.core.somaxconn"), limit_of(9000)) == (4000, 3000)
    listener.close()


def test_stale_limit_of_nginx_comes_back_although_the_reload_sets_another(host):
    sysctl("net.core.somaxconn", 128)
    host.start("http { server { listen 8081 backlog=2000; } }\n", {})
    assert host.server.limits(8081) == [128]
    host.open()
    host.sysctl(values={"net.core.somaxconn": 5000})
    host.listen(backlog=3000)
    host.reload()
    assert host.server.limits(8081) == [3000]
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    assert (host.server.limits(8081), sysctl("net.core.somaxconn")) == ([128], 128)


def test_limit_that_was_set_after_a_reload_comes_back_over_both(host):
    sysctl("net.core.somaxconn", 128)
    host.start("http { server { listen 8081 backlog=2000; } }\n", {})
    host.open()
    host.sysctl(values={"net.core.somaxconn": 5000})
    host.listen(backlog=3000)
    host.reload()
    host.backlog("*:8081", 4000)
    assert host.checkpoint("rolled_back").failure is None
    assert host.info()["result"]["conflicts"] == []
    assert host.server.limits(8081) == [128]


def test_file_and_directory_that_were_not_there_are_gone_again_f27(host):
    SYSCTL_D.chmod(0o750)
    host.open()
    host.sysctl()
    assert [path.name for path in SYSCTL_D.iterdir()] == ["99-listen-queue.conf"]
    host.checkpoint("rolled_back")
    assert list(SYSCTL_D.iterdir()) == []
    assert stat.S_IMODE(SYSCTL_D.stat().st_mode) == 0o750


def test_mode_owner_and_attributes_come_back_f19(host):
    host.start()
    two = host.server.folder / "servers/two.conf"
    two.chmod(0o640)
    os.chown(two, 0, 4)
    os.setxattr(two, "user.note", b"keep me")
    before = host.snapshot()
    host.open()
    host.listen()
    host.checkpoint("rolled_back")
    assert host.snapshot() == before


def test_journal_is_for_root_alone_and_shows_no_bytes_of_files_f60(host):
    prepared(host)
    everything(host)
    for path in [Path(STATE), *Path(STATE).rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert "password" not in json.dumps(host.info())
    assert [(row["module"], row["kind"], row["before"], row["after"]) for row in host.info()["changes"] if row["kind"] == "sysctl"] == [
        ("sysctl_dropin", "sysctl", "700", "5000")
    ] * 2


def test_what_a_reload_made_of_sockets_is_told(host):
    prepared(host)
    everything(host)
    rows = [(row["module"], row["listen"], row["before"], row["after"]) for row in host.info()["changes"] if row["kind"] == "socket"]
    assert sorted(row[1:] for row in rows if row[0] == "nginx_reload") == [("0.0.0.0:%d" % port, 511, 1000) for port in PORTS]
    assert {row[3] for row in rows if row[0] == "nginx_listen"} == {None}  # it reloads nothing
    host.checkpoint("rolled_back")
    assert host.limits() == [[511]] * 3


def test_while_a_checkpoint_is_open_nobody_else_changes_anything_f47(host):
    host.open(reason="larger queues", owner="alice@controller, play Tune")
    before = host.snapshot()
    opened, host.id = host.id, None
    sentence = (
        "the checkpoint %s of alice@controller, play Tune (larger queues) is open since %s, and what changes meanwhile would not be rolled back with it; "
        "name it, or wait for its end" % (opened, control_of(opened)["opened_at"])
    )
    assert refusal(host.sysctl) == sentence
    assert refusal(host.sysctl, is_check=True) == sentence
    assert refusal(host.open) == sentence
    assert host.snapshot() == before


def control_of(identifier):
    host = Host(None)
    host.id = identifier
    return host.info()


def test_second_controller_is_told_at_once_f47(host):
    """Two runs at the same time: one has the lock, the other one fails and names it."""
    host.open()
    with opened(STATE, PROC):
        sentence = refusal(host.sysctl)
    assert sentence.startswith("another run is changing this machine (process %d, " % os.getpid())
    assert host.sysctl().changed


def test_opened_again_under_its_id_it_stays_as_it_is(host):
    host.open(id="CHG-17")
    assert host.open(id="CHG-17").changed is False
    host.checkpoint("committed")
    assert refusal(host.open, id="CHG-17").endswith("; choose another id")


WRONG = {
    "unknown_id_f45": ({"id": "nobody"}, "checkpoint: there is no nobody here; known are: %s (open)"),
    "no_id": ({"id": None}, "id: say which checkpoint is meant; opening it returned its id"),
    "path_f56": ({"id": "../../etc"}, "checkpoint: '../../etc' is no id; it is what the module checkpoint returned"),
}


@pytest.mark.parametrize("given, sentence", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("state", ["committed", "rolled_back", "abandoned"])
def test_wrong_id_ends_nothing_f45(host, state, given, sentence):
    host.open()
    assert refusal(host.checkpoint, state, **given) == (sentence % host.id if "%s" in sentence else sentence)
    assert host.found().state == "open"


def test_end_that_does_not_fit_is_refused(host):
    host.open()
    assert refusal(host.checkpoint, "abandoned").endswith("is open; only after a rollback that failed may it be abandoned")
    host.checkpoint("rolled_back", reason="it did not help")
    answer = host.checkpoint("committed")
    assert answer.changed is False
    assert answer.failure.startswith("the checkpoint %s is rolled back by " % host.id)
    assert answer.failure.endswith(" (it did not help), so there is nothing to commit")
    assert host.checkpoint("rolled_back").changed is False
    assert refusal(host.sysctl).startswith("checkpoint: the checkpoint %s is rolled back by " % host.id)
    assert refusal(host.open, rollback_after=-1) == "rollback_after: -1 seconds are over before they begin; 0 means no deadline"


def test_rescue_ends_as_failed_with_both_reasons(host):
    host.open(reason="larger queues")
    host.sysctl()
    answer = host.checkpoint("rolled_back", reason="drops went on", fail=True, owner="bob")
    assert answer.changed is True
    assert answer.failure.startswith("the checkpoint %s is rolled back by bob at " % host.id)
    assert answer.failure.endswith(" (drops went on); it had been opened for: larger queues")


def test_check_mode_writes_nothing_f52(host):
    before = host.snapshot()
    assert host.open(is_check=True).values == {"checkpoint": None, "id": None, "notes": []}
    assert not Path(STATE).exists()
    host.open()
    names = sorted(Path(STATE).rglob("*"))
    for state in ("committed", "rolled_back"):
        assert host.checkpoint(state, is_check=True).changed is True
    assert host.sysctl(is_check=True).changed is True
    assert sorted(Path(STATE).rglob("*")) == names
    assert host.snapshot() == before


def test_last_five_and_nothing_older_than_thirty_days_are_kept(host):
    without_packing()
    ids = []
    for _number in range(7):
        host.open()
        ids.append(host.id)
        host.checkpoint("committed")
    assert sorted(path.name for path in Path(STATE, "checkpoints").iterdir()) == sorted(ids[-6:])  # five, and the one that was opened then
    os.utime(Path(STATE, "checkpoints", ids[-1]), (0, 0))
    host.open()
    kept = {path.name for path in Path(STATE, "checkpoints").iterdir()}
    assert ids[-1] not in kept
    assert host.id in kept


def test_old_checkpoint_into_which_somebody_put_something_stays(host):
    without_packing()
    host.open()
    first, note = host.path, host.path / "notes"
    note.mkdir()
    (note / "mine").write_text("mine")
    host.checkpoint("committed")
    for _number in range(7):
        host.id = None
        warnings = host.open().warnings
        host.checkpoint("committed")
    sentence = "%s is old enough to be removed, but somebody put notes into it; remove it when that is not needed" % first
    assert warnings == (sentence,)
    assert (note / "mine").read_text() == "mine"
    assert len(os.listdir(first.parent)) == 7  # that one, five, and the one that was opened last


def test_changes_of_two_runs_of_one_file_go_back_over_both(host):
    host.start()
    before = host.snapshot()
    host.open()
    host.listen(backlog=1000)
    host.listen(backlog=2000)
    host.sysctl()
    host.sysctl(values={"net.core.somaxconn": 6000})
    assert host.checkpoint("rolled_back").failure is None
    assert host.snapshot() == before


def test_reload_by_somebody_else_is_taken_back_too(host):
    prepared(host)
    host.sysctl()
    host.listen()
    host.server.reload()
    assert host.limits() == [[1000]] * 3
    host.checkpoint("rolled_back")
    assert until(lambda: host.limits() == [[511]] * 3, "the old limits")


COUPLED = ("net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_port_range")


def test_values_that_depend_on_each_other_come_back_in_the_order_that_works_f43(host):
    """The local ports may not begin below the first unprivileged one: either order of writing is refused for one direction."""
    paths = [Path("/proc/sys", key.replace(".", "/")) for key in COUPLED]
    paths[1].write_text("40000 60000")
    paths[0].write_text("30000")
    before = [path.read_text().split() for path in paths]
    host.open()
    host.sysctl(values=dict(zip(COUPLED, (1024, "2000 60000"), strict=True)), allow=list(COUPLED))
    assert [path.read_text().split() for path in paths] == [["1024"], ["2000", "60000"]]
    host.sysctl(values={COUPLED[0]: 1500}, allow=list(COUPLED))
    answer = host.checkpoint("rolled_back")
    assert answer.failure is None
    assert [path.read_text().split() for path in paths] == before


def test_run_without_root_needs_no_folder(host):
    """Somebody's own nginx or program, where nobody else may look into the journals."""
    host.open()
    host.id = None

    def as_nobody():
        drop_privileges()
        with socket.create_server(("127.0.0.1", 9000), backlog=100):
            return host.backlog("127.0.0.1:9000", 200, pid=os.getpid()).changed

    assert in_child(as_nobody) is True
