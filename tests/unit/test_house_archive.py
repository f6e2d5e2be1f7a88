# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the archive from a copy of the checkout full of what work leaves behind, and lists its content."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = (
    ".ansible/cores/x",
    ".coverage",
    ".git/config",
    ".hypothesis/x",
    ".mypy_cache/x",
    ".pytest_cache/x",
    ".ruff_cache/x",
    ".venv.lock",
    ".venv.tmp/bin/python",
    ".venv/bin/python",
    "build/netops-listen_queue-0.0.1.tar.gz",
    "netops-listen_queue-0.0.1.tar.gz",
    "plugins/module_utils/__pycache__/_errors.cpython-311.pyc",
    "plugins/modules/.listen_queue_facts.py.swp",
    "reports/report.json",
    "tests/output/test/unit.log",
)
SHIPPED = ("plugins", "roles", "playbooks", "meta")
NEEDED = ("LICENSE", "README.md", "requirements.txt", "meta/runtime.yml", "plugins/modules/listen_queue_facts.py", "playbooks/audit.yml")


@pytest.fixture(scope="module")
def archived(tmp_path_factory):
    """The names in an archive built from a copy of this checkout."""
    folder = tmp_path_factory.mktemp("archive")
    heavy = shutil.ignore_patterns(".venv*", ".ansible", ".git", "output", "reports", "build", "*cache*", ".hypothesis", "*.pyc")
    shutil.copytree(ROOT, folder / "checkout", ignore=heavy)
    for name in LEFT_BEHIND:
        path = folder / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left behind\n", encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "galaxy", "collection", "build", "--output-path", str(folder), str(folder / "checkout")]
    subprocess.run(command, check=True, capture_output=True)
    [archive] = folder.glob("netops-listen_queue-*.tar.gz")
    with tarfile.open(archive) as tar:
        return {member.name for member in tar if member.isfile()}


def test_nothing_left_behind_is_shipped(archived):
    assert sorted(archived & set(LEFT_BEHIND)) == []


def test_no_tool_of_the_developers_is_shipped(archived):
    assert [name for name in archived if name.startswith((".", "tools/", "Makefile", "ansible.cfg"))] == []


@pytest.mark.parametrize("name", NEEDED)
def test_needed_file_is_shipped(archived, name):
    assert name in archived


@pytest.mark.parametrize("folder", SHIPPED)
def test_whole_folder_is_shipped(archived, folder):
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    assert sorted(name for name in here - archived if "__pycache__" not in name) == []
