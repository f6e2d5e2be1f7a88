# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the speed goals as ratios of one run and print them as one table; tests/output/bench.json has every single cost.

    .venv/bin/python tests/bench/bench.py [--list] [--only TEXT] [--runs N] [--quick] [--strict] [--target-python PATH]

Ends with 0 even when goals are missed, unless --strict is given. Needs Linux and unshare (util-linux); the scenarios are built
in namespaces of their own and are gone when the run ends, however it ends.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cells
import fleet
import programs

OUTPUT = programs.ROOT / "tests" / "output" / "bench.json"
OUTPUT_OF_A_PART = OUTPUT.with_name("bench-partial.json")  # --only and --quick leave the result of the last whole run alone
QUICK_ROUNDS = 1
BUSY = 1.5  # load average: something else is running on at least one core


def main():
    options = parse_arguments()
    goals = {name: goal for name, goal in cells.GOALS.items() if options.only.lower() in name.lower()}
    if options.list or not goals:
        print("\n".join(cells.GOALS))
        return 0 if options.list else f"no goal has {options.only!r} in its name"
    if not shutil.which("unshare"):
        return "the bench needs unshare (package util-linux) to build its scenarios"
    for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # end in order: rooms die with us, the temporary directory is removed
        signal.signal(stop, lambda *_: sys.exit("stopped"))
    started, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="listen-queue-bench-") as scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = scratch  # also where AnsiballZ unpacks itself
        rounds = QUICK_ROUNDS if options.quick else options.runs
        lab = cells.Lab(Path(scratch), options.target_python, rounds, options.quick, lambda text: say(started, text))
        tables = {name: goal(lab) for name, goal in goals.items()}
    header = describe(options, rounds, load)
    if load > BUSY:
        lab.problems.append(f"this machine was busy (load {load:.1f}): the ratios are noisier than usual and ms per namespace are too high")
    print_tables(header, tables, lab.problems)
    output = OUTPUT_OF_A_PART if options.only or options.quick else OUTPUT
    write(output, header, tables, lab)
    say(started, f"done, {output.relative_to(programs.ROOT)} written")
    missed = any(row.verdict == "MISSED" for rows in tables.values() for row in rows)
    return 1 if missed and options.strict else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measure the speed goals as ratios of one run.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only goals with this text in their name")
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="rounds of each cell (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="print the names of the goals and stop")
    parser.add_argument("--quick", action="store_true", help="one round, tiny scenarios: shows that the bench works, its numbers mean nothing")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a goal is missed")
    parser.add_argument("--target-python", default=sys.executable, metavar="PATH", help="Python that runs the modules (default: %(default)s)")
    return parser.parse_args()


def describe(options, rounds, load):
    """One line about where the numbers come from."""
    core = subprocess.run([sys.executable, "-c", "import ansible; print(ansible.__version__)"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    target = subprocess.run([options.target_python, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    quick = ", QUICK: numbers mean nothing" if options.quick else ""
    machine = f"kernel {platform.release()}, {os.cpu_count()} cores, load {load:.1f} at the start, ansible-core {core} on Python {platform.python_version()}"
    return f"{machine}, modules on {target}, {rounds} rounds, fleet target: {fleet.stand_in()}{quick}"


def print_tables(header, tables, problems):
    lines = [("cell", "ours", "floor or peer", "ratio", "goal", "")]
    for goal, rows in tables.items():
        lines.append((goal.upper(), "", "", "", "", ""))
        lines += [as_text(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    print(f"\n{header}\nP = cost of ansible.builtin.ping in the same rounds; costs are processor time\n")
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=False)).rstrip())
    for problem in problems:
        print("note: " + problem)


def as_text(row):
    digits = "%d" if isinstance(row.value, int) else "%.3f" if row.value is not None and row.value < 2 else "%.2f"
    value = "-" if row.value is None else (digits % row.value + " " + row.unit).rstrip()
    limit = "" if row.limit is None else (f"<= {row.limit:g} {row.unit}").rstrip()
    return "  " + row.cell, row.ours, row.other, value, limit, row.verdict


def write(output, header, tables, lab):
    output.parent.mkdir(parents=True, exist_ok=True)
    rows = [dict(row._asdict(), goal=goal, verdict=row.verdict) for goal, group in tables.items() for row in group]
    costs = {room: {name: [cost[:3] for cost in runs] for name, runs in series.costs.items()} for room, series in lab.measured.items()}
    report = {"header": header, "rows": rows, "problems": lab.problems, "costs (cpu s, wall s, peak KiB)": costs}
    output.write_text(json.dumps(report, indent=1) + "\n")


def say(started, text):
    print(f"[{time.monotonic() - started:4.0f} s] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
