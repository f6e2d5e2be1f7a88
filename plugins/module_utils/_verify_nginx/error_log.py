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
DIED = re.compile(r"worker process \d+ exited ")  # ngx_process_get_status(): an alert, unless it was told to end
QUARTER = 900  # seconds; all zones of today differ by multiples of it
FARTHEST = 14 * 3600


def emergencies_since(text, written_at, pids, since, is_after):
    """Return the sentences of level emerg that one of ``pids`` wrote since a moment, each once.

    ``written_at`` is the time of the file's last change and ``since`` the moment, both in seconds since the epoch. Lines
    have whole seconds: of the second of the moment itself they count unless ``is_after``.
    """
    first = int(since) + (1 if is_after else 0)
    return list(dict.fromkeys(sentence for seconds, sentence in _told(text, written_at, b"emerg", pids) if seconds >= first))


def deaths(text, written_at, pids):
    """Return when a worker died (whole seconds since the epoch), as the master tells, which is one of ``pids``. It makes another one at once."""
    return [seconds for seconds, sentence in _told(text, written_at, b"alert", pids) if DIED.match(sentence)]


def _told(text, written_at, level, pids):
    """Yield (seconds since the epoch, sentence) of each line of a level."""
    lines = [(_seconds(match), match) for match in LINE.finditer(text)]
    zone = round((lines[-1][0] - written_at) / QUARTER) * QUARTER if lines else 0
    zone = zone if abs(zone) <= FARTHEST else 0
    for seconds, match in lines:
        if match.group(7) == level and int(match.group(8)) in pids:
            yield seconds - zone, match.group(9).decode("utf-8", "backslashreplace")


def _seconds(match):
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    return timegm((year, min(max(month, 1), 12), day, hour, minute, second))
