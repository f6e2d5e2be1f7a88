# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/machine_keys.py notices a sysctl of the machine that a test changed."""

import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "machine_keys.py"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="an installed collection has no tools")

SENTENCE = "fs/nr_open was '1048576' and is '1073741816' now; restore it with: sysctl -w 'fs/nr_open=1048576'"
CASES = {
    "nothing_changed": ({"fs/nr_open": "1048576"}, {"fs/nr_open": "1048576"}, []),
    "value_of_the_machine_changed": ({"fs/nr_open": "1048576"}, {"fs/nr_open": "1073741816"}, [SENTENCE]),
    "network_interface_went_away": ({"net/ipv4/conf/veth0/rp_filter": "0"}, {}, []),
    "kernel_module_brought_keys": ({}, {"net/netfilter/nf_conntrack_max": "262144"}, []),
}


@pytest.fixture(scope="module")
def keys():
    spec = importlib.util.spec_from_file_location("machine_keys", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("before, after, sentences", CASES.values(), ids=CASES)
def test_changed_values_are_named(keys, before, after, sentences):
    assert keys.changed(before, after) == sentences


def test_this_machine_reads_the_same_twice(keys, tmp_path, capsys):
    file = str(tmp_path / "keys.json")
    assert (keys.main("save", file), keys.main("compare", file)) == (0, 0)
    assert capsys.readouterr().out == "No sysctl of this machine was changed\n"
