# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit that rolls back at boot: which files it is made of, and what stands in the way."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import deadline
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.entry import Clock, Head
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS

HEAD = Head("x", "why", "alice", "2026-07-29T12:00:00Z", Clock("boot-1", 100.0), 600, "/usr/bin/python3", 7)
UNITS = "etc/systemd/system"


def plan(root):
    return deadline.boot_plan(ProcFS("/proc"), HEAD, "/var/lib/x", str(root))


@pytest.mark.parametrize("has_folder", [False, True])
def test_unit_and_what_starts_it(tmp_path, has_folder):
    (tmp_path / UNITS).mkdir(parents=True)
    if has_folder:
        (tmp_path / UNITS / "sysinit.target.d").mkdir()
    changes = plan(tmp_path).changes
    kinds = ["file", "file"] if has_folder else ["file", "folder", "file"]
    assert [change.kind for change in changes] == kinds
    assert [change.target.path for change in changes if change.kind == "file"] == [
        "/etc/systemd/system/netops-listen-queue-rollback.service",
        "/etc/systemd/system/sysinit.target.d/50-netops-listen-queue.conf",
    ]
    text = changes[0].after.data.decode()
    assert "ExecStart=/usr/bin/python3 -I /var/lib/x/undo.pyz --boot\n" in text
    assert "Before=sysinit.target systemd-sysctl.service nginx.service\n" in text
    assert {change.before for change in changes} == {None}


def test_no_directory_for_units(tmp_path):
    with pytest.raises(WriteError, match=r"^/etc/systemd/system/netops-listen-queue-rollback.service: No such file or directory"):
        plan(tmp_path)


def test_process_that_cannot_be_made_is_a_problem_and_no_error(tmp_path, monkeypatch):
    def run(*_arguments):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(deadline, "run", run)
    by, problems = deadline.arm(ProcFS("/proc"), HEAD, "/var/lib/x", 5, str(tmp_path))
    assert (by, len(problems)) == ("next_run", 1)
    assert problems[0] == ("no process could be left to wait for the time to be over (Resource temporarily unavailable); the next run looks at it")


UNIT_OF_ANOTHER = b"[Unit]\n"


def test_only_a_unit_of_ours_is_stale(tmp_path):
    assert deadline.stale_plan(str(tmp_path)).changes == ()
    (tmp_path / UNITS / "sysinit.target.d").mkdir(parents=True)
    paths = ("/etc/systemd/system/netops-listen-queue-rollback.service", "/etc/systemd/system/sysinit.target.d/50-netops-listen-queue.conf")
    changes = deadline.boot_plan(ProcFS("/proc"), HEAD, "/var/lib/x", str(tmp_path)).changes
    for change in changes:
        (tmp_path / change.target.path.lstrip("/")).write_bytes(change.after.data)
    stale = deadline.stale_plan(str(tmp_path)).changes
    assert [(change.kind, change.target.path, change.after) for change in stale] == [
        ("file", paths[0], None),
        ("file", paths[1], None),
        ("folder", "/etc/systemd/system/sysinit.target.d", None),
    ]
    for path in paths:
        (tmp_path / path.lstrip("/")).write_bytes(UNIT_OF_ANOTHER)
    assert deadline.stale_plan(str(tmp_path)).changes == ()


@pytest.mark.parametrize("identifier", ["CHG-17", "a.service", "a.timer"])
def test_timer_is_stopped_by_the_name_that_it_was_given(tmp_path, monkeypatch, identifier):
    """systemd-run takes a name that ends as that of a unit does for a whole one."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    commands = []
    monkeypatch.setattr(deadline, "_of_systemd", lambda _proc, *command: commands.append(command))
    deadline.arm(ProcFS("/proc"), HEAD._replace(id=identifier), "/var/lib/x", 5, str(tmp_path))
    deadline.disarm(ProcFS("/proc"), identifier, str(tmp_path))
    name = "netops-listen-queue-rollback-%s.timer" % identifier
    assert [command[0] for command in commands] == ["systemd-run", "systemctl"]
    assert "--unit=" + name in commands[0][1]
    assert commands[1][1][-1] == name


def test_systemd_is_known_by_its_directory(tmp_path):
    assert not deadline.has_systemd(str(tmp_path))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert deadline.has_systemd(str(tmp_path))
