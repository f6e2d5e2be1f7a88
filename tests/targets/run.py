# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs listen_queue_facts for real under every Python a managed host may have, sent there by every ansible-core we support.

Each answer must list the same listeners, queue lengths and limits as `ss`. What could not run for want of a Python is named
in the table as not tested, never counted as passed.
"""

import contextlib
import ctypes
import json
import re
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
ANSWER = re.compile(r"^(?P<host>\S+) \| (?P<result>[A-Z]+!?)[^\n]*?=> (?=\{)", re.MULTILINE)
CONTROLLER = "controller"  # folder for the temporary files of Ansible itself: core 2.21 listens on a socket there while it runs
CLONE_NEWNET = 0x40000000
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


def ask(core: Core, pythons: dict[str, Path], targets: list[str], folder: str) -> tuple[dict[str, dict], str]:
    """One `ansible` call: {target Python: the module's answer} of those that answered, and all that was printed."""
    inventory = Path(folder, f"inventory-{core.version}")
    lines = [f"python{v} ansible_connection=local ansible_python_interpreter={pythons[v]}" for v in targets]
    inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = Path(folder, "ansible.cfg")
    settings.touch()
    Path(folder, CONTROLLER).mkdir(exist_ok=True)
    environment = environment_of(core, pythons)
    variables = {
        **environment_variables(environment, pythons),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_COLLECTIONS_PATH": str(link_collection()),
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "TMPDIR": f"{folder}/{CONTROLLER}",
        "ANSIBLE_LOCAL_TEMP": f"{folder}/local",
        "ANSIBLE_REMOTE_TEMP": f"{folder}/remote",
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(environment / "bin" / "ansible"), "all", "-i", str(inventory), "-m", MODULE, "--forks", "4"]
    output = subprocess.run(command, env=variables, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    answers = {}
    for match in ANSWER.finditer(output):
        answer, _end = json.JSONDecoder().raw_decode(output, match.end())
        if match["result"] == "SUCCESS":
            answers[match["host"].removeprefix("python")] = answer
    return answers, output


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


def explain(core: Core, cells: dict[str, str], answers: dict[str, dict], expected: list[Listener], output: str) -> None:
    for version in (v for v, cell in cells.items() if cell == "FAILED"):
        if version not in answers:
            print(f"core {core.version}, Python {version}: no answer; ansible printed:\n{output}")
            return
        got = listeners_of_facts(answers[version])
        print(f"core {core.version}, Python {version}: only ss has {sorted(set(expected) - set(got))}, only we have {sorted(set(got) - set(expected))}")


def print_table(table: dict[Core, dict[str, str]], pythons: dict[str, Path], seconds: float) -> None:
    width = max(5, *(len(cell) for row in table.values() for cell in row.values())) + 2
    print("targets: listen_queue_facts compared with ss")
    print(f"{'':26}" + "".join(f"{'py' + version:<{width}}" for version in TARGETS))
    for core, row in table.items():
        controller = controller_of(core, pythons)
        name = f"core {core.version} on " + (f"Python {controller}" if controller else "none")
        print(f"{name:26}" + "".join(f"{row[version]:<{width}}" for version in TARGETS))
    cells = [cell for row in table.values() for cell in row.values()]
    not_tested = cells.count("absent")
    print(f"{cells.count('ok')} ok, {cells.count('FAILED')} failed, {not_tested} not tested (their Python is absent), {seconds:.0f} s")


def enter_own_namespace() -> None:
    """Leave the machine's other listeners behind, where we may (root): they come and go between two looks."""
    if ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main() -> int:
    pythons = find_pythons()
    for core in CORES:
        if controller_of(core, pythons) is not None:
            environment_of(core, pythons)  # made from packages, so before the network is left
    started = time.monotonic()
    table = {}
    enter_own_namespace()
    with tempfile.TemporaryDirectory(prefix="listen-queue-targets-") as folder, some_listeners(folder):
        for core in CORES:
            table[core] = run_core(core, pythons, folder)
            print(f"core {core.version}: {', '.join(f'{v} {cell}' for v, cell in table[core].items() if cell != '-')}", flush=True)
    print_table(table, pythons, time.monotonic() - started)
    cells = [cell for row in table.values() for cell in row.values()]
    return 0 if "ok" in cells and "FAILED" not in cells else 1


if __name__ == "__main__":
    sys.exit(main())
