# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals that are not whole, or into which somebody put something: they say nothing, and stand in nobody else's way."""

import os
import re
import shutil

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import entry
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.read import read_rows
from checkpoint_host import PROC, STATE, SYSCTL_D, refusal
from nginx_server import until
from test_conflicts import FILE, OLD, changed


def test_journal_torn_at_every_byte_is_never_guessed_f5(host):
    changed(host)
    after = host.snapshot()
    head, first = host.path / "head.open", host.path / "0001.applied"
    for file in (head, first):
        whole = file.read_bytes()
        for length in range(0, len(whole), 7 if file is first else 1):
            file.write_bytes(whole[:length])
            sentence = refusal(host.settle) if file is head else host.info()["problem"]
            assert sentence.startswith("%s is torn: its checksum is wrong; nothing was concluded from it" % file)
        file.write_bytes(whole)
    first.write_bytes(first.read_bytes()[:-1])
    answer = host.checkpoint("rolled_back")
    assert "%s is torn" % first in answer.failure
    assert "compare the machine with the files in %s, then abandon the checkpoint" % host.path in answer.failure
    assert host.snapshot() == after
    assert host.checkpoint("abandoned", reason="compared").changed
    host.id = None
    host.open()


def test_torn_copy_of_a_file_is_not_put_back_f5(host):
    changed(host)
    (copy,) = host.path.glob("bytes.*")
    copy.write_bytes(OLD[:-1])
    after = FILE.read_bytes()
    assert "%s is missing or damaged, so it was not put back" % copy in host.checkpoint("rolled_back").failure
    assert FILE.read_bytes() == after


def test_journal_of_another_version_is_left_to_it_f6(host):
    changed(host)
    after = host.snapshot()
    file = host.path / "0001.applied"
    record = entry.unpack(file.read_bytes(), "x")
    other, entry.SCHEMA = entry.SCHEMA, 2
    file.write_bytes(entry.pack(record))
    entry.SCHEMA = other
    sentence = "%s has the schema 2, and this version knows 1; use the version of the collection that made it, or the program undo.pyz beside it" % file
    assert refusal(host.checkpoint, "rolled_back") == sentence
    assert host.info()["problem"] == sentence
    assert host.found().state == "open"
    assert host.snapshot() == after


def world_readable(host):
    host.path.parent.chmod(0o755)


def of_somebody_else(host):
    os.chown(host.path.parent, 1000, 1000)


def a_link(host):
    host.path.parent.rename("/var/lib/elsewhere")
    host.path.parent.symlink_to("/var/lib/elsewhere")


def two_states(host):
    shutil.copy(host.path / "head.open", host.path / "head.committed")


def no_state(host):
    (host.path / "head.open").unlink()


def moved_away(host):
    """As somebody does whose disk is full."""
    host.path.rename("/var/lib/elsewhere")
    host.path.symlink_to("/var/lib/elsewhere")


def copied(host):
    shutil.copytree(host.path, host.path.with_name("copy"))


def head_is_a_link(host):
    (host.path / "head.open").rename("/var/lib/head")
    (host.path / "head.open").symlink_to("/var/lib/head")


def head_is_a_fifo(host):
    (host.path / "head.open").unlink()
    os.mkfifo(host.path / "head.open", 0o600)


TAMPERED = {
    "world_readable_n5": (world_readable, "must belong to the user who runs this, with mode 0700; look who made them"),
    "of_somebody_else": (of_somebody_else, "must belong to the user who runs this, with mode 0700; look who made them"),
    "folder_is_a_link_f58": (a_link, r"/var/lib/netops.listen_queue/checkpoints cannot be read: .*; become root, and look who made it"),
    "two_states": (two_states, r"says several things about its state \(committed, open\); remove what somebody put there"),
    "no_state": (no_state, "has no head that says what it is; look at it, and remove it when the machine is as it should be"),
    "moved_away_f58": (moved_away, "is no directory; look who put it there, and move the directory back or remove it"),
    "copied": (copied, "/copy is the journal of .*; somebody copied or renamed it: remove the copy, or give it that name again"),
    "head_is_a_link_f58": (head_is_a_link, "head.open cannot be read: Too many levels of symbolic links"),
    "head_is_a_fifo_f58": (head_is_a_fifo, "head.open is not a regular file; look who put it there"),
}


@pytest.mark.parametrize("tamper, sentence", TAMPERED.values(), ids=TAMPERED)
def test_journal_that_somebody_touched_is_refused_f58(host, tamper, sentence):
    changed(host)
    after = host.snapshot()
    tamper(host)
    assert re.search(sentence, refusal(host.settle))
    assert host.snapshot() == after


def copied_with_two_states(host):
    copied(host)
    shutil.copy(host.path / "head.open", host.path.with_name("copy") / "head.committed")


def link_to_nothing(host):
    host.path.with_name("copy").symlink_to("/nowhere")


def empty_directory(host):
    host.path.with_name("copy").mkdir()


BESIDE = {
    "copied": (copied, "somebody copied or renamed it"),
    "two_states": (copied_with_two_states, "says several things about its state"),
    "link": (link_to_nothing, "is no directory"),
    "directory": (empty_directory, "has no head"),
}


@pytest.mark.parametrize("way", ["module", "program", "deadline"])
@pytest.mark.parametrize("beside, problem", BESIDE.values(), ids=BESIDE)
def test_another_one_that_says_nothing_certain_is_no_obstacle_to_a_rollback(host, beside, problem, way):
    host.open(rollback_after=1 if way == "deadline" else 0)
    host.sysctl()
    beside(host)
    if way == "module":
        assert host.checkpoint("rolled_back").failure is None
    elif way == "program":
        assert host.undo().returncode == 0
    until(lambda: host.found().state == "rolled_back", "the rollback")
    assert list(SYSCTL_D.iterdir()) == []
    rows = {row["id"]: row for row in read_rows(PROC, STATE)}
    assert (rows[host.id]["state"], rows[host.id]["problem"]) == ("rolled_back", None)
    assert problem in rows["copy"]["problem"]


def test_file_beside_the_checkpoints_is_left_alone(host):
    host.open(rollback_after=0)
    note = host.path.with_name("notes.txt")
    note.write_text("mine")
    host.sysctl()
    assert host.checkpoint("rolled_back").failure is None
    assert [row["id"] for row in read_rows(PROC, STATE)] == [host.id]
    assert note.read_text() == "mine"


def test_unprivileged_user_is_told_so(host):
    from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import read
    from kernel_rooms import drop_privileges, in_child

    host.open()

    def look():
        drop_privileges()
        return refusal(read.read_rows, PROC, STATE)

    assert re.search("cannot be read: Permission denied; become root|must belong to the user who runs this", in_child(look))
