# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room (see ../kernel/kernel_rooms.py) with the real nginx, and private places for all that is changed.

``/var/lib`` with the journals, ``/etc/sysctl.d`` and ``/etc/systemd/system`` are the room's own; see checkpoint_host.py.
"""

import sys
from pathlib import Path

import pytest
from room_calls import call_in_room

HERE = Path(__file__).parent

sys.path[:0] = [str(HERE), str(HERE.parent / "nginx")]
collect_ignore = ["test_matrix.py"]  # takes minutes; `make test-matrix` names it
pytest.register_assert_rewrite("checkpoint_host", "nginx_server")


@pytest.fixture
def host(tmp_path):
    """The Host of a test; see checkpoint_host.py."""
    from checkpoint_host import Host

    return Host(tmp_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    from checkpoint_host import furnished

    return call_in_room(pyfuncitem, furnished)
