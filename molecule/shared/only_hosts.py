# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin of pytest: a test marked `only("plain")` runs on that host of the scenario alone, because it would tell the same on both."""


def pytest_configure(config):
    config.addinivalue_line("markers", "only(name): runs on one host of the scenario")


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items for mark in item.iter_markers("only") if not item.nodeid.endswith(f"-{mark.args[0]}]")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
