# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean room: own network, pid and mount namespaces, made for one cell and gone with everything in it when the cell is done.

Called as a program this file is the room's pid 1: it builds a scenario, runs commands in turns and prints their costs as JSON.
"""

import json
import os
import subprocess
import sys

import measure
import scenarios

UNSHARE = ["unshare", "--net", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child"]


class RoomError(Exception):
    """The room or the scenario in it could not be built; the message says why."""


def measure_in_room(scenario, arguments, timed, once, rounds):
    """Build BUILDERS[scenario](*arguments), run `timed` in turns and `once` one time each ({name: command}); returns a measure.Series."""
    job = json.dumps({"scenario": scenario, "arguments": arguments, "timed": timed, "once": once, "rounds": rounds})
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    room = subprocess.run(
        UNSHARE + as_root + [sys.executable, os.path.abspath(__file__)],
        input=job.encode(), capture_output=True, preexec_fn=scenarios.die_with_parent, check=False,
    )  # fmt: skip
    if room.returncode:
        reason = room.stderr.decode(errors="backslashreplace").strip().splitlines() or ["it died"]
        raise RoomError(f"no clean room for {scenario}: {reason[-1]}")
    return measure.Series.from_plain(json.loads(room.stdout))


def main():
    job = json.load(sys.stdin)
    scenarios.raise_limits()
    scenarios.loopback_up()
    scenarios.BUILDERS[job["scenario"]](*job["arguments"])
    series = measure.in_turns(job["timed"], job["rounds"])
    for name, command in job["once"].items():
        series.add(name, measure.run(command))
    json.dump(series.to_plain(), sys.stdout)


if __name__ == "__main__":
    main()
