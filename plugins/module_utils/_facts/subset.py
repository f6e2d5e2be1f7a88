# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gather_subset as ansible-core understands it.

Source: ansible/module_utils/facts/collector.py get_collector_names(): the minimal set is always there, then the named
ones are added, then the ones with ``!`` are taken away, except where they were named as well.
"""

from .._errors import InputError

MINIMAL = frozenset(("sockets", "counters", "sysctls"))
SUBSETS = MINIMAL | {"processes", "unix", "syn_queue", "nginx", "sysctl_boot"}


def chosen_subsets(names):
    """Return the frozenset of subsets that ``names`` (list of text) chooses. Raises InputError."""
    included, excluded, explicit = set(MINIMAL), set(), set()
    for name in names or ["all"]:
        plain = name[1:] if name.startswith("!") else name
        if plain not in SUBSETS and plain not in ("all", "min"):
            raise InputError("gather_subset: there is no subset %r; use all, min, %s, each also with a leading !" % (plain, ", ".join(sorted(SUBSETS))))
        members = {"all": SUBSETS, "min": MINIMAL}.get(plain, {plain})
        if not name.startswith("!"):
            included |= members
            explicit |= members if plain == name and plain in SUBSETS else set()
        else:
            excluded |= members - MINIMAL if plain == "all" else members
    return frozenset(included - (excluded - explicit))
