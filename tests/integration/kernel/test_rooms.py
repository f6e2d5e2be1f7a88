# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms themselves: what the other tests rely on."""

import os
from pathlib import Path

import pytest
from kernel_rooms import ChildFailed, Program, netns, new_netns, run_in_room
from kernel_traffic import listen
from kernel_view import facts


def pids():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def test_a_room_starts_empty():
    assert pids() == [1, os.getpid()]
    assert os.listdir("/run/netns") == []
    assert facts(namespaces="all")["namespaces"][0]["listeners"] == []


def test_a_room_leaves_nothing_behind():
    before = pids()

    def leave_much():
        listen("127.0.0.1", 5)
        inner = Program(lambda: (new_netns(), os.fork())[0])
        assert inner.pid in pids()

    run_in_room(leave_much)
    assert pids() == before
    assert [namespace["netns"] for namespace in facts(namespaces="all")["namespaces"]] == [netns()]


def test_what_fails_in_a_room_is_told_with_its_traceback():
    def fail():
        raise OSError("the reason")

    with pytest.raises(ChildFailed) as failure:
        run_in_room(fail)
    assert "in fail\n" in str(failure.value)
    assert str(failure.value).rstrip().endswith("OSError: the reason")
    assert Path(__file__).name in str(failure.value)
