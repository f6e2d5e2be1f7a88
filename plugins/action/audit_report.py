# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the controller: one pass over the results of all hosts, without Jinja in between."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.drift.baseline import without_drift
from ..plugin_utils.drift.compare import build_drift
from ..plugin_utils.drift.text import drift_verdict
from ..plugin_utils.files import BUILTIN_RULES, read_baseline, read_facts, read_page, read_rules, write_report
from ..plugin_utils.hosts import read_results
from ..plugin_utils.judge import JudgeError, judge
from ..plugin_utils.plain import plain
from ..plugin_utils.report.as_json import json_report
from ..plugin_utils.report.formats import DEFAULT, FORMATS, render
from ..plugin_utils.report.model import verdict
from ..plugin_utils.report.terminal import Line, styled_table
from ..plugin_utils.saved import SavedError, bundle
from ..plugin_utils.text import visible

SEVERITIES = ["critical", "warning", "never"]
ARGUMENT_SPEC = {
    "variable": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    "saved": {"type": "str"},
    "directory": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0640"},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": list(DEFAULT)},
    "save_facts": {"type": "bool", "default": False},
    "rule_dirs": {"type": "list", "elements": "str", "default": []},
    "rules": {"type": "list", "elements": "dict", "default": []},
    "skip_rules": {"type": "list", "elements": "str", "default": []},
    "waivers": {"type": "list", "elements": "dict", "default": []},
    "thresholds": {"type": "dict", "default": {}},
    "baseline": {"type": "str"},
    "save_baseline": {"type": "str"},
    "fail_on": {"type": "str", "choices": SEVERITIES, "default": "never"},
    "fail_on_drift": {"type": "str", "choices": SEVERITIES, "default": "never"},
    "columns": {"type": "int", "default": 92},
    "show": {"type": "bool", "default": False},
}
# Callbacks that print text for people. Whatever else writes to stdout (JSON, JUnit) must not get lines in between.
TEXT_CALLBACKS = {"awx_display", "counter_enabled", "debug", "default", "default_without_diff", "dense", "diy", "minimal", "oneline", "unixy", "yaml"}
# The style of a line -> the user's own setting of that colour. Ansible leaves colours out by itself (no terminal, NO_COLOR, ANSIBLE_NOCOLOR).
COLOURS = {"critical": "COLOR_ERROR", "warning": "COLOR_CHANGED", "info": "COLOR_SKIP", "good": "COLOR_OK", "lost": "COLOR_UNREACHABLE"}


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
        _refuse_facts_as_variables(task_vars or {})
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
        report = self._judged(given, results)
        texts = render(report, given["formats"], read_page)
        if given["save_facts"] and not given["saved"]:
            texts["facts.json"] = json.dumps(bundle(results))
        written = write_report(_here(given["directory"]), texts, mode)
        drifted = drift_verdict(report, given["fail_on_drift"])
        lines = styled_table(report, given["columns"])
        saved, note = self._save_baseline(given, report, mode, drifted)
        lines += note
        return {
            "files": [*written, *saved],
            "table": [line.text for line in lines],
            "verdict": " ".join(each for each in (verdict(report, given["fail_on"]), drifted) if each),
            "counts": report["counts"],
            **({"drift": report["drift"]["counts"]} if "drift" in report else {}),
            **(self._show(lines) if given["show"] else {}),
        }

    def _judged(self, given: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        """The report, compared with the baseline where one is given. The facts of a baseline are judged by the same rules."""
        if given["fail_on_drift"] != "never" and not given["baseline"]:
            raise AnsibleActionFail("fail_on_drift is %s, but there is no baseline to compare with: set baseline" % given["fail_on_drift"])
        path = _here(given["baseline"]) if given["baseline"] else None
        baseline = read_baseline(path) if path else None
        folders = [BUILTIN_RULES, *(Path(self._loader.path_dwim(each)) for each in given["rule_dirs"])]
        judged = functools.partial(
            judge,
            rules=read_rules(folders),
            extra_rules=given["rules"],
            skip_rules=given["skip_rules"],
            waivers=given["waivers"],
            thresholds=given["thresholds"],
        )
        report = judged(results)
        if baseline:
            then = judged(baseline.facts, generated_at=baseline.generated_at) if baseline.report is None else baseline.report
            report["drift"] = build_drift(report, then, str(path))
        return report

    def _save_baseline(self, given: dict[str, Any], report: dict[str, Any], mode: int, drifted: str) -> tuple[list[str], list[Line]]:
        """(files, lines that tell). What fails the audit is not made the measure of the next one, and check mode replaces nothing."""
        if not given["save_baseline"]:
            return [], []
        path = _here(given["save_baseline"])
        if drifted or self._task.check_mode:
            why = "what is new fails the audit" if drifted else "this is check mode"
            return [], [Line(""), Line("The baseline %s was not saved, because %s." % (path, why), "lost")]
        write_report(path.parent, {path.name: json_report(without_drift(report))}, mode)
        return [str(path)], [Line(""), Line("Saved as the baseline: %s" % path)]

    def _show(self, lines: Iterable[Line]) -> dict[str, Any]:
        """Print the lines where people read them; a callback that writes something else shows the result itself."""
        if str(constants.DEFAULT_STDOUT_CALLBACK).rsplit(".", maxsplit=1)[-1] not in TEXT_CALLBACKS:
            return {"_ansible_verbose_always": True}
        for line in lines:
            self._display.display(line.text, color=getattr(constants, COLOURS.get(line.style, ""), None))
        return {"_ansible_verbose_override": self._display.verbosity < 3}


def _refuse_facts_as_variables(task_vars: dict[str, Any]) -> None:
    """Facts outrank the inventory and the role's defaults, so a host could say what is written on the controller, and where."""
    facts = task_vars.get("ansible_facts") or {}
    names = sorted(visible(name) for name in facts if str(name).startswith("backlog_") and task_vars.get(name) == facts[name])
    if names:
        raise AnsibleActionFail(
            "The facts of %s set %s, but only you may: remove them from the facts or from their cache, or leave the host out. Nothing was written."
            % (visible(task_vars.get("inventory_hostname")), ", ".join(names))
        )


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
