# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shall happen in the window happens in the window, however slow the machine is."""

import mmap
import time

from ansible_collections.netops.listen_queue.plugins.module_utils._window.read import Window
from kernel_traffic import wait_until

_bell = mmap.mmap(-1, 1)  # shared with all children: counts the windows that were opened


def ring(monkeypatch):
    """Let the bell ring when a window opens."""
    original = Window.run

    def run(window):
        _bell[0] += 1
        return original(window)

    monkeypatch.setattr(Window, "run", run)


def in_the_window(action, after):
    """Return what calls ``action()`` so many seconds after the next window was opened."""
    before = _bell[0]

    def wait():
        wait_until(lambda: _bell[0] != before, seconds=10)
        time.sleep(after)
        action()

    return wait
