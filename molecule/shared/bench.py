# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios look at: the kernel and the files of a test host, and what the controller wrote."""

import json
import os
from pathlib import Path

from snapshot import differences, snapshot

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


def name_of(host):
    """The inventory's name of a host, at the end of its container's."""
    return host.backend.name.rsplit("-", 1)[1]


def limits(host, port):
    """Send-Q of every socket that listens on a port over IPv4, told by ss."""
    rows = host.check_output("ss -4Hltn sport = :%s", str(port)).splitlines()
    return [int(row.split()[2]) for row in rows]


def report():
    """The report of the audit, as the controller wrote it."""
    return json.loads((FOLDER / "reports" / "report.json").read_text(encoding="utf-8"))


def changes_since_prepare(host):
    """The names of files and sysctls that were made, removed or written since the host was prepared."""
    before = json.loads((FOLDER / f"{name_of(host)}.json").read_text(encoding="utf-8"))
    return differences(before, snapshot(host.backend.name))
