# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python makes of a report. What a browser makes of the page is tested in tests/integration/page."""

import base64
import hashlib
import html.parser
import json
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import PAGE, read_page
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import build_report, merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report import page
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.waiver import compile_waivers

NOW = "2026-11-20T22:00:00Z"
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
HOSTILE = {
    "closing_tag": "</script><script>window.pwned=1</script>",
    "closing_tag_in_other_letters": "</SCRIPT ><svg/onload=pwned=1>",
    "comment": "<!--<script>",
    "image": "<img src=x onerror=pwned=1>",
    "attribute": '" onmouseover="pwned=1" x=\'',
    "entity": "&lt;script&gt;&#60;b&#62;",
    "line_separators": "a\u2028b\u2029c",
    "direction": "\u202egnp.exe",
    "escape_sequence": "\x1b[2J\x00",
    "surrogate": "\ud800",
    "mark_of_the_template": "@@script@@ @@model@@ @@policy@@",
    "template": "{{ lookup('pipe', 'id') }} ${1} `x`",
    "percent": "%s %(x)s %d",
    "end_of_style": "</style></noscript></title></textarea>",
}


def report(results, waivers=(), **changes):
    limits = merged_thresholds({})
    rules = compile_rules([{"source": "test", "rule": RULE | changes}], limits)
    return build_report(results, rules, compile_waivers(list(waivers), ["drops"], NOW[:10]), limits, NOW, "0.1.0")


class Elements(html.parser.HTMLParser):
    """The names of all elements, their attributes, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes, self.raw, self.inside = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [(tag, *each) for each in attrs]
        self.inside = tag if tag in ("script", "style") else None
        if self.inside:
            self.raw.append([tag, dict(attrs).get("type"), ""])

    def handle_data(self, data):
        if self.inside:
            self.raw[-1][2] += data

    def handle_endtag(self, tag):
        self.inside = None

    def text_of(self, tag, kind=None):
        [text] = [text for name, given, text in self.raw if (name, given) == (tag, kind)]
        return text


def made(model):
    return page.html_page(model, read_page())


def model_in(text):
    return json.loads(Elements(text).text_of("script", "application/json"))


@pytest.fixture
def one(make_facts, make_namespace, make_listener):
    """one(host, process, path): the report of a host with a listener that drops."""

    def one(host="web1", process="nginx", unit="nginx.service", reason="No route"):
        listener = make_listener(drops=18, processes=[{"pid": 1, "name": process, "unit": unit, "started_at": "2026-11-20T20:22:42Z"}])
        lost = {"unreachable": True, "msg": reason}
        return report({host: make_facts(make_namespace(listener)), "web2": lost})

    return one


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_of_hosts_makes_no_element(one, text):
    benign, hostile = Elements(made(one())), Elements(made(one(text, text, text, text)))
    assert hostile.names == benign.names
    assert [each[:2] for each in hostile.attributes] == [each[:2] for each in benign.attributes]
    assert hostile.text_of("style") == benign.text_of("style")
    assert hostile.text_of("script") == benign.text_of("script")
    model = json.loads(hostile.text_of("script", "application/json"))
    assert text in model["hosts"]
    assert model["findings"][0]["host"] == text
    assert model["findings"][0]["evidence"]["processes"][0]["name"] == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_in_a_script_is_ascii_without_markup(text):
    written = page.json_for_script({text: [text]})
    assert written.isascii()
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {text: [text]}


def test_numbers_that_json_does_not_have_are_unknown():
    given = {"nan": float("nan"), "list": [float("inf"), 1.5, {"x": float("-inf")}], "text": "NaN"}
    assert json.loads(page.json_for_script(given)) == {"nan": None, "list": [None, 1.5, {"x": None}], "text": "NaN"}


def test_policy_names_the_digests_of_the_style_and_the_script_and_nothing_else(one):
    elements = Elements(made(one()))
    [policy] = [value for tag, name, value in elements.attributes if (tag, name) == ("meta", "content") and "default-src" in value]
    digests = {kind: "'sha256-%s'" % base64.b64encode(hashlib.sha256(elements.text_of(kind).encode()).digest()).decode() for kind in ("style", "script")}
    assert dict(each.split(" ", 1) for each in policy.split("; ")) == {
        "default-src": "'none'",
        "style-src": digests["style"],
        "script-src": digests["script"],
        "base-uri": "'none'",
        "form-action": "'none'",
        "trusted-types": "'none'",
        "require-trusted-types-for": "'script'",
    }


def test_page_has_no_handler_no_inline_style_and_no_address(one):
    elements = Elements(made(one()))
    assert [each for each in elements.attributes if each[1].startswith("on") or each[1] == "style"] == []
    assert [each for each in elements.attributes if each[1] in ("src", "href", "action", "data", "srcset") and not each[2].startswith("#")] == []


DANGEROUS = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|createContextualFragment|srcdoc|setHTML"
NETWORK = r"\bfetch\b|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|new Image|Worker\(|@import|url\((?!#)|http://(?!www\.w3\.org/2000/svg)"


@pytest.mark.parametrize("name", [*page.SCRIPTS, page.STYLE])
def test_assets_make_no_html_of_text_and_ask_nobody(name):
    text = read_page()[name]
    assert re.findall(DANGEROUS, text) == []
    assert re.findall(NETWORK, text) == []
    assert "</s" not in text.lower()
    assert "<!--" not in text
    assert "@@" not in text


def test_every_asset_is_used():
    assert sorted(path.name for path in PAGE.iterdir()) == sorted([page.TEMPLATE, page.STYLE, *page.SCRIPTS])


def test_marks_of_the_template_are_all_known(one):
    marks = re.findall(r"@@(\w+)@@", read_page()[page.TEMPLATE])
    assert sorted(marks) == ["model", "plain", "policy", "script", "style", "title"]
    assert "@@" not in made(one())


def test_what_the_findings_of_a_rule_share_is_said_once(make_facts, make_namespace, make_listener):
    facts = make_facts(make_namespace(*(make_listener(local_port=port, drops=1) for port in range(80, 90))))
    waiver = {"rule": "drops", "listener": "0.0.0.0:80", "reason": "known", "expires": "2026-12-31"}
    given = report({"web1": facts}, [waiver])
    model = model_in(made(given))
    assert model["texts"] == {"drops": {"because": "of this", "fix": {"advice": "do that"}, "references": ["a book"]}}
    assert [each["listener"] for each in model["findings"]] == ["0.0.0.0:%d" % port for port in range(81, 90)]
    assert all(not set(each) & set(page.SHARED) for each in model["findings"] + model["waived"])
    assert model["waived"][0]["waiver"] == {"reason": "known", "expires": "2026-12-31"}
    assert given["findings"][0]["because"] == "of this", "the report itself is not changed"


FIX = {"id": "more", "advice": "more"}
SLOW = {
    "host": "web1",
    "namespace": "host",
    "listener": "0.0.0.0:80",
    "program": "nginx",
    "verdict": "application_too_slow",
    "cause": "workers_blocked",
    "severity": "critical",
    "confidence": "high",
    "summary": "slow",
    "because": "of a disk",
    "evidence": {"workers.blocked": 2},
    "fixes": [FIX],
    "not_seen": [{"cause": "a", "text": "no a"}],
}


def test_documents_that_repeat_in_diagnoses_are_said_once(one):
    well = {**SLOW, "verdict": "healthy", "evidence": {"x": 1}, "fixes": []}
    model = model_in(made({**one(), "diagnoses": [SLOW, {**SLOW, "host": "web3"}, well], "diagnosis_counts": {"healthy": 1}}))
    assert model["shared"] == [FIX, {"cause": "a", "text": "no a"}, "of a disk"]
    assert [each["host"] for each in model["diagnoses"]] == ["web1", "web3", "web1"]
    assert (model["diagnoses"][1]["fixes"], model["diagnoses"][1]["not_seen"], model["diagnoses"][1]["because"]) == ([0], [1], 2)
    assert model["diagnoses"][1]["evidence"] == {"workers.blocked": 2}
    assert set(model["diagnoses"][2]) == set(page.HEALTHY), "a healthy listener is one line"


def test_drift_keeps_the_place_and_the_reason_of_its_findings(one):
    finding = {**one()["findings"][0], "drift": "appeared"}
    drift = {"baseline": {"generated_at": NOW, "path": "b.json"}, "new": [finding], "resolved": [], "changed": [{"what": "x"}], "hosts_gone": ["old"]}
    model = model_in(made({**one(), "drift": drift}))
    assert set(model["drift"]["new"][0]) == set(page.PLACE)
    assert model["drift"]["new"][0]["drift"] == "appeared"
    assert (model["drift"]["changed"], model["drift"]["hosts_gone"], model["drift"]["not_judged"]) == ([{"what": "x"}], ["old"], [])


def test_keys_that_the_page_does_not_show_are_not_in_it(one):
    assert "secret" not in model_in(made({**one(), "secret": {"web1": 1}}))


@pytest.fixture
def fleet(make_facts, make_namespace, make_listener):
    facts = make_facts(make_namespace(make_listener(drops=1), make_listener(local_port=443)))
    return lambda hosts: report({"web%05d.example.com" % number: facts if number % 5 else {"unreachable": True, "msg": "No route"} for number in range(hosts)})


def test_size_is_linear(fleet):
    empty, some, many = (len(made(fleet(hosts))) for hosts in (0, 1000, 2000))
    assert 1.9 < (many - empty) / (some - empty) < 2.1
    assert (many - some) / 1000 < 800, "bytes for each further host"


def test_summary_without_javascript(one):
    summary = made(one("<b>web1", reason="<i>")).split("<noscript>")[1].split("</noscript>")[0]
    assert "2 hosts: 1 audited, 1 unreachable. Findings: 0 critical, 1 warning, 0 info, 0 waived." in summary
    assert "<tr><td>warning</td><td>drops</td><td>1</td><td>1</td></tr>" in summary
    assert "<li>web2 (unreachable): &lt;i&gt;</li>" in summary


def test_summary_counts_what_it_leaves_out(fleet):
    summary = made(fleet(1000)).split("<noscript>")[1].split("</noscript>")[0]
    assert summary.count("<li>") == page.HOSTS_IN_SUMMARY + 1
    assert "<li>and 150 more, see the other files of the report</li>" in summary


def test_nothing_audited():
    text = made(report({}))
    assert model_in(text)["hosts"] == {}
    assert "none. Findings: 0 critical" in text
