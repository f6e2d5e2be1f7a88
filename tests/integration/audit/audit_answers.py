# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module of a made-up host answers."""

import json

from made_up_facts import facts, listener, namespace

CRITICAL = {"accept_queue_length": 512, "accept_queue_full": True}
WARNING = {"drops": 6000}


def result(**changes):
    return {"changed": False, "ansible_facts": {"listen_queue": facts(namespace(listener(**changes)))}}


def saved(audit, **hosts):
    folder = audit.folder / "saved"
    folder.mkdir()
    for name, each in hosts.items():
        (folder / (name + ".json")).write_text(json.dumps(each))
    return str(folder)
