# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answered, before Ansible reads it. Text in, text out. Pure.

A host may be hostile. Ansible makes variables of the facts in an answer, with a higher rank than the inventory and the defaults of
roles: a host could say where the controller writes its reports. And Ansible prints some parts of an answer as they are, so that escape
sequences and line breaks in them could paint the terminal until a failure looks like a success.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .text import visible

FACTS = ("listen_queue",)  # what listen_queue_facts is asked for; no other module of ours returns facts
PRINTED = ("msg", "warnings", "deprecations", "exception")
DIFF_LINES, DIFF_HEADERS = ("before", "after"), ("before_header", "after_header")
# Without one of these there is nothing to do, and a long answer is not taken apart. A key may be spelled with \u.
SIGNS = ("\\u", *('"%s"' % key for key in (*PRINTED, "ansible_facts", "ansible_stats", "diff")))
_OBJECT = re.compile(r"^\s*(?=\{)", re.MULTILINE)  # where Ansible starts to read


def harmless(said: str) -> str:
    """The answer without facts that nobody asked for, and without anything in what Ansible prints that is not visible.

    Only in what Ansible prints, and in all of an answer that failed: elsewhere names and paths stay what they are.
    """
    text = escaped(said)
    start = _OBJECT.search(text) if any(sign in text for sign in SIGNS) else None
    if start is None:
        return text
    try:
        return json.dumps(_checked(json.JSONDecoder().raw_decode(text, start.end())[0]))
    except RecursionError:  # which Ansible might still read
        return json.dumps({"failed": True, "msg": "The host answered with values in values in values, more than can be read; nothing of it was used."})
    except ValueError:  # Ansible will say so
        return text


def escaped(text: str) -> str:
    """`text` with the same lines, and all that is not visible as the escape that JSON has for it: within JSON it means the same."""
    return text if text.rstrip("\n").isprintable() else text.replace("\r\n", "\n").translate(_ESCAPES)


class _Escapes(dict[int, str]):
    """For str.translate()."""

    def __missing__(self, code: int) -> str:
        each = chr(code)
        self[code] = each if each.isprintable() or each in "\n\t" else json.dumps(each)[1:-1]
        return self[code]


_ESCAPES = _Escapes()


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if key not in ("ansible_facts", "ansible_stats", "diff")}
    facts = answer.get("ansible_facts")
    if isinstance(facts, dict) and any(key in facts for key in FACTS):
        kept["ansible_facts"] = {key: facts[key] for key in FACTS if key in facts}
    kept.update({key: _shown(value) for key, value in kept.items() if answer.get("failed") or key in PRINTED})
    if "diff" in answer:
        kept["diff"] = _diff(answer["diff"])
    return kept


def _shown(value: Any) -> Any:
    """A copy in which no line but the first of a text begins at the left, where Ansible's own lines do."""
    if isinstance(value, str):
        return value if value.isprintable() else _lines(value, "    ")
    if isinstance(value, dict):
        return {_shown(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _lines(text: str, indent: str = "") -> str:
    return ("\n" + indent).join("\t".join(visible(part) for part in line.split("\t")) for line in text.split("\n"))


def _diff(diff: Any) -> list[dict[str, str]]:
    """What Ansible prints with a sign before each line, and its headers as single lines. Anything else that a diff may hold goes."""
    found = [each for each in (diff if isinstance(diff, list) else [diff]) if isinstance(each, dict)]
    lines = [{key: _lines(each[key]) for key in DIFF_LINES if isinstance(each.get(key), str)} for each in found]
    headers = [{key: visible(each[key]) for key in DIFF_HEADERS if isinstance(each.get(key), str)} for each in found]
    return [{**some, **others} for some, others in zip(lines, headers, strict=True)]
