# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.answer import escaped, harmless

ESCAPES = "a\x1b[2K\x9b\u202e\r\nb\tc\x7f"
VISIBLE = "a\\x1b[2K\\x9b\\u202e\\x0d\n    b\tc\\x7f"
DIFF = {"before": ESCAPES, "after_header": ESCAPES, "prepared": "x", "after": 5}
VISIBLE_DIFF = {"before": VISIBLE.replace("    ", ""), "after_header": "a\\x1b[2K\\x9b\\u202e\\x0d\\x0ab\\x09c\\x7f"}
TOO_DEEP = {"failed": True, "msg": "The host answered with values in values in values, more than can be read; nothing of it was used."}
ANSWERS = {
    "data_stays": ({"path": ESCAPES, "n": 1}, {"path": ESCAPES, "n": 1}),
    "facts_that_were_asked_for": ({"ansible_facts": {"listen_queue": {"x": 1}, "backlog_tune_id": "x"}}, {"ansible_facts": {"listen_queue": {"x": 1}}}),
    "facts_that_are_none": ({"ansible_facts": ["x"]}, {}),
    "statistics_of_the_play": ({"ansible_stats": {"data": {"x": 1}}, "a": 1}, {"a": 1}),
    "what_ansible_prints": ({"msg": ESCAPES, "warnings": [ESCAPES], "a": ESCAPES}, {"msg": VISIBLE, "warnings": [VISIBLE], "a": ESCAPES}),
    "all_of_a_failure": ({"failed": True, "a": {ESCAPES: [ESCAPES, 1.5, None]}}, {"failed": True, "a": {VISIBLE: [VISIBLE, 1.5, None]}}),
    "differences": ({"diff": [DIFF, "x"]}, {"diff": [VISIBLE_DIFF]}),
    "one_difference": ({"diff": DIFF}, {"diff": [VISIBLE_DIFF]}),
    "difference_that_is_none": ({"diff": "x"}, {"diff": []}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("ensure_ascii", [True, False], ids=["escaped", "raw"])
@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answer(answer, expected, ensure_ascii):
    said = harmless("before\n %s\nafter" % json.dumps(answer, ensure_ascii=ensure_ascii))
    assert json.loads(said[said.index("{") : said.rindex("}") + 1]) == expected


TEXTS = {
    "no_json": ("Traceback\x1b[2K\r\nx", "Traceback\\u001b[2K\nx"),
    "json_that_ends_early": ('{"msg": "x\x1b"', '{"msg": "x\\u001b"'),
    "key_that_is_spelled_otherwise": ('{"ansible\\u005ffacts": {"a": 1}, "b": 2}', '{"b": 2}'),
    "after_the_json": ('{"msg": "x"}\n\x1b[2K', '{"msg": "x"}'),
    "deeper_than_can_be_read": ('{"msg": %s1%s, "ansible_facts": {"x": 1}}' % ("[" * 900, "]" * 900), json.dumps(TOO_DEEP)),
    "line_ends_of_a_terminal": ('{"a": 1}\r\n', '{"a": 1}\n'),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("said", "expected"), TEXTS.values(), ids=TEXTS)
def test_text(said, expected):
    assert harmless(said) == expected


def test_escapes_within_json_mean_the_same():
    value = "".join(map(chr, range(1, 0x3000))) + "\U000e0001"
    assert json.loads(escaped(json.dumps(value, ensure_ascii=False))) == value
