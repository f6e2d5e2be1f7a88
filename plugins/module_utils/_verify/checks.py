# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single checks: what is expected, what is seen, and a sentence for those that do not hold."""

from typing import Any, NamedTuple, Optional

from .._probe.latency import CONNECTED, FAILED, REFUSED, RESET, TIMEOUT
from .._sysctl.values import same

HALF = 0.5
ENDS = {TIMEOUT: "got no answer in time", REFUSED: "was refused", RESET: "was reset", FAILED: "failed"}


class Check(NamedTuple):
    """One check. ``ok`` is None where nothing on this machine can tell; such a check does not count against the result.

    ``sentence`` says what is wrong, or why it is not known.
    """

    name: str
    subject: str
    expected: Any
    seen: Any
    ok: Optional[bool]
    sentence: str = ""


def limit_check(text, limit, rows):
    """Every socket of an address has the limit, and there is one."""
    seen = sorted(row.accept_queue_limit for row in rows)
    if not seen:
        return Check("limit", text, limit, seen, False, "nothing listens on %s" % text)
    shown = ", ".join(str(number) for number in sorted(set(seen)))
    sentence = "the limit of %s is %s and not %d" % (text, shown, limit)
    if len(set(seen)) > 1:
        sentence = "the %d sockets of %s have the limits %s and not %d alone" % (len(seen), text, shown, limit)
    return Check("limit", text, limit, seen, set(seen) == {limit}, sentence)


def queue_check(text, rows):
    """No accept queue is half full or fuller. A limit of N holds N + 1."""
    share = max((row.accept_queue_length / (row.accept_queue_limit + 1) for row in rows), default=0)
    waiting = max((row.accept_queue_length for row in rows), default=0)
    sentence = "the accept queue of %s is %d %% full (%d connections wait)" % (text, int(100 * share), waiting)
    return Check("queue", text, HALF, round(share, 3), share < HALF, sentence)


def drops_check(text, before, rows):
    """No socket dropped anything since the look before. ``before`` maps cookies to drops; None when this is the first look."""
    new = None
    if before is not None and all(row.drops is not None for row in rows):
        new = sum(row.drops - (before.get(row.cookie) or 0) for row in rows)
    if new is None:
        return Check("drops", text, 0, None, None, "whether %s drops connections is not known" % text)
    return Check("drops", text, 0, new, new == 0, "%s still drops connections (%d packets since the look before)" % (text, new))


def new_drops_check(text, most, rows):
    """All sockets of an address together have not dropped more than ``most`` packets, which is what they had dropped at an earlier time."""
    total = total_drops(rows)
    if total is None:
        return Check("drops", text, most, None, None, "whether %s dropped connections is not known" % text)
    return Check("drops", text, most, total, total <= most, "%s has dropped %d packets since the earlier look" % (text, total - most))


def total_drops(rows):
    """Return how many packets the sockets of an address have dropped since they were made; None when that is not known, and without any."""
    drops = [row.drops for row in rows]
    return sum(drops) if drops and None not in drops else None


def sysctl_check(key, path, wanted, seen):
    """The value now. ``seen`` is None when it cannot be read."""
    sentence = "%s is %s and not %s" % (key, seen, wanted) if seen is not None else "%s does not exist here or cannot be read" % key
    return Check("sysctl", key, wanted, seen, seen is not None and same(path, wanted, seen), sentence)


def boot_check(key, path, wanted, facts, loader):
    """The value after the next boot. ``facts`` are those of the module sysctl_boot_info for the key, ``loader`` likewise."""
    seen, source = facts["boot_value"], facts["boot_source"]
    if seen is None:
        return Check("boot_sysctl", key, wanted, None, False, "nothing sets %s at boot (%s)" % (key, loader["why"]))
    sentence = "%s will be %s after the next boot (%s:%s) and not %s" % (key, seen, source["path"], source["line"], wanted)
    return Check("boot_sysctl", key, wanted, seen, same(path, wanted, str(seen)), sentence)


def probe_check(text, attempt):
    """A connection is made. ``attempt`` is an Attempt; None when it is not known how to reach the socket."""
    if attempt is None:
        return Check("probe", text, CONNECTED, None, None, "no process was found through which %s could be reached" % text)
    sentence = "a connection to %s %s" % (text, ENDS.get(attempt.outcome, ""))
    if attempt.reason:
        sentence += " (%s)" % attempt.reason
    return Check("probe", text, CONNECTED, attempt.outcome, attempt.outcome == CONNECTED, sentence)


def url_check(text, wanted, status, sentence):
    """An HTTP answer has a status of ``wanted``, or any of success and redirection when that is empty."""
    is_good = status is not None and (status in wanted if wanted else 200 <= status < 400)
    if status is not None:
        sentence = "the answer is %d" % status
    return Check("url", text, list(wanted) or "2xx or 3xx", status, is_good, "%s: %s" % (text, sentence))


class Timeline:
    """Remembers since when each check is as it is."""

    def __init__(self):
        self._since = {}

    def rows(self, checks, now):
        """Return ``[{check, subject, expected, seen, ok, time}]``; ``now`` and ``time`` are seconds since the start."""
        rows = []
        for check in checks:
            key = check.name, check.subject
            if key not in self._since or self._since[key][0] != check.ok:
                self._since[key] = check.ok, now
            row = {"check": check.name, "subject": check.subject, "expected": check.expected, "seen": check.seen, "ok": check.ok}
            rows.append(dict(row, time=round(self._since[key][1], 3)))
        return rows


def failure(checks, seconds):
    """Return the sentence that names what does not hold, or None."""
    sentences = [check.sentence for check in checks if check.ok is False]
    if not sentences:
        return None
    return "after %.1f seconds this does not hold: %s" % (seconds, "; ".join(sentences))
