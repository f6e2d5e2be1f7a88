# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of this collection have in common that run a module on a host: what the host says is made harmless."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as NormalAction

from .answer import escaped, harmless


class AskingAction(NormalAction):
    def _low_level_execute_command(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Everything that a host says comes through here, as text, in each release of ansible-core that is supported."""
        said: dict[str, Any] = super()._low_level_execute_command(*arguments, **options)
        return {**said, "stdout": harmless(said["stdout"]), "stderr": escaped(said["stderr"])}
