# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/programs.md has the table of programs as it is."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "programs_page.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="an installed collection has no tools")


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("programs_page", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = tool.PAGE.read_text(encoding="utf-8")
    assert page == tool.with_table(page), "run: .venv/bin/python tools/programs_page.py"
    assert page.count("\n| ") == len(tool.PROGRAMS) + 1
