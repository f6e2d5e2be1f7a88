# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a listener -> the part `workers` of its row. Pure. See fields.py for each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..values import above, at, at_least, both, dicts, either, matching, mean, most, negated, number, share, share_of, text, whole

# One thread of these accepts and answers; the others only help, so that all threads together tell about that one.
ONE_THREAD_ACCEPTS = frozenset("aiohttp asyncio gunicorn hypercorn nginx node php-fpm php-fpm-before-8.2 redis tornado unicorn uvicorn uwsgi".split())
ALWAYS = 0.95  # share of the reads in which a queue is half full that is never drained
IDLE_CPU = 0.002  # share of one CPU; /proc/PID/stat counts in hundredths of a second

Row = dict[str, Any]
Thresholds = Mapping[str, float]


class Machine:
    """What all listeners of a host share: its processes by pid, its cgroups by path, its pressure."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        known = facts.get("workers")
        self.workers: dict[int, Row] | None = {each["pid"]: each for each in dicts(known) if whole(each.get("pid"))} if isinstance(known, list) else None
        self.cgroups = {each["path"]: each for each in dicts(facts.get("cgroups")) if text(each.get("path"))}
        self.cpu_pressure = number(at(facts.get("pressure"), "cpu", "some"))


def worker_fields(source: Mapping[str, Any], program: Mapping[str, Any], machine: Machine, thresholds: Thresholds) -> Row:
    """The part `workers` of one listener's row, without `had_time_left`. Only count, pids and ended when nobody holds the socket."""
    pids = source.get("workers")
    held = None if machine.workers is None or not isinstance(pids, list) else matching(machine.workers, pids)
    row: Row = {"ended": whole(source.get("workers_ended", 0))}
    if held is None or (pids and not held):
        return row | dict.fromkeys(_OF_WORKERS)
    serving = _accepting(held)
    row.update(count=len(serving), pids=_pids(serving))
    if serving:
        _add_states(row, serving, thresholds)
        _add_cpu(row, serving, program, machine, thresholds)
        _add_files(row, serving)
        _add_cgroup(row, serving, machine)
    return row


_OF_WORKERS = (
    "count pids cpu_mean cpu_max saturated_share runnable_share stopped stopped_share stopped_pids all_stopped blocked blocked_share wait_in "
    "open_files_used open_files open_files_limit throttled_share throttled_seconds cpu_quota cpu_pressure"
).split()


def _accepting(held: list[Row]) -> list[Row]:
    """Without masters and parents, which hold the socket for their children, and without processes that were found at the end only."""
    found = held
    for is_kept in (lambda each: each.get("role") != "master" and not each.get("children"), lambda each: isinstance(each.get("states"), dict)):
        found = [each for each in found if is_kept(each)] or found
    return found


def _pids(workers: list[Row]) -> str:
    return " ".join(str(each["pid"]) for each in workers)


def _in_state(worker: Row, letters: str) -> float | None:
    """Share of the reads in one of the states; a state that is not named was not seen."""
    states = worker.get("states")
    shares = [number(states.get(letter, 0)) for letter in letters] if isinstance(states, dict) and states else [None]
    return None if None in shares else sum(value or 0 for value in shares)


def _add_states(row: Row, workers: list[Row], thresholds: Thresholds) -> None:
    often, enough = thresholds["reads_in_state"], thresholds["workers_share"]
    stopped = [at_least(_in_state(each, "Tt"), often) for each in workers]
    blocked = [_blocked(each, often) for each in workers]
    row.update(
        stopped=None if None in stopped else stopped.count(True),
        stopped_share=share_of(stopped, enough),
        stopped_pids=_pids([each for each, is_stopped in zip(workers, stopped, strict=True) if is_stopped]),
        all_stopped=both(*stopped),
        blocked=None if None in blocked else blocked.count(True),
        blocked_share=share_of(blocked, enough),
        runnable_share=mean(_in_state(each, "R") for each in workers),
        wait_in=sorted({each["wchan"] for each in workers if text(each.get("wchan"))}),
    )


def _blocked(worker: Row, often: float) -> bool | None:
    """Of a process with threads the most telling one's state is known: one thread that waits for a disk does not block the others."""
    waits = at_least(_in_state(worker, "D"), often)
    threads, still = whole(worker.get("threads")), whole(worker.get("threads_blocked"))
    if not waits or threads == 1:
        return waits
    return None if threads is None or still is None or 2 * still < threads else True


def _add_cpu(row: Row, workers: list[Row], program: Mapping[str, Any], machine: Machine, thresholds: Thresholds) -> None:
    used = [number(each.get("cpu")) for each in workers]
    row["cpu_mean"], row["cpu_max"] = mean(used), None if None in used else most(used)
    saturated = [_saturated(each, program, machine, thresholds) for each in workers]
    row["saturated_share"] = share_of(saturated, thresholds["workers_share"])


def _saturated(worker: Row, program: Mapping[str, Any], machine: Machine, thresholds: Thresholds) -> bool | None:
    """Whether it used up what it can. Of many threads that is known only when the host or their cgroup has no CPU left, or when it used little."""
    cpu, limit = number(worker.get("cpu")), thresholds["worker_cpu"]
    if cpu is None or cpu < limit:
        return at_least(cpu, limit)
    if worker.get("threads") == 1 or program.get("id") in ONE_THREAD_ACCEPTS:
        return True
    quota = number(at(_cgroup(worker, machine), "cpu_quota"))
    if quota is not None and cpu >= limit * quota:
        return True
    return True if above(machine.cpu_pressure, thresholds["cpu_pressure"]) else None


def _add_files(row: Row, workers: list[Row]) -> None:
    """Those of the process that is nearest to its limit."""
    tables = [(whole(each.get("open_files")), whole(each.get("open_files_limit"))) for each in workers]
    known = [(share(used, limit), used, limit) for used, limit in tables if used is not None and limit]
    row["open_files_used"], row["open_files"], row["open_files_limit"] = max(known) if known else (None, None, None)


def _cgroup(worker: Row, machine: Machine) -> Row | None:
    path = worker.get("cgroup")
    return machine.cgroups.get(path) if isinstance(path, str) else None


def _add_cgroup(row: Row, workers: list[Row], machine: Machine) -> None:
    """The cgroup that was throttled most. One without a quota has no periods and was never throttled."""
    found = [_cgroup(each, machine) for each in workers]
    shares = [share(whole(at(each, "throttled_periods")), whole(at(each, "periods"))) for each in found]
    row["throttled_share"] = most(shares)
    row["throttled_seconds"] = most(number(at(each, "throttled_seconds")) for each in found)
    row["cpu_quota"] = min((each for each in (number(at(one, "cpu_quota")) for one in found) if each is not None), default=None)
    row["cpu_pressure"] = most([machine.cpu_pressure, *(number(at(each, "cpu_pressure")) for each in found)])


def had_time_left(workers: Mapping[str, Any], listener: Mapping[str, Any], thresholds: Thresholds) -> bool | None:
    """Whether a longer queue would have been served: the workers could have done more, and did take all out of it now and then."""
    enough = thresholds["workers_share"]
    busy = either(
        at_least(workers["saturated_share"], enough),
        at_least(workers["blocked_share"], enough),
        at_least(workers["stopped_share"], enough),
        at_least(workers["runnable_share"], thresholds["worker_cpu"]),
        at_least(workers["throttled_share"], thresholds["throttled_share"]) or False,  # who is throttled is runnable, too
    )
    stands = either(at_least(listener.get("share_half_full"), ALWAYS), at_least(listener.get("stall_share"), thresholds["stall_share"]))
    return both(negated(busy), negated(stands))
