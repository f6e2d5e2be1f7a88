# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The undo program: with nothing but Python, of any version, from an empty directory, without Ansible."""

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import pack
from ansible_collections.netops.listen_queue.plugins.module_utils._files.store import opened
from checkpoint_host import PROC, STATE

FOUND = Path(os.path.expanduser("~/.pyenv/versions")).glob("3.*/bin/python")
VERSIONS = sorted(FOUND, key=lambda path: [int(number) for number in path.parts[-3].split(".")])
PYTHONS = {str(path.parts[-3]): path for path in VERSIONS} or {"this": Path(sys.executable)}


def changed(host):
    before = host.prepare()
    host.open(rollback_after=0)
    host.sysctl()
    host.listen()
    host.reload()
    host.backlog("0.0.0.0:8083", 2000)
    return before


@pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS)
def test_takes_all_back_under_any_python(host, python):
    before = changed(host)
    done = host.undo(python=python)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("The checkpoint %s is rolled back.\n" % host.id)
    assert "restored  /proc/sys/net/core/somaxconn\n" in done.stdout
    assert host.snapshot() == before
    assert host.limits() == [[511]] * 3
    assert (host.info()["result"]["by"], host.info()["result"]["reason"]) == ("the undo program", "somebody ran it")
    again = host.undo(python=python)
    assert (again.returncode, again.stdout) == (0, "The checkpoint %s is rolled back already.\n" % host.id)


def test_printed_command_is_the_one_that_works(host):
    before = changed(host)
    command = host.info()["undo_command"]
    assert command == "%s -I /var/lib/netops.listen_queue/checkpoints/%s/undo.pyz" % (sys.executable, host.id)
    assert os.system("cd / && env -i %s >/run/output" % command) == 0  # noqa: S605 -- as somebody would type it
    assert host.snapshot() == before


@pytest.mark.parametrize("python", PYTHONS.values(), ids=PYTHONS)
def test_run_from_its_own_directory(host, python):
    """As somebody does who is there already, to look at it."""
    before = changed(host)
    done = subprocess.run([str(python), "undo.pyz"], cwd=host.path, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert host.snapshot() == before


NAMES = {"text": "servers/\u00e9.conf", "no_text": os.fsdecode(b"servers/\xff.conf"), "line_end": "servers/a\nb.conf"}
LOCALES = {"none": {}, "ascii": {"LC_ALL": "C"}, "utf8": {"LC_ALL": "C.UTF-8"}}


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names_of_all_kinds_in_all_locales(host, name, locale):
    """With the oldest Python, for which names of files are ASCII in most of them, and the newest."""
    host.start(servers={name: "server { listen 8082; }\n"})
    before = host.snapshot()
    for python in list(PYTHONS.values())[:: max(1, len(PYTHONS) - 1)]:
        host.open(rollback_after=0)
        host.listen(validate=False)
        done = subprocess.run([str(python), "-I", str(host.path / "undo.pyz")], cwd="/", env=locale, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert host.snapshot() == before


def test_says_for_whom_it_waits(host):
    host.open(rollback_after=0)
    with opened(STATE, PROC):
        program = subprocess.Popen([sys.executable, "-I", str(host.path / "undo.pyz")], stdout=subprocess.PIPE, text=True)
        line = program.stdout.readline()
    assert line.startswith("another run is changing this machine (process %d, " % os.getpid())
    assert line.endswith("; this waits until it has ended\n")
    assert program.communicate(timeout=20)[0].startswith("The checkpoint ")


def test_reason_is_kept(host):
    host.open(rollback_after=0)
    assert host.undo("--reason", "the pager rang").returncode == 0
    assert host.info()["result"]["reason"] == "the pager rang"


def test_conflict_and_failure_are_told(host):
    changed(host)
    path = host.server.folder / "servers/two.conf"
    path.write_text("server { listen 8082 backlog=77; }\n")
    done = host.undo()
    assert done.returncode == 0
    assert "Kept: %s was changed by somebody else since; it was left as it is\n" % path in done.stdout
    host.open(rollback_after=0)
    host.listen(backlog=1234)
    os.link(path, path.with_name("other"))
    done = host.undo()
    assert done.returncode == 1
    assert re.search("^Failed: .* has 2 names", done.stdout, re.M)
    assert re.search("^To do by hand: copy .* to %s, with mode 0644" % path, done.stdout, re.M)
    assert done.stdout.endswith("The rollback of the checkpoint %s failed. Correct that and run this again, or do it by hand.\n" % host.id)


NOTHING = {"not_yet": ("--timer",), "wrong": ("--now",), "help": ("--help",), "no_reason": ("--reason",)}


@pytest.mark.parametrize("arguments", NOTHING.values(), ids=NOTHING)
def test_called_otherwise_it_does_nothing(host, arguments):
    host.open(rollback_after=0)
    done = host.undo(*arguments)
    assert host.found().state == "open"
    if arguments == ("--timer",):
        assert (done.returncode, done.stdout) == (0, "The checkpoint %s is open: nothing to do.\n" % host.id)
    else:
        assert (done.returncode, done.stdout.split("\n")[0]) == (2, "usage: %s/undo.pyz [--reason TEXT]" % host.path)


def test_copy_somewhere_else_does_nothing(host):
    host.open(rollback_after=0)
    elsewhere = host.folder / "x" / "y" / "undo.pyz"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_bytes((host.path / "undo.pyz").read_bytes())
    done = subprocess.run([sys.executable, "-I", str(elsewhere)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert host.found().state == "open"


def test_holds_what_it_needs_and_nothing_of_ansible():
    program = pack.packed()
    assert program == pack.packed()
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        names = archive.namelist()
        sources = {name: archive.read(name).decode() for name in names}
    assert "netops_listen_queue/_files/write.py" in names
    assert "netops_listen_queue/_sysctl/write.py" in names
    assert "netops_listen_queue/_nginx_reload/control.py" in names
    assert not [name for name in names if "_runner" in name or "_facts" in name.split("/")[1:2]]
    assert not [name for name, source in sources.items() if re.search(r"^\s*(from|import) ansible", source, re.M)]
    assert PROC.root == "/proc" and STATE
