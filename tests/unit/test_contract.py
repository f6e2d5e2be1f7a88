# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that users rely on goes away unnoticed."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("contract", Path(__file__).with_name("contract.py"))
contract = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)

OPTION = "modules sysctl_dropin option loader: str of auto|procps"
KEY = "modules checkpoint_info returns checkpoints.changes.listen: str"
CASES = {
    "nothing_is_gone": ([], [], []),
    "gone_without_a_word": ([OPTION], [], [OPTION]),
    "gone_with_an_entry": ([OPTION], ["sysctl_dropin - the option ``loader`` is gone; it is found out."], []),
    "entry_about_another_module": ([OPTION], ["sysctl_boot_info - the option ``loader`` is gone."], [OPTION]),
    "entry_about_another_option": ([OPTION], ["sysctl_dropin - the option ``loaders`` is gone."], [OPTION]),
    "nested_key": ([KEY], ["checkpoint_info - changes have no ``listen`` any more."], []),
    "rule": (["rule drops_rate"], ["rule drops_rate - replaced by drops_in_window."], []),
    "rule_without_an_entry": (["rule drops_rate"], ["rule drops - gone"], ["rule drops_rate"]),
    "topic": (["role backlog_tune topic verify listen queues"], ["backlog_tune - the topic verify listen queues is gone."], []),
}


@pytest.mark.parametrize("gone, entries, left", CASES.values(), ids=CASES)
def test_what_is_gone_has_an_entry(gone, entries, left):
    assert contract.unexplained(gone, entries) == left


def test_what_is_required_no_more_is_not_gone():
    assert contract.gone({"a b: str, required"}, {"a b: str"}) == set()
    assert contract.gone({"a b: str"}, {"a b: str, required"}) == {"a b: str"}


def test_everything_that_is_gone_is_explained():
    assert contract.unexplained(contract.gone(contract.snapshot(), contract.lines()), contract.entries()) == []


def test_snapshot_is_complete():
    """Otherwise what is new could go away unnoticed later; python tests/unit/contract.py writes it anew."""
    assert sorted(contract.snapshot() ^ contract.lines()) == []


def test_snapshot_knows_every_kind():
    words = ("modules nginx_listen option backlog", "filter findings ", "role backlog_tune main variable backlog_tune_reason", "rule ", "playbook tune")
    assert [word for word in words if not any(line.startswith(word) for line in contract.snapshot())] == []
