# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts module's options, checked."""

from typing import FrozenSet, NamedTuple

from .._errors import InputError
from .subset import chosen_subsets

LONGEST_SAMPLE = 3600.0
SHORTEST_INTERVAL = 0.01


class Options(NamedTuple):
    """What to gather. ``sample`` and ``sample_interval`` are seconds; an empty ``ports`` means all."""

    subsets: FrozenSet[str]
    everywhere: bool
    ports: FrozenSet[int]
    all_counters: bool
    sample: float
    sample_interval: float
    nginx_status: bool = False
    diagnose: bool = False


def checked(parameters):
    """Return Options of a module's parameters (dict). Raises InputError with one sentence."""
    for port in parameters["ports"] or ():
        if not 1 <= port <= 65535:
            raise InputError("ports: %d is no TCP port; use 1 to 65535" % port)
    sample, interval = parameters["sample"], parameters["sample_interval"]
    if not 0 <= sample <= LONGEST_SAMPLE:  # also refuses NaN
        raise InputError("sample: %s seconds make no window; use 0 (no window) to %d" % (sample, LONGEST_SAMPLE))
    if not SHORTEST_INTERVAL <= interval <= LONGEST_SAMPLE:
        raise InputError("sample_interval: %s seconds is out of range; use %s to %d" % (interval, SHORTEST_INTERVAL, LONGEST_SAMPLE))
    if sample and interval > sample:
        raise InputError("sample_interval: %s seconds is longer than the sample of %s; use a shorter interval" % (interval, sample))
    subsets = chosen_subsets(parameters["gather_subset"])
    if sample and not subsets & {"sockets", "unix", "counters"}:
        raise InputError("sample: nothing to sample without sockets, unix or counters in gather_subset; add one of them")
    if parameters["nginx_status"] and "nginx" not in subsets:
        raise InputError("nginx_status: no nginx is looked for without nginx in gather_subset; add it")
    if parameters["diagnose"] and not (sample and {"sockets", "processes"} <= subsets):
        raise InputError("diagnose: needs a window, and sockets and processes in gather_subset; set sample to some seconds, and add what is missing")
    return Options(
        subsets,
        parameters["namespaces"] == "all",
        frozenset(parameters["ports"] or ()),
        parameters["counters"] == "all",
        sample,
        interval,
        parameters["nginx_status"],
        parameters["diagnose"],
    )
