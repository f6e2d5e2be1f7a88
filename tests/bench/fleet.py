# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's cost for a large fleet: `audit.yml` beside a playbook that only pings.

The hosts are made up. Their `ansible_python_interpreter` is a tiny program (fleet_target.c) that swallows the module and prints
an answer which was recorded once, so the target costs about nothing and what remains is Ansible's work and ours on the controller.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import measure
import programs

AUDIT = programs.ROOT / "playbooks" / "audit.yml"
SOURCE = Path(__file__).with_name("fleet_target.c")
FORKS = 10
SCRIPT = '#!/bin/sh\n[ $# -gt 0 ] || cat >/dev/null\nprintf + >>"$0.runs"\nexec cat "$0.json"\n'
HOST_RESULT = re.compile(r"^(ok|changed|fatal|failed|included|unreachable): ")  # skipped tasks cost a fork too, but print "skipping"
SKIPPED = re.compile(r"^skipping: \[")


class Outcome(NamedTuple):
    """`series` is {number of hosts: Series with audit and ping}; the rest is of one audit of the largest fleet."""

    series: dict[int, measure.Series]
    module_runs: int
    tasks_for_each_host: list[str]


def measure_fleet(scratch, facts, quick, say):
    """(Outcome, None), or (None, a sentence that says why it could not be measured). `facts` is a recorded answer of listen_queue_facts."""
    if facts is None or not AUDIT.is_file():
        return None, "fleet: not measured, %s is missing" % ("an answer of listen_queue_facts" if facts is None else "playbooks/audit.yml")
    folder = scratch / "fleet"
    folder.mkdir()
    few, many, rounds = (5, 20, 1) if quick else (250, 1000, 2)
    series = {}
    for hosts in (few, many):
        say(f"fleet of {hosts} hosts")
        commands = {
            "ping": playbook(folder, "ping", {"ping": "pong"}, hosts, ping_playbook(folder)),
            "audit": playbook(folder, "audit", json.loads(facts), hosts, AUDIT),
        }
        series[hosts] = in_pairs(commands, rounds, programs.ansible_environment(scratch))
        if "audit" not in series[hosts].costs or "ping" not in series[hosts].costs:
            return None, f"fleet: a playbook failed: {str(series[hosts].failures)[-600:]}"
    runs = (folder / f"audit-{many}.runs").stat().st_size / rounds
    return Outcome(series, int(runs), tasks_for_each_host(series[many].outputs["audit"], many)), None


def in_pairs(commands, rounds, environment):
    """Like measure.in_turns without a warm-up: one run is seconds of work of a thousand forks."""
    environment = dict(environment, ANSIBLE_PIPELINING="1", ANSIBLE_FORKS=str(FORKS))
    series = measure.Series()
    for _each in range(rounds):
        for name, command in commands.items():
            series.add(name, measure.run(command, environment))
    return series


def playbook(folder, name, answer, hosts, path):
    """The command that runs a playbook over `hosts` made-up hosts, each of which gives the same answer."""
    interpreter = folder / f"{name}-{hosts}"
    make_interpreter(interpreter)
    Path(f"{interpreter}.json").write_text(json.dumps(answer))
    variables = {"ansible_connection": "local", "ansible_python_interpreter": str(interpreter)}
    names: dict[str, dict] = {f"host{number:04}.example.com": {} for number in range(hosts)}
    inventory = folder / f"{name}-{hosts}.yml"
    inventory.write_text(json.dumps({"all": {"vars": variables, "hosts": names}}))
    report = json.dumps({"backlog_audit_report_dir": str(folder / "reports")})
    return [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), "-e", report, str(path)]


def ping_playbook(folder):
    path = folder / "ping.yml"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}]))
    return path


def make_interpreter(path):
    """Compile the stand-in; without a compiler a shell script does the same, slower."""
    compiler = shutil.which("cc")
    if compiler and subprocess.run([compiler, "-O2", "-o", str(path), str(SOURCE)], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return
    path.write_text(SCRIPT)
    path.chmod(0o755)


def stand_in():
    return "compiled C" if shutil.which("cc") else "a shell script, no cc here"


def tasks_for_each_host(printed, hosts):
    """Names of the tasks that were run (or skipped one by one) for every host, from the output of the default callback."""
    results = {}
    task = None
    for line in printed.splitlines():
        if line.startswith("TASK ["):
            task = line[len("TASK [") : line.rindex("]")]
            results[task] = 0
        elif task and (HOST_RESULT.match(line) or SKIPPED.match(line)):
            results[task] += 1
    return [name for name, count in results.items() if count >= hosts]
