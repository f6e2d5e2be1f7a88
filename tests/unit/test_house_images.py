# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/images.sh: which image of the test hosts it takes for made already."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HAS_ALL_IMAGES = "#!/bin/sh\nexit 0\n"

pytestmark = pytest.mark.skipif(not (ROOT / "tools").is_dir(), reason="an installed collection has no tools")


@pytest.fixture
def image(tmp_path):
    """image(suite, TEST_BASE=...) -> the name that is printed where the engine has every image."""
    engine = tmp_path / "engine"
    engine.write_text(HAS_ALL_IMAGES)
    engine.chmod(0o755)

    def run(suite, **variables):
        environment = {"PATH": os.environ["PATH"], "TEST_ENGINE": str(engine), **variables}
        done = subprocess.run([str(ROOT / "tools" / "images.sh"), suite], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def test_image_is_named_after_its_suite(image):
    assert image("noble").startswith("localhost/netops-listen-queue/noble:")
    assert image("noble").rpartition(":")[2] == image("trixie").rpartition(":")[2]


def test_image_from_another_base_is_another_image(image):
    names = [image("trixie"), image("trixie", TEST_BASE="debian:SUITE"), image("trixie", TEST_BASE="mirror/debian:SUITE")]
    assert len(set(names)) == len(names)
    assert image("trixie", TEST_BASE="") == names[0]
    assert image("trixie", TEST_BASE="debian:SUITE") == names[1]
