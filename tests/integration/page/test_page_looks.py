# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in the dark, on paper, without JavaScript, in narrow windows, and of reports with little in them."""

import pytest
from page_tools import column, section


def background(page):
    return page.evaluate("() => getComputedStyle(document.body).backgroundColor")


def test_colours_follow_the_system_and_the_switch_wins_and_is_kept(opened, reports):
    page = opened(reports(1), color_scheme="light")
    light = background(page)
    page.emulate_media(color_scheme="dark")
    dark = background(page)
    assert light != dark
    page.get_by_text("Light", exact=True).click()
    assert background(page) == light
    page.reload()
    assert background(page) == light
    assert page.get_by_role("radio", name="Light").is_checked()
    page.get_by_text("Auto", exact=True).click()
    assert background(page) == dark


def test_paper_is_light_and_has_all_findings_that_the_filters_leave(opened, reports):
    page = opened(reports(1000), color_scheme="dark", address="#severity=warning")
    total = len([each for each in reports(1000)["findings"] if each["severity"] == "warning"])
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert len(column(page, "rule")) == total
    assert background(page) == "rgb(255, 255, 255)"
    assert not page.locator(".tools").first.is_visible()
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert len(column(page, "rule")) == 100


def test_nothing_moves_for_those_who_want_that(opened, reports):
    page = opened(reports(1), reduced_motion="reduce")
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    moving = "() => [...document.querySelectorAll('*')].filter((each) => parseFloat(getComputedStyle(each).transitionDuration) > 0).length"
    assert page.evaluate(moving) == 0


def test_without_javascript_there_is_a_summary(opened, reports):
    page = opened(reports(30), java_script_enabled=False)
    text = page.locator("main").inner_text()
    assert "30 hosts: " in text
    assert "Findings by rule" in text
    assert "need JavaScript" in text
    assert not page.locator("#theme").is_visible()


def test_a_report_without_findings_and_one_without_hosts(opened):
    import page_reports

    good = {"web1": {"ansible_facts": {"listen_queue": page_reports.facts(page_reports.random.Random(3), "cache", 4096, 0.1)}}}
    page = opened(page_reports.judged(good))
    assert page.locator("#overview").text_content() == "Nothing was found."
    assert page.locator("#findings").count() == 0
    page = opened(page_reports.judged({}))
    assert page.locator("#overview").text_content() == "Nothing was audited."
    page = opened(page_reports.judged({"web1": {"unreachable": True, "msg": "No route"}}), address="#severity=critical")
    assert page.locator("#overview").text_content() == "Nothing was audited."
    assert "No route" in section(page, "hosts").inner_text()


@pytest.mark.parametrize("hosts", [1, 30, 1000])
def test_nothing_is_wider_than_the_window(opened, reports, hosts):
    page = opened(reports(hosts))
    for name in ("diagnoses", "rules", "findings"):
        section(page, name).locator(".opener").first.click()
    for width in (1440, 1100, 900, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
