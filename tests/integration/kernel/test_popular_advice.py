# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/popular-advice.md: every command prints what the page shows."""

import os
import re
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "popular-advice.md").read_text(encoding="utf-8")
(LAB,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SHOWN = re.findall(r"^```sh\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
# Before 6.13 the SYN queue holds one less.
KERNEL = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
NEEDS_KERNEL = {"half-open": (6, 13)}


def line_of(command):
    """Where the command stands, as name of its test."""
    return "line %d" % (PAGE[: PAGE.index(command)].count("\n") + 1)


def test_every_command_has_its_output():
    assert len(SHOWN) == PAGE.count("```sh\n") == PAGE.count("```text\n") >= 20
    assert all("unshare -n" in command for command, _output in SHOWN)


@pytest.fixture
def kernel(output):
    """Skips what an older kernel does otherwise."""
    for word, version in NEEDS_KERNEL.items():
        if word in output and version > KERNEL:
            pytest.skip("popular-advice.md shows queues of Linux %d.%d and newer, this is %d.%d" % (*version, *KERNEL))


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[line_of(command) for command, _output in SHOWN])
def test_the_page_shows_what_is_printed(command, output, kernel, tmp_path):
    (tmp_path / "lab.py").write_text(LAB)
    command = command.replace("sudo ", "")
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=25, cwd=tmp_path, check=False)
    assert done.stdout == output


def test_lab_refuses_to_run_on_the_machine(tmp_path):
    (tmp_path / "lab.py").write_text(LAB)
    command = ["sh", "-c", "ip link add wire0 type veth peer name wire1; exec python3 -c 'import lab'"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=25, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (1, "This is not a network namespace of its own; start it with: sudo unshare -n python3\n")
