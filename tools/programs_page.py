# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of docs/programs.md from plugins/plugin_utils/programs/table.py: `.venv/bin/python tools/programs_page.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from plugins.plugin_utils.programs.table import PROGRAMS, Program  # noqa: E402 (found by the path above)

PAGE = ROOT / "docs" / "programs.md"
BEGIN, END = "<!-- made by tools/programs_page.py -->\n", "<!-- end -->\n"
HEAD = "| program | setting | asks for by default | a change takes effect by | good to know | source |\n|---|---|---|---|---|---|\n"
MARKS = {"run": "tested", "once": "tried", "read": "read"}


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _begin, rest = page.partition(BEGIN)
    _table, _end, after = rest.partition(END)
    return before + BEGIN + "\n" + HEAD + "".join(map(row, PROGRAMS)) + "\n" + END + after


def row(program: Program) -> str:
    """One line of it."""
    cells = (
        program.called,
        program.setting,
        program.asks_for,
        program.applied_by,
        program.quirk,
        f"[{MARKS[program.checked]}]({program.source})",
    )
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
