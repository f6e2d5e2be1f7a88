# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command costs: processor time and memory of its whole process tree, from wait4."""

import os
import statistics
import subprocess
import tempfile
import time
from typing import NamedTuple

WARM_UP_IS_ENOUGH = 5.0  # seconds: a command this slow is not run again only to warm up
TIME_BUDGET = 12.0  # seconds of wall clock that one command may take in one cell after its warm-up


class Cost(NamedTuple):
    """cpu and wall in seconds, peak memory in KiB (of the largest process), the exit status and what was printed."""

    cpu: float
    wall: float
    peak_kib: int
    status: int
    output: bytes


def run(command, environment=None) -> Cost:
    """Run a command to its end. Descendants count when their parents waited for them, as all measured programs do."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=errors, env=environment)
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # wait4 has reaped it: tell Popen
        printed.seek(0)
        output = printed.read()
        if process.returncode:
            errors.seek(0)
            output += errors.read()[-2000:]
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss, process.returncode, output)


class Series:
    """The costs of several commands that were run in turns: round after round, so that noise meets all of them alike.

    `costs` is {name: [Cost]}, the entries i of all names are from the same round; `outputs` is {name: what the last run printed};
    `failures` is {name: what it printed} of those that did not end with status 0: they have no costs.
    """

    def __init__(self):
        self.costs, self.outputs, self.failures = {}, {}, {}

    def add(self, name, cost, counts=True):
        """Take one run; one that only warmed up (`counts` false) leaves its output."""
        if cost.status:
            self.failures[name] = cost.output.decode(errors="backslashreplace")
            self.costs.pop(name, None)
            return
        self.outputs[name] = cost.output.decode(errors="backslashreplace")
        if counts:
            self.costs.setdefault(name, []).append(cost._replace(output=b""))

    def to_plain(self):
        """As JSON can carry it: from the room to the bench, and into bench.json (there without the outputs)."""
        costs = {name: [cost._replace(output="") for cost in costs] for name, costs in self.costs.items()}
        return {"costs": costs, "outputs": self.outputs, "failures": self.failures}

    @classmethod
    def from_plain(cls, plain):
        made = cls()
        made.costs = {name: [Cost(*cost) for cost in costs] for name, costs in plain["costs"].items()}
        made.outputs, made.failures = plain["outputs"], plain["failures"]
        return made

    def ratio(self, name, other) -> float | None:
        """Median over the rounds of cpu(name) / cpu(other); None when one of the two never ran well."""
        return _median(ours.cpu / theirs.cpu for ours, theirs in self._pairs(name, other) if theirs.cpu > 0)

    def difference(self, name, other) -> float | None:
        """Median over the rounds of cpu(name) - cpu(other), in seconds."""
        return _median(ours.cpu - theirs.cpu for ours, theirs in self._pairs(name, other))

    def cpu(self, name) -> float | None:
        return _median(cost.cpu for cost in self.costs.get(name, ()))

    def wall(self, name) -> float | None:
        return _median(cost.wall for cost in self.costs.get(name, ()))

    def peak_kib(self, name) -> float | None:
        return _median(cost.peak_kib for cost in self.costs.get(name, ()))

    def _pairs(self, name, other):
        return zip(self.costs.get(name, ()), self.costs.get(other, ()), strict=False)


def in_turns(commands, rounds, environment=None) -> Series:
    """Run {name: command} A B C A B C ... after one warm-up round. A slow command has fewer rounds, one that fails is not run again."""
    series = Series()
    spent = dict.fromkeys(commands, 0.0)
    for number in range(rounds + 1):
        for name, command in commands.items():
            if name in series.failures or spent[name] > TIME_BUDGET:
                continue
            cost = run(command, environment)
            counts = number > 0 or cost.wall > WARM_UP_IS_ENOUGH
            series.add(name, cost, counts)
            spent[name] += cost.wall if counts else 0.0
    return series


def _median(values):
    known = list(values)
    return statistics.median(known) if known else None
