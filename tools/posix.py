# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the collection ansible.posix out of the package `ansible`, for the one test that compares with it.

    .venv/bin/python tools/posix.py        prints the directory for ANSIBLE_COLLECTIONS_PATH: .cache/posix

Nothing is installed: the wheel is downloaded by pip, one collection of it is unpacked, and the rest is thrown away.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "ansible==12.1.0"
CACHE = Path(__file__).parents[1] / ".cache"
PREFIX = "ansible_collections/ansible/posix/"


def main():
    target = CACHE / "posix"
    if not (target / PREFIX / "MANIFEST.json").exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="posix-") as scratch:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-d", scratch]
            done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, check=False)
            wheels = list(Path(scratch).glob("*.whl"))
            if done.returncode or not wheels:
                return f"ansible.posix is not had: pip cannot download {PACKAGE}: {(done.stderr.splitlines() or ['no answer'])[-1]}"
            unpacked = Path(scratch) / "unpacked"
            with zipfile.ZipFile(wheels[0]) as wheel:
                wheel.extractall(unpacked, [name for name in wheel.namelist() if name.startswith(PREFIX) and ".." not in name])
            unpacked.rename(target)
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
