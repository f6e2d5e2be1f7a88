# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nginx error log says since a moment.

Its lines have the local time of nginx, whose zone may be another one than ours (containers), and no hint of it. But the
file was last written when its last line was: their difference is the zone.
"""

import re
from calendar import timegm

LINE = re.compile(rb"^(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) \[(\w+)\] (\d+)#\d+: ([^\n]+)", re.MULTILINE)
QUARTER = 900  # seconds; all zones of today differ by multiples of it
FARTHEST = 14 * 3600


def emergencies_since(text, written_at, pids, since, is_after):
    """Return the sentences of level emerg that one of ``pids`` wrote since a moment, each once.

    ``written_at`` is the time of the file's last change and ``since`` the moment, both in seconds since the epoch. Lines
    have whole seconds: of the second of the moment itself they count unless ``is_after``.
    """
    lines = [(_seconds(match), match) for match in LINE.finditer(text)]
    if not lines:
        return []
    zone = round((lines[-1][0] - written_at) / QUARTER) * QUARTER
    zone = zone if abs(zone) <= FARTHEST else 0
    first = int(since) + (1 if is_after else 0)
    found = {}
    for seconds, match in lines:
        if match.group(7) == b"emerg" and int(match.group(8)) in pids and seconds - zone >= first:
            found.setdefault(match.group(9).decode("utf-8", "backslashreplace"))
    return list(found)


def _seconds(match):
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    return timegm((year, min(max(month, 1), 12), day, hour, minute, second))
