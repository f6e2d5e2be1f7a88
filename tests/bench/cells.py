# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The goals: which rooms are built, what runs in each, and which numbers of one run are set against which.

Costs on the target are processor time of the AnsiballZ file alone. P is the cost of ansible.builtin.ping in the same rounds:
the floor under every module.
"""

import json
import shutil
from typing import NamedTuple

import fleet
import measure
import programs
import room
import scenarios

KIB_PER_MIB = 1024


class Row(NamedTuple):
    """One line of the table. `value` is set against `limit` (smaller is better); no limit: for information, no value: not measured."""

    cell: str
    ours: str
    other: str
    value: float | None
    limit: float | None = None
    unit: str = ""

    @property
    def verdict(self):
        if self.value is None:
            return "not measured"
        if self.limit is None:
            return ""
        return "ok" if self.value <= self.limit else "MISSED"


class Room(NamedTuple):
    """A scenario with the sizes of a normal and of a quick run, what is timed in turns there, and what is run once."""

    scenario: str
    sizes: tuple[int, ...]
    quick_sizes: tuple[int, ...]
    timed: tuple[str, ...]
    once: tuple[str, ...] = ()


PEERS = programs.PEER_NAMES
ROOMS: dict[str, Room] = {
    "idle": Room("idle", (), (), ("ping", "min", "all", *PEERS)),
    "25 listeners": Room("listeners", (25,), (25,), (), ("min", "all", "audit")),
    "2,000 listeners": Room("listeners", (2000,), (100,), ("ping", "min", "min+processes", "all", *PEERS)),
    "50,000 connections": Room("connections", (50000,), (500,), ("ping", "min", "min+syn", *PEERS)),
    "1,000 processes x 100 fds": Room("processes", (1000, 100), (30, 20), ("ping", "min+processes", *PEERS)),
    "100 namespaces": Room("namespaces", (100,), (5,), ("ping", "min", "min everywhere"), ("traced",)),
    "200 namespaces": Room("namespaces", (200,), (10,), ("ping", "min", "min everywhere", "min+syn everywhere", "all everywhere", "audit", *PEERS)),
    "400 namespaces": Room("namespaces", (400,), (20,), ("ping", "min", "min everywhere")),
    "connections + namespaces": Room("connections_and_namespaces", (50000, 200), (500, 10), ("ping", "min everywhere", "min+syn everywhere")),
    "5,000 nginx servers": Room("nginx_configuration", (500, 10), (5, 10), ("nginx read", "nginx edit", "crossplane", "nginx -T")),
}  # fmt: skip


class Lab:
    """Builds each room at most once, when a goal first asks for it, and keeps what was measured there."""

    def __init__(self, scratch, python, rounds, quick, say):
        self.scratch, self.python, self.rounds, self.quick, self.say = scratch, python, rounds, quick, say
        self.measured: dict[str, measure.Series] = {}
        self.problems = []
        say("building the AnsiballZ files")
        self.commands, notes = programs.commands_of_this_machine(scratch, python)
        self.problems += notes
        if "all everywhere" in self.commands and shutil.which("strace"):
            self.commands["traced"] = trace_of(self.commands["all everywhere"], scratch / "strace.log")

    def room(self, name):
        """The series of a room; an empty one, and a problem, when the room cannot be built."""
        if name not in self.measured:
            plan = ROOMS[name]
            self.say(name)
            sizes = plan.quick_sizes if self.quick else plan.sizes
            try:
                series = room.measure_in_room(plan.scenario, sizes, self._known(plan.timed), self._known(plan.once), self.rounds)
            except room.RoomError as error:
                series = measure.Series()
                self.problems.append(str(error))
            self.problems += [f"{name}: {what} failed: {text.strip()[-300:]}" for what, text in series.failures.items()]
            expected = scenarios.expected_listeners(plan.scenario, sizes)
            self.problems += [note for program in programs.OURS for note in incomplete(series, name, program, expected)]
            self.measured[name] = series
        return self.measured[name]

    def _known(self, names):
        return {name: self.commands[name] for name in names if name in self.commands}

    def in_pings(self, room_name, program):
        return self.room(room_name).ratio(program, "ping")


def incomplete(series, room_name, program, expected):
    """A goal does not count when less work was done: a sentence when listeners are missing in an answer, and one for each problem in it."""
    fact = fact_of(series, program)
    if fact is None:
        return
    found = sum(len(namespace["listeners"] or ()) for namespace in fact["namespaces"])
    wanted = expected.everywhere if fact["scope"] == "all" else expected.own
    if found != wanted:
        yield f"{room_name}: {program} found {found} listeners of {wanted}"
    for problem in fact["problems"]:
        yield f"{room_name}: {program} says {problem['code']} ({problem.get('count', 1)} times)"


def fact_of(series, program):
    """The listen_queue fact in the last answer of a program, or None."""
    output = series.outputs.get(program)
    answer = json.loads(output) if output else {"listen_queue": None}
    if "listen_queue_json" in answer:
        return json.loads(answer["listen_queue_json"])
    return answer.get("ansible_facts", answer)["listen_queue"]


def trace_of(command, log):
    """The command under strace; what it prints is the log of the processes it starts, not its answer."""
    script = 'strace -f -qq -e trace=execve,execveat,clone,clone3,fork,vfork -e signal=none -o "$0" "$@" >/dev/null; cat "$0"'
    return ["sh", "-c", script, str(log), *command]


def against_ping(lab, room_name, program, limit=None):
    series = lab.room(room_name)
    cell = f"{room_name}: {program}"
    return Row(cell, seconds(series.cpu(program)), "ping " + seconds(series.cpu("ping")), series.ratio(program, "ping"), limit, "P")


def against_peers(lab, room_name, program, limits=()):
    """A row for each peer that ran in the room: our cost as a share of its cost."""
    series = lab.room(room_name)
    rows = []
    for peer in PEERS:
        other = f"{peer} {seconds(series.cpu(peer))}"
        if series.ratio(peer, "ping") is not None:
            other += f" = {series.ratio(peer, 'ping'):.2f} P"
        rows.append(Row(f"{room_name}: {program} / peer", seconds(series.cpu(program)), other, series.ratio(program, peer), dict(limits).get(peer)))
    return rows


def against_room(lab, cell, ours, base, limit):
    """Cost in P in one room as a multiple of the cost in P in another; `ours` and `base` are (room, program)."""
    cost, floor = lab.in_pings(*ours), lab.in_pings(*base)
    ratio = cost / floor if cost and floor else None
    return Row(cell, pings(cost), "{}, {} {}".format(*base, pings(floor)), ratio, limit, "x")


def goal_1(lab):
    return [against_ping(lab, "idle", "min", 1.15), against_ping(lab, "idle", "all", 1.35), *against_peers(lab, "idle", "min")]


def goal_2(lab):
    name = "2,000 listeners"
    rows = [against_ping(lab, name, "min", 1.75), against_ping(lab, name, "min+processes"), against_ping(lab, name, "all")]
    return rows + against_peers(lab, name, "min+processes", {"listen_ports_facts": 1 / 50})  # the peer looks for processes, too


def goal_3(lab):
    name, idle = "50,000 connections", ("idle", "min")
    rows = [against_room(lab, name + ": min", (name, "min"), idle, 1.10), against_room(lab, name + ": min+syn", (name, "min+syn"), idle, 1.30)]
    return rows + against_peers(lab, name, "min+syn")


def goal_4(lab):
    name = "1,000 processes x 100 fds"
    return [against_ping(lab, name, "min+processes", 1.25), *against_peers(lab, name, "min+processes")]


def goal_5(lab):
    """What a namespace costs is measured inside one room (all namespaces less the own one), so that P does not matter."""
    sizes = {number: ROOMS[f"{number} namespaces"] for number in (100, 200, 400)}
    each, rows = {}, []
    for number, plan in sizes.items():
        count = (plan.quick_sizes if lab.quick else plan.sizes)[0]
        series = lab.room(f"{number} namespaces")
        extra = series.difference("min everywhere", "min")
        each[number] = None if extra is None else extra * 1000 / count
        total = seconds(series.cpu("min everywhere"))
        rows.append(Row(f"{number} namespaces: ms per namespace", total, "own only " + seconds(series.cpu("min")), each[number], 0.7, "ms"))
    ratio = each[400] / each[100] if each[400] and each[100] else None
    rows.append(Row("400 namespaces: per namespace / at 100", f"{plain(each[400])} ms", f"{plain(each[100])} ms", ratio, 1.25, "x"))
    extra = [against_ping(lab, "200 namespaces", program) for program in ("min everywhere", "min+syn everywhere", "all everywhere", "audit")]
    return rows + extra + against_peers(lab, "200 namespaces", "min everywhere")


def goal_6(lab):
    both, alone = "connections + namespaces", "200 namespaces"
    return [against_room(lab, f"{both}: {program}", (both, program), (alone, program), 1.4) for program in ("min everywhere", "min+syn everywhere")]


def goal_7(lab):
    """strace sees the interpreter's own execve and every process or thread that is made after it."""
    trace = lab.room("100 namespaces").outputs.get("traced")
    lines = None if trace is None else [line for line in trace.splitlines() if " resumed>" not in line and "+++" not in line]
    executed = None if lines is None else sum(" execve" in line for line in lines) - 1
    threads = 0 if lines is None else sum("CLONE_THREAD" in line for line in lines)
    forks = None if lines is None else sum("execve" not in line for line in lines) - threads
    return [
        Row("100 namespaces: programs executed", "all everywhere", "strace", executed, 0),
        Row("100 namespaces: processes forked", f"{threads} threads", "strace", forks),
    ]


def goal_8(lab):
    series = lab.room("2,000 listeners")
    rows = []
    for program, limit in (("min", 8), ("all", 8)):
        peak, floor = series.peak_kib(program), series.peak_kib("ping")
        more = (peak - floor) / KIB_PER_MIB if peak and floor else None
        rows.append(Row("2,000 listeners: memory, " + program, mebibytes(peak), "ping " + mebibytes(floor), more, limit, "MiB"))
    return rows


def goal_9(lab):
    name = "5,000 nginx servers"
    series = lab.room(name)
    files, servers = ROOMS[name].quick_sizes if lab.quick else ROOMS[name].sizes
    expected = f"{files * servers} servers, {2 * files * servers} listens"
    readers = ("nginx read", "nginx edit", "crossplane")
    lab.problems += [f"{name}: {reader} found {series.outputs[reader]}" for reader in readers if series.outputs.get(reader, expected).strip() != expected]
    rows = []
    for reader, other, limit in (("nginx read", "crossplane", 1 / 4), ("nginx read", "nginx -T", 1.1), ("nginx edit", "nginx read", 2)):
        theirs = f"{other} {seconds(series.cpu(other))}"
        rows.append(Row(f"{name}: {reader} / {other}", seconds(series.cpu(reader)), theirs, series.ratio(reader, other), limit, "x"))
    peak = series.peak_kib("nginx read")
    others = ", ".join(f"{other} {mebibytes(series.peak_kib(other))}" for other in ("crossplane", "nginx -T"))
    rows.append(Row(f"{name}: memory of nginx read", mebibytes(peak), others, peak and peak / KIB_PER_MIB, 64, "MiB"))
    return rows


def facts_size(lab):
    """Compact JSON of the fact for 25 listeners: what the controller keeps for each host."""
    rows = []
    for program, limit in (("min", 8), ("all", None)):
        fact = fact_of(lab.room("25 listeners"), program)
        size = None if fact is None else len(json.dumps(fact, separators=(",", ":")).encode()) / 1000
        found = "" if fact is None else f"{sum(len(namespace['listeners']) for namespace in fact['namespaces'])} listeners"
        rows.append(Row("25 listeners: size of the facts, " + program, found, "", size, limit, "KB"))
    return rows


def goals_10_and_11(lab):
    """See fleet.py: the controller's cost, with a target that answers at once."""
    facts = lab.room("25 listeners").outputs.get("audit")
    outcome, problem = fleet.measure_fleet(lab.scratch, facts, lab.quick, lab.say)
    if problem:
        lab.problems.append(problem)
        return [Row("fleet: audit", "", "ping playbook", None, 1.3, "x")]
    lab.measured.update({f"fleet of {hosts}": series for hosts, series in outcome.series.items()})
    hosts, visits = max(outcome.series), outcome.tasks_for_each_host
    return [
        *fleet_rows(outcome.series, "CPU", measure.Series.cpu),
        *fleet_rows(outcome.series, "wall", measure.Series.wall),
        Row("modules run on each host", f"{outcome.module_runs} runs", f"{hosts} hosts", outcome.module_runs / hosts, 1),
        Row("tasks that visit every host", ", ".join(visits) or "none", f"{hosts} hosts", len(visits), 1),
    ]


def fleet_rows(series, what, cost):
    """`cost` (CPU or wall) of the audit against a ping playbook, and of a host in the large fleet against one in the small fleet."""
    few, many = sorted(series)
    large, small = cost(series[many], "audit"), cost(series[few], "audit")
    ping = cost(series[many], "ping")
    each, each_of_few = large / many, small / few
    return [
        Row(f"{many} hosts: audit, {what}", seconds(large), "ping playbook " + seconds(ping), large / ping, 1.3, "x"),
        Row(f"{many} hosts: {what} per host / at {few}", seconds(each), seconds(each_of_few), each / each_of_few, 1.2, "x"),
    ]


def plain(number):
    return "-" if number is None else f"{number:.2f}"


def pings(number):
    return "-" if number is None else f"{number:.2f} P"


def seconds(number):
    if number is None:
        return "-"
    return "%.1f ms" % (number * 1000) if number < 10 else f"{number:.1f} s"


def mebibytes(kib):
    return "-" if kib is None else "%.1f MiB" % (kib / KIB_PER_MIB)


GOALS = {
    "1 idle": goal_1,
    "2 listeners": goal_2,
    "3 connections": goal_3,
    "4 processes": goal_4,
    "5 namespaces": goal_5,
    "6 connections and namespaces": goal_6,
    "7 no process started": goal_7,
    "8 memory": goal_8,
    "9 nginx": goal_9,
    "facts size": facts_size,
    "10, 11 fleet": goals_10_and_11,
}
