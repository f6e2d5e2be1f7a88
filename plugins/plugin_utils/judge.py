# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gives for a judgement, made plain and checked; then the report. Shared by the filter and the action."""

from __future__ import annotations

import datetime
import re
from typing import Any

from ..module_utils._version import VERSION
from .files import BUILTIN_FIXES, BUILTIN_VERDICTS, read_fixes, read_rules, verdict_names
from .judgement.findings import ThresholdError, build_report, check_thresholds, find_facts, merged_thresholds
from .plain import NotPlain, plain
from .rows.diagnosed import is_diagnosed
from .rules.rule import RuleError, compile_rules
from .rules.verdict import Verdict, compile_verdicts
from .rules.waiver import WaiverError, compile_waivers
from .saved import SavedError

# All that judge() raises: one sentence each.
JudgeError = (NotPlain, RuleError, SavedError, ThresholdError, WaiverError)

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def judge(
    results: dict[str, Any],
    rules: Any = None,
    extra_rules: Any = (),
    skip_rules: Any = (),
    waivers: Any = (),
    thresholds: Any = None,
    generated_at: Any = None,
) -> dict[str, Any]:
    """The report of plain results by host name. The other arguments are Ansible's data, documented at the filter `findings`."""
    given = plain(thresholds or {})
    limits = merged_thresholds(given)
    documents = plain(rules or []) + [{"source": "backlog_audit_rules[%d]" % index, "rule": plain(rule)} for index, rule in enumerate(extra_rules or ())]
    compiled = compile_rules(documents, limits, plain(list(skip_rules or ())))
    check_thresholds(given, compiled)
    made = _time(generated_at)
    accepted = compile_waivers(plain(waivers or []), [*(rule.id for rule in compiled), *verdict_names()], made[:10])
    return build_report(results, compiled, accepted, limits, made, VERSION, _verdicts(results, limits))


def _verdicts(results: dict[str, Any], limits: dict[str, float]) -> list[Verdict]:
    """The verdicts of the collection; an audit without a diagnosis reads none of their files."""
    answers = (find_facts(result) for result in results.values() if isinstance(result, dict))
    if not any(isinstance(facts, dict) and is_diagnosed(facts) for facts in answers):
        return []
    return compile_verdicts(read_rules([BUILTIN_VERDICTS]), read_fixes(BUILTIN_FIXES), limits)


def _time(generated_at: Any) -> str:
    if generated_at is None:
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = str(plain(generated_at))
    if not _TIME.fullmatch(made):
        raise NotPlain("generated_at must be a UTC time such as 2026-11-20T21:22:42Z, not %s" % made)
    return made
