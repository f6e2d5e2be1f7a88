# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity under each ansible-core we support, in environments that ansible-test makes itself (--venv).

A core whose Python is not installed is named in the summary as not tested. There are no ignore files.
"""

import re
import subprocess
import sys
import time
from pathlib import Path

from cores import CORES, ROOT, Core, controller_of, environment_of, environment_variables, find_pythons, why_not, workspace

# ansible-test keeps its environments and its pip under $HOME: ours is in the checkout, and borrows pip's settings and cache.
HOME = ROOT / ".ansible" / "home"
BORROWED = (".config/pip", ".pip", ".netrc", ".cache/pip")
OLDER_PIP = (("3.6", "21.3.1"),)  # Pythons for which ansible-test wants another pip than the core's

# What pip says while it installs ansible-test's own requirements.
NOISE = re.compile(
    r'FATAL: Command "/usr/bin/env |WARNING: (Location |Reviewing |Using locale )|'
    r"Looking in |Collecting |  Downloading |  Using cached |Using cached |     \S|Processing |"
    r"Installing |Successfully |Requirement already |Attempting uninstall|  Attempting uninstall|    (Found|Uninstalling|Successfully)|$"
)
NOT_TESTED = re.compile(r'WARNING: (Required program "(?P<program>.+)" not found|Skipping sanity test (?P<test>.+) because|(?P<all>All targets skipped))')


def prepare_home() -> None:
    for name in BORROWED:
        real, link = Path.home() / name, HOME / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if real.exists() and not link.is_symlink():
            link.symlink_to(real)


def provide_pip(version: str, python: Path) -> None:
    """Put pip's wheel and a script that runs it where ansible-test would keep its download of get-pip."""
    cache = HOME / ".ansible" / "test" / "cache"
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    wheel = f"pip-{version}-py3-none-any.whl"
    cache.mkdir(parents=True, exist_ok=True)
    command = [str(python), "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:", "--dest", str(cache), f"pip=={version}"]
    if not (cache / wheel).exists():
        subprocess.run(command, check=True)
    script.write_text((ROOT / "tools" / "get_pip.py").read_text(encoding="utf-8").replace("__WHEEL__", wheel), encoding="utf-8")


def run_core(core: Core, pythons: dict[str, Path], arguments: list[str]) -> tuple[bool, list[str]]:
    """Whether ansible-test found nothing, and what it could not test; its output goes to the terminal."""
    folder = environment_of(core, pythons)
    python = folder / "bin" / "python"
    provide_pip(core.pip, python)
    for version, pip in OLDER_PIP:
        if version in pythons:
            provide_pip(pip, python)
    command = [str(folder / "bin" / "ansible-test"), "sanity", "--venv", "--color", "no", *arguments]
    variables = {**environment_variables(folder, pythons), "HOME": str(HOME)}
    copy = workspace(f"sanity-{core.version}")
    not_tested = set()
    with subprocess.Popen(command, cwd=copy, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            if not NOISE.match(line):
                print(line, end="", flush=True)
            if match := NOT_TESTED.match(line):
                not_tested.add((match["program"] or match["test"] or match["all"]).replace('"', ""))
    return process.returncode == 0 and "All targets skipped" not in not_tested, sorted(not_tested)


def main(arguments: list[str]) -> int:
    prepare_home()
    pythons = find_pythons()
    lines, results = [], []
    for core in CORES:
        version = controller_of(core, pythons)
        if version is None:
            lines.append(why_not(core))
            continue
        print(f"ansible-test sanity: core {core.version} on Python {version}", flush=True)
        started = time.monotonic()
        clean, not_tested = run_core(core, pythons, arguments)
        results.append(clean)
        without = f", not tested: {', '.join(not_tested)}" if not_tested else ""
        lines.append(f"{'clean' if clean else 'FAULTS'}: core {core.version} on Python {version}, {time.monotonic() - started:.0f} s{without}")
    print("\n".join(["sanity:", *lines, f"{results.count(True)} of {len(CORES)} cores clean"]))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
