# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed, or failing, at every write: afterwards all is old or all is new, nothing is left behind, and the way back still works.

Each write goes through durable.before_write(), so a child can be killed before the k-th one, for every k. The same from outside,
by strace, is in test_matrix.py.
"""

import errno
import os
import signal
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from checkpoint_host import STATE, SYSCTL_D, UNITS, Killer, hooked, killed, points, refusal, without_packing


def sysctls(host):
    return host.sysctl


def listens(host):
    return lambda: host.listen(validate=False)


def both(host):
    """Two runs of modules: two sysctls with a file, and three listens in three files."""
    return lambda: (host.sysctl(), host.listen(validate=False))


SECONDS = 60  # for one test
RUNS = {"two_sysctls_and_a_file": sysctls, "three_listens": listens}
FEWEST = 15  # writes of one run: else the hook is not where the writes are


@pytest.fixture
def ready(host):
    """A function that starts nginx and returns (host, what is there before)."""

    def get():
        without_packing()
        return host, host.prepare()

    return get


def opened(host):
    host.open(rollback_after=0)  # no process that waits


def counted(host, act):
    """Return how many writes `act()` makes in a checkpoint, and what is there after it; then take it back."""
    opened(host)
    number = points(act)
    new = host.snapshot()
    host.checkpoint("rolled_back")
    return number, new


def assert_taken_back(host, old, at):
    assert host.checkpoint("rolled_back").failure is None, at
    assert host.snapshot() == old, at
    assert host.leftovers() == [], at


def rolled_back(host):
    """Whatever the state is now: the next run finishes it, or the checkpoint is rolled back."""
    if host.found().state == "rolling_back":
        assert "is rolled back by the next run (next)" in refusal(host.settle)
    assert host.checkpoint("rolled_back").failure is None


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_killed_at_every_write_of_a_run_f1_f3(ready, run):
    host, old = ready()
    number, new = counted(host, run(host))
    assert host.snapshot() == old
    assert number > FEWEST
    ends = []
    for at in range(1, number + 1):
        opened(host)
        assert killed(at, run(host)), at
        told = host.settle()
        assert host.snapshot() in (old, new), at
        assert host.leftovers() == [], at
        assert not host.found().has_interrupted
        ends.append((told, host.snapshot() == new))
        assert_taken_back(host, old, at)
    opened(host)
    assert not killed(number + 1, run(host))
    assert {is_new for _told, is_new in ends} == {False, True}
    # The run says what it found: half-way, before, after.
    texts = " ".join(sentence for told, _is_new in ends for sentence in told)
    assert "was interrupted before it changed anything" in texts
    assert "was interrupted after it had changed everything" in texts
    assert "was interrupted half-way, and what it had changed was taken back" in texts


SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE)


@pytest.mark.parametrize("sent", SIGNALS, ids=[number.name for number in SIGNALS])
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_signal_at_every_write_of_a_run_f2(ready, run, sent):
    """Python ignores SIGPIPE and takes SIGINT for an exception; the others end it, except while files get their names."""
    host, old = ready()
    number, new = counted(host, run(host))
    for at in range(1, number + 1, 2):
        opened(host)
        killed(at, run(host), sent)
        host.settle()
        assert host.snapshot() in (old, new), at
        assert_taken_back(host, old, at)


def test_killed_at_every_write_of_a_rollback_f7(ready):
    host, old = ready()
    opened(host)
    both(host)()
    number = points(lambda: host.checkpoint("rolled_back"))
    assert number > FEWEST
    for at in range(1, number + 1):
        opened(host)
        both(host)()
        assert killed(at, lambda: host.checkpoint("rolled_back")), at
        rolled_back(host)
        assert host.snapshot() == old, at
        assert host.leftovers() == [], at
        assert host.limits() == [[511]] * 3


def test_killed_at_the_last_writes_of_a_rollback_that_leaves_something_f7_f40(ready):
    """What was left as it is by the first attempt is left by the second one, too."""
    host, _old = ready()

    def stage():
        host.listen(state="absent", backlog=None, checkpoint=None)
        host.server.reload()
        opened(host)
        host.listen(validate=False)
        host.reload()
        path = host.server.folder / "servers/two.conf"
        path.write_text(path.read_text().replace("1000", "600"))
        host.server.reload()
        return path.read_text()

    stage()
    number = points(lambda: host.checkpoint("rolled_back"))
    for at in range(number - 8, number + 1):
        theirs = stage()
        assert killed(at, lambda: host.checkpoint("rolled_back")), at
        rolled_back(host)
        assert (host.server.folder / "servers/two.conf").read_text() == theirs, at
        assert host.limits() == [[511], [600], [511]], at
        told = " ".join(host.info()["result"]["conflicts"])
        assert "servers/two.conf was changed by somebody else since" in told and "the limit of 0.0.0.0:8082 follows from" in told, at


@pytest.mark.parametrize("run, at", [(sysctls, 11), (sysctls, 13), (sysctls, 15), (listens, 20), (listens, 30), (listens, 38)])
def test_killed_at_every_write_of_a_recovery_f7(ready, run, at):
    host, old = ready()
    _number, new = counted(host, run(host))
    opened(host)
    assert killed(at, run(host))
    number = points(host.settle)
    host.checkpoint("rolled_back")
    for again in range(1, number + 1):
        opened(host)
        assert killed(at, run(host))
        assert killed(again, host.settle), again
        host.settle()
        assert host.snapshot() in (old, new), (at, again)
        assert host.leftovers() == []
        host.checkpoint("rolled_back")


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_journal_is_on_the_disk_before_anything_is_changed_f3_f4(ready, run):
    """A power cut cannot be had here; the order of writes and fsync is what survives one."""
    host, _old = ready()
    opened(host)
    acts = hooked_acts(run(host))
    ahead = acts.index(("rename", "0001.prepared"))
    assert acts[ahead - 1] == ("fsync", acts[ahead - 2][1])  # the entry itself
    assert acts[ahead + 1] == ("fsync", ".")  # its name
    assert not [act for act in acts[:ahead] if act[0] in ("exchange", "link", "sysctl")]
    written, synced = set(), set()
    for act, name in acts:
        if act == "write":
            written.add(name)
        elif act == "fsync":
            synced.add(name)
        elif act in ("rename", "exchange", "link"):
            assert written <= synced, (act, name)  # whoever gets a name has its bytes on the disk
    assert acts[-1] == ("fsync", ".")


def booted_with_systemd():
    """As far as the module can see; nothing answers, so it makes the unit and uses a process for the deadline."""
    os.makedirs("/run/systemd/system")


def test_killed_at_every_write_of_opening_f8(ready):
    host, old = ready()
    booted_with_systemd()
    number = points(lambda: host.open(id="count", rollback_after=0))
    assert [path.name for path in sorted(UNITS.iterdir())] == ["netops-listen-queue-rollback.service", "sysinit.target.d"]
    host.checkpoint("committed")
    assert list(UNITS.iterdir()) == []
    for at in range(1, number + 1):
        identifier = "n%d" % at
        assert killed(at, lambda identifier=identifier: host.open(id=identifier, rollback_after=0)), at
        host.open(id=identifier, rollback_after=0)
        assert host.info()["after_boot"] == "unit"
        assert host.leftovers() == []
        assert_taken_back(host, old, at)


@pytest.mark.parametrize("state", ["committed", "rolled_back"])
def test_killed_at_every_write_of_ending(ready, state):
    host, _old = ready()
    booted_with_systemd()
    empty = host.snapshot()
    opened(host)
    number = points(lambda: host.checkpoint(state))
    for at in range(1, number + 1):
        opened(host)
        assert killed(at, lambda: host.checkpoint(state)), at
        host.checkpoint(state)
        assert host.found().state == state
        assert host.snapshot() == empty, at
        assert host.leftovers() == []


def test_unit_that_a_killed_commit_left_is_removed_by_the_next_run(ready):
    host, old = ready()
    booted_with_systemd()
    opened(host)
    acts = hooked_acts(lambda: host.checkpoint("committed"))
    opened(host)
    at = next(number for number, (act, name) in enumerate(acts, 1) if (act, name) == ("rename", "head.committed")) + 1
    assert killed(at + 1, lambda: host.checkpoint("committed"))
    assert host.found().state == "committed"
    assert list(UNITS.iterdir()) != []
    host.id = None
    host.settle()
    assert host.snapshot() == old


def hooked_acts(function):
    with hooked(Killer()) as killer:
        function()
    return killer.acts


ERRORS = {"no_space": errno.ENOSPC, "quota": errno.EDQUOT, "io": errno.EIO, "descriptors": errno.EMFILE, "read_only": errno.EROFS}


@pytest.mark.parametrize("number", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_error_at_every_write_of_a_run_f11_f12(ready, run, number):
    host, old = ready()
    count, new = counted(host, run(host))
    for at in range(1, count + 1):
        opened(host)
        with hooked(Killer(at, number)):
            try:
                run(host)()
            except ListenQueueError as error:
                assert os.strerror(number) in str(error), at
        assert host.snapshot() in (old, new), at
        host.settle()
        assert host.snapshot() in (old, new), at
        assert_taken_back(host, old, at)


def test_error_at_every_write_of_a_rollback_f39(ready):
    host, old = ready()
    opened(host)
    both(host)()
    count = points(lambda: host.checkpoint("rolled_back"))
    failures = 0
    for at in range(1, count + 1):
        opened(host)
        both(host)()
        with hooked(Killer(at, errno.ENOSPC)):
            try:
                failure = host.checkpoint("rolled_back").failure
            except ListenQueueError as error:
                failure = str(error)
        failures += bool(failure)
        rolled_back(host)
        assert host.snapshot() == old, (at, failure)
        assert host.leftovers() == [], at
    assert failures > 5


def test_error_at_every_write_of_opening_f11(ready):
    host, old = ready()
    booted_with_systemd()
    count = points(lambda: host.open(id="count", rollback_after=0))
    host.checkpoint("committed")
    for at in range(1, count + 1):
        with hooked(Killer(at, errno.ENOSPC)):
            sentence = ""
            try:
                host.open(id="n%d" % at, rollback_after=0)
            except ListenQueueError as error:
                sentence = str(error)
        assert not sentence or "No space left on device" in sentence, at
        host.open(id="n%d" % at, rollback_after=0)
        assert_taken_back(host, old, at)


def filled(folder, but=0):
    """Fill a file system, except for a number of pages; return the function that empties it."""
    filler = Path(folder, "filler")
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(filler.stat().st_size - 4096 * but)
    return filler.unlink


@pytest.mark.parametrize("place", ["journal", "target"])
def test_disk_that_is_full_at_every_page_f11(ready, place):
    """A small tmpfs with k free pages, for every k until it is enough: so the real kernel refuses each of the writes once."""
    from kernel_rooms import mount

    host, _old = ready()
    folder, options = {"journal": (STATE, "size=1500k,mode=700"), "target": (str(SYSCTL_D), "size=100k,mode=755")}[place]
    Path(STATE).mkdir(mode=0o700)
    mount("tmpfs", folder, "tmpfs", data=options)
    (SYSCTL_D / "99-listen-queue.conf").write_text("# theirs\n" * 1500)
    old, refused = host.snapshot(), []
    for pages in range(60):
        opened(host)
        empty = filled(folder, pages)
        sentence = ""
        try:
            host.sysctl(name="99-listen-queue")
        except ListenQueueError as error:
            sentence = str(error)
        empty()
        host.settle()
        if sentence:
            refused.append(sentence)
            assert "No space left on device" in sentence, pages
            assert host.snapshot() == old, pages
        empty = filled(folder, pages)
        failure = host.checkpoint("rolled_back").failure
        empty()
        if failure:
            assert "No space left on device" in failure, pages
            assert host.checkpoint("rolled_back").failure is None
        assert (host.snapshot(), host.leftovers()) == (old, []), pages
        if not sentence and not failure:
            break
    assert len(refused) > 3
    assert pages < 59


def test_disk_that_is_really_full_f11(ready):
    """A small file system that is filled to its last page."""
    from kernel_rooms import mount

    host, old = ready()
    os.mkdir(STATE, 0o700)
    mount("tmpfs", STATE, "tmpfs", data="size=220k,mode=700")
    opened(host)
    empty = filled(STATE)
    assert refusal(host.sysctl).endswith("No space left on device; nothing was changed")
    assert host.snapshot() == old
    empty()
    host.sysctl()
    assert host.checkpoint("rolled_back").failure is None
    assert host.snapshot() == old
