# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verdict and every fix of the role: their examples, what null does to them, and that what they recommend exists."""

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import BUILTIN_FIXES, BUILTIN_RULES, BUILTIN_VERDICTS, read_fixes, read_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement import diagnosis, fleet, sizing
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows import diagnosis as diagnosis_rows
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows import worker as worker_rows
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.fields import THRESHOLDS
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.verdict import STEPS, VERDICTS, compile_fixes, compile_verdicts
from ansible_collections.netops.listen_queue.tests.unit.roles.examples import (
    LIMITS,
    assert_null_is_never_quiet,
    assert_outcome,
    assert_summary_is_complete,
    assert_words,
    examples_of,
    firing,
    whole,
)

ROLES = Path(__file__).parents[3] / "roles"
DOCUMENTS = read_fixes(BUILTIN_FIXES)
CAUSES = {cause.id: cause for cause in compile_verdicts(read_rules([BUILTIN_VERDICTS]), DOCUMENTS, LIMITS)}
FIXES = {fix.id: fix for fix in compile_fixes(DOCUMENTS, tuple(LIMITS))}
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in [*sorted(BUILTIN_VERDICTS.glob("*.yml")), BUILTIN_FIXES]}
EXAMPLES = examples_of(CAUSES)
FIRING = firing(EXAMPLES)


@pytest.mark.parametrize(("cause", "outcome", "row"), EXAMPLES)
def test_example(cause, outcome, row):
    assert_outcome(cause.expression, outcome, row)


@pytest.mark.parametrize("name", CAUSES)
def test_examples_are_complete(name):
    assert {"finding", "quiet", "unknown"} <= set(CAUSES[name].examples)


@pytest.mark.parametrize(("cause", "_outcome", "row"), FIRING)
def test_null_in_a_needed_field_is_never_quiet(cause, _outcome, row):
    assert_null_is_never_quiet(cause.expression, row)


@pytest.mark.parametrize(("cause", "_outcome", "row"), FIRING)
def test_summary_is_complete(cause, _outcome, row):
    assert_summary_is_complete(cause.render(whole(row)), row)


def test_every_threshold_is_used():
    rules = compile_rules(read_rules([BUILTIN_RULES]), LIMITS)
    expressions = [each.expression for each in (*rules, *CAUSES.values())]
    used = {path[1] for expression in expressions for path in expression.fields if path[0] == "thresholds"}
    for module in (diagnosis, diagnosis_rows, fleet, sizing, worker_rows):
        used |= set(re.findall(r'thresholds\["([a-z_]+)"\]', Path(module.__file__).read_text(encoding="utf-8")))
    assert used == set(THRESHOLDS)


def test_every_verdict_has_a_cause_and_every_fix_a_verdict():
    assert {cause.verdict for cause in CAUSES.values()} == set(VERDICTS) - {"unknown"}
    assert {fix.id for cause in CAUSES.values() for fix in cause.fixes} == set(FIXES)


def test_fixes_stand_in_the_order_that_helps():
    steps = [STEPS.index(fix.step) for fix in FIXES.values()]
    assert steps == sorted(steps)


def test_who_accepts_too_slowly_is_told_not_to_raise():
    assert {name for name, cause in CAUSES.items() if "do_not_raise" in [fix.id for fix in cause.fixes]} == {
        name for name, cause in CAUSES.items() if cause.verdict == "application_too_slow"
    }
    assert [fix.id for fix in FIXES.values() if fix.do_not_raise] == ["do_not_raise"]


def test_only_limits_and_bursts_recommend_a_longer_queue_and_only_with_time_left():
    longer = {fix["id"]: fix for fix in DOCUMENTS if "size." in yaml.safe_dump(fix)}
    assert all(fix["when"].startswith("workers.had_time_left && ") for fix in longer.values())
    assert {cause.verdict for cause in CAUSES.values() if set(longer) & {fix.id for fix in cause.fixes}} == {"limit_too_small", "burst"}


@pytest.mark.parametrize("fix", [fix for fix in DOCUMENTS if "role" in fix], ids=lambda fix: fix["id"])
def test_a_fix_names_an_existing_role_and_its_variables(fix):
    specs = yaml.safe_load((ROLES / fix["role"] / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    assert set(fix["variables"]) <= set(specs["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("name", TEXTS)
def test_words_that_must_not_be_used(name):
    text = " ".join(TEXTS[name].split())
    assert_words(text)
    assert not re.search(r"(?i)\bset\b[^.]*tcp_abort_on_overflow|tcp_abort_on_overflow( to|=)", text)


def test_commands_hold_nothing_that_a_host_may_choose_freely():
    """Process ids and numbers only: they are copied into a shell."""
    commands = " ".join(fix.get("command", "") for fix in DOCUMENTS)
    assert set(re.findall(r"\{([^{}]*)\}", commands)) <= {"workers.stopped_pids"}
