# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of rules and of verdicts alike: each has an expression, examples of its outcomes, a summary and a text."""

import copy
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.expressions import dotted
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.fields import PARTS

LIMITS = merged_thresholds({})
OUTCOMES = {True: "finding", False: "quiet", "not applicable": "quiet", None: "unknown"}


def examples_of(named):
    """Return the parameters (each, outcome, row) of ``{name: rule or verdict}``."""
    return [
        pytest.param(each, outcome, row, id="%s-%s-%d" % (name, outcome, index))
        for name, each in named.items()
        for outcome, rows in each.examples.items()
        for index, row in enumerate(rows)
    ]


def firing(examples):
    """Return those of `examples` that are findings."""
    return [example for example in examples if example.values[1] == "finding"]


def whole(row, level="listener"):
    """Return an example with all parts that an expression of this level sees."""
    return {part: LIMITS if part == "thresholds" else row.get(part, {}) for part in PARTS[level]}


def assert_outcome(expression, outcome, row, level="listener"):
    assert set(row) <= set(PARTS[level]), "an example names parts that are not seen here"
    answer = expression.evaluate(whole(row, level))
    assert OUTCOMES[answer.value] == outcome, answer


def assert_null_is_never_quiet(expression, row, level="listener"):
    """A row that fires, with one needed field forgotten: still a finding by another part of the expression, or unknown."""
    for path in expression.needs:
        if path[0] == "thresholds":
            continue
        blinded = copy.deepcopy(whole(row, level))
        place = blinded
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = None
        answer = expression.evaluate(blinded)
        assert OUTCOMES[answer.value] != "quiet", dotted(path)
        assert answer.value is not None or dotted(path) in answer.missing, dotted(path)


def assert_summary_is_complete(summary, row):
    known = "null" not in repr(row) and "None" not in repr(row)
    assert "unknown" not in summary or not known, "the example leaves out a field the summary shows"
    assert "{" not in summary and "  " not in summary, summary


def assert_words(text):
    """Counters count packets, not clients; and nothing promises what the kernel does not do."""
    found = re.search(r"(?i)\b(clients?|connections?|users?) (were |was )?(lost|dropped|rejected)|lost (clients?|connections?)|service nginx restart", text)
    assert found is None, found
