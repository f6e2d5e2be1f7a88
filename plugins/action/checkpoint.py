# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module who runs it: the host knows neither the controller nor the play."""

from __future__ import annotations

import getpass
import os
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {"owner": None, **self._task.args}
        if not arguments["owner"]:
            arguments["owner"] = owner((task_vars or {}).get("ansible_play_name"))
        return {**result, **self._execute_module(module_name="netops.listen_queue.checkpoint", module_args=arguments, task_vars=task_vars)}


def owner(play: str | None) -> str:
    """Return user@controller and the play, as far as they are known."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no name for this uid
        user = "uid %d" % os.getuid()
    return "%s@%s%s" % (user, os.uname().nodename, ", play %s" % play if play else "")
