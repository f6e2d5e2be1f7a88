# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accessibility tree as Chromium hands it to a screen reader, and contrast as it paints."""

import itertools

import page_tools
import pytest
from page_tools import accessibility_tree, section

NAMED = {"button", "link", "textbox", "searchbox", "checkbox", "radio", "combobox", "region", "navigation", "search", "table", "columnheader"}


def with_everything_open(page):
    """One opened row of each table, and all that is shown on demand."""
    page.evaluate("() => document.querySelectorAll('.grid').forEach((each) => each.querySelector('.opener')?.click())")
    page.evaluate("() => document.querySelectorAll('summary').forEach((each) => each.click())")
    return page


@pytest.fixture(scope="module", params=[1, 30])
def size(request):
    return request.param


def test_landmarks(opened, reports, size):
    tree = accessibility_tree(opened(reports(size)))
    landmarks = [(each["role"], each["name"]) for each in tree if each["role"] in ("banner", "navigation", "main", "contentinfo", "search")]
    assert landmarks == [("banner", ""), ("navigation", "Sections"), ("main", ""), ("contentinfo", ""), ("search", "Filter the findings")]


def test_headings_make_an_outline(opened, reports, size):
    tree = accessibility_tree(with_everything_open(opened(reports(size))))
    headings = [(each["level"], each["name"]) for each in tree if each["role"] == "heading"]
    assert headings[0] == (1, "Listen queue audit")
    assert [level for level, _name in headings].count(1) == 1
    assert all(name for _level, name in headings)
    second = [name.rstrip(" 0123456789,") for level, name in headings if level == 2]
    assert second[1:6] == ["Diagnoses", "Since the baseline", "What to do", "Findings", "Listeners"]
    jumps = [(one, other) for (one, _name), (other, _other) in itertools.pairwise(headings) if other > one + 1 and other != 4]
    assert jumps == []


def test_everything_that_can_be_used_has_a_name(opened, reports, size):
    tree = accessibility_tree(with_everything_open(opened(reports(size))))
    assert [each for each in tree if each["role"] in NAMED and not each["name"].strip()] == []
    images = [each for each in tree if each["role"] in ("image", "img", "graphics-document", "SvgRoot")]
    assert images == [], "shapes and bars repeat what words say"


def test_openers_are_told_apart_and_say_whether_they_are_open(opened, reports):
    page = opened(reports(30))
    names = [each["name"] for each in accessibility_tree(page) if each["role"] == "button" and each["name"].startswith("Details: ")]
    assert "Details: accept_queue_full node-027" in names
    button = section(page, "findings").get_by_role("button", name="Details: accept_queue_full node-027")
    button.click()
    [node] = [
        each for each in accessibility_tree(page) if each["role"] == "button" and each["name"] == "Details: accept_queue_full node-027" and each.get("expanded")
    ]
    assert node["expanded"] is True


@pytest.mark.parametrize("width", [1440, 390], ids=["wide", "as_cards"])
def test_tables_are_tables(opened, reports, width):
    page = opened(reports(30), width=width)
    page.get_by_label("Rule", exact=True).select_option("somaxconn_low")
    snapshot = section(page, "findings").locator("table").aria_snapshot()
    lines = [each.strip().replace("- '", "- ") for each in snapshot.splitlines()]
    assert lines[0].startswith('- table "Findings"')
    heads = [each for each in lines if each.startswith("- columnheader")]
    assert [each.split('"')[1] for each in heads] == ["Severity", "Rule", "Host", "Listener", "What was seen"]
    number = len([each for each in reports(30)["findings"] if each["rule"] == "somaxconn_low"])
    assert len([each for each in lines if each.startswith("- row ")]) == number + 1
    assert len([each for each in lines if each.startswith("- rowheader ")]) == number
    assert len([each for each in lines if each.startswith("- cell ")]) == number * 4


def test_direction_of_sorting_is_told(opened, reports):
    page = opened(reports(30))
    page_tools.heading(page, "host").locator("button").click()
    sorting = page.evaluate(
        "() => [...document.querySelectorAll('section[aria-labelledby=findings] th[aria-sort]')].map((each) => [each.textContent, each.ariaSort])"
    )
    assert sorting == [["Severity", "none"], ["Rule", "none"], ["Host", "ascending"], ["Listener", "none"]]


def test_number_of_filtered_rows_is_told(opened, reports):
    page = opened(reports(30))
    status = section(page, "findings").locator("[role=status]")
    assert [each["name"] or each["role"] for each in accessibility_tree(page) if each["role"] == "status"]
    page.get_by_role("checkbox", name="Critical").check()
    critical = reports(30)["counts"]["critical"]
    assert status.text_content() == "%d of %d findings" % (critical, len(reports(30)["findings"]))


def test_matrix_names_its_rows_columns_and_cells(opened, reports):
    page = opened(reports(30))
    table = section(page, "matrix").locator("table")
    snapshot = table.aria_snapshot()
    assert 'columnheader "Critical: accept_queue_full"' in snapshot
    assert 'rowheader "node-027"' in snapshot
    assert 'link "1 critical finding of accept_queue_full"' in snapshot
    assert 'rowheader "Not judged"' in snapshot


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_all_text_and_of_controls(opened, reports, scheme, width):
    page = with_everything_open(opened(reports(30), width=width, color_scheme=scheme, reduced_motion="reduce"))
    page.get_by_role("checkbox", name="Warning").check()
    page.mouse.move(0, 0)
    looked, faults = page.evaluate(page_tools.CONTRAST)
    assert faults == []
    assert looked > 500


def test_contrast_that_is_too_low_is_noticed(opened, reports):
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import read_page

    assets = read_page()
    pale = (
        assets["page.css"]
        .replace("--soft: light-dark(#575e66,", "--soft: light-dark(#8f959c,")
        .replace("--edge: light-dark(#7d848b,", "--edge: light-dark(#b0b4b8,")
    )
    assert pale != assets["page.css"]
    _looked, faults = opened(reports(1), assets={**assets, "page.css": pale}, color_scheme="light").evaluate(page_tools.CONTRAST)
    assert {each[0] for each in faults} > {"P", "border of"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_severities_differ_for_those_who_see_few(opened, reports, scheme):
    """Shape and word do not depend on it; but two severities of the same colour would be a mistake."""
    page = opened(reports(30), color_scheme=scheme)
    sample = "(kind) => getComputedStyle(document.body.appendChild(el('i', { class: `is-${kind}` }))).color"
    colours = [page.evaluate(sample, kind) for kind in ("critical", "warning", "info", "ok", "unknown")]
    assert len(set(colours)) == 5
    shapes = page.evaluate("() => [...document.querySelectorAll('symbol')].map((each) => each.innerHTML)")
    assert len(set(shapes)) == len(shapes)
