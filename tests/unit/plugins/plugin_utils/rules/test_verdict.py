# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import RuleError
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.verdict import compile_fixes, compile_verdicts, fill

FIX = {"id": "mend", "step": "queue", "advice": "Mend {listener.address}."}
TEXTS = {"summary": "{listener.address} is odd", "because": "of this", "not_seen": "nothing odd", "fixes": ["mend"], "references": ["a book"]}
DOCUMENT = {"id": "odd", "verdict": "burst", "rank": 1, "severity": "info", "confidence": "low", "expr": "listener.under_pressure", **TEXTS}


def compiled(**changes):
    document = {key: value for key, value in {**DOCUMENT, **changes}.items() if value != "absent"}
    return compile_verdicts([{"source": "odd.yml", "rule": document}], [FIX], ["fill"])


def test_ranks_decide_the_order():
    second = {"source": "b.yml", "rule": {**DOCUMENT, "id": "b", "rank": 0}}
    assert [each.id for each in compile_verdicts([{"source": "a.yml", "rule": DOCUMENT}, second], [FIX], [])] == ["b", "odd"]
    with pytest.raises(RuleError, match=r"^two verdicts have the rank 0: which of them goes first must be told$"):
        compile_verdicts([second, second], [FIX], [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expr": "absent"}, "odd.yml: verdict odd: the key expr is missing"),
        ({"color": "red"}, "odd.yml: verdict odd: unknown key color: it has id, verdict, "),
        ({"verdict": "fine"}, "odd.yml: verdict odd: verdict must be one of limit_too_small, "),
        ({"verdict": "unknown"}, "odd.yml: verdict odd: the severity ok belongs to the verdict healthy, and unknown is what is left"),
        ({"severity": "ok"}, "odd.yml: verdict odd: the severity ok belongs to the verdict healthy"),
        ({"confidence": "sure"}, "odd.yml: verdict odd: confidence must be one of low, medium, high, not sure"),
        ({"rank": "first"}, "odd.yml: verdict odd: rank must be a number"),
        ({"fixes": ["pray"]}, "odd.yml: verdict odd: there is no fix pray"),
        ({"fixes": []}, "odd.yml: verdict odd: not_seen and fixes are required"),
        ({"not_seen": "absent"}, "odd.yml: verdict odd: not_seen and fixes are required"),
        ({"references": "a book"}, "odd.yml: verdict odd: references must be a list of texts"),
        ({"expr": "listener.no_such_thing"}, "odd.yml: verdict odd: there is no field listener.no_such_thing"),
        ({"summary": "{size.limit}"}, "odd.yml: verdict odd: {size.limit}: a rule for each listener has no field size.limit"),
        ({"evidence": ["listener"]}, "odd.yml: verdict odd: listener is a whole part of the row"),
    ],
)
def test_mistakes_in_a_verdict(changes, message):
    with pytest.raises(RuleError) as caught:
        compiled(**changes)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("fixes", "message"),
    [
        ({}, "the fixes must be a list of mappings"),
        ([7], "fix 7: it must be a mapping with the keys id, step, advice"),
        ([FIX, FIX], "two fixes have the same id"),
        ([{**FIX, "step": "later"}], "fix mend: step must be one of accept_faster, concurrency, queue, syn, path, fail_fast, not later"),
        ([{**FIX, "variables": {"a": 1}}], "fix mend: variables must be a mapping and belongs to a role"),
        ([{**FIX, "advice": "{listener.nothing}"}], "fix mend: {listener.nothing}: there is no field listener.nothing"),
        ([{**FIX, "role": "r", "variables": {"a": ["{size.nothing}"]}}], "fix mend: there is no field size.nothing"),
        ([{**FIX, "when": "size"}], "fix mend: size is a whole part of the row"),
    ],
)
def test_mistakes_in_fixes(fixes, message):
    with pytest.raises(RuleError) as caught:
        compile_fixes(fixes, ["fill"])
    assert str(caught.value).startswith(message)


def test_placeholders_keep_their_type_and_are_replaced_once():
    row = {"listener": {"address": "{size.limit}"}, "size": {"limit": 512}}
    template = {"backlog": "{size.limit}", "listens": [{"listen": "{listener.address}", "why": "for {listener.address}: {size.limit}", "keep": True}]}
    assert fill(template, row, ()) == {"backlog": 512, "listens": [{"listen": "{size.limit}", "why": "for {size.limit}: 512", "keep": True}]}
