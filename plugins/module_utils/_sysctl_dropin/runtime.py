# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runtime values have to become."""

from .._sysctl.catalog import CATALOG
from .._sysctl.gathered import GATHERED
from .._sysctl.names import path_of
from .._sysctl.values import kept, same
from .._sysctl_info.shape import kernel_default
from .options import is_allowed, number_of

ROWS = {path_of(row.key): row for row in CATALOG}
DEVICES = ("net/ipv4/conf/all/", "net/ipv4/conf/default/")


def wanted_now(wanted, draft, order, before, is_older):
    """Return ({path: text to have now}, {path: why it stays as it is}).

    ``before`` are the values now, ``order`` the BootOrder of the files as they shall be; ``is_older(version)`` tells the kernel's age.
    """
    if not wanted.is_present:
        return _after_removal(wanted, draft.values, order, before, is_older)
    if not wanted.at_least:
        return dict(draft.values), {}
    return {path: text for path, text in draft.values.items() if not _is_enough(path, before[path], text)}, {}


def _is_enough(path, now, text):
    number = number_of(path, now)
    return number is not None and number >= number_of(path, text)


def _after_removal(wanted, values, order, before, is_older):
    """A key that no longer stands in our file gets what the next boot will give it, unless somebody else has changed it."""
    targets, left = {}, {}
    for path, value in values.items():
        winner = order.winner(path)
        if before[path] is None:
            left[path] = "there is no such sysctl here now"
        elif not is_allowed(path, wanted.allow):
            left[path] = "it is not among what may be set here; name it in allow when it is meant"
        elif value is None or not same(path, before[path], value):
            left[path] = "it is %s, which is not what the file had set" % before[path]
        elif winner is not None:
            targets[path] = kept(path, winner.value).value or winner.value
        else:
            default = kernel_default(ROWS[path], is_older) if ROWS.get(path) in GATHERED else None
            if default is not None:
                targets[path] = default
            else:
                left[path] = "nothing else sets it at boot, and the kernel's default is not known"
    return targets, left


def is_private(path):
    """Whether each network namespace has a value of its own, for certain: only such a value can be tried out elsewhere."""
    row = ROWS.get(path)
    return row.per_namespace if row is not None else path.startswith(DEVICES)
