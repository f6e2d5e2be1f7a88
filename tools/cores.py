# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core we support, the Pythons of this machine, and a virtual environment for each core.

Used by tools/sanity.py and tests/targets/run.py. Environments are kept under .ansible/cores.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".ansible" / "cores"
LOWEST, HIGHEST = 6, 15  # of the Pythons 3.X that are looked for


class Core(NamedTuple):
    """One ansible-core: Pythons it runs under (best first), the oldest Python it manages, the pip its ansible-test wants.

    From ansible-core's support matrix and lib/ansible_test/_internal/python_requirements.py.
    """

    version: str
    controllers: tuple[str, ...]
    oldest_target: str
    newest_target: str
    pip: str


CORES = (
    Core("2.16", ("3.11", "3.12", "3.10"), "3.6", "3.13", "23.1.2"),
    Core("2.19", ("3.11", "3.12", "3.13"), "3.8", "3.13", "24.2"),
    Core("2.21", ("3.13", "3.12", "3.14"), "3.9", "3.14", "25.2"),
)


def minor(version: str) -> int:
    """11 of "3.11"."""
    return int(version.split(".")[1])


def supports(core: Core, version: str) -> bool:
    return minor(core.oldest_target) <= minor(version) <= minor(core.newest_target)


def search_path() -> Iterator[Path]:
    """Folders that may hold Pythons: PATH, then every version that pyenv has installed."""
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    try:
        yield from sorted((pyenv / "versions").glob("3.*/bin"))
    except OSError:
        return


def really_runs(python: Path, version: str) -> bool:
    """A version manager's shim has the name of a Python and runs none; a Python without its library cannot start."""
    code = "import ssl, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def find_pythons() -> dict[str, Path]:
    """{"3.11": /usr/bin/python3.11}: for each version the first that really runs; a version that is missing has no key."""
    folders = [folder for folder in search_path() if not folder.is_relative_to(ROOT / ".venv")]
    found = {}
    for version in (f"3.{number}" for number in range(LOWEST, HIGHEST)):
        for folder in folders:
            python = folder / f"python{version}"
            if python.exists() and really_runs(python, version):
                found[version] = python
                break
    return found


def controller_of(core: Core, pythons: dict[str, Path]) -> str | None:
    """The version of Python to run the core under; None where none is installed."""
    return next((version for version in core.controllers if version in pythons), None)


def why_not(core: Core) -> str:
    """For the summary: why a core did not run."""
    return f"not tested: core {core.version} needs Python {' or '.join(core.controllers)}, which is not installed"


def environment_of(core: Core, pythons: dict[str, Path]) -> Path:
    """The virtual environment of the core, made at the first call; a half-made one has no stamp and is made anew."""
    version = controller_of(core, pythons)
    if version is None:
        raise LookupError(why_not(core))
    folder = CACHE / f"{core.version}-python{version}"
    stamp = folder / "made"
    wanted = f"{pythons[version]} {ROOT}\n"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            print(f"Making an environment for ansible-core {core.version} on Python {version} ...", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([str(pythons[version]), "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, f"ansible-core=={core.version}.*", "jmespath==1.1.0"], check=True)
            stamp.write_text(wanted)
    return folder


def environment_variables(folder: Path, pythons: dict[str, Path]) -> dict[str, str]:
    """Variables to run the environment's programs with: its own bin first, then the real Pythons, so that no shim is met."""
    path = [str(folder / "bin"), *(str(python.parent) for python in pythons.values()), os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def workspace(name: str) -> Path:
    """A fresh copy of the checkout in a place that ansible-test accepts; the path of the collection in it."""
    script = [str(ROOT / "tools" / "workspace.sh"), str(ROOT / ".ansible" / "workspaces" / name)]
    return Path(subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


if __name__ == "__main__":
    for name, where in find_pythons().items():
        sys.stdout.write(f"{name} {where}\n")
