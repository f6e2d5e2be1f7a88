# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts half-open connections per listener, as far as the host can afford it."""

import time

from .._sockets.read import SockDiag
from .._sockets.syn_queue import count_half_open

# Seconds of CPU for namespaces other than the own one: each dump walks the connection hash that all of them share.
BUDGET = 0.02


def count_half_open_of(gathering, views):
    """Set ``half_open`` of each view; ``None`` and a problem where it was not counted."""
    left = BUDGET
    for view in views:
        if not view.tcp:
            view.half_open = None if view.tcp is None else {}
        elif left <= 0:
            gathering.problems.add(
                "syn_queue_skipped",
                "half-open connections of some namespaces were not counted, to spare this busy host; run the module inside a namespace to see its own",
                view.netns,
            )
        else:
            start = time.process_time()
            gathering.inside(view, _count)
            _report_groups(gathering.problems, view)
            left -= 0 if view.namespace.is_own else time.process_time() - start


def _count(view):
    with SockDiag() as diag:
        view.half_open = count_half_open(view.tcp, diag.syn_requests())


def _report_groups(problems, view):
    sizes = view.group_sizes()
    if any(number and sizes[key] > 1 for key, number in (view.half_open or {}).items()):
        problems.add(
            "syn_queue_split",
            "half-open connections do not name their socket inside a reuseport group; syn_queue_group_length has the group's sum",
            view.netns,
            partial=False,
        )
