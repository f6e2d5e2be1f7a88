# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule expressions: JMESPath for the comparisons, three-valued logic around them.

In JMESPath `null > 1` is null, which counts as false, and `null != 5` is true: a value nobody could read would look fine. So the
syntax tree (`jmespath.compile(e).parsed`) is cut at its top `&&`, `||` and `!`; each part below them is evaluated by JMESPath only
when the fields it needs are known, and the parts are joined by Kleene's logic: false && unknown is false, true || unknown is true.

Fields compared with null, inside not_null() or left of `||` within a comparison are not needed: the expression deals with null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

try:
    import jmespath  # type: ignore[import-untyped, unused-ignore]
    from jmespath.parser import ParsedResult  # type: ignore[import-untyped, unused-ignore]

    HAS_JMESPATH = True
except ImportError:
    HAS_JMESPATH = False

from .fields import FIELDS, PARTS

NO_JMESPATH = "the rules need the Python library jmespath on the controller: install it into the Python that runs Ansible (pip install jmespath)"
ABSENT = type("Absent", (), {"__repr__": lambda self: "absent"})()

Path = tuple[str, ...]
Node = Any


_LOGIC = ("and_expression", "or_expression", "not_expression")
_FOLLOWING = ("subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe")


class ExpressionError(ValueError):
    """An expression that cannot work, with the reason."""


class Answer(NamedTuple):
    """`value` is True, False, None (unknown) or NOT_APPLICABLE; `missing` the fields that made it unknown."""

    value: Any
    missing: tuple[str, ...] = ()


NOT_APPLICABLE = "not applicable"
YES, NO, SKIP = Answer(True), Answer(False), Answer(NOT_APPLICABLE)


class Expression:
    """A compiled expression. `needs` and `optional` are the fields it reads; `evaluate(row)` gives an Answer.

    The answer depends on nothing but those fields, so it is remembered by their values: in a fleet most rows look alike.
    """

    def __init__(self, text: str, node: Node, names: Iterable[Path], needs: Iterable[Path]) -> None:
        self.text = text
        self.needs = tuple(sorted(needs))
        self.fields = tuple(sorted(names))
        self._evaluate = _logic(text, node)
        self._known: dict[tuple[Any, ...], Answer] = {}

    def evaluate(self, row: Mapping[str, Any]) -> Answer:
        values = [resolve(row, path) for path in self.fields]
        key = tuple([(value,) if value is True or value is False else value for value in values])  # True == 1, but not in JMESPath
        try:
            known = self._known.get(key)
        except TypeError:  # a list has no hash: not remembered
            return self._evaluate(row)
        if known is None:
            if len(self._known) > 100_000:
                self._known.clear()
            known = self._known[key] = self._evaluate(row)
        return known


def compile_expression(text: str, level: str, thresholds: Iterable[str]) -> Expression:
    """Compile `text` for rows of `level` (host, namespace, listener). Raises ExpressionError, saying what to write instead."""
    node = parse(text)
    needs, optional = _reads_of_logic(node)
    for path in sorted(needs | optional):
        _check_path(path, level, frozenset(thresholds))
    _check_truth(node)
    for each in _walk(node):
        _check_order(each)
    return Expression(text, node, needs | optional, needs)


def compile_value(text: str, level: str, thresholds: Iterable[str]) -> tuple[Callable[[Any], Any], tuple[Path, ...]]:
    """(search function, fields it reads) of an expression whose value is wanted, such as a placeholder."""
    node = parse(text)
    needs, optional = _reads(node)
    paths = tuple(sorted(needs | optional))
    if not paths:
        raise ExpressionError("it names no field")
    for path in paths:
        _check_path(path, level, frozenset(thresholds))
    if _plain_path(node):
        return (lambda row: _value(row, paths[0])), paths
    return ParsedResult(text, node).search, paths


def parse(text: str) -> Node:
    if not HAS_JMESPATH:
        raise ExpressionError(NO_JMESPATH)
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("it must be JMESPath text")
    try:
        parsed: Node = jmespath.compile(text).parsed
    except jmespath.exceptions.JMESPathError as error:
        raise ExpressionError("not valid JMESPath: %s" % " ".join(str(error).split())) from error
    return parsed


def resolve(row: Any, path: Path) -> Any:
    """The value at `path`; None also below a null; ABSENT where a key is missing."""
    for name in path:
        if row is None:
            return None
        if row.__class__ is not dict and not isinstance(row, Mapping):
            return ABSENT
        row = row.get(name, ABSENT)
        if row is ABSENT:
            return row
    return row


def _value(row: Any, path: Path) -> Any:
    value = resolve(row, path)
    return None if value is ABSENT else value


# --- three-valued logic over the top of the tree


def _logic(text: str, node: Node) -> Callable[[Any], Answer]:
    if node["type"] == "not_expression":
        inner = _logic(text, node["children"][0])
        return lambda row: _negated(inner(row))
    if node["type"] == "and_expression":
        parts = [_logic(text, child) for child in node["children"]]
        return lambda row: _joined(parts, row, decisive=False)
    if node["type"] == "or_expression":
        parts = [_logic(text, child) for child in node["children"]]
        return lambda row: _joined(parts, row, decisive=True)
    return _leaf(text, node)


def _negated(answer: Answer) -> Answer:
    return Answer(not answer.value) if isinstance(answer.value, bool) else answer


def _joined(parts: list[Callable[[Any], Answer]], row: Any, decisive: bool) -> Answer:
    """`&&` is decided by one False, `||` by one True; then not applicable (&&) or unknown (||) weighs more."""
    answers = []
    for part in parts:
        answer = part(row)
        if answer.value is decisive:
            return answer
        answers.append(answer)
    unknown = [name for answer in answers if answer.value is None for name in answer.missing]
    skipped = any(answer.value is NOT_APPLICABLE for answer in answers)
    if unknown and (decisive or not skipped):
        return Answer(None, tuple(sorted(set(unknown))))
    return SKIP if skipped else Answer(not decisive)


def _leaf(text: str, node: Node) -> Callable[[Any], Answer]:
    needs, optional = (tuple(sorted(paths)) for paths in _reads(node))
    search = ParsedResult(text, node).search

    def evaluate(row: Any) -> Answer:
        values = [resolve(row, path) for path in needs]
        if any(value is ABSENT for value in values):
            return SKIP
        missing = tuple(dotted(path) for path, value in zip(needs, values, strict=True) if value is None)
        if missing:
            return Answer(None, missing)
        result = _search(search, row)
        if result is not None:
            return YES if _true(result) else NO
        values = [resolve(row, path) for path in optional]
        if values and all(value is ABSENT for value in values):
            return SKIP
        return Answer(None, tuple(dotted(path) for path in needs + optional))

    return evaluate


def _search(search: Callable[[Any], Any], row: Any) -> Any:
    try:
        return search(row)
    except jmespath.exceptions.JMESPathError:  # a function met a type it does not take: nothing was learned
        return None


def _true(value: Any) -> bool:
    """JMESPath's truth: only false, null and empty text, lists and mappings are false; 0 is true."""
    return not (value is None or value is False or value in ("", [], {}))


# --- what an expression reads, from its syntax tree


def _reads(node: Node) -> tuple[set[Path], set[Path]]:
    """(needed, optional) fields, as paths from the row."""
    needs: set[Path] = set()
    optional: set[Path] = set()
    _collect(node, needs, optional, False)
    return needs, optional - needs


def _reads_of_logic(node: Node) -> tuple[set[Path], set[Path]]:
    """The same, where `&&`, `||` and `!` at the top are three-valued: each of their parts has needs of its own."""
    if node["type"] not in _LOGIC:
        return _reads(node)
    parts = [_reads_of_logic(child) for child in node["children"]]
    needs = {path for part in parts for path in part[0]}
    return needs, {path for part in parts for path in part[1]} - needs


def _collect(node: Node, needs: set[Path], optional: set[Path], tolerant: bool) -> None:
    kind, children = node["type"], node["children"]
    if kind in ("literal", "current", "expref", "identity"):
        return
    if kind == "field" or kind in _FOLLOWING:
        path = _chain(node)
        if path and path != ("null",):
            (optional if tolerant else needs).add(path)
        elif not path and children:
            _collect(children[0], needs, optional, tolerant)  # what follows is relative to its result
        return
    if _handles_null(node):
        tolerant = True
    for index, child in enumerate(children):
        left_of_or = kind == "or_expression" and index < len(children) - 1
        _collect(child, needs, optional, tolerant or left_of_or)


def _chain(node: Node) -> Path:
    """The leading names of a.b."c d"[0].x: ("a", "b", "c d"); () when it does not start with a name."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] not in _FOLLOWING:
        return ()
    if node["type"] != "subexpression":
        return _chain(node["children"][0])
    path: Path = ()
    for child in node["children"]:
        part = _chain(child)
        path += part
        if not part or child["type"] != "field":
            break
    return path


def _plain_path(node: Node) -> Path:
    """The names of a.b.c, where the expression is nothing else."""
    if node["type"] == "field" or (node["type"] == "subexpression" and all(child["type"] == "field" for child in node["children"])):
        return _chain(node)
    return ()


def _handles_null(node: Node) -> bool:
    """x == null, x != null and not_null(x, ...)."""
    if node["type"] == "comparator":
        return node["value"] in ("eq", "ne") and any(_is_null(child) for child in node["children"])
    return node["type"] == "function_expression" and node["value"] == "not_null"


def _is_null(node: Node) -> bool:
    return (node["type"] == "literal" and node["value"] is None) or (node["type"] == "field" and node["value"] == "null")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _walk(child)


# --- mistakes that JMESPath would take in silence


def _check_path(path: Path, level: str, thresholds: frozenset[str]) -> None:
    if path[0] in ("true", "false"):
        raise ExpressionError("%s is a field name in JMESPath: write `%s` with backticks" % (path[0], path[0]))
    if path[0] not in PARTS[level]:
        raise ExpressionError("a rule for each %s has no field %s: it sees %s" % (level, dotted(path), ", ".join(PARTS[level])))
    if len(path) == 1:
        raise ExpressionError("%s is a whole part of the row: name a field in it" % path[0])
    if path[0] == "thresholds":
        if path[1] not in thresholds:
            raise ExpressionError("the threshold %s is not set: set it in backlog_audit_thresholds" % path[1])
        return
    field = FIELDS[path[0]].get(path[1])
    if field is None:
        raise ExpressionError("there is no field %s: fields of %s are %s" % (dotted(path), path[0], ", ".join(FIELDS[path[0]])))
    if len(path) > 2 and field.kind != "open":
        raise ExpressionError("there is nothing below the field %s" % dotted(path[:2]))


_DECIDING_FUNCTIONS = ("contains", "starts_with", "ends_with", "not_null")


def _check_truth(node: Node) -> None:
    """A number or text alone is a mistake: JMESPath takes every number, 0 too, for true."""
    if node["type"] in _LOGIC:
        for child in node["children"]:
            _check_truth(child)
        return
    if node["type"] == "function_expression" and node["value"] not in _DECIDING_FUNCTIONS:
        raise ExpressionError("%s() alone decides nothing: compare what it returns with something" % node["value"])
    path = _plain_path(node)
    if node["type"] == "literal" or (path and path[0] == "thresholds"):
        raise ExpressionError("a constant decides nothing: compare a field with it")
    if path and FIELDS[path[0]][path[1]].kind in ("int", "number", "text", "open"):
        raise ExpressionError("%s alone is true for every value, 0 too: compare it with something" % dotted(path))


def _check_order(node: Node) -> None:
    if node["type"] == "comparator" and node["value"] in ("lt", "lte", "gt", "gte"):
        for child in node["children"]:
            path = _plain_path(child)
            text = child["type"] == "literal" and not (isinstance(child["value"], (int, float)) and not isinstance(child["value"], bool))
            if text or (path and path[0] in FIELDS and FIELDS[path[0]][path[1]].kind in ("text", "list", "bool")):
                raise ExpressionError("JMESPath orders numbers only: < and > with text, lists or booleans are never true")


def dotted(path: Path) -> str:
    """a.b."c.d", as JMESPath writes it."""
    return ".".join(name if name.replace("_", "a").isalnum() else '"%s"' % name for name in path)
