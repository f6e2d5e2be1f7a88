# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of Debian releases, which tools/releases.sh unpacks for the tests that run them."""

import subprocess

import pytest
from checkout import ROOT


def unpacked(kind, suite):
    """The folder with the programs of a kind (nginx, programs) of a release. Skips the test where they cannot be had."""
    folder = ROOT / ".cache" / kind / suite
    if not folder.exists():
        done = subprocess.run([str(ROOT / "tools" / "releases.sh"), kind, suite], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(done.stderr.strip())
    return folder
