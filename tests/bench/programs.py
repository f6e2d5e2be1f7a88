# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module and its options to a file that Python runs: the AnsiballZ file that Ansible would send to the target."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import scenarios

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from own_ansible import environment_below  # noqa: E402 (found by the path above)

PEERS = ROOT / ".ansible" / "bench"  # kept between runs: the peer's collection is a download of 50 MB
GENERAL = "ansible_collections/community/general/"
FACTS = "netops.listen_queue.listen_queue_facts"
MINIMUM = ["sockets", "counters", "sysctls"]

OURS = {
    "min": {"gather_subset": MINIMUM},
    "min+processes": {"gather_subset": [*MINIMUM, "processes"]},
    "min+syn": {"gather_subset": [*MINIMUM, "syn_queue"]},
    "all": {"gather_subset": ["all"]},
    "min everywhere": {"gather_subset": MINIMUM, "namespaces": "all"},
    "min+syn everywhere": {"gather_subset": [*MINIMUM, "syn_queue"], "namespaces": "all"},
    "all everywhere": {"gather_subset": ["all"], "namespaces": "all"},
    "audit": {"gather_subset": ["all", "!syn_queue", "!sysctl_boot"], "namespaces": "all", "as_json": True},  # what the role backlog_audit asks for
}
MODULES = {name: (FACTS, options) for name, options in OURS.items()}
MODULES["ping"] = ("ansible.builtin.ping", {})
MODULES["setup (network)"] = ("ansible.builtin.setup", {"gather_subset": ["network"]})
MODULES["service_facts"] = ("ansible.builtin.service_facts", {})
LISTEN_PORTS = ("community.general.listen_ports_facts", {"command": "ss"})  # its default, netstat, is the slower one
PEER_NAMES = ("listen_ports_facts", "setup (network)", "service_facts", "ss -Hltnm")


def ansible_environment(scratch):
    """Environment for Ansible in which nothing outside `scratch` is read or written but the peers, and the checkout is the collection."""
    variables = environment_below(scratch, ANSIBLE_NOCOLOR="1", ANSIBLE_RETRY_FILES_ENABLED="0")
    return dict(variables, ANSIBLE_COLLECTIONS_PATH=f"{variables['ANSIBLE_COLLECTIONS_PATH']}:{PEERS}")


def fetch_listen_ports_facts():
    """Take community.general out of the `ansible` package on PyPI. Returns None, or a sentence that says why it cannot be had."""
    if (PEERS / GENERAL).is_dir():
        return None
    PEERS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PEERS) as scratch:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=20", "-d", scratch, "ansible"]
        if subprocess.run(pip, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            return "listen_ports_facts could not be had: pip cannot download the package ansible"
        with zipfile.ZipFile(next(Path(scratch).glob("ansible-*.whl"))) as wheel:
            wanted = [name for name in wheel.namelist() if name.startswith((GENERAL + "plugins/", GENERAL + "meta/", GENERAL + "MANIFEST"))]
            wheel.extractall(scratch, wanted)
        (PEERS / GENERAL).parent.mkdir(parents=True, exist_ok=True)
        os.rename(os.path.join(scratch, GENERAL), PEERS / GENERAL)
    return None


def build(scratch, python, modules):
    """Run each of {name: (module, options)} once on this machine and keep the files that Ansible made: returns {name: command}.

    A name is missing in the answer when Ansible could not build its file, for instance because the module does not exist.
    """
    tasks = [
        {module: options, "ignore_errors": True, "vars": {"ansible_remote_tmp": str(scratch / "built" / str(number))}}
        for number, (module, options) in enumerate(modules.values())
    ]
    for module in {module for module, _options in modules.values()}:  # a play each: an unknown module spoils the whole play
        _run_here(scratch, python, [task for task in tasks if module in task])
    built = {name: list((scratch / "built" / str(number)).glob("*/AnsiballZ_*.py")) for number, name in enumerate(modules)}
    return {name: [python, str(files[0])] for name, files in built.items() if files}


def _run_here(scratch, python, tasks):
    play = scratch / "build.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    environment = dict(ansible_environment(scratch), ANSIBLE_KEEP_REMOTE_FILES="1", ANSIBLE_PIPELINING="0")
    command = [sys.executable, "-m", "ansible", "playbook", "-c", "local", "-i", "localhost,", "-e", "ansible_python_interpreter=" + python, str(play)]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def nginx_commands(scratch, python):
    """Those that read the configuration of the scenario: ({name: command}, [sentence for each that cannot be run])."""
    ansible_environment(scratch)  # makes the link to this checkout
    program, main = str(ROOT / "tests" / "bench" / "read_nginx.py"), str(scenarios.nginx_main_file())
    commands, notes = {}, []
    for name, how, more in (("nginx read", "ours", []), ("nginx edit", "edit", [scenarios.nginx_server(0, 0)["address"] + ":8080", "2048"])):
        commands[name] = [python, program, how, str(scratch / "collections"), main, *more]
    if find_spec("crossplane"):
        commands["crossplane"] = [sys.executable, program, "crossplane", str(scratch / "collections"), main]
    else:
        notes.append("crossplane is not installed")
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nginx:
        commands["nginx -T"] = ["sh", "-c", 'exec "$@" >/dev/null', "sh", nginx, "-T", "-p", os.path.dirname(main), "-c", main]
    else:
        notes.append("nginx is not installed")
    return commands, notes


def commands_of_this_machine(scratch, python):
    """Everything that can be measured here: ({name: command}, [sentence for each that cannot])."""
    missing = fetch_listen_ports_facts()
    modules = MODULES if missing else dict(MODULES, listen_ports_facts=LISTEN_PORTS)
    commands = build(scratch, python, modules)
    if shutil.which("ss"):
        commands["ss -Hltnm"] = ["ss", "-Hltnm"]
    absent = [name for name in (*modules, "ss -Hltnm") if name not in commands]
    readers, notes = nginx_commands(scratch, python)
    commands.update(readers)
    notes += [missing] if missing else []
    return commands, notes + [f"{name} cannot be run here" for name in absent]
