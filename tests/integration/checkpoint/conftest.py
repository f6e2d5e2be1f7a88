# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room (see ../kernel/kernel_rooms.py) with the real nginx, and private places for all that is changed.

``/var/lib`` with the journals, ``/etc/sysctl.d`` and ``/etc/systemd/system`` are the room's own; see checkpoint_host.py.
"""

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
sys.path[:0] = [str(HERE), str(HERE.parent / "kernel"), str(HERE.parent / "nginx")]
collect_ignore = ["test_matrix.py"]  # takes minutes; `make test-matrix` names it
pytest.register_assert_rewrite("checkpoint_host", "kernel_rooms", "nginx_server")


@pytest.fixture
def host(tmp_path):
    """The Host of a test; see checkpoint_host.py."""
    from checkpoint_host import Host

    return Host(tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Call the test in a room; what it raised there is its failure here."""
    from checkpoint_host import furnished
    from kernel_rooms import SECONDS, ChildFailed, run_in_room

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    failure = None
    try:
        run_in_room(functools.partial(furnished, functools.partial(pyfuncitem.obj, **arguments)), getattr(pyfuncitem.module, "SECONDS", SECONDS))
    except ChildFailed as error:
        failure = str(error)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    return True
