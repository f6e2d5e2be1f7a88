# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible that nobody's settings reach: neither those of who runs the tests, nor those of the checkout."""

import os

from checkout import ROOT


def environment_below(folder, **more):
    """Return the variables to run Ansible with: it reads and writes below `folder` (a Path) only, and this checkout is the collection."""
    link = folder / "collections" / "ansible_collections" / "netops" / "listen_queue"
    if not link.exists():
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
    settings = folder / "ansible.cfg"
    settings.touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),  # what hosts on this machine write for a while is below ~/.ansible
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_COLLECTIONS_PATH": str(link.parents[2]),
        **more,
    }
