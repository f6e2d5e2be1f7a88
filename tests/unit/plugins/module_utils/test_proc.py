# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of a procfs in which things vanish or are denied, at every system call."""

import errno
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fail


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "7" / "task" / "9").mkdir(parents=True)
    (tmp_path / "7" / "task" / "10").mkdir()
    (tmp_path / "7" / "task" / "self").mkdir()
    (tmp_path / "7" / "stat").write_bytes(b"7 (x) S\n")
    (tmp_path / "7" / "large").write_bytes(b"0123456789" * 20000)
    (tmp_path / "7" / "net").symlink_to("net:[5]")
    return ProcFS(str(tmp_path))


# method, name, answer, answer when it vanished
READS = {
    "read": ("read", "7/stat", b"7 (x) S\n", None),
    "read_large": ("read", "7/large", b"0123456789" * 20000, None),
    "link": ("link", "7/net", "net:[5]", None),
    "numbers": ("numbers", "7/task", [9, 10], []),
}
CALLS = {"read": "open", "link": "readlink", "numbers": "listdir", "status": "stat"}


@pytest.mark.parametrize("method, name, answer, _gone", READS.values(), ids=READS)
def test_answer(proc, method, name, answer, _gone):
    assert getattr(proc, method)(name) == answer


def test_status(proc):
    assert proc.status("7/stat").st_size == 8


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESRCH])
@pytest.mark.parametrize("method, gone", [("read", None), ("link", None), ("numbers", []), ("status", None)])
def test_vanished(proc, monkeypatch, method, gone, number):
    fail(monkeypatch, CALLS[method], "7/x", number)
    assert getattr(proc, method)("7/x") == gone


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
@pytest.mark.parametrize("method", CALLS)
def test_denied(proc, monkeypatch, method, number):
    fail(monkeypatch, CALLS[method], "7/x", number)
    with pytest.raises(PermissionError):
        getattr(proc, method)("7/x")


@pytest.mark.parametrize("number, answer", [(errno.ESRCH, None), (errno.ENOENT, None), (errno.EACCES, PermissionError)])
def test_process_that_ends_between_open_and_read(proc, monkeypatch, number, answer):
    closed = []
    close = os.close

    def reading(_fd, _size):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "read", reading)
    monkeypatch.setattr(os, "close", lambda fd: closed.append(fd) or close(fd))
    if answer is None:
        assert proc.read("7/stat") is None
    else:
        with pytest.raises(answer):
            proc.read("7/stat")
    assert len(closed) == 1
