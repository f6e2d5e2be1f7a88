# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as people use it: sort, filter, open, copy, send a link; with the mouse and with keys alone."""

import html5lib
import page_tools
import pytest
from page_tools import column, heading, section, shown

RANKS = ["Critical", "Warning", "Info"]


@pytest.mark.parametrize("hosts", [1, 30, 1000])
def test_loads_from_a_file_without_any_request(opened, reports, hosts):
    page = opened(reports(hosts))
    assert page.url.startswith("file:///")
    assert page.evaluate("() => performance.getEntriesByType('resource').length") == 0
    assert page.locator("h1").text_content() == "Listen queue audit"
    assert section(page, "findings").locator("h2").text_content() == "Findings {:,}".format(len(reports(hosts)["findings"]))


@pytest.mark.parametrize("hosts", [1, 30])
def test_html_is_valid_before_and_after_the_script(opened, reports, hosts):
    page = opened(reports(hosts))
    for button in section(page, "findings").locator(".opener").all()[:3]:
        button.click()
    strict = html5lib.HTMLParser(strict=True)
    with open(page.url.removeprefix("file://"), encoding="utf-8") as file:
        strict.parse(file.read())
    strict.parse("<!doctype html>" + page.evaluate("() => document.documentElement.outerHTML"))
    assert page.evaluate("() => [...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll('[id]')].map((each) => each.id)).size")
    missing = "() => [...document.querySelectorAll('[aria-labelledby], [aria-controls]')].flatMap((each) => "
    missing += "['aria-labelledby', 'aria-controls'].map((name) => each.getAttribute(name))).filter((id) => id && !document.getElementById(id))"
    assert page.evaluate(missing) == []


# --- sorting


def test_a_heading_sorts_upwards_then_downwards_then_as_reported(opened, reports):
    page = opened(reports(30))
    reported = column(page, "host")
    assert [RANKS.index(each) for each in column(page, "severity")] == sorted(RANKS.index(each) for each in column(page, "severity"))
    head = heading(page, "host")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, "host") == sorted(reported)
    assert page.url.endswith("#sort=host")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, "host") == sorted(reported, reverse=True)
    assert page.url.endswith("#sort=-host")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert column(page, "host") == reported
    assert "#" not in page.url


def test_names_with_numbers_sort_by_number_and_unknown_comes_last(opened, reports):
    page = opened(reports(30))
    rows = "(rows) => sorted(rows.map((host) => ({ host })), (row) => row.host, false).map((row) => row.host)"
    assert page.evaluate(rows, ["web10", None, "web9", "Web1"]) == ["Web1", "web9", "web10", None]
    assert page.evaluate(rows, [10, 9, None, 100]) == [9, 10, 100, None]


# --- filtering


def test_severity_rule_host_and_words_filter_together(opened, reports):
    page, findings = opened(reports(30)), reports(30)["findings"]
    page.get_by_role("checkbox", name="Warning").check()
    warnings = [each for each in findings if each["severity"] == "warning"]
    assert shown(page) == "%d of %d findings" % (len(warnings), len(findings))
    assert column(page, "severity") == ["Warning"] * len(warnings)
    rule = warnings[0]["rule"]
    page.get_by_label("Rule", exact=True).select_option(rule)
    assert column(page, "rule") == [rule] * len([each for each in warnings if each["rule"] == rule])
    host = next(each["host"] for each in warnings if each["rule"] == rule)
    page.get_by_label("Host", exact=True).fill(host)
    assert set(column(page, "host")) == {host}
    page.get_by_label("Text", exact=True).fill("nothing has this word")
    assert shown(page) == "0 of %d findings" % len(findings)
    assert not section(page, "findings").locator("table").is_visible()
    assert page.url.endswith("#severity=warning&rule=%s&host=%s&text=nothing+has+this+word" % (rule, host))
    page.get_by_role("button", name="Clear the filters").click()
    assert shown(page) == "%d findings" % len(findings)
    assert page.evaluate("() => document.activeElement === controls.text")
    assert "#" not in page.url


def test_a_whole_name_means_that_host_and_a_part_many(opened, reports):
    names = {each["host"] for each in reports(1000)["findings"]}
    short = next(name for name in sorted(names) if name.startswith("web-"))
    page = opened(reports(1000))
    page.get_by_label("Host", exact=True).fill(short)
    assert set(column(page, "host")) == {short}
    page.get_by_label("Host", exact=True).fill("WEB-")
    assert {each.split("-")[0] for each in column(page, "host")} == {"web"}


def test_words_are_looked_for_in_programs_and_units_too(opened, reports):
    page = opened(reports(30))
    page.get_by_label("Text", exact=True).fill("GUNICORN.service full")
    rows = [each for each in reports(30)["findings"] if "gunicorn.service" in str(each["evidence"]) and ("full" in each["summary"] or "full" in each["rule"])]
    assert rows
    assert len(column(page, "host")) == len(rows)


def test_an_address_shows_a_colleague_the_same(opened, reports):
    link = "#severity=warning&text=limit&sort=-listener"
    page = opened(reports(30), address=link)
    assert set(column(page, "severity")) == {"Warning"}
    assert heading(page, "listener").get_attribute("aria-sort") == "descending"
    assert page.get_by_label("Text", exact=True).input_value() == "limit"
    before = column(page, "listener")
    page.reload()
    assert column(page, "listener") == before
    assert page.evaluate("() => document.activeElement.id") == "findings"


def test_links_into_the_findings_go_back(opened, reports):
    page, findings = opened(reports(30)), reports(30)["findings"]
    page.locator(".tile.of-critical").click()
    assert set(column(page, "severity")) == {"Critical"}
    section(page, "rules").locator("td.col-findings a").last.click()
    assert len(set(column(page, "rule"))) == 1
    page.go_back()
    assert set(column(page, "severity")) == {"Critical"}
    page.go_back()
    assert len(column(page, "severity")) == len(findings)


def test_a_cell_of_the_matrix_shows_its_findings(opened, reports):
    page = opened(reports(30))
    row = section(page, "matrix").locator("tbody tr").first
    host = row.locator("th").inner_text()
    link = row.locator("td a").first
    number, label = int(link.inner_text().split()[0]), link.get_attribute("title")
    link.click()
    assert set(column(page, "host")) == {host}
    assert set(column(page, "rule")) == {label.rsplit(" ", 1)[1]}
    assert len(column(page, "rule")) == number


def test_nothing_is_left_out_silently(opened, reports):
    page, report = opened(reports(1000)), reports(1000)
    total = "{:,}".format(len(report["findings"]))
    assert shown(page) == "%s findings; the first 100 are shown" % total
    assert len(column(page, "rule")) == 100
    section(page, "findings").get_by_role("button", name="Show 100 more").click()
    assert shown(page) == "%s findings; the first 200 are shown" % total
    assert page.evaluate("() => document.activeElement === findingsGrid.body.rows[100]")
    section(page, "findings").get_by_role("button", name="Show all %s" % total).click()
    assert len(column(page, "rule")) == len(report["findings"])
    assert not section(page, "findings").locator(".pager").is_visible()
    hosts = section(page, "matrix").locator(".shown").text_content()
    assert hosts.endswith("; the first 40 are shown")
    section(page, "matrix").get_by_role("button", name="Show all").click()
    section(page, "matrix").locator("summary").evaluate_all("(all) => all.forEach((each) => each.click())")
    named = (
        section(page, "matrix")
        .locator("tbody")
        .evaluate("(body) => new Set([...body.querySelectorAll('a[href^=\"#host=\"]')].map((each) => each.textContent)).size")
    )
    audited = [host for host in report["hosts"].values() if host["status"] in ("audited", "partial")]
    clean = len(audited) - len({each["host"] for each in report["findings"]})
    assert named == len(audited) - max(0, clean - 200), "of the hosts without findings 200 are named, the others counted"
    assert section(page, "matrix").locator("tr.clean .names").inner_text().endswith("and %d more" % (clean - 200))


# --- what is shown on demand


def test_evidence_fix_and_commands_on_demand(opened, reports):
    report = reports(30)
    finding = next(each for each in report["findings"] if each["rule"] == "limit_capped_by_somaxconn" and each["namespace"] == "host")
    page = opened(report, address="#rule=limit_capped_by_somaxconn&host=" + finding["host"])
    assert section(page, "findings").locator(".opened").count() == 0
    section(page, "findings").locator(".opener").first.click()
    text = section(page, "findings").locator(".opened").inner_text()
    assert "listener.accept_queue_limit" in text.replace("\u200b", "")
    assert "The kernel cuts listen(fd, backlog) down to net.core.somaxconn" in text
    commands = section(page, "findings").locator(".opened pre").all_inner_texts()
    assert commands[0] == "sysctl -w net.core.somaxconn=4096"
    assert not [each for each in commands if "nsenter" in each], "that is for containers"
    section(page, "findings").locator(".opener").first.click()
    assert section(page, "findings").locator(".opened").count() == 0


def test_an_open_row_stays_open_when_it_moves(opened, reports):
    page = opened(reports(30))
    section(page, "findings").locator(".opener").last.click()
    host = column(page, "host")[-1]
    heading(page, "host").locator("button").click()
    before = section(page, "findings").locator(".opened").evaluate("(row) => row.previousElementSibling.children[2].innerText")
    assert before == host


def test_copy(opened, reports):
    page = opened(reports(30), address="#rule=somaxconn_low", permissions=["clipboard-read", "clipboard-write"])
    section(page, "findings").locator(".opener").first.click()
    button = section(page, "findings").locator(".opened .copy").first
    command = section(page, "findings").locator(".opened pre").first.inner_text()
    button.click()
    page.wait_for_function("() => document.getElementById('said').textContent === 'Copied'")
    assert page.evaluate("() => navigator.clipboard.readText()") == command
    assert button.inner_text() == "Copied"
    section(page, "findings").get_by_role("button", name="Copy the names").click()
    page.wait_for_function("(command) => navigator.clipboard.readText().then((text) => text !== command)", arg=command)
    names = sorted({each["host"] for each in reports(30)["findings"] if each["rule"] == "somaxconn_low"})
    assert page.evaluate("() => navigator.clipboard.readText()") == ",".join(names)


# --- keys alone


def focused(page):
    return page.evaluate(
        "() => [document.activeElement.tagName, document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()]"
    )


TABBED = """() => {
  const each = document.activeElement;
  if (each === document.body) return null;
  const isRinged = (it) => it && getComputedStyle(it).outlineStyle !== "none" && parseFloat(getComputedStyle(it).outlineWidth) >= 2;
  const box = each.getBoundingClientRect();
  each.dataset.tab ??= String(Math.random());
  const isSeen = [each, each.nextElementSibling].some(isRinged) && box.bottom > 0 && box.top < innerHeight;
  return [each.dataset.tab, isSeen, each.outerHTML.slice(0, 120)];
}"""


def test_skip_link_comes_first_and_leads_to_the_report(opened, reports):
    page = opened(reports(1))
    page.keyboard.press("Tab")
    assert focused(page) == ["A", "Skip to the report"]
    assert page.locator(".skip").evaluate("(link) => link.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.getElementById('main').contains(document.activeElement)")


def test_everything_that_can_be_pressed_is_reached_by_tab_and_seen(opened, reports):
    page = opened(reports(1), reduced_motion="reduce")  # else a page that still scrolls has its focus out of sight
    expected = page.evaluate(
        "() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter((each) => each.checkVisibility() && !each.disabled && !(each.type === 'radio' && !each.checked)).length"
    )
    reached, unseen = set(), []
    for _press in range(expected + 5):
        page.keyboard.press("Tab")
        here = page.evaluate(TABBED)
        if here:
            reached.add(here[0])
            if not here[1]:
                unseen.append(here[2])
    assert unseen == []
    assert len(reached) == expected


def test_sort_filter_and_open_with_keys(opened, reports):
    page = opened(reports(30))
    heading(page, "host").locator("button").focus()
    page.keyboard.press("Enter")
    assert heading(page, "host").get_attribute("aria-sort") == "ascending"
    page.get_by_role("checkbox", name="Warning").focus()
    page.keyboard.press("Space")
    assert set(column(page, "severity")) == {"Warning"}
    page.get_by_label("Rule", exact=True).focus()
    page.keyboard.type("somaxconn")
    assert set(column(page, "rule")) == {"somaxconn_low"}
    opener = section(page, "findings").locator(".opener").first
    opener.focus()
    page.keyboard.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert page.locator("#" + opener.get_attribute("aria-controls")).is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("() => Boolean(document.activeElement.closest('.opened'))"), "what was opened comes next"


def test_a_section_is_reached_by_the_list_of_sections(opened, reports):
    page = opened(reports(30))
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Listeners").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "queues"
    page.wait_for_function("() => document.querySelector('#sections [aria-current]')?.hash === '#queues'")
    page.locator(".tile.of-unknown").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "unknown"


# --- diagnoses, the fleet, the baseline


def test_verdicts_fixes_outliers_and_drift_are_there(opened, reports):
    page = opened(reports(30))
    section(page, "diagnoses").locator(".opener").first.click()
    section(page, "diagnoses").get_by_text("3 causes looked for and not seen").click()
    text = section(page, "diagnoses").locator(".opened").inner_text()
    assert "What to do, in this order" in text
    assert "ansible-playbook netops.listen_queue.tune -i inventory.ini --become -e target=" in text
    assert '\'{"backlog_tune_sysctls":{"net.core.somaxconn":4096}' in text
    assert "IPReversePathFilter did not move." in text
    assert "Healthy" in section(page, "diagnoses").inner_text()
    assert "drops_per_second" in section(page, "fleet").inner_text()
    drift = section(page, "drift").inner_text()
    for words in ("Compared with the audit of 2026-10-21 03:10 UTC", "its waiver ended", "11 hosts", "web-900", "unreachable"):
        assert words in drift
    assert page_tools.shown(page, "hosts") is not None


LEADS = {
    "all_healthy": (["healthy"] * 3, "All 3 listeners are healthy."),
    "the_only_one": (["healthy"], "The listener is healthy."),
    "one_is_not": (["burst", "healthy"], "1 of 2 listeners is not healthy."),
    "one_is_not_and_one_cannot_be_told": (["burst", "unknown", "healthy"], "1 of 3 listeners is not healthy, 1 cannot be told."),
    "none_can_be_told": (["unknown", "unknown"], "2 of 2 listeners cannot be told."),
}


def test_verdicts_lead(opened, reports):
    page = opened(reports(1))
    for verdicts, sentence in LEADS.values():
        assert page.evaluate("(verdicts) => verdictText(verdicts.map((verdict) => ({ verdict })))", verdicts) == sentence


def test_diagnoses_that_the_collection_makes(opened):
    """The verdicts' own facts, judged: limit too small, workers that are stopped, healthy."""
    from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import diagnosed, situation

    burst = {"max": 17, "mean": 1.0, "share_half_full": 0.04, "share_full": 0.03, "drops": 50, "longest_stall": 0.2}
    full = {"max": 512, "mean": 500.0, "share_half_full": 0.9, "share_full": 0.7, "drops": 300, "longest_stall": 9.0}
    small = {"accept_queue_limit": 16, "limited_by": "somaxconn"}
    moved = {"ListenOverflows": 50, "ListenDrops": 50}
    capped = situation(sample=burst, counted=moved, sysctls={"net.core.somaxconn": 16}, listener=small)
    stopped = situation(sample=full, counted={"ListenOverflows": 300, "ListenDrops": 300}, worker={"state": "T", "states": {"T": 1.0}, "cpu": 0.0})
    report = diagnosed(capped, stopped, situation())
    page = opened(report)
    assert len(report["diagnoses"]) == 3
    assert "1 Limit too small" in section(page, "diagnoses").locator(".legend").inner_text().replace("\n", " ")
    for each in section(page, "diagnoses").locator(".opener").all():
        each.click()
    texts = section(page, "diagnoses").locator(".opened").all_inner_texts()
    commands = section(page, "diagnoses").locator(".opened pre").all_inner_texts()
    assert len(texts) == 2
    assert "kill -CONT 813" in commands
    assert [each for each in commands if each.startswith("ansible-playbook netops.listen_queue.tune -i inventory.ini --become -e target=web1 -e '{")]
    assert all("looked for and not seen" in text for text in texts)
    assert page.locator("#overview").text_content() == "2 of 3 listeners are not healthy. No rule found anything."
    for diagnosis in report["diagnoses"]:
        for fix in diagnosis["fixes"] if diagnosis["verdict"] != "healthy" else ():
            assert any(" ".join(fix["advice"].replace("`", "").split()) in " ".join(text.split()) for text in texts), fix["advice"]
