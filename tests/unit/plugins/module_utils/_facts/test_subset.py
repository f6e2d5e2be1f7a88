# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gather_subset means what it means in ansible-core's own setup module."""

import pytest
from ansible.module_utils.facts.collector import get_collector_names
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.subset import MINIMAL, SUBSETS, chosen_subsets
from hypothesis import example, given
from hypothesis import strategies as st

NAMES = [mark + name for name in sorted(SUBSETS | {"all", "min"}) for mark in ("", "!")]
CHOICES = {
    "none": (None, SUBSETS),
    "empty": ([], SUBSETS),
    "all": (["all"], SUBSETS),
    "min": (["min"], MINIMAL),
    "not_all": (["!all"], MINIMAL),
    "one_and_the_minimum": (["unix"], MINIMAL | {"unix"}),
    "only_one": (["!all", "!min", "unix"], {"unix"}),
    "all_but_one": (["all", "!syn_queue"], SUBSETS - {"syn_queue"}),
    "not_one": (["!unix"], MINIMAL),
    "nothing": (["!min"], frozenset()),
    "one_of_the_minimum": (["!min", "counters"], {"counters"}),
    "named_beats_excluded": (["!unix", "unix"], MINIMAL | {"unix"}),
}


@pytest.mark.parametrize("names, chosen", CHOICES.values(), ids=CHOICES)
def test_choice(names, chosen):
    assert chosen_subsets(names) == chosen


@given(st.lists(st.sampled_from(NAMES), max_size=8))
@example(["!min", "!all", "min"])
@example(["all", "!all", "sockets", "!sockets"])
def test_choice_is_that_of_ansible_core(names):
    expected = get_collector_names(valid_subsets=SUBSETS, minimal_gather_subset=MINIMAL, gather_subset=list(names))
    assert chosen_subsets(names) == expected


KNOWN = "use all, min, counters, nginx, processes, sockets, syn_queue, sysctl_boot, sysctls, unix, each also with a leading !"
UNKNOWN = {"word": "hardware", "excluded": "!hardware", "empty": "", "only_the_mark": "!", "two_marks": "!!unix", "blank": " unix", "upper_case": "ALL"}


@pytest.mark.parametrize("name", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_subset_is_an_error(name):
    """ansible-core ignores an unknown excluded name; a misspelt one would gather what was not wanted."""
    plain = name.removeprefix("!")
    with pytest.raises(InputError) as caught:
        chosen_subsets(["all", name])
    assert str(caught.value) == f"gather_subset: there is no subset {plain!r}; {KNOWN}"
