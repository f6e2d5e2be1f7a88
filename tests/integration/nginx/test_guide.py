# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of docs/nginx.md do what it says, as they are written there."""

import re
import subprocess
import sys
from pathlib import Path

from checkout import ROOT
from kernel_rooms import mount
from own_ansible import environment_below

PLAYS = re.findall(r"```yaml\n(- hosts:.*?)```", (ROOT / "docs" / "nginx.md").read_text(encoding="utf-8"), re.DOTALL)
INVENTORY = "[web]\nlocalhost ansible_connection=local ansible_python_interpreter=%s\n" % sys.executable


def play(folder, text, *arguments):
    """Run one play; return what Ansible prints."""
    (folder / "play.yml").write_text(text)
    (folder / "hosts").write_text(INVENTORY)
    environment = environment_below(folder, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(folder / "hosts"), *arguments, str(folder / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def with_private_state():
    """Let what the modules keep in /var/lib stay in the room."""
    for name in ("upper", "work"):
        Path("/run", name).mkdir()
    mount("overlay", "/var/lib", "overlay", 0, "lowerdir=/var/lib,upperdir=/run/upper,workdir=/run/work")


LOOK, CHANGE, CONTAINER = PLAYS
CONF = "http { server { listen 80; } }"


def test_looking(nginx):
    assert '"msg": []' in play(nginx(CONF).folder, LOOK)


def test_predicting(nginx):
    server = nginx(CONF)
    assert "+... listen 80 backlog=1000; ..." in play(server.folder, CHANGE, "--check", "--diff")
    assert server.limits(80) == [511]


def test_changing(nginx):
    with_private_state()
    server = nginx(CONF)
    assert "RUNNING HANDLER [Let nginx take it]" in play(server.folder, CHANGE)
    assert server.limits(80) == [1000]


def test_container(nginx):
    with_private_state()
    server = nginx(CONF.replace("80", "8080"))
    play(server.folder, CONTAINER.replace("/proc/812/root", "/proc/%d/root" % server.pid).replace("/etc/nginx/nginx.conf", str(server.conf)))
    assert "listen 8080 backlog=1000;" in server.conf.read_text()
