# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the programs of plugin_utils/programs/table.py in rooms, with their default settings, and looks at their sockets.

Nothing is installed for it: tools/releases.sh unpacks the packages of a Debian release, TEST_PROGRAMS (trixie), which run in a root of
their own (see programs_room.py). Redis, Node.js and Java are those of this machine, servers for Python are those of .venv.

A test has the argument ``case``, whose ``place`` says where its program is from, and ``room``, a Room to start it in.
"""

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest
from debian_releases import unpacked
from room_calls import call_in_room, not_tested

HERE = Path(__file__).parent
SUITE = os.environ.get("TEST_PROGRAMS", "trixie")
NOBODY = 65534
MACHINE_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("programs_room", "programs_cases")


@pytest.fixture(scope="session")
def debian():
    """The folder with the programs of the Debian release."""
    return unpacked("programs", SUITE)


def may_become_another_user():
    """Not where root is the only user of a user namespace."""
    ranges = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return os.geteuid() == 0 and any(int(first) <= NOBODY < int(first) + int(number) for first, _outside, number in ranges)


@pytest.fixture
def root(case, request):
    """The root in which the program of the case runs; None for this machine's own. Skips what cannot be had."""
    from programs_cases import DEBIAN, MACHINE

    if case.as_another_user and not may_become_another_user():
        pytest.skip("%s is not tested by a user: it needs root to become another user" % case.program)
    if case.place == DEBIAN:
        return request.getfixturevalue("debian")
    if case.place == MACHINE and not shutil.which(case.command[0], path=MACHINE_PATH):
        pytest.skip("%s is not tested: there is no %s on this machine" % (case.program, case.command[0]))
    return None


@pytest.fixture
def room(tmp_path, root):
    from programs_room import Room

    return Room(tmp_path, root)


@pytest.fixture(scope="session", autouse=True)
def _unseen():
    from programs_cases import unseen

    not_tested.append("the backlogs of %s: the table of programs has them from their sources, or from one look by hand" % ", ".join(unseen()))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    from programs_room import furnished

    return call_in_room(pyfuncitem, functools.partial(furnished, pyfuncitem.funcargs.get("root")))
