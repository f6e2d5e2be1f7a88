# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody reloads, hurts or restarts nginx or edits its files between any two steps of a change, and runs of ours are killed. The same each time."""

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from checkpoint_host import KEYS, killed
from kernel_rooms import sysctl
from nginx_server import until

FILES = ("nginx.conf", "servers/two.conf", "servers/three.conf")
LINE = "# by hand\n"


def reload(host, _rng, _edited):
    host.server.signal(signal.SIGHUP)


def kill_a_worker(host, _rng, _edited):
    with suppress(ProcessLookupError, IndexError):
        os.kill(host.server.workers()[0], signal.SIGKILL)


def restart(host, _rng, _edited):
    host.server.signal(signal.SIGTERM)
    until(lambda: " Z " in Path("/proc/%d/stat" % host.server.pid).read_text(), "the end of nginx")
    host.server.start()


def edit(host, rng, edited):
    edited.append(rng.choice(FILES))
    path = host.server.folder / edited[-1]
    path.write_text(path.read_text() + LINE)


def others(host, rng, edited):
    """Let somebody else do something, or nothing."""
    act = rng.choice([None, reload, kill_a_worker, restart, restart, edit])
    if act is not None:
        act(host, rng, edited)


def interrupted(step, rng, writes):
    """Call ``step()`` in a child that is killed at some write, perhaps."""

    def quietly():
        with suppress(ListenQueueError):
            step()

    if rng.random() < 0.4:
        killed(rng.randrange(1, writes), quietly)


def texts(host):
    return {name: (host.server.folder / name).read_text() for name in FILES}


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_and_what_is_not_old_is_told(host, seed):
    rng = random.Random(seed)
    for key in KEYS:
        sysctl(key, 700)
    host.start()
    before, edited = texts(host), []
    host.open(rollback_after=0)
    for step in (host.sysctl, host.listen, host.reload):
        interrupted(step, rng, 25)
        step()
        others(host, rng, edited)
    interrupted(lambda: host.checkpoint("rolled_back"), rng, 50)
    others(host, rng, edited)
    assert host.checkpoint("rolled_back").failure is None
    told = " ".join(host.info()["result"]["conflicts"])
    after = texts(host)
    assert {name: text.count(LINE) for name, text in after.items()} == {name: edited.count(name) for name in FILES}
    assert [name for name in FILES if after[name].replace(LINE, "") != before[name] and name not in told] == []
    assert [sysctl(key) for key in KEYS] == [700, 700]
    assert told or host.limits() == [[511]] * 3
    assert host.leftovers() == []
