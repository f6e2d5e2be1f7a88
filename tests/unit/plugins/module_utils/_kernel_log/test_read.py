# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel log: what is new in the window, and a log that may not be read, was overwritten, or does not end."""

import errno
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._kernel_log import read
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree, fail, fixture

LINE = b"6,%d,1000000,-;Possible SYN flooding on port 0.0.0.0:%d. Sending cookies.\n"


@pytest.fixture
def world(tmp_path):
    tree = Tree(tmp_path)
    tree.problems = Problems()
    return tree


def kernel_log(world, data=b""):
    world.log = world.file(read.PLACE, data)
    return read.KernelLog(world.proc, world.problems)


def floods(log):
    return {each["port"]: each["in_window"] for each in log.facts(set(range(65536)))["syn_flooding"]}


def test_what_comes_after_the_first_reading_is_in_the_window(world):
    log = kernel_log(world, LINE % (1, 80) + b" SUBSYSTEM=x\n" + LINE % (2, 81))
    log.read(is_in_window=False)
    with world.log.open("ab") as file:
        file.write(LINE % (3, 82))
    log.read(is_in_window=True)
    assert floods(log) == {80: False, 81: False, 82: True}
    log.close()
    assert (log.facts(()), world.problems.as_list()) == (None, [])


def test_record_in_two_pieces(world, monkeypatch):
    monkeypatch.setattr(read, "RECORD_BYTES", 7)
    log = kernel_log(world, LINE % (1, 80) + LINE % (2, 81))
    log.read(is_in_window=False)
    assert floods(log) == {80: False, 81: False}


def test_capture(world):
    log = kernel_log(world, fixture("debian12-6.18-kmsg.txt"))
    log.read(is_in_window=False)
    assert log.facts(())["conntrack_full"] == {"in_window": 0, "before": 2}


def answers(monkeypatch, *given):
    """What read(2) of /dev/kmsg gives, one record or error after the other."""
    rest = iter(given)

    def answer(_file, _size):
        found = next(rest)
        if isinstance(found, int):
            raise OSError(found, os.strerror(found))
        return found

    monkeypatch.setattr(read.os, "read", answer)


def test_records_that_were_overwritten_are_passed_over(world, monkeypatch):
    log = kernel_log(world)
    answers(monkeypatch, LINE % (1, 80), errno.EPIPE, LINE % (9, 81), errno.EAGAIN)
    log.read(is_in_window=True)
    assert (floods(log), world.problems.as_list()) == ({80: True, 81: True}, [])


def test_log_that_is_overwritten_all_the_time_ends(world, monkeypatch):
    log = kernel_log(world)
    answers(monkeypatch, *[errno.EPIPE] * read.MOST_OVERWRITTEN)
    log.read(is_in_window=True)
    assert [problem["code"] for problem in world.problems.as_list()] == ["kernel_log_long"]


def test_log_that_does_not_end(world, monkeypatch):
    log = kernel_log(world)
    seconds = iter(range(100))
    monkeypatch.setattr(read.time, "monotonic", lambda: next(seconds))
    answers(monkeypatch, *[LINE % (number, 80) for number in range(100)])
    log.read(is_in_window=False)
    assert world.problems.as_list() == [
        {
            "code": "kernel_log_long",
            "message": "the kernel log has more records than were read in the time that this may take; those after are not counted",
            "count": 1,
        }
    ]
    assert floods(log) == {80: False}


REFUSED = {"open": errno.EPERM, "absent": errno.ENOENT}


@pytest.mark.parametrize("number", REFUSED.values(), ids=REFUSED)
def test_log_that_cannot_be_opened(world, monkeypatch, number):
    fail(monkeypatch, "open", "dev/kmsg", number)
    log = kernel_log(world)
    log.read(is_in_window=False)
    log.close()
    assert log.facts(()) is None
    (problem,) = world.problems.as_list()
    assert problem["message"] == f"the kernel log cannot be read from /dev/kmsg: {os.strerror(number)}; become root (CAP_SYSLOG) on the host"
    assert world.problems.partial


def test_log_that_refuses_later(world, monkeypatch):
    log = kernel_log(world)
    answers(monkeypatch, errno.EPERM)
    log.read(is_in_window=False)
    log.read(is_in_window=True)
    assert (log.facts(()), [problem["code"] for problem in world.problems.as_list()]) == (None, ["kernel_log_unreadable"])
