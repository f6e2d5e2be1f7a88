# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import copy

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import RuleError, compile_rule, compile_rules

RULE = {
    "id": "many_drops",
    "severity": "warning",
    "for_each": "listener",
    "expr": "listener.drops > `5`",
    "summary": "{listener.address} dropped {listener.drops}",
    "because": "It drops.",
    "fix": {"advice": "Accept faster."},
    "references": ["somewhere"],
}


def changed(**changes):
    return {key: value for key, value in {**copy.deepcopy(RULE), **changes}.items() if value != "absent"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("text", "rules/x.yml: a rule must be a mapping with the keys id, severity, for_each, expr, summary, because, fix, references"),
        (changed(expr="absent"), "rules/x.yml: rule many_drops: the key expr is missing"),
        (changed(severty="info"), "rules/x.yml: rule many_drops: unknown key severty: a rule has id, "),
        (changed(id="Many drops"), "rules/x.yml: rule Many drops: id must be lower case letters, digits and _"),
        (changed(severity="high"), "rules/x.yml: rule many_drops: severity must be one of critical, warning, info, not high"),
        (changed(for_each="socket"), "rules/x.yml: rule many_drops: for_each must be one of host, namespace, listener, not socket"),
        (changed(expr="listener.drop > `5`"), "rules/x.yml: rule many_drops: expr: there is no field listener.drop: "),
        (changed(expr=5), "rules/x.yml: rule many_drops: expr: it must be JMESPath text"),
        (changed(summary=""), "rules/x.yml: rule many_drops: summary must be text"),
        (changed(summary="{listener.drop}"), "rules/x.yml: rule many_drops: summary: {listener.drop}: there is no field listener.drop: "),
        (changed(summary="{}"), "rules/x.yml: rule many_drops: summary: {}: it must be JMESPath text"),
        (changed(summary="{listener.drops"), "rules/x.yml: rule many_drops: summary: a brace without its partner"),
        (changed(summary="{{ listener.drops }}"), "rules/x.yml: rule many_drops: {{ }} and {% %} are not evaluated in rules: write {field} "),
        (changed(fix={"advice": "{{ x }}"}), "rules/x.yml: rule many_drops: {{ }} and {% %} are not evaluated in rules: write {field} "),
        (changed(fix="raise it"), "rules/x.yml: rule many_drops: fix must be a mapping with the text advice and, "),
        (changed(fix={"advice": "x", "variables": {"a": 1}}), "rules/x.yml: rule many_drops: fix: variables must be a mapping and belongs to a role"),
        (changed(fix={"advice": "x", "do_not_raise": "yes"}), "rules/x.yml: rule many_drops: fix: role must be text and do_not_raise true or false"),
        (changed(references=[]), "rules/x.yml: rule many_drops: references must be a list with at least one source"),
        (changed(examples={"firing": []}), "rules/x.yml: rule many_drops: examples must be a mapping of finding, quiet and unknown to lists of rows"),
    ],
)
def test_errors_name_file_and_rule(document, message):
    with pytest.raises(RuleError) as caught:
        compile_rule(document, "rules/x.yml", ())
    assert str(caught.value).startswith(message)


def row(**listener):
    return {"host": {}, "namespace": {}, "listener": listener, "program": {}, "thresholds": {}}


@pytest.mark.parametrize(
    ("summary", "listener", "text"),
    [
        ("{listener.address} dropped {listener.drops}", {"address": "[::]:80", "drops": 7}, "[::]:80 dropped 7"),
        ("{listener.drops}", {"drops": None}, "unknown"),
        ("{listener.drops}", {}, "unknown"),
        ("{listener.at_cap}", {"at_cap": True}, "yes"),
        ("{listener.accept_queue_fill}", {"accept_queue_fill": 0.6543}, "0.65"),
        ("{listener.drops_per_hour}", {"drops_per_hour": 12345.67}, "12346"),
        ("{join(', ', listener.processes[].name)}", {"processes": [{"name": "a"}, {"name": "b"}]}, "a, b"),
        ("{listener.processes[].name}", {"processes": [{"name": name} for name in "abcdef"]}, "a, b, c, d, e, f"),
        ("{listener.processes[].name}", {"processes": [{"name": name} for name in "abcdefg"]}, "a, b, c, d, e and 2 more"),
        ("{listener.address}", {"address": "{listener.drops} {{ 1 }} {0.__class__} %s"}, "{listener.drops} {{ 1 }} {0.__class__} %s"),
        ("a\n  folded {listener.port}", {"port": 80}, "a folded 80"),
    ],
)
def test_placeholders_are_replaced_once(summary, listener, text):
    assert compile_rule(changed(summary=summary), "x", ()).render(row(**listener)) == text


def test_evidence_holds_what_the_rule_looks_at():
    rule = compile_rule(changed(expr='listener.drops > thresholds.many && namespace.sysctls."net.core.somaxconn" > `1`'), "x", ("many",))
    seen = row(drops=7, address="[::]:80") | {"namespace": {"sysctls": {"net.core.somaxconn": 5}}, "thresholds": {"many": 3}}
    assert rule.evidence(seen) == {"listener.address": "[::]:80", "listener.drops": 7, 'namespace.sysctls."net.core.somaxconn"': 5, "thresholds.many": 3}


def test_a_later_rule_replaces_and_skipped_rules_go():
    documents = [{"source": "a", "rule": changed()}, {"source": "b", "rule": changed(severity="info")}, {"source": "b", "rule": changed(id="other")}]
    assert [(rule.id, rule.source, rule.severity) for rule in compile_rules(documents, ())] == [("many_drops", "b", "info"), ("other", "b", "warning")]
    assert [rule.id for rule in compile_rules(documents, (), skip=["other"])] == ["many_drops"]
    with pytest.raises(RuleError, match=r"^there is no rule manydrops to skip: rules are many_drops, other$"):
        compile_rules(documents, (), skip=["manydrops"])
