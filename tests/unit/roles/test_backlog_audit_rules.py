# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the role: its examples, what null does to it, and that its fix can be followed."""

from pathlib import Path

import pytest
import yaml
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.expressions import dotted
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rule
from ansible_collections.netops.listen_queue.plugins.plugin_utils.saved import parse_rule
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

ROOT = Path(__file__).parents[3]
ROLES = ROOT / "roles"
FILES = sorted((ROLES / "backlog_audit" / "files" / "rules").glob("*.yml"))
RULES = {path.stem: compile_rule(parse_rule(path.read_bytes(), path.stem), path.name, LIMITS) for path in FILES}
EXAMPLES = examples_of(RULES)
FIRING = firing(EXAMPLES)


@pytest.mark.parametrize(("rule", "outcome", "row"), EXAMPLES)
def test_example(rule, outcome, row):
    assert_outcome(rule.expression, outcome, row, rule.for_each)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_a_firing_and_a_quiet_example(name):
    assert {"finding", "quiet"} <= set(RULES[name].examples)


@pytest.mark.parametrize(("rule", "_outcome", "row"), FIRING)
def test_null_in_a_needed_field_is_never_quiet(rule, _outcome, row):
    assert_null_is_never_quiet(rule.expression, row, rule.for_each)


@pytest.mark.parametrize(("rule", "_outcome", "row"), FIRING)
def test_summary_of_a_finding_is_complete(rule, _outcome, row):
    assert_summary_is_complete(rule.render(whole(row, rule.for_each)), row)


# What each rule needs to know. A change here changes what is unknown in users' reports.
NEEDS = {
    "abort_on_overflow_on": {'namespace.sysctls."net.ipv4.tcp_abort_on_overflow"', "namespace.is_host", "namespace.listener_count"},
    "accept_queue_full": {"listener.accept_queue_full", "listener.accept_queue_limit"},
    "accept_queue_full_large": {"listener.accept_queue_full", "listener.accept_queue_limit"},
    "accept_queue_half_full": {"listener.share_half_full"},
    "container_limit_below_host": {"host.containers_at_cap_count"},
    "drops_in_window": {"listener.drops_in_window", "listener.drops_per_second"},
    "drops_in_window_fast": {"listener.drops_per_second"},
    "drops_lifetime": {"listener.drops"},
    "drops_rate": {"listener.drops_per_hour", "listener.process_age_seconds"},
    "limit_below_program_default": {"listener.accept_queue_limit", "program.default_backlog"},
    "limit_capped_by_somaxconn": {
        "listener.limited_by",
        "listener.at_cap",
        "listener.accept_queue_full",
        "listener.accept_queue_fill",
        "listener.drops",
    },
    "limit_stale": {"listener.accept_queue_limit", 'namespace.sysctls."net.core.somaxconn"'},
    "nginx_not_listening": {"namespace.nginx_not_listening"},
    "overflows_in_window": {"namespace.overflows_in_window"},
    "somaxconn_low": {'namespace.sysctls."net.core.somaxconn"', "namespace.is_host", "namespace.listener_count"},
    "syncookies_off": {'namespace.sysctls."net.ipv4.tcp_syncookies"', "namespace.is_host", "namespace.listener_count"},
}


def test_needs_of_all_rules():
    needs = {name: {dotted(path) for path in rule.expression.needs if path[0] != "thresholds"} for name, rule in RULES.items()}
    assert needs == NEEDS


@pytest.mark.parametrize("name", RULES)
def test_a_fix_names_an_existing_role_and_its_variables_or_none(name):
    fix = RULES[name].fix
    if "role" not in fix:
        return
    specs = yaml.safe_load((ROLES / fix["role"] / "meta" / "argument_specs.yml").read_text())
    assert set(fix.get("variables", {})) <= set(specs["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("name", RULES)
def test_words_a_rule_must_not_use(name):
    rule = RULES[name]
    assert_words(" ".join([rule.because, rule.fix["advice"], FILES[0].with_name(name + ".yml").read_text()]))


def test_only_a_full_queue_at_a_large_limit_says_do_not_raise():
    assert [name for name, rule in RULES.items() if rule.fix.get("do_not_raise")] == ["accept_queue_full_large"]


@pytest.mark.parametrize(
    ("expected", "listener"),
    [
        ({"accept_queue_full"}, {"accept_queue_full": True, "accept_queue_limit": 511, "accept_queue_length": 512, "at_cap": False}),
        ({"accept_queue_full_large"}, {"accept_queue_full": True, "accept_queue_limit": 4096, "accept_queue_length": 4097, "at_cap": False}),
        ({"drops_in_window"}, {"drops_in_window": 3, "drops_per_second": 1.5, "drops": 3, "drops_per_hour": 3.0, "process_age_seconds": 3600}),
        ({"drops_in_window_fast"}, {"drops_in_window": 30, "drops_per_second": 15.0, "drops": 30, "drops_per_hour": 30.0, "process_age_seconds": 3600}),
        ({"drops_rate"}, {"drops": 600, "drops_per_hour": 600.0, "process_age_seconds": 3600}),
        ({"drops_lifetime"}, {"drops": 6, "drops_per_hour": 6.0, "process_age_seconds": 3600}),
        ({"drops_lifetime"}, {"drops": 6, "drops_per_hour": 360.0, "process_age_seconds": 60}),
    ],
)
def test_one_trouble_is_told_once(expected, listener):
    row = whole({"listener": {"accept_queue_limit": 511, "limited_by": "unknown", "at_cap": False} | listener}, "listener")
    fired = {name for name, rule in RULES.items() if rule.for_each == "listener" and rule.expression.evaluate(row).value is True}
    assert fired == expected
