# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verdict on situations that are real on this kernel: each test makes one in a room of its own, gathers the facts, and judges.

Verdicts must not depend on luck: each test runs DIAGNOSIS_RUNS times (default 2), and `make test-verdicts` runs each 20 times in a
row. A table at the end tells how often each was right. Nothing is asserted about time but what the facts say.
"""

import functools
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from room_calls import call_in_room

HERE = Path(__file__).parent
RUNS = int(os.environ.get("DIAGNOSIS_RUNS", "2"))
CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds

sys.path[:0] = [str(HERE), str(HERE.parent / "nginx")]
pytest.register_assert_rewrite("diagnosis_load", "diagnosis_view", "diagnosis_wire", "nginx_server")
_outcomes = defaultdict(list)  # situation: [outcome of each run]


def pytest_generate_tests(metafunc):
    """Run every test of this folder so many times in a row."""
    metafunc.fixturenames.append("turn")
    metafunc.parametrize("turn", range(1, RUNS + 1))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    from nginx_server import furnished

    return call_in_room(pyfuncitem, functools.partial(furnished, None))


@pytest.fixture
def nginx(tmp_path):
    """A function that starts an nginx of the test's own and returns its Server (see ../nginx/conftest.py)."""
    from nginx_server import Starter

    return Starter(tmp_path)


@pytest.fixture
def cpu_quota():
    """A function that lets the calling process and its children have so much of one processor, and no more.

    The room is left when the fixture ends, so the cgroup is empty then.
    """
    folder = new_cgroup()
    if folder is None:
        pytest.skip("a CPU-throttled worker: no cgroup with a CPU quota can be made here (as root, below %s)" % CGROUPS)
    yield functools.partial(enter_cgroup, folder)
    remove(folder)


def new_cgroup():
    """The folder of a new cgroup that has a CPU quota, of version 1 or 2; None where it cannot be made."""
    for parent, quota in ((CGROUPS / "cpu", "cpu.cfs_quota_us"), (CGROUPS / "cpu,cpuacct", "cpu.cfs_quota_us"), (CGROUPS, "cpu.max")):
        folder = parent / ("listen-queue-test-%d" % os.getpid())
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / quota).exists():
            return folder
        folder.rmdir()
    return None


def enter_cgroup(folder, share):
    quota = int(PERIOD * share)
    if (folder / "cpu.max").exists():
        (folder / "cpu.max").write_text("%d %d" % (quota, PERIOD))
    else:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD))
        (folder / "cpu.cfs_quota_us").write_text(str(quota))
    (folder / "cgroup.procs").write_text("0")


def remove(folder):
    for _attempt in range(200):
        try:
            return folder.rmdir()
        except OSError:  # the last process of the room is still on its way out
            time.sleep(0.01)
    return folder.rmdir()


def pytest_runtest_logreport(report):
    path, _colons, name = report.nodeid.partition("::")
    if Path(path).parent.name == HERE.name and (report.when == "call" or report.outcome != "passed"):
        _outcomes[situation_of(name)].append(report.outcome)


def situation_of(name):
    """test_a_stalled_accepter[3-nginx] is a stalled accepter: nginx."""
    title, _bracket, rest = name.removeprefix("test_").partition("[")
    kind = rest.rstrip("]").partition("-")[2]
    return title.replace("_", " ") + (": " + kind if kind else "")


def pytest_terminal_summary(terminalreporter):
    if not _outcomes:
        return
    width = max(len(name) for name in _outcomes)
    terminalreporter.section("verdicts")
    for name, outcomes in _outcomes.items():
        wrong = outcomes.count("failed")
        text = "not tested" if set(outcomes) == {"skipped"} else "%d of %d right%s" % (outcomes.count("passed"), len(outcomes), "  WRONG" if wrong else "")
        terminalreporter.write_line("%-*s  %s" % (width, name, text))
