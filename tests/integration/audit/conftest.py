# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real ansible-playbook on small inventories.

A host that answers is played by a script in place of its Python interpreter: it prints a result that the test made, so findings do
not depend on this machine. A host that does not answer is a closed port of the loopback interface, by ssh.
"""

import contextlib
import fcntl
import json
import os
import pty
import shutil
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

import pytest
from checkout import ROOT
from own_ansible import environment_below

sys.path.insert(0, str(Path(__file__).parent))

PLAYBOOK = ROOT / "playbooks" / "audit.yml"
SCRIPT = "#!/bin/sh\ncat >/dev/null\nexec cat '%s'\n"


class Outcome(NamedTuple):
    """What ansible-playbook printed and returned, and the report it wrote (None when there is none)."""

    code: int
    output: str
    folder: Path
    report: dict

    @property
    def statuses(self):
        return {name: host["status"] for name, host in self.report["hosts"].items()}

    @property
    def markdown(self):
        return (self.folder / "reports" / "report.md").read_text()

    @property
    def words(self):
        """The output on one line."""
        return " ".join(self.output.split())

    @property
    def files(self):
        return sorted(path.name for path in (self.folder / "reports").iterdir())


class Audit:
    """Hosts are added, then `run` audits them."""

    def __init__(self, folder):
        self.folder = folder
        self.hosts = {}
        self.environment = {}
        self.terminal = False

    def answering(self, name, result):
        """A host whose module prints `result`."""
        stem = self.folder / ("host%d" % len(self.hosts))
        answer, script = stem.with_suffix(".answer"), stem.with_suffix(".sh")
        answer.write_text(json.dumps(result))
        script.write_text(SCRIPT % answer)
        script.chmod(0o755)
        self.hosts[name] = {"ansible_connection": "local", "ansible_python_interpreter": str(script)}

    def unreachable(self, name):
        assert shutil.which("ssh"), "the test needs the ssh client: apt-get install openssh-client"
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        self.hosts[name] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": port}

    def without_python(self, name):
        self.hosts[name] = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python3"}

    def run(self, *arguments, playbook=PLAYBOOK, inventory=True, **variables):
        command = [sys.executable, "-m", "ansible", "playbook", str(playbook), *arguments]
        if inventory:
            path = self.folder / "inventory.json"
            path.write_text(json.dumps({"all": {"hosts": self.hosts}}))
            command += ["-i", str(path)]
        if variables:
            command += ["-e", json.dumps(variables)]
        code, output = self._in_terminal(command) if self.terminal else self._piped(command)
        report = self.folder / "reports" / "report.json"
        model = json.loads(report.read_text()) if report.exists() else None
        return Outcome(code, output, self.folder, model)

    def _piped(self, command):
        done = subprocess.run(command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, timeout=120, check=False)
        self.stdout = done.stdout
        return done.returncode, done.stdout + done.stderr

    def _in_terminal(self, command):
        """The same with a terminal for all three: what a person sees, colours too."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        with subprocess.Popen(command, cwd=self.folder, env=self._environment(), stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as running:
            os.close(theirs)
            chunks = []
            with contextlib.suppress(OSError):  # EIO: the last one that had it open is gone
                while chunk := os.read(ours, 65536):
                    chunks.append(chunk)
            os.close(ours)
        return running.returncode, b"".join(chunks).decode().replace("\r\n", "\n")

    def _environment(self):
        settings = {
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o BatchMode=yes -o StrictHostKeyChecking=no",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return environment_below(self.folder, **{**settings, **self.environment})


@pytest.fixture
def audit(tmp_path):
    return Audit(tmp_path)
