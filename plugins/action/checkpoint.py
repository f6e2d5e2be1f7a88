# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module who runs it: the host knows neither the controller nor the play."""

from __future__ import annotations

import getpass
import os
from typing import Any

from ..plugin_utils.asking import AskingAction


class ActionModule(AskingAction):
    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        if not self._task.args.get("owner"):
            self._task.args = {**self._task.args, "owner": owner((task_vars or {}).get("ansible_play_name"))}
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result


def owner(play: str | None) -> str:
    """Return user@controller and the play, as far as they are known."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no name for this uid
        user = "uid %d" % os.getuid()
    return "%s@%s%s" % (user, os.uname().nodename, ", play %s" % play if play else "")
