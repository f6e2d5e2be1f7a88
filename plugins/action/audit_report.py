# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the controller: one pass over the results of all hosts, without Jinja in between."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.files import BUILTIN_RULES, read_facts, read_page, read_rules, write_report
from ..plugin_utils.hosts import read_results
from ..plugin_utils.judge import JudgeError, judge
from ..plugin_utils.page import html_page
from ..plugin_utils.plain import plain
from ..plugin_utils.report import markdown_report, verdict
from ..plugin_utils.saved import SavedError, bundle
from ..plugin_utils.terminal import table

ARGUMENT_SPEC = {
    "variable": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    "saved": {"type": "str"},
    "directory": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0640"},
    "save_facts": {"type": "bool", "default": False},
    "rule_dirs": {"type": "list", "elements": "str", "default": []},
    "rules": {"type": "list", "elements": "dict", "default": []},
    "skip_rules": {"type": "list", "elements": "str", "default": []},
    "waivers": {"type": "list", "elements": "dict", "default": []},
    "thresholds": {"type": "dict", "default": {}},
    "fail_on": {"type": "str", "choices": ["critical", "warning", "never"], "default": "never"},
    "columns": {"type": "int", "default": 92},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See the module of this name. Every error is one sentence, and then nothing was written."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _valid, arguments = self.validate_argument_spec(
            ARGUMENT_SPEC, mutually_exclusive=[["variable", "saved"]], required_one_of=[["variable", "saved"]], required_together=[["variable", "hosts"]]
        )
        given = plain(arguments)
        try:
            return {**result, "changed": False, **self._report(given, task_vars or {})}
        except JudgeError as error:
            raise AnsibleActionFail("The facts cannot be judged: %s" % error) from error
        except SavedError as error:
            raise AnsibleActionFail(str(error)) from error
        except OSError as error:
            raise AnsibleActionFail("The reports cannot be written: %s: %s" % (error.filename or given["directory"], error.strerror)) from error

    def _report(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        mode = _mode(given["mode"])
        results = read_facts([_here(given["saved"])]) if given["saved"] else read_results(task_vars["hostvars"], given["hosts"], given["variable"])
        folders = [BUILTIN_RULES, *(Path(self._loader.path_dwim(each)) for each in given["rule_dirs"])]
        report = judge(results, read_rules(folders), given["rules"], given["skip_rules"], given["waivers"], given["thresholds"])
        texts = {"report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n", "report.md": markdown_report(report)}
        texts["report.html"] = html_page(report, read_page())
        if given["save_facts"] and not given["saved"]:
            texts["facts.json"] = json.dumps(bundle(results))
        written = write_report(_here(given["directory"]), texts, mode)
        return {"files": written, "table": table(report, given["columns"]), "verdict": verdict(report, given["fail_on"]), "counts": report["counts"]}


def _here(path: str) -> Path:
    """A relative path starts at the directory Ansible was started in."""
    return Path(os.path.realpath(os.path.expanduser(path)))


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise AnsibleActionFail('mode must be an octal number such as "0640", not %s' % text)
    return mode
