# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room (see ../kernel/kernel_rooms.py), with the real loaders of sysctl.d; see loaders.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from room_calls import call_in_room, not_tested

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
RELEASES = os.environ.get("SYSCTL_RELEASES", "bullseye trixie").split()

sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("host", "loaders", "random_trees")


@pytest.fixture(scope="session")
def loaders(tmp_path_factory):
    """The loaders of this machine and of other releases. What cannot be had is named at the end of the run."""
    from loaders import of_release, of_this_machine

    found = of_this_machine(tmp_path_factory.mktemp("loaders"))
    for suite in RELEASES:
        done = subprocess.run([str(ROOT / "tools" / "releases.sh"), "loaders", suite], capture_output=True, text=True, check=False)
        found += of_release(suite)
        not_tested.extend(done.stderr.splitlines())
    return found


@pytest.fixture(scope="session")
def posix():
    """The directory of the collection ansible.posix. Where it cannot be had, the test that compares with it is named at the end."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "posix.py")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr)
    return done.stdout.strip()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return call_in_room(pyfuncitem)
