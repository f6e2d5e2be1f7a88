# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock: one run at a time, the other fails at once and says who is at work; a killed owner leaves nothing."""

import os
import signal

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import Busy
from ansible_collections.netops.listen_queue.plugins.module_utils._files.lock import locked, owner_in
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS

PROC = ProcFS("/proc")


@pytest.fixture
def folder(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock until it is killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with locked(os.open(tmp_path, os.O_RDONLY), PROC):
            os.write(writing, b"x")
            signal.pause()
    os.read(reading, 1)
    yield pid
    os.close(reading)
    os.close(writing)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_second_run_names_the_first_and_a_kill_frees_the_lock_f47(folder, other):
    name = PROC.read("%d/comm" % other).decode().strip()
    try:
        with pytest.raises(Busy) as error, locked(folder, PROC, "web1"):
            pass
        assert str(error.value) == f"another run is changing web1 (process {other}, {name}); wait until it has ended and run again"
    finally:
        kill(other)
    with locked(folder, PROC):
        pass


def test_lock_is_given_back(folder, tmp_path):
    with locked(folder, PROC):
        second = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(Busy), locked(second, PROC):
            pass
    with locked(second, PROC):
        pass
    os.close(second)


LINE = b"1: FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF\n"
LOCKS = {
    "held": (LINE, 812),
    "waited_for": (b"1: -> FLOCK  ADVISORY  WRITE 812 fe:01:1234 0 EOF\n", None),
    "other_file": (LINE.replace(b"1234", b"1235"), None),
    "other_device": (LINE.replace(b"fe:01", b"fe:02"), None),
    "other_kind": (LINE.replace(b"FLOCK", b"POSIX"), None),
    "of_another_pid_namespace": (LINE.replace(b"812", b"0"), None),
    "cut": (LINE[:30], None),
    "empty": (b"", None),
}


@pytest.mark.parametrize("text, pid", LOCKS.values(), ids=LOCKS)
def test_owner_in_proc_locks(text, pid):
    assert owner_in(text, 0xFE, 1, 1234) == pid
