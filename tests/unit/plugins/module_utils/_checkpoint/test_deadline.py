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


def test_systemd_is_known_by_its_directory(tmp_path):
    assert not deadline.has_systemd(str(tmp_path))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert deadline.has_systemd(str(tmp_path))
