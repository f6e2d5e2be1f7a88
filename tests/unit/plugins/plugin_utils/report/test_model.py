# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import build_report, merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.model import ReportError, check_report, markdown_report, verdict
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import names, styled_table, table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.text import clipped, code, markdown, visible, width, wrapped

HOSTILE = "x\x1b[2J\n| {{ lookup('pipe', 'id') }} `a` <b>*c*</b> [d](http://e) \u202e # $ \u0007"
RULE = {
    "id": "drops",
    "severity": "warning",
    "for_each": "listener",
    "expr": "listener.drops > `0`",
    "summary": "{listener.address} of {program.name} dropped {listener.drops}",
    "because": "of this",
    "fix": {"advice": "do that"},
    "references": ["a book"],
}


def report(results, **changes):
    limits = merged_thresholds({})
    return build_report(results, compile_rules([{"source": "test", "rule": RULE | changes}], limits), [], limits, "2026-11-20T22:00:00Z", "0.1.0")


@pytest.fixture
def small(make_facts, make_namespace, make_listener):
    facts = make_facts(make_namespace(make_listener(drops=18), make_listener(local_port=81)))
    return report({"web1": facts, "web2": {"unreachable": True, "msg": "No route to host"}})


def test_table(small):
    assert table(small) == [
        "Listen queue audit of 2026-11-20T22:00:00Z, collection netops.listen_queue 0.1.0",
        "2 hosts: 1 audited, 1 unreachable. Findings: 0 critical, 1 warning, 0 info, 0 waived.",
        "",
        "  severity  rule   findings  hosts  where",
        "  WARNING   drops  1         1      web1",
        "",
        "WARNING  drops: 1 finding on 1 host",
        "  web1: 0.0.0.0:80 of nginx dropped 18",
        "  fix: do that",
        "",
        "LISTENERS (all 2)",
        "  host  namespace  listener    waiting/limit  drops  limit      program",
        "  web1  host       0.0.0.0:80  0/511          18     below cap  nginx",
        "  web1  host       0.0.0.0:81  0/511          0      below cap  nginx",
        "",
        "HOSTS NOT (FULLY) AUDITED",
        "  web2  unreachable: No route to host",
    ]


MARKDOWN = """# Listen queue audit

2026-11-20T22:00:00Z, collection netops.listen_queue 0.1.0.

2 hosts: 1 audited, 1 unreachable. Findings: 0 critical, 1 warning, 0 info, 0 waived.

## Hosts

| host | status | listeners | reason |
|---|---|---|---|
| `web1` | audited | 2 |  |
| `web2` | unreachable | - | No route to host |

## Warning

### drops

of this

- `web1`
  - 0.0.0.0:80 of nginx dropped 18
    - `listener.address`: `0.0.0.0:80`
    - `listener.drops`: `18`
    - `program.name`: `nginx`
    - `processes`: `pid=812 name=nginx unit=nginx.service started_at=2026-11-20T20:22:42Z`

Fix: do that

References: a book

## Listeners

All 2.

| host | namespace | listener | waiting/limit | drops | limit | program |
|---|---|---|---|---|---|---|
| `web1` | `host` | `0.0.0.0:80` | `0/511` | `18` | `below cap` | `nginx` |
| `web1` | `host` | `0.0.0.0:81` | `0/511` | `0` | `below cap` | `nginx` |
"""


def test_markdown(small):
    assert markdown_report(small) == MARKDOWN


def test_do_not_raise_comes_first(make_facts, make_namespace, make_listener):
    made = report({"web1": make_facts(make_namespace(make_listener(drops=1)))}, fix={"advice": "Accept faster.", "do_not_raise": True})
    assert "  fix: Do not raise the limit. Accept faster." in table(made)
    assert "\nFix: Do not raise the limit. Accept faster.\n" in markdown_report(made)


def test_long_groups_are_cut_and_say_so(make_facts, make_namespace, make_listener):
    facts = make_facts(make_namespace(*(make_listener(drops=1, local_port=port) for port in range(100, 115))))
    lines = table(report({"h%02d" % number: facts for number in range(25)}))
    together = "  h00, h01, h02, h03, h04, h05, h06, h07, h08, h09, h10, h11, h12, h13, h14, h15, h16 and 8 more"
    assert lines.count(together) == 1, "hosts of which the same is said are told together"
    assert lines.count("    ... and 11 more of this rule on each of these hosts (see the report files)") == 1
    assert "LISTENERS (the 20 of 375 with the most drops or the fullest queues)" in lines


def test_one_host_has_a_line_for_each_finding(make_facts, make_namespace, make_listener):
    lines = table(report({"web1": make_facts(make_namespace(make_listener(drops=18)))}))
    assert lines[3:6] == ["WARNING  drops: 1 finding on 1 host", "  web1", "    - 0.0.0.0:80 of nginx dropped 18"]


def test_a_fleet_of_different_hosts_stays_short(make_facts, make_namespace, make_listener):
    lines = table(report({"h%03d" % number: make_facts(make_namespace(make_listener(drops=number + 1))) for number in range(300)}))
    assert "  ... and 280 hosts more (see the report files)" in lines
    assert len(lines) < 80


STYLES = {
    "drops": ({"drops": 18}, {}, {"head": 4, "warning": 3}),
    "a_full_queue": ({"accept_queue_length": 512, "drops": 18}, {"severity": "critical"}, {"head": 4, "critical": 4}),
    "nothing_found": ({}, {}, {"head": 3, "good": 1}),
    "unknown": ({"drops": None}, {}, {"head": 4, "lost": 2}),
}


@pytest.mark.parametrize("listener, rule, expected", STYLES.values(), ids=STYLES)
def test_styles(make_facts, make_namespace, make_listener, listener, rule, expected):
    facts = make_facts(make_namespace(make_listener(**listener)))
    lines = styled_table(report({"web1": facts, "web2": make_facts(make_namespace())}, **rule))
    styles = [line.style for line in lines if line.style]
    assert {style: styles.count(style) for style in sorted(set(styles))} == expected
    assert table(report({"web1": facts, "web2": make_facts(make_namespace())}, **rule)) == [line.text for line in lines]


@pytest.mark.parametrize(
    ("hosts", "columns", "expected"),
    [
        (["a"], 1, "a"),
        (["a" * 30, "b"], 10, "a" * 30 + " and 1 more"),
        (["a", "b", "c"], 20, "a, b, c"),
        (["a", "b" * 20, "c"], 10, "a and 2 more"),
        (["\x1b[2J"], 10, "\\x1b[2J"),
        (["\u7db2" * 4, "\u7db2"], 11, "\u7db2" * 4 + " and 1 more"),
    ],
)
def test_names_of_many_hosts(hosts, columns, expected):
    assert names(hosts, columns) == expected


WIDTHS = {
    "ascii": ("web1", 4),
    "wide": ("\u7db2\u8def", 4),
    "combining": ("e\u0301", 1),
    "thai_vowel_of_class_0": ("\u0e01\u0e31", 1),
    "variation_selector": ("\u2600\ufe0f", 1),
    "enclosing_mark": ("1\u20e3", 1),
    "conjoining_hangul": ("\u1112\u1161\u11ab", 2),
    "emoji": ("\U0001f600", 2),
    "half_width_katakana": ("\uff76", 1),
    "full_width_letter": ("\uff21", 2),
}


@pytest.mark.parametrize("text, columns", WIDTHS.values(), ids=WIDTHS)
def test_width(text, columns):
    assert width(text) == columns
    assert width(clipped(text * 20, 11)) <= 11


WRAPPED = {
    "ascii": ("aa bb cc dd", 8, ["- aa bb", "  cc dd"]),
    "wide": ("\u7db2\u8def \u7db2\u8def \u7db2", 11, ["- \u7db2\u8def \u7db2\u8def", "  \u7db2"]),
    "a_long_wide_word": ("\u7db2" * 7, 8, ["- \u7db2\u7db2\u7db2", "  \u7db2\u7db2\u7db2", "  \u7db2"]),
    "a_wide_word_after_another": ("a " + "\u7db2" * 4, 8, ["- a \u7db2\u7db2", "  \u7db2\u7db2"]),
    "nothing": ("", 8, ["-"]),
    "wide_blanks": ("\u7db2  \u7db2 ", 8, ["- \u7db2  \u7db2".replace("  \u7db2", " \u7db2")]),
}


@pytest.mark.parametrize("text, columns, lines", WRAPPED.values(), ids=WRAPPED)
def test_nothing_is_lost_by_wrapping(text, columns, lines):
    assert wrapped(text, columns, "- ", "  ") == lines


@pytest.mark.parametrize("columns", [40, 92, 100])
def test_hostile_text_stays_text_and_within_the_columns(make_facts, make_namespace, make_listener, columns):
    processes = [{"name": HOSTILE, "pid": 1}]
    facts = make_facts(
        make_namespace(make_listener(drops=18, processes=processes), make_listener(drops=1, family="unix", path="\u7db2" * 90 + HOSTILE)),
        make_namespace(listeners=None, netns=2, names={"netns": [HOSTILE]}),
        complete=False,
        problems=[{"code": "x", "message": HOSTILE}],
    )
    made = report({HOSTILE: facts, "web2" + "w" * 200: {"failed": True, "msg": HOSTILE}})
    lines = table(made, columns)
    assert all(line.isprintable() for line in lines)
    assert max(width(line) for line in lines) <= columns
    assert "{{" in " ".join(lines)
    text = markdown_report(made)
    assert all(line.isprintable() for line in text.split("\n"))
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text.replace("\\`", ""))
    assert not re.search(r"(?<!\\)[<*\[]|`|https?://", outside), "only escaped text outside of code spans"
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert {line.count("|") - line.count("\\|") for line in rows} == {5, 8}, "hosts have four columns, listeners seven"


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (visible, "a\tb\n\x1b[0m\x7f", "a\\x09b\\x0a\\x1b[0m\\x7f"),
        (visible, "\u202eevil\u200b", "\\u202eevil\\u200b"),
        (visible, "\U000e0001", "\\U000e0001"),
        (visible, "caf\u00e9 \u7db2", "caf\u00e9 \u7db2"),
        (visible, None, ""),
        (markdown, "a_b *c* [d](e) <f> `g` |h| ~i~ #1 !", "a\\_b \\*c\\* \\[d\\](e) \\<f\\> \\`g\\` \\|h\\| \\~i\\~ \\#1 \\!"),
        (markdown, "see https://evil www.evil", "see https\\://evil www\\.evil"),
        (code, "plain", "`plain`"),
        (code, "a|b", "`a\\|b`"),
        (code, "a``b`", "``` a``b` ```"),
        (code, "", "`  `"),
    ],
)
def test_escapes(function, text, expected):
    assert function(text) == expected


@pytest.mark.parametrize(
    ("fail_on", "severity", "result", "sentence"),
    [
        pytest.param("never", "critical", "found", "", id="never"),
        pytest.param("critical", "warning", "found", "", id="only_a_warning"),
        pytest.param("critical", "critical", "found", "The audit fails (backlog_audit_fail_on: critical): 1 critical finding.", id="critical"),
        pytest.param("warning", "warning", "found", "The audit fails (backlog_audit_fail_on: warning): 1 warning finding.", id="warning"),
        pytest.param("warning", "critical", "found", "The audit fails (backlog_audit_fail_on: warning): 1 critical finding.", id="critical_counts_as_warning"),
        pytest.param("warning", "info", "found", "", id="info_never_fails"),
        pytest.param("critical", "critical", "quiet", "", id="nothing_found"),
        pytest.param("critical", "critical", "null", "The audit fails (backlog_audit_fail_on: critical): 1 check without a result.", id="unknown"),
        pytest.param("critical", "warning", "null", "", id="unknown_of_a_lower_severity"),
        pytest.param("critical", "info", "lost", "The audit fails (backlog_audit_fail_on: critical): 1 host not audited (web1).", id="unreachable"),
        pytest.param("never", "info", "lost", "", id="unreachable_and_never"),
    ],
)
def test_verdict(make_facts, make_namespace, make_listener, fail_on, severity, result, sentence):
    drops = {"found": 1, "quiet": 0, "null": None}
    given = {"unreachable": True, "msg": "down"} if result == "lost" else make_facts(make_namespace(make_listener(drops=drops[result])))
    assert verdict(report({"web1": given}, severity=severity), fail_on) == sentence


def test_verdict_names_a_few_hosts():
    made = report({"h%d\n" % number: None for number in range(7)})
    assert verdict(made, "critical").endswith("7 hosts not audited (h0\\x0a, h1\\x0a, h2\\x0a, h3\\x0a, h4\\x0a and 2 more).")


@pytest.mark.parametrize("model", [None, {}, {"schema": 2, "counts": {}}, {"schema": 1}])
def test_not_a_report(model):
    with pytest.raises(ReportError, match=r"^this is not a report of schema 1: give it what the filter findings returned, or a report.json$"):
        check_report(model)
