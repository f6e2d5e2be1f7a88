# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room (see ../kernel/kernel_rooms.py), with the real loaders of sysctl.d; see loaders.py."""

import functools
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
COLLECTION = "ansible_collections.netops.listen_queue"
RELEASES = os.environ.get("SYSCTL_RELEASES", "bullseye trixie").split()


def is_found_here():
    try:
        package = importlib.import_module(COLLECTION)
    except ImportError:
        return False
    return [Path(path) for path in package.__path__] == [ROOT]


def point_to_this_checkout():
    """Make ansible_collections.netops.listen_queue mean this checkout, whatever its folder is called."""
    for name in [name for name in sys.modules if name == COLLECTION or name.startswith(COLLECTION + ".")]:
        del sys.modules[name]
    for name, path in (("ansible_collections", None), ("ansible_collections.netops", None), (COLLECTION, ROOT)):
        if path is None and name in sys.modules:
            continue
        package = types.ModuleType(name)
        package.__path__ = [] if path is None else [str(path)]
        sys.modules[name] = package
        above, _dot, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, package)


if not is_found_here():
    point_to_this_checkout()
sys.path[:0] = [str(HERE), str(HERE.parent / "kernel")]
pytest.register_assert_rewrite("host", "kernel_rooms", "loaders", "random_trees")

_not_had = []


@pytest.fixture(scope="session")
def loaders(tmp_path_factory):
    """The loaders of this machine and of other releases. What cannot be had is named at the end of the run."""
    from loaders import of_release, of_this_machine

    found = of_this_machine(tmp_path_factory.mktemp("loaders"))
    for suite in RELEASES:
        done = subprocess.run([str(ROOT / "tools" / "releases.sh"), "loaders", suite], capture_output=True, text=True, check=False)
        found += of_release(suite)
        _not_had.extend(done.stderr.splitlines())
    return found


@pytest.fixture(scope="session")
def posix():
    """The directory of the collection ansible.posix. Where it cannot be had, the test that compares with it is named at the end."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "posix.py")], capture_output=True, text=True, check=False)
    if done.returncode:
        _not_had.extend(done.stderr.splitlines())
        pytest.skip(done.stderr)
    return done.stdout.strip()


def pytest_terminal_summary(terminalreporter):
    for sentence in _not_had:
        terminalreporter.write_line("NOT TESTED: " + sentence)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Call the test in a room; what it raised there is its failure here."""
    from kernel_rooms import ChildFailed, run_in_room

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    failure = None
    try:
        run_in_room(functools.partial(pyfuncitem.obj, **arguments))
    except ChildFailed as error:
        failure = str(error)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    return True
