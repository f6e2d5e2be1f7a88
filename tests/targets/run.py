# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every module for real under every Python a managed host may have, sent there by every ansible-core we support.

Each answer of listen_queue_facts must list the same listeners, queue lengths and limits as `ss`; every_module.yml says what the
others must do. What could not run for want of a Python or of root's rights is named as not tested, never counted as passed.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from cores import CORES, ROOT, Core, controller_of, environment_of, environment_variables, find_pythons, supports

TARGETS = tuple(f"3.{number}" for number in range(6, 14))
MODULE = "netops.listen_queue.listen_queue_facts"
OPTIONS = json.dumps({"sample": 0.2, "diagnose": True})  # all of its code is there only with them
ANSWER = re.compile(r"^(?P<host>\S+) \| (?P<result>[A-Z]+!?)[^\n]*?=> (?=\{)", re.MULTILINE)
CONTROLLER = "controller"  # folder for the temporary files of Ansible itself: core 2.21 listens on a socket there while it runs
CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
EVERY_MODULE = Path(__file__).with_name("every_module.yml")
JOURNAL = Path("/var/lib/netops.listen_queue")
RECAP = re.compile(r"^python(?P<version>\S+) +: ok=(?P<ok>\d+) .*unreachable=0 +failed=0 ", re.MULTILINE)
TASK = re.compile(r"^    - name: ", re.MULTILINE)
ATTEMPTS = 3  # other programs of the machine may open or close a listener between the two looks


class Listener(NamedTuple):
    """What both sides report of one listening socket. `where` is an address and port, or a path."""

    where: str
    length: int
    limit: int


def listeners_of_ss() -> list[Listener]:
    tcp = subprocess.run(["ss", "-Hltn"], check=True, capture_output=True, text=True).stdout.splitlines()
    unix = subprocess.run(["ss", "-Hlx"], check=True, capture_output=True, text=True).stdout.splitlines()
    found = []
    for line in tcp:
        _state, length, limit, where = line.split()[:4]
        found.append(Listener(where.replace("[", "").replace("]", ""), int(length), int(limit)))
    for line in unix:
        kind, _state, length, limit, where = line.split()[:5]
        if kind == "u_str":
            found.append(Listener(where, int(length), int(limit)))
    return sorted(found)


def listeners_of_facts(answer: dict) -> list[Listener]:
    """The listeners of the module's own namespace, addresses written as ss writes them (`*` takes both families)."""
    [namespace] = answer["ansible_facts"]["listen_queue"]["namespaces"]
    found = []
    for listener in namespace["listeners"]:
        address = "*" if listener.get("dual_stack") else listener.get("local_address")
        where = listener["path"] if listener["family"] == "unix" else f"{address}:{listener['local_port']}"
        if f"/{CONTROLLER}/" not in where:
            found.append(Listener(where, listener["accept_queue_length"], listener["accept_queue_limit"]))
    return sorted(found)


@contextlib.contextmanager
def some_listeners(folder: str):
    """One listener of each kind with a limit of its own, the first with two connections waiting."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=7))
        for _waiting in range(2):
            stack.enter_context(socket.create_connection(first.getsockname()))
        with contextlib.suppress(OSError):  # a machine without IPv6
            stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=8))
            stack.enter_context(socket.create_server(("::", 0), family=socket.AF_INET6, backlog=9, dualstack_ipv6=True))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"{folder}/listener.sock")
        unix.listen(10)
        yield


def link_collection() -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH in which this checkout is the collection."""
    folder = ROOT / ".ansible" / "linked"
    link = folder / "ansible_collections" / "netops" / "listen_queue"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return folder


def settings_of(core: Core, pythons: dict[str, Path], folder: str) -> tuple[Path, dict[str, str]]:
    """The environment's folder for programs, and the variables to run them with."""
    settings = Path(folder, "ansible.cfg")
    settings.touch()
    Path(folder, CONTROLLER).mkdir(exist_ok=True)
    environment = environment_of(core, pythons)
    variables = {
        **environment_variables(environment, pythons),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_COLLECTIONS_PATH": str(link_collection()),
        "TMPDIR": f"{folder}/{CONTROLLER}",
        "ANSIBLE_LOCAL_TEMP": f"{folder}/local",
        "ANSIBLE_REMOTE_TEMP": f"{folder}/remote",
        "ANSIBLE_FORKS": "4",
        "ANSIBLE_NOCOLOR": "1",
    }
    return environment / "bin", variables


def ask(core: Core, pythons: dict[str, Path], targets: list[str], folder: str) -> tuple[dict[str, dict], str]:
    """One `ansible` call: {target Python: the module's answer} of those that answered, and all that was printed."""
    inventory = Path(folder, f"inventory-{core.version}")
    lines = [f"python{v} ansible_connection=local ansible_python_interpreter={pythons[v]}" for v in targets]
    inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
    programs, variables = settings_of(core, pythons, folder)
    variables.update(ANSIBLE_STDOUT_CALLBACK="minimal", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    output = run([str(programs / "ansible"), "all", "-i", str(inventory), "-m", MODULE, "-a", OPTIONS], variables)
    answers = {}
    for match in ANSWER.finditer(output):
        answer, _end = json.JSONDecoder().raw_decode(output, match.end())
        if match["result"] == "SUCCESS":
            answers[match["host"].removeprefix("python")] = answer
    return answers, output


def run(command: list[str], variables: dict[str, str]) -> str:
    return subprocess.run(command, env=variables, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def run_every_module(core: Core, pythons: dict[str, Path], targets: list[str], folder: str) -> set[str]:
    """The target Pythons under which all of every_module.yml held. Prints what Ansible printed when it did not everywhere."""
    programs, variables = settings_of(core, pythons, folder)
    hosts = {}
    with contextlib.ExitStack() as stack:
        for version in targets:
            live = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=16))
            free = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = free.getsockname()[1]
            free.close()
            hosts[f"python{version}"] = {
                "ansible_connection": "local",
                "ansible_python_interpreter": str(pythons[version]),
                "place": f"{folder}/{core.version}-{version}",
                "live_port": live.getsockname()[1],
                "nginx_port": port,
            }
        inventory = Path(folder, f"modules-{core.version}.json")
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        output = run([str(programs / "ansible-playbook"), "-i", str(inventory), str(EVERY_MODULE)], variables)
        stop_nginx([Path(str(host["place"]), "nginx.pid") for host in hosts.values()])
    tasks = len(TASK.findall(EVERY_MODULE.read_text(encoding="utf-8")))  # a host that a play left out has fewer
    good = {match["version"] for match in RECAP.finditer(output) if int(match["ok"]) == tasks} & set(targets)
    if good != set(targets):
        print(f"core {core.version}: every_module.yml failed under {', '.join(sorted(set(targets) - good))}; ansible printed:\n{output}")
    return good


def run_core(core: Core, pythons: dict[str, Path], folder: str) -> dict[str, str]:
    """{target Python: "ok", "FAILED", "absent", "-"}; "-" is a Python that this core does not manage."""
    cells = {v: "-" if not supports(core, v) else "FAILED" if v in pythons else "absent" for v in TARGETS}
    if controller_of(core, pythons) is None:
        return {v: "absent" if cell == "FAILED" else cell for v, cell in cells.items()}
    for _attempt in range(ATTEMPTS):
        todo = [v for v in TARGETS if cells[v] == "FAILED"]
        if not todo:
            break
        before = listeners_of_ss()
        answers, output = ask(core, pythons, todo, folder)
        steady = before == listeners_of_ss()
        for version, answer in answers.items():
            if listeners_of_facts(answer) == before:
                cells[version] = "ok"
        if steady and "FAILED" in cells.values():
            explain(core, cells, answers, before, output)
            break
    return cells


def stop_nginx(pid_files: list[Path]) -> None:
    """End what a play that failed has left; one that went well has stopped its own nginx, and with it its pid file."""
    for path in pid_files:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.read_text(encoding="ascii")), signal.SIGTERM)


def with_every_module(core: Core, pythons: dict[str, Path], cells: dict[str, str], folder: str) -> dict[str, str]:
    """The cells of run_core(), those that are ok only when all other modules are, too. Without root they say what was tested."""
    todo = [version for version, cell in cells.items() if cell == "ok"]
    if not todo:
        return cells
    if os.geteuid() != 0:
        return {version: "facts only" if cell == "ok" else cell for version, cell in cells.items()}
    good = run_every_module(core, pythons, todo, folder)
    return {version: "FAILED" if version in todo and version not in good else cell for version, cell in cells.items()}


def explain(core: Core, cells: dict[str, str], answers: dict[str, dict], expected: list[Listener], output: str) -> None:
    for version in (v for v, cell in cells.items() if cell == "FAILED"):
        if version not in answers:
            print(f"core {core.version}, Python {version}: no answer; ansible printed:\n{output}")
            return
        got = listeners_of_facts(answers[version])
        print(f"core {core.version}, Python {version}: only ss has {sorted(set(expected) - set(got))}, only we have {sorted(set(got) - set(expected))}")


def print_table(table: dict[Core, dict[str, str]], pythons: dict[str, Path], seconds: float) -> None:
    width = max(5, *(len(cell) for row in table.values() for cell in row.values())) + 2
    print("targets: listen_queue_facts compared with ss, and every other module")
    print(f"{'':26}" + "".join(f"{'py' + version:<{width}}" for version in TARGETS))
    for core, row in table.items():
        controller = controller_of(core, pythons)
        name = f"core {core.version} on " + (f"Python {controller}" if controller else "none")
        print(f"{name:26}" + "".join(f"{row[version]:<{width}}" for version in TARGETS))
    cells = [cell for row in table.values() for cell in row.values()]
    not_tested, in_part = cells.count("absent"), cells.count("facts only")
    print(f"{cells.count('ok')} ok, {cells.count('FAILED')} failed, {not_tested} not tested (their Python is absent), {seconds:.0f} s")
    if in_part:
        print(f"{in_part} tested in part: the modules that change something need root")


def enter_own_namespaces() -> None:
    """Leave the machine's other listeners behind, where we may (root): they come and go between two looks. So is its journal."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if libc.mount(None, b"/", None, MS_REC_PRIVATE, None) or libc.mount(b"tmpfs", bytes(JOURNAL.parent), b"tmpfs", 0, b"mode=0755"):
        raise OSError(ctypes.get_errno(), "cannot hide the journal of this machine")
    (JOURNAL.parent / "nginx").mkdir()  # Debian's nginx wants it


def main() -> int:
    pythons = find_pythons()
    for core in CORES:
        if controller_of(core, pythons) is not None:
            environment_of(core, pythons)  # made from packages, so before the network is left
    started = time.monotonic()
    table = {}
    enter_own_namespaces()
    with tempfile.TemporaryDirectory(prefix="listen-queue-targets-") as folder, some_listeners(folder):
        for core in CORES:
            table[core] = with_every_module(core, pythons, run_core(core, pythons, folder), folder)
            print(f"core {core.version}: {', '.join(f'{v} {cell}' for v, cell in table[core].items() if cell != '-')}", flush=True)
    print_table(table, pythons, time.monotonic() - started)
    cells = [cell for row in table.values() for cell in row.values()]
    return 0 if {"ok", "facts only"} & set(cells) and "FAILED" not in cells else 1


if __name__ == "__main__":
    sys.exit(main())
