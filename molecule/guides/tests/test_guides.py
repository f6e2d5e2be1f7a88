# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides, block by block. A block of YAML that begins with the name of a file becomes that file; lines of a shell are run; a block without a
language after them holds lines that were printed.
"""

import json
import os
import re
import subprocess

import pytest
import testinfra
from bench import ROOT, environment, installed, journal_of, write

HOST = "web1"
GUIDES = ("tune.md", "rollback.md")
SITE = """server {
    listen 80;
    listen 443 backlog=1024;
    location = /health { return 200 "ok\\n"; }
    location = /maintenance { return 503 "not now\\n"; }
}
"""
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What is another one at each run, or on each machine.
VARIES = (
    (re.compile(r"(tune|mitigate|by-hand)-\d{8}T\d{6}Z-[0-9a-f]{4}"), "ID"),
    (re.compile(r"\S+@\S+, play"), "SOMEBODY, play"),
    (re.compile(r"\d+(\.\d+)?"), "0"),
    (re.compile(r'[\s",*\\]+'), " "),
)


def comparable(line):
    for pattern, word in VARIES:
        line = pattern.sub(word, line)
    return line.strip()


def how_to_reach():
    command = ["ansible-inventory", "--inventory", os.environ["MOLECULE_INVENTORY_FILE"], "--host", HOST]
    known = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return " ".join("%s='%s'" % (key, value) for key, value in known.items() if key.startswith("ansible_") and key != "ansible_become")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The directory that an operator works in, with an inventory; the host has one site."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "inventory.ini").write_text("[web]\n%s %s\n" % (HOST, how_to_reach()), encoding="utf-8")
    host = testinfra.get_host("podman://listen-queue-%s-guides-%s" % (os.environ.get("TEST_RUN", "0"), HOST))
    host.check_output("rm /etc/nginx/sites-enabled/*")
    write(host, "/etc/nginx/conf.d/shop.conf", SITE)
    host.check_output("systemctl restart nginx")
    return folder


def typed(desk, line):
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(installed(ROOT).parents[2])}
    done = subprocess.run(
        ["bash", "-c", line], cwd=desk, env={**environment(), **paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def steps(guide):
    """[(file or None, text, lines that are printed)] of a guide."""
    found = []
    for language, text in BLOCK.findall((ROOT / "docs" / guide).read_text(encoding="utf-8")):
        name = re.match(r"# (\S+\.yml)\n", text)
        if language == "yaml" and name:
            found.append((name.group(1), text, []))
        elif language == "sh" and text.startswith("ansible"):
            found.append((None, text, []))
        elif not language:
            found[-1][2].extend(text.splitlines())
    return found


def is_like(line, told):
    """Whether a line of the guide, which may end in dots, is a comparable line that was printed."""
    beginning = comparable(line.removesuffix("..."))
    return told.startswith(beginning) if line.endswith("...") else told == beginning


def with_real_id(line):
    """A command that names a checkpoint means the last one that was committed."""
    if "id=tune-" not in line:
        return line
    return re.sub(r"id=\S+", "id=" + [row["id"] for row in journal_of(HOST) if row["state"] == "committed"][-1], line)


def test_guides_have_commands_and_what_they_print():
    commands = {guide: [line for file, text, _printed in steps(guide) if not file for line in text.splitlines()] for guide in GUIDES}
    assert all(len(lines) > 2 for lines in commands.values()), commands
    assert sum(len(printed) for _file, _text, printed in steps("tune.md")) > 10


@pytest.mark.parametrize("guide", GUIDES)
def test_guide(desk, guide):
    for file, text, printed in steps(guide):
        if file:
            (desk / file).parent.mkdir(exist_ok=True)
            (desk / file).write_text(text, encoding="utf-8")
            continue
        output = ""
        for line in text.splitlines():
            code, told = typed(desk, with_real_id(line))
            assert code == (2 if any("failed=1" in each for each in printed) else 0), line + "\n" + told
            output += told
        told = [comparable(line) for line in output.splitlines()]
        assert [line for line in printed if not any(is_like(line, each) for each in told)] == [], text + output
