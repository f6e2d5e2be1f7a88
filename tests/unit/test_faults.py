# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/faults.md names every fault of a change or a look once, and each test that it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
# Crashes (1 to 10), file systems (11 to 22), bytes (23 to 27), nginx (28 to 36), verification (37 to 46), actors (47 to 53), input (54 to 61),
# a look at a host (62 to 68).
NUMBERS = list(range(1, 69))
INTEGRATION = "tests/integration/"
FOLDERS = ("checkpoint/", "kernel/", "nginx/", "playbooks/", "sysctl/")
SHORT = {**dict.fromkeys(FOLDERS, INTEGRATION), "unit/": "tests/unit/plugins/module_utils/"}
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.py)(?:::(\w+))?`")
FEWEST_WORDS = 12  # of a reason that stands in the place of a test


def rows():
    return [(int(number), test) for number, _given, test in ROW.findall(PAGE.read_text(encoding="utf-8"))]


def path_of(name):
    for short, folder in SHORT.items():
        if name.startswith(short):
            return ROOT / folder / (name.removeprefix("unit/") if short == "unit/" else name)
    return ROOT / name


def functions_of(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}


def test_every_number_is_there_once():
    assert [number for number, _test in rows()] == NUMBERS


@pytest.mark.parametrize("number, text", rows(), ids=[str(number) for number, _test in rows()])
def test_named_tests_exist(number, text):
    named = NAMED.findall(text)
    assert named or len(text.split()) >= FEWEST_WORDS
    for file, function in named:
        path = path_of(file)
        assert path.is_file(), file
        assert not function or function in functions_of(path), f"{file}::{function}"
