# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/find_python.sh among made-up Pythons, and what it says when none of them will do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "tr", "sort", "cut", "id")
SHIM = "#!/bin/sh\necho 'version manager: command not found' >&2\nexit 127\n"
WITHOUT_ENSUREPIP = "#!/bin/sh\necho 'ModuleNotFoundError: No module named ensurepip' >&2\nexit 1\n"
SENTENCE = "No Python 3.10 or newer with the venv and ensurepip modules is on PATH; "
SUDO = "" if os.getuid() == 0 else "sudo "

pytestmark = pytest.mark.skipif(not (ROOT / "tools").is_dir(), reason="an installed collection has no tools")


def works(version, path):
    return f"#!/bin/sh\necho {version} {path}\n"


@pytest.fixture
def find(tmp_path):
    """find({name: script}, os_release) -> the finished process, with a PATH of these scripts alone."""

    def run(pythons, os_release="ID=debian\nVERSION_ID=13\n", **variables):
        for name in TOOLS:
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, script in pythons.items():
            (tmp_path / name).write_text(script)
            (tmp_path / name).chmod(0o755)
        (tmp_path / "os-release").write_text(os_release)
        environment = {"PATH": str(tmp_path), "OS_RELEASE": str(tmp_path / "os-release"), **variables}
        command = [str(tmp_path / "sh"), str(ROOT / "tools" / "find_python.sh")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


FOUND = {
    "newest_wins_also_over_one_digit": ({"python3.9": SHIM, "python3.10": works("3.10.1", "a"), "python3.12": works("3.12.1", "b")}, "3.12.1 b"),
    "shim_that_does_not_run_is_passed_over": ({"python3.13": SHIM, "python3.11": works("3.11.7", "a")}, "3.11.7 a"),
    "python_without_ensurepip_is_passed_over": ({"python3.13": WITHOUT_ENSUREPIP, "python3.10": works("3.10.2", "a")}, "3.10.2 a"),
    "only_plain_python3": ({"python3": works("3.14.0", "a")}, "3.14.0 a"),
    "other_programs_with_the_name": ({"python3.12-config": works("9", "x"), "python3.11": works("3.11.1", "a")}, "3.11.1 a"),
}
SENTENCES = {
    "debian": ("ID=debian\nVERSION_ID=13\n", f"run: {SUDO}apt-get install python3-venv"),
    "ubuntu": ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', f"run: {SUDO}apt-get install python3-venv"),
    "mint_is_like_ubuntu": ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\n', f"run: {SUDO}apt-get install python3-venv"),
    "debian_too_old": (
        'ID=debian\nVERSION_ID="11"\n',
        "this release of debian packages no Python 3.10; put one on PATH and run: make venv PYTHON=/path/to/python3",
    ),
    "rhel": ('ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n', f"run: {SUDO}dnf install python3.12"),
    "rocky": ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"\n', f"run: {SUDO}dnf install python3.12"),
    "fedora": ("ID=fedora\nVERSION_ID=41\n", f"run: {SUDO}dnf install python3"),
    "unknown": ("ID=plan9\n", "install one with your package manager, then run: make venv PYTHON=/path/to/python3"),
}


@pytest.mark.parametrize("pythons, answer", FOUND.values(), ids=FOUND)
def test_newest_that_really_runs_is_found(find, pythons, answer):
    process = find(pythons)
    assert (process.returncode, process.stdout.strip(), process.stderr) == (0, answer, "")


@pytest.mark.parametrize("os_release, advice", SENTENCES.values(), ids=SENTENCES)
def test_one_sentence_says_how_to_install(find, os_release, advice):
    process = find({"python3.13": SHIM, "python3": WITHOUT_ENSUREPIP}, os_release)
    assert (process.returncode, process.stdout, process.stderr) == (1, "", f"{SENTENCE}{advice}\n")


def test_named_python_is_the_only_candidate(find, tmp_path):
    process = find({"python3.13": works("3.13.0", "a"), "mine": works("3.11.0", "mine")}, PYTHON=str(tmp_path / "mine"))
    assert process.stdout == "3.11.0 mine\n"
