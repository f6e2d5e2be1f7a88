# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules are data: check a rule document, compile it, judge a row with it. Pure.

A rule document is a mapping with the keys of REQUIRED and OPTIONAL; docs/rules.md describes each. Every error names the place the
document came from and the rule.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..plain import NotPlain, plain
from .expressions import Expression, ExpressionError, compile_expression, compile_value, dotted
from .fields import LEVELS

SEVERITIES = ("critical", "warning", "info")
REQUIRED = ("id", "severity", "for_each", "expr", "summary", "because", "fix", "references")
OPTIONAL = ("examples",)
FIX_KEYS = ("advice", "role", "variables", "do_not_raise")
LONGEST_LIST = 6  # of names within a sentence
_ID = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class RuleError(ValueError):
    """A rule, or the list of rules, that cannot be used: place, rule, and what to change."""


class Rule(NamedTuple):
    """A compiled rule. `render(row)` gives the summary, `evidence(row)` the values of every field the rule looks at."""

    id: str
    severity: str
    for_each: str
    because: str
    fix: dict[str, Any]
    references: list[str]
    source: str
    expression: Expression
    render: Callable[[Any], str]
    evidence: Callable[[Any], dict[str, Any]]
    examples: dict[str, Any]


def compile_rules(documents: Iterable[Mapping[str, Any]], thresholds: Iterable[str], skip: Iterable[str] = ()) -> list[Rule]:
    """Rules by id from [{"source": where it came from, "rule": document}, ...]; a later document replaces an earlier one of the same id.

    `skip` names rules to leave out. Raises RuleError.
    """
    names = tuple(thresholds)
    rules: dict[str, Rule] = {}
    for entry in documents:
        rule = compile_rule(entry.get("rule"), str(entry.get("source")), names)
        rules[rule.id] = rule
    for name in skip:
        if name not in rules:
            raise RuleError("there is no rule %s to skip: rules are %s" % (name, ", ".join(sorted(rules))))
        del rules[name]
    return [rules[name] for name in sorted(rules)]


def compile_rule(document: Any, source: str, thresholds: Iterable[str]) -> Rule:
    """Check and compile one document. Raises RuleError."""
    if not isinstance(document, Mapping):
        raise RuleError("%s: a rule must be a mapping with the keys %s" % (source, ", ".join(REQUIRED)))
    where = "%s: rule %s" % (source, document.get("id", "without an id"))
    try:
        rule: dict[str, Any] = plain(document)
        _check_keys(rule)
        _check_values(rule)
        return _compiled(rule, source, tuple(thresholds))
    except (ExpressionError, NotPlain, RuleError) as error:
        raise RuleError("%s: %s" % (where, error)) from error


def _compiled(rule: dict[str, Any], source: str, thresholds: Sequence[str]) -> Rule:
    level = rule["for_each"]
    try:
        expression = compile_expression(rule["expr"], level, thresholds)
    except ExpressionError as error:
        raise RuleError("expr: %s" % error) from error
    try:
        render, shown = compile_text(rule["summary"], level, thresholds)
    except RuleError as error:
        raise RuleError("summary: %s" % error) from error
    paths = tuple(path for path in sorted({*expression.fields, *shown}) if path[0] != "thresholds" or path in expression.fields)
    return Rule(
        rule["id"],
        rule["severity"],
        level,
        rule["because"],
        rule["fix"],
        rule["references"],
        source,
        expression,
        render,
        functools.partial(_evidence, tuple((path, dotted(path)) for path in paths)),
        rule.get("examples", {}),
    )


def _check_keys(rule: Mapping[str, Any]) -> None:
    missing = [key for key in REQUIRED if key not in rule]
    if missing:
        raise RuleError("the key %s is missing" % " and ".join(missing))
    surplus = sorted(set(rule) - set(REQUIRED) - set(OPTIONAL))
    if surplus:
        raise RuleError("unknown key %s: a rule has %s" % (", ".join(surplus), ", ".join(REQUIRED + OPTIONAL)))
    if any("{{" in text or "{%" in text for key, value in rule.items() if key != "examples" for text in _texts(value)):
        raise RuleError("{{ }} and {% %} are not evaluated in rules: write {field} with single braces")


def _check_values(rule: Mapping[str, Any]) -> None:
    if not isinstance(rule["id"], str) or not _ID.fullmatch(rule["id"]):
        raise RuleError("id must be lower case letters, digits and _")
    for key, allowed in (("severity", SEVERITIES), ("for_each", LEVELS)):
        if rule[key] not in allowed:
            raise RuleError("%s must be one of %s, not %s" % (key, ", ".join(allowed), rule[key]))
    for key in ("summary", "because"):
        if not isinstance(rule[key], str) or not rule[key].strip():
            raise RuleError("%s must be text" % key)
    if not isinstance(rule["references"], list) or not rule["references"] or not all(isinstance(each, str) for each in rule["references"]):
        raise RuleError("references must be a list with at least one source")
    _check_fix(rule["fix"])
    examples = rule.get("examples", {})
    if not isinstance(examples, dict) or set(examples) - {"finding", "quiet", "unknown"} or not all(isinstance(each, list) for each in examples.values()):
        raise RuleError("examples must be a mapping of finding, quiet and unknown to lists of rows")


def _check_fix(fix: Any) -> None:
    if not isinstance(fix, dict) or set(fix) - set(FIX_KEYS) or not isinstance(fix.get("advice"), str) or not fix["advice"].strip():
        raise RuleError("fix must be a mapping with the text advice and, where they apply, role, variables and do_not_raise")
    if "variables" in fix and ("role" not in fix or not isinstance(fix["variables"], dict)):
        raise RuleError("fix: variables must be a mapping and belongs to a role")
    if not isinstance(fix.get("role", ""), str) or not isinstance(fix.get("do_not_raise", False), bool):
        raise RuleError("fix: role must be text and do_not_raise true or false")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def compile_text(text: str, level: str, thresholds: Sequence[str]) -> tuple[Callable[[Any], str], list[tuple[str, ...]]]:
    """(renderer, fields it shows). Each {JMESPath} is replaced once; what a host put into a value is never looked at again."""
    pieces: list[str | Callable[[Any], Any]] = []
    shown: list[tuple[str, ...]] = []
    for index, piece in enumerate(_PLACEHOLDER.split(" ".join(text.split()))):
        if index % 2 == 0:
            if "{" in piece or "}" in piece:
                raise RuleError("a brace without its partner")
            pieces.append(piece)
            continue
        try:
            search, paths = compile_value(piece, level, thresholds)
        except ExpressionError as error:
            raise RuleError("{%s}: %s" % (piece, error)) from error
        pieces.append(search)
        shown += paths
    return (lambda row: "".join(piece if isinstance(piece, str) else shown_text(piece(row)) for piece in pieces)), shown


def shown_text(value: Any) -> str:
    """A value within a sentence. Of a long list the first ones; the evidence of a finding has all."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "%.2f" % value if abs(value) < 100 else "%.0f" % value
    if isinstance(value, list):
        shown = [shown_text(item) for item in (value if len(value) <= LONGEST_LIST else value[: LONGEST_LIST - 1])]
        return ", ".join(shown) + (" and %d more" % (len(value) - len(shown)) if len(shown) < len(value) else "")
    return str(value)


def _evidence(paths: Iterable[tuple[tuple[str, ...], str]], row: Any) -> dict[str, Any]:
    evidence = {}
    for path, shown in paths:
        value = row
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        evidence[shown] = value
    return evidence
