# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our answer to who wins at boot, against the real loaders on recorded and on random trees.

SYSCTL_TREES says how many random trees (60), SYSCTL_SEED where to begin, SYSCTL_RELEASES which Debian releases beside this machine.
"""

import json
import os
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import Root
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.boot_order import BootOrder
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.values import kept
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_boot.read import boot_files
from loaders import KEYS, Trees, global_values
from random_trees import Maker

RECORDED = json.loads((Path(__file__).parents[2] / "fixtures" / "sysctl_boot" / "cases.json").read_text(encoding="utf-8"))
BATCH = 20
FIRST = int(os.environ.get("SYSCTL_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("SYSCTL_TREES", "60")), BATCH)


def expected_values(order):
    winners = {path: order.winner(path) for path in KEYS}
    return {path: KEYS[path] if winner is None else kept(path, winner.value).value for path, winner in winners.items()}


def differences(trees, tree):
    """What our answer and a real loader say differently about one tree, as text for people."""
    trees.lay(tree)
    with Root(str(trees.base)) as root:
        files = boot_files(root, Problems())
    found = []
    for loader in trees.loaders:
        order = BootOrder(files, loader.flavour)
        real, expected = trees.values(loader), expected_values(order)
        for path in KEYS:
            if expected[path] not in (real[path], None):  # None: it depends on the value before
                rows = [f"  {row.path}:{row.line} {row.value!r}: {row.why_not or 'wins'}" for row in order.assignments(path)]
                found.append("\n".join([f"{loader.name}: {path} is {real[path]}, expected {expected[path]}", *rows]))
    return found


def test_every_loader_really_runs(loaders):
    trees = Trees(loaders)
    trees.lay({"/etc/sysctl.d/10-a.conf": "net.core.somaxconn = 77\n"})
    assert {loader.name: trees.values(loader)["net/core/somaxconn"] for loader in loaders} == {loader.name: "77" for loader in loaders}
    assert {loader.flavour for loader in loaders} >= {"systemd-sysctl", "procps"}


def test_recorded_trees(loaders):
    before, trees = global_values(), Trees(loaders)
    found = {case["name"]: differences(trees, case["files"]) for case in RECORDED["cases"] if case["layout"] == "merged-usr"}
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert global_values() == before


@pytest.mark.parametrize("seed", SEEDS)
def test_random_trees(loaders, seed):
    before, trees = global_values(), Trees(loaders)
    for number in range(seed, seed + BATCH):
        tree = Maker(number).tree()
        assert differences(trees, tree) == [], f"seed {number}: {json.dumps(tree, indent=1)}"
    assert global_values() == before
