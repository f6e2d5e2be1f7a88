# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios look at: the kernel and the files of a test host, and what the controller wrote."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from snapshot import differences, snapshot

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
ROOT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
# What a change that was taken back leaves: its journal, and what nginx and people that looked at it have logged.
TRACES = ("/var/lib/netops.listen_queue", "/var/lib/systemd", "/var/log/nginx")


class Run(NamedTuple):
    """How a playbook ended, and what it printed."""

    code: int
    output: str

    def recap(self):
        """{host: {"ok": 3, "changed": 1, ...}}; a host that was not begun has no entry."""
        rows = [line.split() for line in self.output.rpartition("PLAY RECAP")[2].splitlines() if " unreachable=" in line]
        return {row[0]: {name: int(number) for name, number in (pair.split("=") for pair in row[2:])} for row in rows}


def command_of(name, target=None, collection=ROOT, **variables):
    """The command that runs a playbook of the collection, or of a path."""
    given = {**variables, **({"target": target} if target else {})}
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    return [
        "ansible-playbook",
        "--inventory",
        inventory,
        str(name if isinstance(name, Path) else collection / "playbooks" / f"{name}.yml"),
        "--extra-vars",
        json.dumps(given),
    ]


def environment():
    """Molecule's own, with output that can be searched: no colours, and no line breaks within a message."""
    return {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


def playbook(name, *arguments, core=None, collection=ROOT, **variables):
    """Run a playbook of the collection as an operator does; `core` is the folder of another ansible-core, `collection` that of another state of it."""
    command = [*command_of(name, collection=collection, **variables), *arguments]
    given = {"PATH": f"{core / 'bin'}:{os.environ['PATH']}"} if core else {}
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(installed(collection).parents[2])} if core or collection != ROOT else {}
    done = subprocess.run(command, env={**environment(), **given, **paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Run(done.returncode, done.stdout)


def play(folder, host, content):
    """Run a play of one's own on a host; `content` is what it has beside its hosts."""
    file = folder / "play.yml"
    file.write_text(json.dumps([{"name": "A play", "hosts": host, "gather_facts": False, **content}]), encoding="utf-8")
    command = ["ansible-playbook", "--inventory", os.environ["MOLECULE_INVENTORY_FILE"], str(file)]
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(installed(ROOT).parents[2])}
    done = subprocess.run(command, env={**environment(), **paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Run(done.returncode, done.stdout)


def installed(collection):
    """The collection at a path where Ansible finds it."""
    if collection != ROOT:
        return collection
    link = FOLDER / "collections" / "ansible_collections" / "netops" / "listen_queue"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
    return link


def wait_until(holds, seconds=60):
    """Wait until `holds()` is true; the test fails when it is not within `seconds`."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, f"it did not hold within {seconds} seconds"
        time.sleep(0.2)


def name_of(host):
    """The inventory's name of a host, at the end of its container's."""
    return host.backend.name.rsplit("-", 1)[1]


def limits(host, port):
    """Send-Q of every socket that listens on a port over IPv4, told by ss."""
    rows = host.check_output("ss -4Hltn sport = :%s", str(port)).splitlines()
    return [int(row.split()[2]) for row in rows]


def write(host, path, text):
    """Write a file on a host."""
    host.check_output("printf %%s %s > %s", text, path)


def report():
    """The report of the audit, as the controller wrote it."""
    return json.loads((FOLDER / "reports" / "report.json").read_text(encoding="utf-8"))


def changes_since_prepare(host):
    """The names of files and sysctls that were made, removed or written since the host was prepared."""
    return differences(_prepared(host), snapshot(host.backend.name))


def unlike_prepared(host):
    """The names of files and sysctls that are not what they were when the host was prepared: bytes, mode, owner, target of a link."""
    found = differences(_prepared(host), snapshot(host.backend.name), lambda state: state[:3] + state[4:])
    return [name for name in found if not name.startswith(TRACES)]


def _prepared(host):
    return json.loads((FOLDER / f"{name_of(host)}.json").read_text(encoding="utf-8"))


def journal(host):
    """The rows of checkpoint_info."""
    return journal_of(name_of(host))


def journal_of(name):
    module = ["ansible", "--inventory", os.environ["MOLECULE_INVENTORY_FILE"], name, "-m", "netops.listen_queue.checkpoint_info"]
    done = subprocess.run(module, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.split("=>", 1)[1])["checkpoints"]
