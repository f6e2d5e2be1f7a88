# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to tell that a reload took place: by its new workers; and why it did not: by the error log.

ngx_master_process_cycle() starts new workers only when ngx_init_cycle() succeeded, and 100 ms later tells the old ones to
end. ngx_open_listening_sockets() tries a refused bind() five times, half a second apart, before it gives up.
"""

import re
from typing import NamedTuple

BIND_RETRIES = 3.5  # seconds after which a refused bind() is final, even when the last line was not seen
EMERG = re.compile(rb"\[(?:emerg|alert)\] (\d+)#\d+: ([^\n]*)")
GAVE_UP = "still could not bind()"
RETRIED = re.compile(r"bind\(\) to .* failed ")


class WorkerSeen(NamedTuple):
    """A worker at one moment. A worker whose title cannot be read any more has ended."""

    start_ticks: int
    is_shutting_down: bool


def is_applied(before, now):
    """True when the workers tell that a reload took place. Both are ``{pid: WorkerSeen}``.

    A worker that crashed is replaced too: so there must be more new workers than old ones that ended, or a sign that the
    old ones were told to end.
    """
    old = {pid for pid, worker in before.items() if pid in now and now[pid].start_ticks == worker.start_ticks}
    new = [worker for pid, worker in now.items() if pid not in old and not worker.is_shutting_down]
    if not new:
        return False
    told_to_end = any(now[pid].is_shutting_down and not before[pid].is_shutting_down for pid in old)
    return told_to_end or len(new) > len(before) - len(old) or not old


def emergencies(log, pids):
    """Return the sentences of level emerg and alert that one of ``pids`` wrote, in order, each once."""
    found = {}
    for match in EMERG.finditer(log):
        if int(match.group(1)) in pids:
            found.setdefault(match.group(2).decode("utf-8", "backslashreplace"))
    return list(found)


def is_final(sentences):
    """True when nginx will not try any longer: it gave up, or what is wrong is no bind() that it tries again."""
    return any(sentence.startswith(GAVE_UP) or not RETRIED.match(sentence) for sentence in sentences)


def is_about_bind(sentences):
    """True when nginx could not have an address, of which it does not say who has it."""
    return any(RETRIED.match(sentence) for sentence in sentences)


def reasons(sentences):
    """Return the sentences that say why: without the one that only says that the tries are over."""
    return [sentence for sentence in sentences if not sentence.startswith(GAVE_UP)] or sentences
