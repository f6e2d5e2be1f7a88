# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.expressions import (
    NOT_APPLICABLE,
    ExpressionError,
    compile_expression,
    compile_value,
    dotted,
)

THRESHOLDS = ("fill", "somaxconn")


@pytest.mark.parametrize(
    ("text", "needs", "optional"),
    [
        pytest.param("listener.accept_queue_full", ["listener.accept_queue_full"], [], id="flag"),
        pytest.param("listener.drops > `5`", ["listener.drops"], [], id="comparison_with_a_literal"),
        pytest.param("listener.drops > thresholds.fill", ["listener.drops", "thresholds.fill"], [], id="comparison_with_a_threshold"),
        pytest.param("listener.drops != `5`", ["listener.drops"], [], id="unequal_a_number_needs_it"),
        pytest.param("listener.drops != `null`", [], ["listener.drops"], id="unequal_null_does_not"),
        pytest.param("listener.drops == null", [], ["listener.drops"], id="bare_null_is_a_field_that_is_never_there"),
        pytest.param("null != listener.drops", [], ["listener.drops"], id="null_on_the_left"),
        pytest.param("listener.drops < null", ["listener.drops"], [], id="order_with_null_does_not_handle_null"),
        pytest.param("not_null(listener.drops, `0`) > `5`", [], ["listener.drops"], id="not_null"),
        pytest.param("(listener.drops || `0`) > `5`", [], ["listener.drops"], id="default_by_or_within_a_comparison"),
        pytest.param("listener.at_cap && listener.drops > `0`", ["listener.at_cap", "listener.drops"], [], id="and"),
        pytest.param("listener.at_cap || listener.drops > `0`", ["listener.at_cap", "listener.drops"], [], id="or_at_the_top"),
        pytest.param("!(listener.at_cap)", ["listener.at_cap"], [], id="not"),
        pytest.param("listener.drops != null && listener.drops > `5`", ["listener.drops"], [], id="needed_once_is_needed"),
        pytest.param('namespace.sysctls."net.core.somaxconn" < `128`', ['namespace.sysctls."net.core.somaxconn"'], [], id="quoted_name"),
        pytest.param("namespace.counters.TcpExt.ListenDrops > `0`", ["namespace.counters.TcpExt.ListenDrops"], [], id="open_field"),
        pytest.param("contains(listener.processes[].name, 'nginx')", ["listener.processes"], [], id="projection"),
        pytest.param("listener.processes[?name == 'nginx']", ["listener.processes"], [], id="names_in_a_filter_belong_to_the_items"),
        pytest.param("length(listener.processes) > `2`", ["listener.processes"], [], id="function"),
        pytest.param("listener.processes[0].name == 'nginx'", ["listener.processes"], [], id="index"),
        pytest.param("starts_with(program.name, 'php')", ["program.name"], [], id="deciding_function"),
    ],
)
def test_needs_come_from_the_syntax_tree(text, needs, optional):
    expression = compile_expression(text, "listener", THRESHOLDS)
    assert [dotted(path) for path in expression.needs] == needs
    assert [dotted(path) for path in expression.fields if path not in expression.needs] == optional


@pytest.mark.parametrize(
    ("text", "listener", "value", "missing"),
    [
        pytest.param("listener.drops > `5`", {"drops": 6}, True, (), id="fires"),
        pytest.param("listener.drops > `5`", {"drops": 5}, False, (), id="quiet"),
        pytest.param("listener.drops > `5`", {"drops": None}, None, ("listener.drops",), id="null_is_unknown"),
        pytest.param("listener.drops != `5`", {"drops": None}, None, ("listener.drops",), id="null_is_not_unequal"),
        pytest.param("listener.drops > `5`", {}, NOT_APPLICABLE, (), id="absent_does_not_apply"),
        pytest.param("!(listener.drops > `5`)", {}, NOT_APPLICABLE, (), id="absent_does_not_apply_negated"),
        pytest.param("!(listener.drops > `5`)", {"drops": None}, None, ("listener.drops",), id="unknown_negated"),
        pytest.param("!(listener.drops > `5`)", {"drops": 0}, True, (), id="negated"),
        pytest.param("listener.at_cap && listener.drops > `5`", {"at_cap": False, "drops": None}, False, (), id="false_and_unknown"),
        pytest.param("listener.at_cap && listener.drops > `5`", {"at_cap": True, "drops": None}, None, ("listener.drops",), id="true_and_unknown"),
        pytest.param("listener.at_cap && listener.drops > `5`", {"at_cap": None}, NOT_APPLICABLE, (), id="unknown_and_absent"),
        pytest.param("listener.at_cap || listener.drops > `5`", {"at_cap": True, "drops": None}, True, (), id="true_or_unknown"),
        pytest.param("listener.at_cap || listener.drops > `5`", {"at_cap": False, "drops": None}, None, ("listener.drops",), id="false_or_unknown"),
        pytest.param("listener.at_cap || listener.drops > `5`", {"at_cap": None}, None, ("listener.at_cap",), id="unknown_or_absent"),
        pytest.param("listener.at_cap || listener.drops > `5`", {"at_cap": False}, NOT_APPLICABLE, (), id="false_or_absent"),
        pytest.param("listener.drops == null", {"drops": None}, True, (), id="asking_for_null"),
        pytest.param("not_null(listener.drops, `0`) > `5`", {"drops": None}, False, (), id="default_for_null"),
        pytest.param("not_null(listener.drops, listener.port) > `5`", {"drops": None, "port": None}, None, ("listener.drops", "listener.port"), id="all_null"),
        pytest.param("not_null(listener.drops, listener.port) > `5`", {}, NOT_APPLICABLE, (), id="all_absent"),
        pytest.param("contains(listener.processes[].name, 'x')", {"processes": [{"name": None}]}, False, (), id="function_over_items"),
        pytest.param("starts_with(listener.family, 'inet')", {"family": 7}, None, ("listener.family",), id="function_over_a_wrong_type"),
    ],
)
def test_three_valued_answers(text, listener, value, missing):
    row = {"host": {}, "namespace": {}, "listener": listener, "program": {}, "thresholds": {}}
    expression = compile_expression(text, "listener", THRESHOLDS)
    for _again in range(2):  # the second answer is remembered
        answer = expression.evaluate(row)
        assert (answer.value, answer.missing) == (value, missing)


def test_remembered_answers_tell_true_from_one():
    expression = compile_expression('namespace.sysctls."a" == `0`', "namespace", ())
    assert [expression.evaluate({"namespace": {"sysctls": {"a": value}}}).value for value in (False, 0, False)] == [False, True, False]


@pytest.mark.parametrize(
    ("level", "text", "message"),
    [
        pytest.param("listener", "listener.drops >", "not valid JMESPath: ", id="syntax"),
        pytest.param("listener", "", "it must be JMESPath text", id="empty"),
        pytest.param("listener", "listener.drop > `5`", "there is no field listener.drop: fields of listener are address, ", id="misspelt_field"),
        pytest.param("listener", "listener.at_cap == true", "true is a field name in JMESPath: write `true` with backticks", id="bare_true"),
        pytest.param("listener", "drops > `5`", "a rule for each listener has no field drops: it sees host, namespace, listener, ", id="no_part"),
        pytest.param("host", "listener.drops > `5`", "a rule for each host has no field listener.drops: it sees host, thresholds", id="below_its_level"),
        pytest.param("listener", "listener == `5`", "listener is a whole part of the row: name a field in it", id="whole_part"),
        pytest.param("listener", "listener.drops > thresholds.x", "the threshold x is not set: set it in backlog_audit_thresholds", id="threshold"),
        pytest.param("listener", "listener.drops.delta > `5`", "there is nothing below the field listener.drops", id="below_a_value"),
        pytest.param("listener", "listener.drops", "listener.drops alone is true for every value, 0 too: compare it with something", id="number_as_flag"),
        pytest.param("listener", "listener.at_cap && listener.drops", "listener.drops alone is true for every value", id="number_as_flag_in_and"),
        pytest.param("listener", "length(listener.processes)", "length() alone decides nothing: compare what it returns", id="number_of_a_function"),
        pytest.param("listener", "`true`", "a constant decides nothing: compare a field with it", id="constant"),
        pytest.param("listener", "host.kernel < '5.4'", "JMESPath orders numbers only", id="ordered_text"),
        pytest.param("listener", "listener.drops > '5'", "JMESPath orders numbers only", id="number_in_quotes"),
    ],
)
def test_mistakes_jmespath_takes_in_silence(level, text, message):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, level, THRESHOLDS)
    assert str(caught.value).startswith(message)


def test_a_value_needs_a_field():
    with pytest.raises(ExpressionError, match=r"^it names no field$"):
        compile_value("`5`", "listener", ())


def test_without_jmespath_one_sentence_says_what_to_install(monkeypatch):
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules import expressions

    monkeypatch.setattr(expressions, "HAS_JMESPATH", False)
    with pytest.raises(ExpressionError, match=r"^the rules need the Python library jmespath on the controller: install it "):
        compile_expression("listener.at_cap", "listener", ())


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("listener.processes[*].unit", ["listener.processes"]),
        ("listener.processes[0:2].name", ["listener.processes"]),
        ("length(listener.processes)", ["listener.processes"]),
        ("listener.processes | [0].name", ["listener.processes"]),
        ("[host.name, listener.port]", ["host.name", "listener.port"]),
        ("sort_by(listener.processes, &name)[0].name", ["listener.processes"]),
    ],
)
def test_fields_of_a_placeholder(text, fields):
    assert [dotted(path) for path in compile_value(text, "listener", ())[1]] == fields
