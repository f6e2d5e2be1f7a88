# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real playbooks, with each ansible-core that is supported, against hosts that answer what a test made up.

A host is played by a script in place of its Python interpreter. It notes what it is asked, and prints the answer for that module.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))
import cores  # noqa: E402 (found by the path above)

PYTHONS = cores.find_pythons()
HOST = (Path(__file__).parent / "made_up_host.py").read_text(encoding="utf-8")


class Outcome(NamedTuple):
    """`asked` maps each host to its calls: (module, arguments)."""

    code: int
    output: str
    asked: dict

    def values(self, host, module, key):
        return [arguments.get(key) for name, arguments in self.asked[host] if name == module]


class Fleet:
    """Hosts are added by their answers: {module: answer, text, or a list of these for one call after the other}."""

    def __init__(self, folder, core):
        self.folder, self.core, self.hosts = folder, core, {}

    def add(self, name, answers):
        place = self.folder / ("host%d" % len(self.hosts))
        place.mkdir()
        (place / "answers.json").write_text(json.dumps(answers))
        script = place / "python"
        script.write_text("#!%s -I\n%s" % (sys.executable, HOST))
        script.chmod(0o755)
        self.hosts[name] = place

    def run(self, playbook, *arguments, environment=None, **variables):
        """`playbook` is the name of one of ours or the path of another one."""
        inventory = self.folder / "inventory.json"
        known = {name: {"ansible_connection": "local", "ansible_python_interpreter": str(place / "python")} for name, place in self.hosts.items()}
        inventory.write_text(json.dumps({"all": {"hosts": known}}))
        path = playbook if isinstance(playbook, Path) else ROOT / "playbooks" / (playbook + ".yml")
        command = [str(self.core / "bin" / "ansible-playbook"), str(path), "-i", str(inventory), "-e", json.dumps(variables), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env={**self._environment(), **(environment or {})}, capture_output=True, text=True, timeout=300, check=False
        )
        return Outcome(done.returncode, done.stdout + done.stderr, {name: self._asked(place) for name, place in self.hosts.items()})

    def _asked(self, place):
        calls = place / "asked"
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def _environment(self):
        (self.folder / "ansible.cfg").write_text("")
        link = self.folder / "collections" / "ansible_collections" / "netops" / "listen_queue"
        if not link.exists():
            link.parent.mkdir(parents=True)
            link.symlink_to(ROOT)
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_PIPELINING": "1",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}, **settings}


@pytest.fixture
def fleet(request, tmp_path):
    """With the core that the test's parameter `core` names, else with one between the oldest and the newest."""
    core = {each.version: each for each in cores.CORES}[request.node.callspec.params.get("core", "2.19") if hasattr(request.node, "callspec") else "2.19"]
    if cores.controller_of(core, PYTHONS) is None:
        pytest.skip(cores.why_not(core))
    return Fleet(tmp_path, cores.environment_of(core, PYTHONS))
