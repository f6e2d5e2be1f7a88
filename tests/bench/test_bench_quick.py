# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench itself works: `pytest tests/bench` (10 s, needs root or user namespaces). It says nothing about speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cells  # noqa: E402
import fleet  # noqa: E402
import measure  # noqa: E402


def series_of(**costs):
    made = measure.Series()
    for name, runs in costs.items():
        for cpu in runs:
            made.add(name, measure.Cost(cpu, cpu, 1024, 0, b""))
    return made


@pytest.mark.parametrize(
    ("situation", "ours", "ping", "expected"),
    [
        ("one noisy round does not count", (2.0, 90.0, 2.0), (1.0, 1.0, 1.0), 2.0),
        ("noise that meets both in a round cancels out", (2.0, 20.0, 2.0), (1.0, 10.0, 1.0), 2.0),
        ("a slow command has fewer rounds", (8.0,), (2.0, 1.0, 1.0), 4.0),
        ("a command that never ran well has no ratio", (), (1.0,), None),
    ],
)
def test_ratio(situation, ours, ping, expected):
    assert series_of(ours=ours, ping=ping).ratio("ours", "ping") == expected, situation


def test_a_command_that_fails_once_has_no_costs_and_its_words_are_kept():
    series = measure.in_turns({"good": ["true"], "bad": ["sh", "-c", "echo no such thing >&2; exit 3"]}, rounds=2)
    assert [len(series.costs.get(name, ())) for name in ("good", "bad")] == [2, 0]
    assert series.failures == {"bad": "no such thing\n"}


def test_children_of_a_command_are_in_its_cost():
    spin = f"{sys.executable} -c 'for _ in range(3000000): pass'"
    alone, as_child = (measure.run(command).cpu for command in (["true"], ["sh", "-c", spin + "; true"]))
    assert as_child > 5 * alone


@pytest.mark.parametrize(
    ("value", "limit", "verdict"), [(1.15, 1.15, "ok"), (1.16, 1.15, "MISSED"), (None, 1.15, "not measured"), (3.0, None, ""), (0, 0, "ok")]
)
def test_verdict(value, limit, verdict):
    assert cells.Row("cell", "", "", value, limit).verdict == verdict


def test_tasks_that_visit_every_host_are_found_in_the_output():
    printed = """
TASK [look] ****
ok: [a]
ok: [b]

TASK [skipped host by host] ****
skipping: [a]
skipping: [b]

TASK [report] ****
changed: [a]
"""
    assert fleet.tasks_for_each_host(printed, 2) == ["look", "skipped host by host"]


def test_quick_run_of_one_goal():
    output = HERE.parent / "output" / "bench-partial.json"
    done = subprocess.run([sys.executable, str(HERE / "bench.py"), "--quick", "--only", "5 namespaces"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "400 namespaces" in done.stdout
    rows = json.loads(output.read_text())["rows"]
    assert [row["cell"] for row in rows if row["limit"] and row["verdict"] == "not measured"] == []
