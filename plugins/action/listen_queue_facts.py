# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the task, whichever of ours it is (meta/runtime.yml), and makes what the host says harmless."""

from __future__ import annotations

from ..plugin_utils.asking import AskingAction


class ActionModule(AskingAction):
    pass
