# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts and fixes are data: check their documents and compile them. Pure.

A verdict document says by an expression over a listener's row when its cause holds; docs/diagnose.md describes its keys. The fixes
stand in one file, in the order in which they help; a verdict names those that belong to it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..plain import plain
from .expressions import ABSENT, Expression, ExpressionError, compile_expression, compile_value, dotted, resolve
from .fields import FIELDS, FIX
from .rule import RuleError, compile_text

VERDICTS = (
    "limit_too_small",
    "application_too_slow",
    "burst",
    "syn_queue",
    "listen_drops_without_overflow",
    "not_the_queue",
    "unknown",
    "healthy",
)
SEVERITIES = ("critical", "warning", "info", "ok")
CONFIDENCES = ("low", "medium", "high")
STEPS = ("accept_faster", "concurrency", "queue", "syn", "path", "fail_fast")
REQUIRED = ("id", "verdict", "rank", "severity", "confidence", "expr", "summary", "because", "references")
OPTIONAL = ("surer_when", "residual", "in_pod", "not_seen", "evidence", "fixes", "examples")
FIX_REQUIRED = ("id", "step", "advice")
FIX_OPTIONAL = ("when", "role", "variables", "command", "do_not_raise")
_WHOLE_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Row = Mapping[str, Any]


class Fix(NamedTuple):
    """One thing to do. `when` is None where it always applies; `variables` are given as templates."""

    id: str
    step: str
    advice: Callable[[Row], str]
    when: Expression | None
    role: str | None
    variables: dict[str, Any]
    command: Callable[[Row], str] | None
    do_not_raise: bool


class Verdict(NamedTuple):
    """A compiled document. `fixes` are in the order of the file of fixes; `sources` name where each part of its evidence comes from.

    What is `residual` says nothing beside a cause that goes first.
    """

    id: str
    verdict: str
    rank: int
    severity: str
    confidence: str
    expression: Expression
    surer_when: Expression | None
    residual: bool
    render: Callable[[Row], str]
    because: str
    in_pod: str
    not_seen: str
    evidence: Callable[[Row], dict[str, Any]]
    sources: dict[str, tuple[str, ...]]
    fixes: tuple[Fix, ...]
    references: list[str]
    examples: dict[str, Any]


def compile_verdicts(documents: Iterable[Mapping[str, Any]], fixes: Any, thresholds: Iterable[str]) -> list[Verdict]:
    """Verdicts in the order of their ranks, from [{"source": where it came from, "rule": document}, ...] and the list of fixes. Raises RuleError."""
    names = tuple(thresholds)
    known = compile_fixes(fixes, names)
    verdicts = sorted((_verdict(entry, known, names) for entry in documents), key=lambda each: each.rank)
    ranks = [each.rank for each in verdicts]
    twice = sorted({rank for rank in ranks if ranks.count(rank) > 1})
    if twice:
        raise RuleError("two verdicts have the rank %d: which of them goes first must be told" % twice[0])
    return verdicts


def compile_fixes(documents: Any, thresholds: Sequence[str]) -> list[Fix]:
    """The fixes of the file, in its order. Raises RuleError."""
    if not isinstance(documents, list):
        raise RuleError("the fixes must be a list of mappings")
    fixes = []
    for document in documents:
        try:
            fixes.append(_fix(plain(document), thresholds))
        except (ExpressionError, RuleError) as error:
            raise RuleError("fix %s: %s" % (document.get("id", "without an id") if isinstance(document, Mapping) else document, error)) from error
    if len({fix.id for fix in fixes}) < len(fixes):
        raise RuleError("two fixes have the same id")
    return fixes


def _verdict(entry: Mapping[str, Any], fixes: Sequence[Fix], thresholds: Sequence[str]) -> Verdict:
    document = plain(entry.get("rule"))
    try:
        _check_keys(document, REQUIRED, OPTIONAL)
        _check_values(document)
        return _compiled(document, fixes, thresholds)
    except (ExpressionError, RuleError) as error:
        name = document.get("id", "without an id") if isinstance(document, dict) else document
        raise RuleError("%s: verdict %s: %s" % (entry.get("source"), name, error)) from error


def _compiled(document: dict[str, Any], fixes: Sequence[Fix], thresholds: Sequence[str]) -> Verdict:
    expression = compile_expression(document["expr"], "listener", thresholds)
    surer = document.get("surer_when")
    render, shown = compile_text(document["summary"], "listener", thresholds)
    more = [path for text in document.get("evidence", ()) for path in compile_value(text, "listener", thresholds)[1]]
    paths = [path for path in dict.fromkeys((*expression.fields, *shown, *more)) if path[0] != "thresholds" and path[1] not in ("address", "label")]
    wanted = document.get("fixes", [])
    unknown = sorted(set(wanted) - {fix.id for fix in fixes})
    if unknown:
        raise RuleError("there is no fix %s" % ", ".join(unknown))
    return Verdict(
        document["id"],
        document["verdict"],
        document["rank"],
        document["severity"],
        document["confidence"],
        expression,
        compile_expression(surer, "listener", thresholds) if surer else None,
        document.get("residual", False),
        render,
        _line(document["because"]),
        _line(document.get("in_pod", "")),
        _line(document.get("not_seen", "")),
        functools.partial(_evidence, tuple((path, dotted(path)) for path in paths)),
        {dotted(path): tuple(source for source in FIELDS[path[0]][path[1]].source.split("; ") if source) for path in paths},
        tuple(fix for fix in fixes if fix.id in wanted),
        document["references"],
        document.get("examples", {}),
    )


def _evidence(paths: Iterable[tuple[tuple[str, ...], str]], row: Row) -> dict[str, Any]:
    """The values of the fields that apply to the row; one that is not known is None."""
    return {shown: value for path, shown in paths if (value := resolve(row, path)) is not ABSENT}


def _fix(document: Any, thresholds: Sequence[str]) -> Fix:
    _check_keys(document, FIX_REQUIRED, FIX_OPTIONAL)
    if document["step"] not in STEPS:
        raise RuleError("step must be one of %s, not %s" % (", ".join(STEPS), document["step"]))
    variables = document.get("variables", {})
    if not isinstance(variables, dict) or (variables and "role" not in document):
        raise RuleError("variables must be a mapping and belongs to a role")
    fill(variables, {}, thresholds)
    command = document.get("command")
    return Fix(
        document["id"],
        document["step"],
        compile_text(document["advice"], FIX, thresholds)[0],
        compile_expression(document["when"], FIX, thresholds) if "when" in document else None,
        document.get("role"),
        variables,
        compile_text(command, FIX, thresholds)[0] if command else None,
        document.get("do_not_raise", False),
    )


def fill(value: Any, row: Row, thresholds: Sequence[str]) -> Any:
    """`value` with its placeholders replaced. Text that is nothing but a placeholder becomes what is there: a number stays a number."""
    if isinstance(value, dict):
        return {key: fill(item, row, thresholds) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, row, thresholds) for item in value]
    if not isinstance(value, str):
        return value
    alone = _WHOLE_PLACEHOLDER.fullmatch(value)
    return _value(alone[1], tuple(thresholds))(row) if alone else _text(value, tuple(thresholds))(row)


@functools.lru_cache(maxsize=256)
def _value(text: str, thresholds: Sequence[str]) -> Callable[[Row], Any]:
    return compile_value(text, FIX, thresholds)[0]


@functools.lru_cache(maxsize=256)
def _text(text: str, thresholds: Sequence[str]) -> Callable[[Row], str]:
    return compile_text(text, FIX, thresholds)[0]


def _check_keys(document: Any, required: Sequence[str], optional: Sequence[str]) -> None:
    if not isinstance(document, dict):
        raise RuleError("it must be a mapping with the keys %s" % ", ".join(required))
    missing = [key for key in required if key not in document]
    if missing:
        raise RuleError("the key %s is missing" % " and ".join(missing))
    surplus = sorted(set(document) - set(required) - set(optional))
    if surplus:
        raise RuleError("unknown key %s: it has %s" % (", ".join(surplus), ", ".join((*required, *optional))))


def _check_values(document: Mapping[str, Any]) -> None:
    for key, allowed in (("verdict", VERDICTS), ("severity", SEVERITIES), ("confidence", CONFIDENCES)):
        if document[key] not in allowed:
            raise RuleError("%s must be one of %s, not %s" % (key, ", ".join(allowed), document[key]))
    if document["rank"].__class__ is not int:
        raise RuleError("rank must be a number, the lowest is tried first")
    if document["verdict"] == "unknown" or (document["verdict"] == "healthy") != (document["severity"] == "ok"):
        raise RuleError("the severity ok belongs to the verdict healthy, and unknown is what is left when no verdict holds")
    for key in ("references", "fixes", "evidence"):
        if not isinstance(document.get(key, []), list) or not all(isinstance(each, str) for each in document.get(key, [])):
            raise RuleError("%s must be a list of texts" % key)
    if document["verdict"] != "healthy" and not ("not_seen" in document and document.get("fixes")):
        raise RuleError("not_seen and fixes are required, except for the verdict healthy")


def _line(text: str) -> str:
    return " ".join(text.split())
