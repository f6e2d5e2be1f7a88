# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options: what is taken, and one sentence for what is not."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.options import Options, checked
from ansible_collections.netops.listen_queue.plugins.module_utils._facts.subset import SUBSETS

DEFAULTS = {
    "gather_subset": ["all"], "namespaces": "own", "ports": [], "counters": "listed", "sample": 0.0, "sample_interval": 0.1, "nginx_status": False,
    "diagnose": False,
}  # fmt: skip
PLAIN = Options(SUBSETS, False, frozenset(), False, 0.0, 0.1)

TAKEN = {
    "defaults": ({}, {}),
    "everything": ({"namespaces": "all", "counters": "all"}, {"everywhere": True, "all_counters": True}),
    "ports": ({"ports": [80, 443, 80]}, {"ports": frozenset((80, 443))}),
    "first_and_last_port": ({"ports": [1, 65535]}, {"ports": frozenset((1, 65535))}),
    "ports_absent": ({"ports": None}, {}),
    "window": ({"sample": 2.0, "sample_interval": 0.5}, {"sample": 2.0, "sample_interval": 0.5}),
    "window_of_one_interval": ({"sample": 0.1}, {"sample": 0.1}),
    "longest_window": ({"sample": 3600.0}, {"sample": 3600.0}),
    "shortest_interval": ({"sample": 1.0, "sample_interval": 0.01}, {"sample": 1.0, "sample_interval": 0.01}),
    "nginx_status": ({"nginx_status": True}, {"nginx_status": True}),
    "diagnose": ({"sample": 1.0, "diagnose": True}, {"sample": 1.0, "diagnose": True}),
    "interval_without_window": ({"sample_interval": 60.0}, {"sample_interval": 60.0}),
    "window_of_counters_alone": (
        {"gather_subset": ["!min", "counters"], "sample": 1.0}, {"subsets": frozenset(("counters",)), "sample": 1.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("given, expected", TAKEN.values(), ids=TAKEN)
def test_taken(given, expected):
    assert checked({**DEFAULTS, **given}) == PLAIN._replace(**expected)


NO_DIAGNOSIS = "diagnose: needs a window, and sockets and processes in gather_subset; set sample to some seconds, and add what is missing"
REFUSED = {
    "port_0": ({"ports": [80, 0]}, "ports: 0 is no TCP port; use 1 to 65535"),
    "port_70000": ({"ports": [70000]}, "ports: 70000 is no TCP port; use 1 to 65535"),
    "negative_port": ({"ports": [-1]}, "ports: -1 is no TCP port; use 1 to 65535"),
    "negative_window": ({"sample": -1.0}, "sample: -1.0 seconds make no window; use 0 (no window) to 3600"),
    "window_too_long": ({"sample": 3600.5}, "sample: 3600.5 seconds make no window; use 0 (no window) to 3600"),
    "endless_window": ({"sample": float("inf")}, "sample: inf seconds make no window; use 0 (no window) to 3600"),
    "window_that_is_no_number": ({"sample": float("nan")}, "sample: nan seconds make no window; use 0 (no window) to 3600"),
    "interval_0": ({"sample_interval": 0.0}, "sample_interval: 0.0 seconds is out of range; use 0.01 to 3600"),
    "interval_too_short": ({"sample_interval": 0.001}, "sample_interval: 0.001 seconds is out of range; use 0.01 to 3600"),
    "interval_too_long": ({"sample_interval": 4000.0}, "sample_interval: 4000.0 seconds is out of range; use 0.01 to 3600"),
    "interval_that_is_no_number": ({"sample_interval": float("nan")}, "sample_interval: nan seconds is out of range; use 0.01 to 3600"),
    "interval_longer_than_the_window": (
        {"sample": 1.0, "sample_interval": 2.0}, "sample_interval: 2.0 seconds is longer than the sample of 1.0; use a shorter interval",
    ),
    "window_over_nothing": (
        {"gather_subset": ["!min", "sysctls"], "sample": 1.0},
        "sample: nothing to sample without sockets, unix or counters in gather_subset; add one of them",
    ),
    "diagnosis_without_window": ({"diagnose": True}, NO_DIAGNOSIS),
    "diagnosis_without_sockets": ({"diagnose": True, "sample": 1.0, "gather_subset": ["all", "!sockets"]}, NO_DIAGNOSIS),
    "diagnosis_without_processes": ({"diagnose": True, "sample": 1.0, "gather_subset": ["min"]}, NO_DIAGNOSIS),
    "status_of_nothing": (
        {"gather_subset": ["min"], "nginx_status": True},
        "nginx_status: no nginx is looked for without nginx in gather_subset; add it",
    ),
    "unknown_subset": (
        {"gather_subset": ["network"]},
        f"gather_subset: there is no subset 'network'; use all, min, {', '.join(sorted(SUBSETS))}, each also with a leading !",
    ),
}  # fmt: skip


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_refused_with_one_sentence(given, sentence):
    with pytest.raises(InputError) as caught:
        checked({**DEFAULTS, **given})
    assert str(caught.value) == sentence
