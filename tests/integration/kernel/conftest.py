# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room: a child process with network and mount namespaces of its own."""

import functools
import importlib
import sys
import types
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
COLLECTION = "ansible_collections.netops.listen_queue"


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
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("kernel_modules", "kernel_rooms", "kernel_traffic", "kernel_view")


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
