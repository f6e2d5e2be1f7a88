# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all folders of integration tests have in common. A folder whose tests run in rooms says so in its own conftest.py:

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(pyfuncitem):
        return call_in_room(pyfuncitem)

What could not be tested here is named at the end of the run: the reasons of skipped tests, and what was added to `not_tested`.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE / "kernel")]
pytest.register_assert_rewrite("kernel_modules", "kernel_rooms", "kernel_traffic", "kernel_view", "room_calls")

from checkout import use_this_checkout  # noqa: E402 (found by the path above)
from room_calls import not_tested  # noqa: E402

use_this_checkout()


def pytest_terminal_summary(terminalreporter):
    skipped = {str(report.longrepr[2]).removeprefix("Skipped: ").strip() for report in terminalreporter.stats.get("skipped", ())}
    for sentence in sorted(skipped | set(not_tested)):
        terminalreporter.write_line("NOT TESTED: " + sentence)
