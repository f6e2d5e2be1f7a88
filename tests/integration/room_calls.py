# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For the conftest.py of a folder whose tests run in rooms (see kernel/kernel_rooms.py): how a test gets there."""

import functools

import pytest

not_tested = []  # sentences on what cannot be had on this machine


def call_in_room(pyfuncitem, furnished=None):
    """Call the test in a room; what it raised there is its failure here. ``furnished(test)`` is called inside, and calls the test.

    A test module may have more SECONDS than kernel_rooms allows.
    """
    from kernel_rooms import SECONDS, ChildFailed, run_in_room

    test = functools.partial(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames})
    failure = None
    try:
        run_in_room(functools.partial(furnished, test) if furnished else test, getattr(pyfuncitem.module, "SECONDS", SECONDS))
    except ChildFailed as error:
        failure = str(error)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    return True
