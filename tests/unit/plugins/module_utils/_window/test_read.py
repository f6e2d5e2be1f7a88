# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window on a clock that a test moves: how often, how late, and what it notes."""

from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.namespace import NamespaceView
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.model import Namespace, NamespaceId
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.sampling import QueueSeries
from ansible_collections.netops.listen_queue.plugins.module_utils._window import read
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener


class Host:
    """A Gathering whose namespaces answer from scripts; reading costs ``cost`` seconds of the clock."""

    def __init__(self, sample, interval, cost=0.0):
        self.options = SimpleNamespace(sample=sample, sample_interval=interval)
        self.now = 0.0
        self.cost = cost
        self.views = []
        self.lengths = {}
        self.counters = {}
        self.slept = []

    def view(self, inode, lengths, counters=None, readable=True):
        made = NamespaceView(Namespace(NamespaceId(4, inode), (), (), (), False))
        made.readable = readable
        self.views.append(made)
        self.lengths[inode], self.counters[inode] = iter(lengths), iter(counters or ())
        self.read_sockets(made)
        made.counters, made.counted_at = (self.read_counters(made) if counters else None), self.now
        return made

    def inside(self, view, read):
        self.now += self.cost
        try:
            read(view)
        except StopIteration:  # the script ends: the namespace vanished
            return False
        return True

    def read_sockets(self, view):
        view.tcp = [listener(accept_queue_length=length, cookie=cookie) for cookie, length in next(self.lengths[view.netns]).items()]
        view.unix = [unix_listener()]

    def read_counters(self, view):
        return {"TcpExt": {"ListenDrops": next(self.counters[view.netns])}}

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def run(self, monkeypatch):
        monkeypatch.setattr(read, "time", self)
        window = read.Window(self)
        window.run()
        return window.summary()


ALWAYS = [{1: 0}] * 200
# sample, interval, cost of one read: seconds measured, reads
TIMES = {
    "ten_intervals": (1.0, 0.125, 0.0, (1.0, 9)),
    "one_interval": (0.25, 0.25, 0.0, (0.25, 2)),
    "last_interval_is_shorter": (1.0, 0.375, 0.0, (1.0, 4)),
    "reading_takes_longer_than_the_interval": (1.0, 0.125, 0.25, (1.125, 4)),
    "reading_takes_longer_than_the_window": (1.0, 0.5, 5.0, (5.5, 2)),
}


@pytest.mark.parametrize("sample, interval, cost, expected", TIMES.values(), ids=TIMES)
def test_reads(monkeypatch, sample, interval, cost, expected):
    host = Host(sample, interval, cost)
    view = host.view(7, ALWAYS)
    assert host.run(monkeypatch) == {"seconds": expected[0], "interval": interval, "reads": expected[1]}
    assert view.series["inet", 1].reads == expected[1]
    assert min(host.slept) >= 0


def test_burst_between_the_ends_is_seen(monkeypatch):
    host = Host(1.0, 0.25)
    view = host.view(7, [{1: 0}, {1: 0}, {1: 129}, {1: 64}, {1: 0}])
    host.run(monkeypatch)
    assert view.series["inet", 1].summary() == {
        "reads": 5, "max": 129, "mean": 38.6, "share_half_full": 0.4, "share_full": 0.2, "drops": {"delta": 0, "per_second": 0.0},
    }  # fmt: skip


def test_listeners_that_come_and_go_have_their_own_number_of_reads(monkeypatch):
    host = Host(0.5, 0.25)
    view = host.view(7, [{1: 0, 2: 0}, {1: 0}, {1: 0, 3: 5}])
    host.run(monkeypatch)
    assert {key: series.reads for key, series in view.series.items()} == {("inet", 1): 3, ("inet", 2): 1, ("inet", 3): 1, ("unix", 78): 3}
    assert [row.cookie for row in view.tcp] == [1, 3]


def test_counters_are_read_at_both_ends(monkeypatch):
    host = Host(0.5, 0.25)
    view = host.view(7, ALWAYS, [10, 17])
    host.run(monkeypatch)
    assert (view.counters_before, view.counters, view.window) == ({"TcpExt": {"ListenDrops": 10}}, {"TcpExt": {"ListenDrops": 17}}, 0.5)


def test_namespaces_without_counters_or_sockets_are_left_alone(monkeypatch):
    host = Host(0.5, 0.25)
    uncounted, unreadable = host.view(7, ALWAYS), host.view(8, ALWAYS, [1, 2], readable=False)
    host.run(monkeypatch)
    assert (uncounted.counters, uncounted.window) == (None, None)
    assert (unreadable.series, unreadable.counters_before) == ({}, None)


def test_namespace_that_vanishes_keeps_the_reads_before(monkeypatch):
    host = Host(1.0, 0.25)
    gone, stays = host.view(7, [{1: 0}, {1: 9}]), host.view(8, ALWAYS)
    host.run(monkeypatch)
    assert (gone.series["inet", 1].reads, stays.series["inet", 1].reads) == (2, 5)


class Watch:
    """What the window calls, and how it keeps each socket."""

    class Series(QueueSeries):
        pass

    series = Series

    def __init__(self, host):
        self.host = host
        self.calls = []

    def begin(self):
        self.calls.append("begin")
        self.host.now += 10.0  # belongs to no window

    def tick(self):
        self.calls.append("tick")

    def end(self):
        self.calls.append("end")


def test_watch_is_called_at_both_ends_and_at_each_read(monkeypatch):
    host = Host(0.5, 0.25)
    view, watch = host.view(7, ALWAYS, [1, 2]), Watch(host)
    monkeypatch.setattr(read, "time", host)
    window = read.Window(host, watch)
    window.run()
    assert watch.calls == ["begin", "tick", "tick", "tick", "end"]
    assert window.summary() == {"seconds": 0.5, "interval": 0.25, "reads": 3}
    assert {series.__class__ for series in view.series.values()} == {Watch.Series}
