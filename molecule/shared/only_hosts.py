# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plugin of pytest for tests that need not run on both hosts of a scenario.

`only("plain")`: it would tell the same on the other one. `sample("plain")`: there too, but only when TEST_ALL is set, because it takes long.
"""

import os

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "only(name): runs on one host of the scenario")
    config.addinivalue_line("markers", "sample(name): runs on one host of the scenario, unless TEST_ALL is set")


def pytest_collection_modifyitems(config, items):
    names = ("only",) if os.environ.get("TEST_ALL") else ("only", "sample")
    wanted = [(item, {mark.args[0] for name in names for mark in item.iter_markers(name)}) for item in items]
    left_out = [item for item, hosts in wanted if hosts - {host_of(item)}]
    unknown = set().union(*(hosts for _item, hosts in wanted)) - {host_of(item) for item in items}
    if unknown:
        raise pytest.UsageError("no host of this scenario is called " + ", ".join(sorted(unknown)))
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def host_of(item):
    """The inventory's name of the host on which a test runs; None for a test that takes none."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params["_testinfra_host"].backend.name.rpartition("-")[2] if "_testinfra_host" in params else None
