# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing: all files or none, nobody's bytes lost, nothing left behind, whatever happens in between."""

import errno
import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import Change, FileState, FileTarget
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import Conflict, WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._files import durable, write
from ansible_collections.netops.listen_queue.plugins.module_utils._files.read import locate
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS

PROC = ProcFS("/proc")
FOLDER_MODE = 0o755


class Tree:
    """Files of the test, and changes of them."""

    def __init__(self, root):
        self.root = root

    def state(self, name):
        path = self.root / name
        if not path.exists():
            return None
        status = path.stat()
        return FileState(path.read_bytes(), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, self.xattrs(name))

    def xattrs(self, name):
        return tuple((key, os.getxattr(self.root / name, key)) for key in sorted(os.listxattr(self.root / name)))

    def change(self, name, data, **values):
        before = self.state(name)
        after = (before or FileState(b"", 0o644, os.geteuid(), os.getegid()))._replace(data=data, **values) if data is not None else None
        return Change("file", FileTarget(str(self.root), "/" + name), before, after)

    def folder(self, name, before=None, after=FOLDER_MODE):
        return Change("folder", FileTarget(str(self.root), "/" + name), before, after)

    def apply(self, *changes):
        write.apply_files(changes, PROC)

    def all(self):
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "b").write_bytes(b"old b")
    return Tree(tmp_path)


@pytest.fixture
def fast_tree(tmp_path):
    """In memory where that can be had: fsync(2) costs nothing there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as root:
        (Path(root) / "a").write_bytes(b"old a")
        (Path(root) / "b").write_bytes(b"old b")
        yield Tree(Path(root))


def without_exchange(monkeypatch):
    monkeypatch.setattr(durable, "exchange", lambda *_arguments: False)


@pytest.fixture(params=["exchange", "two_names"])
def way(request, monkeypatch):
    """Both ways to replace a file: the kernel's exchange, and the one for file systems without it."""
    if request.param == "two_names":
        without_exchange(monkeypatch)


def test_files_are_replaced_made_and_removed_together(tree, way):
    tree.apply(tree.change("a", b"new a"), tree.change("c", b"new c"), tree.change("b", None))
    assert tree.all() == {"a": b"new a", "c": b"new c"}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o4755, 0o444])
@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_mode_stays_whatever_the_umask_is_f19_f20(tree, mode, umask):
    (tree.root / "a").chmod(mode)
    held = os.umask(umask)
    try:
        tree.apply(tree.change("a", b"new"), tree.change("c", b"new", mode=mode))
    finally:
        os.umask(held)
    assert {stat.S_IMODE((tree.root / name).stat().st_mode) for name in "ac"} == {mode}


def test_user_attribute_stays_f19(tree, way):
    os.setxattr(tree.root / "a", "user.note", b"keep me")
    tree.apply(tree.change("a", b"new"))
    assert dict(tree.xattrs("a"))["user.note"] == b"keep me"


def test_symbolic_link_stays_and_the_real_file_is_replaced_f16(tree, way):
    (tree.root / "link").symlink_to("/b")
    with locate(str(tree.root), "/link") as place:
        tree.apply(tree.change("b", b"new b")._replace(target=FileTarget(str(tree.root), place.path)))
    assert (os.readlink(tree.root / "link"), (tree.root / "b").read_bytes()) == ("/b", b"new b")


def test_hard_link_is_refused_f18(tree):
    os.link(tree.root / "b", tree.root / "same")
    with pytest.raises(WriteError, match=r"^/b has 2 names \(hard links\)"):
        tree.apply(tree.change("a", b"new"), tree.change("b", b"new"))
    assert tree.all() == {"a": b"old a", "b": b"old b", "same": b"old b"}


def edited(path):
    path.write_bytes(b"human")


def saved_by_rename(path):
    path.with_name("editor").write_bytes(b"human")
    path.with_name("editor").rename(path)


def chmodded(path):
    path.chmod(0o600)


def removed(path):
    path.unlink()


def swapped_for_a_link(path):
    path.unlink()
    path.symlink_to("a")


HUMANS = {
    "edit": (edited, {"a": b"old a", "b": b"human"}),
    "save_by_rename": (saved_by_rename, {"a": b"old a", "b": b"human"}),
    "chmod": (chmodded, {"a": b"old a", "b": b"old b"}),
    "removal": (removed, {"a": b"old a"}),
    "link_swap": (swapped_for_a_link, {"a": b"old a", "b": b"old a"}),
}


@pytest.mark.parametrize("act, left", HUMANS.values(), ids=HUMANS)
@pytest.mark.parametrize("moment", ["before_staging", "after_staging"])
def test_human_version_wins_f21_f48(tree, way, moment, act, left):
    first, second = tree.change("a", b"new a"), tree.change("b", b"new b")
    with write.FileTransaction(PROC) as transaction:
        if moment == "before_staging":
            act(tree.root / "b")
        with pytest.raises(write.ListenQueueError) as error:
            transaction.stage(first)
            transaction.stage(second)
            act(tree.root / "b")
            transaction.commit()
    assert "/b" in str(error.value)
    assert tree.all() == left


def test_file_made_meanwhile_is_kept_f21(tree):
    with write.FileTransaction(PROC) as transaction:
        transaction.stage(tree.change("a", b"new a"))
        transaction.stage(tree.change("c", b"new c"))
        (tree.root / "c").write_bytes(b"human")
        with pytest.raises(Conflict, match=r"^/c was made by somebody else meanwhile; run again$"):
            transaction.commit()
    assert tree.all() == {"a": b"old a", "b": b"old b", "c": b"human"}


class Killer:
    """Ends the process, or fails, at the k-th act that reaches the disk."""

    def __init__(self, at, number=None):
        self.at, self.number, self.acts = at, number, []

    def __call__(self, act, name):
        self.acts.append(act)
        if len(self.acts) == self.at:
            if self.number is None:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(self.number, os.strerror(self.number))


def several(tree):
    return tree.change("a", b"new a"), tree.folder("d"), tree.change("c", b"new c"), tree.change("b", None)


def reset(tree):
    for path in tree.root.iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    for name, data in OLD.items():
        (tree.root / name).write_bytes(data)


def rest(tree):
    """What several() still has to do."""
    return [change for change in several(tree) if change.kind == "file" and (change.before, change.after) != (None, None)]


def points(tree, monkeypatch):
    counter = Killer(0)
    monkeypatch.setattr(durable, "before_write", counter)
    changes = several(tree)
    tree.apply(*changes)
    monkeypatch.undo()
    reset(tree)
    return len(counter.acts)


OLD, NEW = {"a": b"old a", "b": b"old b"}, {"a": b"new a", "c": b"new c"}


@pytest.mark.parametrize("is_exchanged", [True, False])
def test_killed_at_every_act_each_file_is_whole_and_the_next_run_converges_f1(fast_tree, monkeypatch, is_exchanged):
    number = points(fast_tree, monkeypatch)
    assert number > 15
    if not is_exchanged:
        without_exchange(monkeypatch)
    for at in range(1, number + 1):
        reset(fast_tree)
        pid = os.fork()
        if not pid:
            durable.before_write = Killer(at)
            fast_tree.apply(*several(fast_tree))
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, at
        for name in ("a", "b", "c"):
            assert fast_tree.all().get(name) in {OLD.get(name), NEW.get(name)}, (at, name)
        assert all(name.startswith(".") and not name.endswith(".conf") for name in fast_tree.all() if name not in ("a", "b", "c"))
        fast_tree.apply(*rest(fast_tree))
        assert fast_tree.all() == NEW, at


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.EROFS])
def test_failure_at_every_act_leaves_all_as_it_was_f11_f12(fast_tree, monkeypatch, number):
    for at in range(1, points(fast_tree, monkeypatch) + 1):
        monkeypatch.setattr(durable, "before_write", Killer(at, number))
        try:
            fast_tree.apply(*several(fast_tree))
        except WriteError as error:
            assert os.strerror(number) in str(error)
            assert str(error).endswith("nothing was changed")
        monkeypatch.undo()
        files = fast_tree.all()
        whole = {name: data for name, data in files.items() if not name.startswith(durable.TEMPORARY)}
        assert whole in (OLD, NEW), at
        fast_tree.apply(*rest(fast_tree))
        assert fast_tree.all() == NEW
        reset(fast_tree)


def test_what_cannot_be_put_back_is_named_f39(tree, monkeypatch):
    with write.FileTransaction(PROC) as transaction:
        transaction.stage(tree.change("a", b"new a"))
        transaction.stage(tree.change("b", b"new b"))
        (tree.root / "b").write_bytes(b"human")
        real = durable.rename
        monkeypatch.setattr(durable, "rename", lambda folder, name, other: fail() if other == "a" else real(folder, name, other))
        with pytest.raises(WriteError) as error:
            transaction.commit()
    sentence = str(error.value)
    assert sentence.startswith("not all files could be put back: /a ([Errno 5] Input/output error); what it was before is in /.netops.listen_queue-before.")
    assert sentence.endswith("; put them back by hand")
    kept = sentence.partition("is in /")[2].partition(";")[0]
    assert (tree.root / kept).read_bytes() == b"old a"
    assert (tree.root / "b").read_bytes() == b"human"
    monkeypatch.undo()
    tree.apply(tree.change("a", b"newer"))
    assert (tree.root / kept).read_bytes() == b"old a"


def fail():
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_folder_is_made_first_and_removed_last(tree):
    tree.apply(tree.folder("d"), tree.change("d/e", b"new"))
    assert tree.all() == {"a": b"old a", "b": b"old b", "d/e": b"new"}
    assert stat.S_IMODE((tree.root / "d").stat().st_mode) == FOLDER_MODE
    tree.apply(tree.change("d/e", None), tree.folder("d", FOLDER_MODE, None))
    assert not (tree.root / "d").exists()


def test_folder_with_something_of_others_stays(tree):
    tree.apply(tree.folder("d"), tree.change("d/e", b"new"))
    (tree.root / "d/theirs").touch()
    tree.apply(tree.change("d/e", None), tree.folder("d", FOLDER_MODE, None))
    assert [path.name for path in (tree.root / "d").iterdir()] == ["theirs"]


def test_folder_of_a_failed_transaction_goes_again(tree):
    with pytest.raises(Conflict):
        tree.apply(tree.folder("d"), tree.change("d/e", b"new"), tree.change("a", b"new")._replace(before=None))
    assert sorted(path.name for path in tree.root.iterdir()) == ["a", "b"]


def test_leftover_of_a_killed_run_is_removed_and_others_files_stay(tree):
    (tree.root / (durable.TEMPORARY + "00000000.0")).touch()
    (tree.root / ".netops").touch()
    (tree.root / ".a.swp").touch()
    tree.apply(tree.change("a", b"new"))
    assert sorted(tree.all()) == [".a.swp", ".netops", "a", "b"]


def test_no_descriptor_stays_open(tree):
    before = len(os.listdir("/proc/self/fd"))
    tree.apply(*several(tree))
    with pytest.raises(Conflict):
        tree.apply(tree.change("a", b"x"), tree.change("a", b"y")._replace(before=None))
    assert len(os.listdir("/proc/self/fd")) == before


def test_signals_are_held_back_while_files_get_their_names_f2(tree, monkeypatch):
    got = []
    held = {number: signal.signal(number, lambda number, _frame: got.append((number, tree.all()))) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}

    def signal_at(act, _name):
        if act == "exchange":
            for number in held:
                os.kill(os.getpid(), number)

    monkeypatch.setattr(durable, "before_write", signal_at)
    try:
        tree.apply(tree.change("a", b"new a"), tree.change("b", b"new b"))
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    assert {number for number, _files in got} == set(held)
    assert all((files["a"], files["b"]) == (b"new a", b"new b") for _number, files in got)


# The store of previous versions -----------------------------------------------------------------------------------------


def test_private_folder_is_made_for_its_owner_alone_f60(tmp_path):
    held = os.umask(0)
    try:
        for _time in ("made", "found"):
            folder = durable.private_folder(str(tmp_path / "store"))
            durable.keep(folder, "x", b"secret")
            durable.keep(folder, "x", b"secret 2")
            os.close(folder)
    finally:
        os.umask(held)
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "store/x").stat().st_mode) == 0o600
    assert (tmp_path / "store/x").read_bytes() == b"secret 2"
    assert os.listdir(tmp_path / "store") == ["x"]


def open_to_others(path):
    path.mkdir()
    path.chmod(0o755)


def planted_link(path):
    path.with_name("elsewhere").mkdir()
    path.symlink_to("elsewhere")


PLANTED = {
    "open_to_others": (open_to_others, "must belong to the user who runs this, with mode 0700; look who made it, and correct or remove it"),
    "link": (planted_link, "where previous versions are kept, cannot be used: Not a directory; nothing was changed"),
    "file": (lambda path: path.touch(), "where previous versions are kept, cannot be used: Not a directory; nothing was changed"),
    "no_parent": (lambda path: None, "where previous versions are kept, cannot be used: No such file or directory; nothing was changed"),
}


@pytest.mark.parametrize("situation", PLANTED)
def test_planted_folder_is_refused_f58(tmp_path, situation):
    plant, sentence = PLANTED[situation]
    path = tmp_path / ("gone/store" if situation == "no_parent" else "store")
    plant(path)
    with pytest.raises(WriteError) as error:
        durable.private_folder(str(path))
    assert str(error.value).endswith(sentence)
    assert not (tmp_path / "elsewhere").exists() or os.listdir(tmp_path / "elsewhere") == []


def test_planted_link_in_the_folder_is_replaced_not_followed_f58(tmp_path):
    (tmp_path / "victim").write_bytes(b"theirs")
    folder = durable.private_folder(str(tmp_path / "store"))
    (tmp_path / "store/x").symlink_to(tmp_path / "victim")
    durable.keep(folder, "x", b"ours")
    os.close(folder)
    assert ((tmp_path / "victim").read_bytes(), (tmp_path / "store/x").read_bytes()) == (b"theirs", b"ours")


def test_full_disk_leaves_nothing_in_the_store_f11(tmp_path, monkeypatch):
    folder = durable.private_folder(str(tmp_path / "store"))
    for at in range(1, 5):
        monkeypatch.setattr(durable, "before_write", Killer(at, errno.ENOSPC))
        with pytest.raises(WriteError, match=r"^the previous version cannot be kept: No space left on device; nothing was changed$"):
            durable.keep(folder, "x", b"1")
        monkeypatch.undo()
        assert os.listdir(folder) == []
    os.close(folder)


def test_oldest_files_are_pruned(tmp_path):
    folder = durable.private_folder(str(tmp_path / "store"))
    for number in range(6):
        durable.keep(folder, "v%d" % number, b"")
        os.utime("v%d" % number, (number, number), dir_fd=folder)
    durable.prune(folder, 2)
    assert sorted(os.listdir(folder)) == ["v4", "v5"]
    durable.prune(folder, 2)
    assert sorted(os.listdir(folder)) == ["v4", "v5"]
    os.close(folder)
