# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile host says stays text: in the page, in its commands and in what is copied from it."""

import copy
import random
import subprocess

import page_reports
import pytest
from page_tools import column, section

RUN = "window.pwned=(window.pwned||0)+1"
PAYLOADS = (
    "<script>%s</script>" % RUN,
    "</script><script>%s</script>" % RUN,
    "<img src=x onerror=%s>" % RUN,
    "<svg onload=%s>" % RUN,
    '"><iframe srcdoc="<script>parent.%s</script>">' % RUN,
    "' onmouseover=%s autofocus onfocus=%s x='" % (RUN, RUN),
    "javascript:%s" % RUN,
    "<a href=javascript:%s>x</a>" % RUN,
    "&lt;script&gt;%s&lt;/script&gt;" % RUN,
    "<!--<script>%s</script>-->" % RUN,
    "${%s} {{%s}} `%s`" % (RUN, RUN, RUN),
    "]]><math><mtext></form><form><mglyph><style></math><img src onerror=%s>" % RUN,
    "@@script@@ @@model@@",
    "a\u2028b\u2029%s" % RUN,
    "__proto__",
    "constructor",
)
SPOOFS = {"direction": "a\u202egnp", "escape": "a\x1b[2Jb", "zero_width": "a\u200bb", "lone_surrogate": "a\udc00b", "line": "a\nb"}


def hostile_report(text):
    """Every text that a host, an inventory or a waiver can choose is `text`."""
    facts = page_reports.facts(random.Random(5), "web", 128, 0.99)
    facts = copy.deepcopy(facts)
    for number, namespace in enumerate(facts["namespaces"]):
        namespace["names"] = {"host": True} if number == 0 else {"netns": [text]}
        for listener in namespace["listeners"]:
            listener["processes"] = [{"pid": 1, "name": text, "unit": text, "started_at": text}]
    unix = {
        "family": "unix",
        "path": text,
        "accept_queue_length": 9,
        "accept_queue_limit": 8,
        "accept_queue_full": True,
        "processes": [{"pid": 2, "name": text}],
    }
    other = copy.deepcopy(facts["namespaces"][0])
    other.update(netns=4026532999, names={"netns": [text]}, listeners=[*other["listeners"], unix])
    facts["namespaces"].append(other)
    facts.update(kernel=text, problems=[{"code": text, "message": text, "count": 2}])
    results = {
        text: {"ansible_facts": {"listen_queue": facts}},
        "lost " + text: {"unreachable": True, "msg": text},
        "broken " + text: {"failed": True, "msg": text, "module_stderr": text},
    }
    waivers = [{"rule": "limit_stale", "reason": text, "expires": "2026-12-31"}, {"rule": "drops_rate", "host": text, "reason": text, "expires": "2025-01-01"}]
    report = page_reports.everything(page_reports.judged(results, waivers))
    diagnoses = [{**each, "program": text, "summary": text, "evidence": {text: text}, "log": [text], "sources": [text]} for each in report["diagnoses"]]
    for each in diagnoses:
        each["fixes"] = [
            {"id": "x", "advice": text + " `sysctl -w x=1; %s`" % text, "role": "backlog_tune", "variables": {"a": text}, "command": "kill " + text}
        ]
    fleet = [{"host": text, "metric": text, "value": 1, "peers_median": 0, "peers": 3, "text": text}]
    drift = {**report["drift"], "hosts_gone": [text], "hosts_new": [text], "baseline": {"generated_at": text, "path": text}}
    drift["changed"] = [{"host": text, "namespace": text, "listener": text, "what": text, "before": text, "after": {text: [text]}}]
    return {**report, "diagnoses": diagnoses, "fleet": fleet, "drift": drift}


ELEMENTS = """() => {
  const names = {};
  for (const each of document.querySelectorAll("*")) names[each.localName] = (names[each.localName] ?? 0) + 1;
  return names;
}"""
HANDLERS = """() => [...document.querySelectorAll("*")].flatMap((each) => [...each.attributes].filter((one) =>
  one.name.startsWith("on") || one.name === "style" || one.name === "srcdoc" || (["href", "src", "action"].includes(one.name) &&
  /^\\s*javascript:/i.test(one.value))).map((one) => one.name + "=" + one.value))"""


def use_everything(page):
    """Open, sort and filter all there is."""
    page.evaluate("() => document.querySelectorAll('summary, .opener').forEach((each) => each.click())")
    page.evaluate("() => document.querySelectorAll('.sort').forEach((each) => each.click())")
    page.evaluate("() => document.querySelectorAll('.opener[aria-expanded=false]').forEach((each) => each.click())")
    page.get_by_label("Text", exact=True).fill("accept")
    page.get_by_label("Text", exact=True).fill("")
    page.mouse.move(400, 400)


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_payload_stays_text(opened, text):
    page = opened(hostile_report(text))
    use_everything(page)
    assert page.evaluate("() => window.pwned") is None
    names = page.evaluate(ELEMENTS)
    assert not set(names) & {"img", "iframe", "object", "embed", "math", "form", "base", "foreignobject", "video", "audio"}
    assert (names["script"], names["style"], names["meta"]) == (2, 1, 6)
    assert page.evaluate(HANDLERS) == []
    seen = page.locator("main").inner_text()
    expected = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    assert seen.replace("\u200b", "").count(expected[:50]) > 10
    assert set(column(page, "host")) == {expected if len(expected) <= 60 else expected[:59].rstrip() + "…"}
    assert expected in seen, "what is cut in a column is whole in the evidence"


@pytest.mark.parametrize("text", PAYLOADS, ids=range(len(PAYLOADS)))
def test_payload_in_the_address_stays_text(opened, reports, text):
    page = opened(reports(30))
    page.evaluate("(text) => { location.hash = stateHash({ rule: text, host: text, text, sort: text, severity: [text] }); }", text)
    page.wait_for_function("(text) => controls.text.value === text.replace(/[\\u2028\\u2029]/g, (each) => each)", arg=text)
    assert page.evaluate("() => window.pwned") is None
    assert page.evaluate(HANDLERS) == []
    assert "0 of" in section(page, "findings").locator(".shown").text_content()


REFUSED = """(act) => {
  const button = document.body.appendChild(document.createElement("button"));
  try {
    if (act === "markup") button.innerHTML = "<img src=x onerror=window.pwned=1>";
    if (act === "handler") button.setAttribute("onclick", "window.pwned = 1");
    if (act === "script") document.body.appendChild(document.createElement("script")).text = "window.pwned = 1";
    if (act === "style") button.setAttribute("style", "background: url(https://example.com/)");
  } catch (error) {
    return error.name;
  }
  button.click();
  return button.style.background;
}"""


@pytest.mark.parametrize("act, answer", [("markup", "TypeError"), ("handler", "TypeError"), ("script", "TypeError"), ("style", "")])
def test_the_browser_itself_refuses(opened, reports, act, answer):
    """The page does none of this. Should somebody make it do so, its policy is there."""
    page = opened(reports(1))
    assert page.evaluate(REFUSED, act) == answer
    assert page.evaluate("() => window.pwned") is None
    assert opened.said
    opened.said.clear()


@pytest.mark.parametrize("text", SPOOFS.values(), ids=SPOOFS)
def test_invisible_characters_are_written_out(opened, text):
    page = opened(hostile_report(text))
    use_everything(page)
    seen = page.locator("main").inner_text()
    bad = set(text) - set("abgnp[2J")
    assert not [each for each in seen if each in bad and each != "\n"]
    assert any("\\x%02x" % ord(each) in seen or "\\u%04x" % ord(each) in seen for each in bad)


# --- commands

WORDS = ("plain", "a b", "", "it's", "'", "''x'", "$(id)", "`id`", "a;b", "a\\b", 'say "x"', "*", "~", "-rf", "ünï", '{"a": [1]}', "!!", "&|<>#%", "\u4e2d")


@pytest.mark.parametrize("text", WORDS, ids=range(len(WORDS)))
def test_a_word_reaches_a_program_through_the_shell_as_it_is(opened_once, text):
    word = opened_once.evaluate("(text) => shellWord(text)", text)
    assert subprocess.run(["sh", "-c", "printf %s " + word], capture_output=True, check=True).stdout.decode() == text


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[201~b", "\x00", "\u202e", "\u200b", "a\tb"])
def test_a_word_with_control_characters_is_none(opened_once, text):
    assert opened_once.evaluate("(text) => shellWord(text)", text) is None


@pytest.fixture(scope="module")
def opened_once(browser):
    """A page for the functions of its script."""
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import read_page
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.page import html_page

    page = browser.new_page()
    page.set_content(html_page(page_reports.fleet_report(1), read_page()))
    yield page
    page.close()


TUNE = "ansible-playbook netops.listen_queue.tune -i inventory.ini --become -e target=web1"
SYSCTL = "ansible web1 -i inventory.ini --become -m ansible.builtin.include_role -a name=netops.listen_queue.backlog_sysctl"
COMMANDS = {
    "role_with_a_playbook": ({"advice": "x", "role": "backlog_tune"}, {}, [TUNE]),
    "role_by_its_whole_name": ({"advice": "x", "role": "netops.listen_queue.backlog_tune"}, {}, [TUNE]),
    "role_without_a_playbook": (
        {"advice": "x", "role": "backlog_sysctl", "variables": {"backlog_sysctl_values": {"net.ipv4.tcp_syncookies": 1}}},
        {},
        [SYSCTL + ' -e \'{"backlog_sysctl_values":{"net.ipv4.tcp_syncookies":1}}\''],
    ),
    "variables_are_one_word": ({"advice": "x", "role": "backlog_tune", "variables": {"a": "it's $(id)"}}, {}, [TUNE + " -e '{\"a\":\"it'\\''s $(id)\"}'"]),
    "variables_that_ansible_would_evaluate": ({"advice": "x", "role": "backlog_tune", "variables": {"a": "{{ lookup('pipe', 'id') }}"}}, {}, []),
    "statement_that_ansible_would_evaluate": ({"advice": "x", "role": "backlog_tune", "variables": {"{% x %}": 1}}, {}, []),
    "host_that_is_a_pattern": ({"advice": "x", "role": "backlog_tune"}, {"host": "all:!web1"}, []),
    "host_that_is_an_option": ({"advice": "x", "role": "backlog_tune"}, {"host": "--help"}, []),
    "host_with_a_command": ({"advice": "x", "role": "backlog_tune"}, {"host": "a;id"}, []),
    "role_that_is_none": ({"advice": "x", "role": "a b"}, {}, []),
    "command": ({"advice": "x", "command": "kill -CONT 812 813"}, {}, ["kill -CONT 812 813"]),
    "command_with_a_word_of_a_host": ({"advice": "x", "command": "kill -CONT 1; id"}, {}, []),
    "quoted_on_the_host": ({"advice": "run `ss -ltn`, `nsenter -t PID -n ss -ltn`, `listen ... backlog=`, `net.x`"}, {}, ["ss -ltn"]),
    "quoted_in_a_container": (
        {"advice": "`sysctl -w a=1`, `nsenter -t PID -n sysctl -w a=1`, `ss -ltn`"},
        {"namespace": "pod x", "evidence": {"processes": [{"pid": 77}]}},
        ["nsenter -t 77 -n sysctl -w a=1", "nsenter -t 77 -n ss -ltn"],
    ),
    "pid_that_is_no_number": (
        {"advice": "`nsenter -t PID -n ss -ltn`"},
        {"namespace": "pod x", "evidence": {"processes": [{"pid": "1; id"}]}},
        ["nsenter -t PID -n ss -ltn"],
    ),
}


@pytest.mark.parametrize("fix, finding, expected", COMMANDS.values(), ids=COMMANDS)
def test_commands(opened_once, fix, finding, expected):
    finding = {"host": "web1", "namespace": "host", "evidence": {}, **finding}
    assert opened_once.evaluate("([fix, finding]) => [...commandsOf(fix, finding).values()].flat()", [fix, finding]) == expected


def test_advice_with_values_of_a_host_is_no_source_of_commands(opened_once):
    fix = {"advice": "the path /run/`sysctl -w kernel.core_pattern=x` is full"}
    assert opened_once.evaluate("(fix) => commandsOf(fix, { host: 'web1', namespace: 'host' }, true).size", fix) == 0


def test_names_that_are_patterns_are_not_copied(opened):
    lost = {"unreachable": True, "msg": "x"}
    facts = page_reports.facts(random.Random(5), "web", 128, 0.99)
    answer = {"ansible_facts": {"listen_queue": facts}}
    page = opened(page_reports.judged({"web1": answer, "all:!web1": answer, "web2;id": answer, "a": lost}))
    section(page, "rules").locator(".opener").first.click()
    text = section(page, "rules").locator(".opened").inner_text()
    assert "Copy 1 name" in text
    assert "2 names left out: not plain host names" in text
