# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An error at a read: what cannot be looked at is neither taken for somebody else's nor for done, and the way back works once it can be.

Each call by which the code reads the machine goes through a counter that lets the k-th one fail. Some of these errors are rare
(a bad disk), others are not (too many open files). A sample of the points: neighbours are of the same loop.
"""

import errno
import os
from contextlib import contextmanager

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from checkpoint_host import without_packing

CALLS = "open stat fstat listdir readlink fstatvfs listxattr getxattr read access".split()
SECONDS = 120
EVERY = 20
FEWEST = 200  # reads of one act: else they are not counted


class Counter:
    """How many reads there were, and which of them fails."""

    def __init__(self, at, number):
        self.at, self.number, self.calls = at, number, 0

    def counted(self, function):
        def call(*arguments, **options):
            self.calls += 1
            if self.calls == self.at:
                raise OSError(self.number, os.strerror(self.number))
            return function(*arguments, **options)

        return call


@contextmanager
def failing(at=0, number=0):
    """Let the k-th read fail while the body runs."""
    counter, real = Counter(at, number), {name: getattr(os, name) for name in CALLS}
    for name, function in real.items():
        setattr(os, name, counter.counted(function))
    try:
        yield counter
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def outcome(function):
    """The sentence with which something failed, or None; any other error than those of users is one of the program."""
    try:
        return function().failure
    except ListenQueueError as error:
        return str(error)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE], ids=["io", "access", "descriptors"])
def test_error_at_a_read_of_a_rollback_f12_f39(host, number):
    without_packing()
    old = host.prepare()

    def everything():
        host.open(rollback_after=0)
        host.sysctl()
        host.listen(validate=False)
        host.backlog("0.0.0.0:8083", 400)

    everything()
    with failing() as counter:
        host.checkpoint("rolled_back")
    failures = 0
    assert counter.calls > FEWEST
    for at in range(1 + number % EVERY, counter.calls, EVERY):
        everything()
        with failing(at, number):
            failure = outcome(lambda: host.checkpoint("rolled_back"))
        assert host.found().state in ("rolled_back", "rollback_failed", "open"), at
        if failure is None:
            assert (host.snapshot(), host.info()["result"]["conflicts"]) == (old, []), at
        else:
            failures += 1
            assert host.checkpoint("rolled_back").failure is None, (at, failure)
            assert host.snapshot() == old, (at, failure)
        assert host.leftovers() == [], at
        assert host.limits() == [[511]] * 3
    assert failures > 5
