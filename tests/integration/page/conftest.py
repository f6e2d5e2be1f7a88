# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens reports in a real headless Chromium, from file://, as a user does.

    def test_something(opened):
        page = opened(report)                        # Playwright's page; or opened(report, width=390, color_scheme="dark", address="#host=a")
        assert page.locator("h1").text_content() == "Listen queue audit"

Whatever a page says on its console, throws or requests beyond its own file fails the test at its end.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("page_tools")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"


@pytest.fixture(scope="module")
def browser():
    """Not longer than a file of tests: other folders fork processes, and Playwright has a loop of its own."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("TEST_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("the page in a browser: no Chromium on PATH (apt-get install chromium; dnf install chromium); TEST_BROWSER names another")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES.split())  # with a new profile, which is removed at the end
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that writes a report as a page and opens it; see the top of this file."""
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import read_page
    from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.page import html_page

    contexts, said, requests, files = [], [], [], []

    def opened(report, width=1440, height=950, address="", assets=None, **options):
        file = tmp_path / ("report%d.html" % len(files))
        file.write_text(html_page(report, assets or read_page()), encoding="utf-8", newline="")
        files.append(file)
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append("%s: %s" % (message.type, message.text)))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri() + address)
        return page

    opened.said = said
    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in requests if url.split("#")[0] not in [file.as_uri() for file in files]] == []


@pytest.fixture(scope="session")
def reports():
    """reports(hosts): a report of so many hosts with all that can be in one; made once."""
    import page_reports

    made = {}

    def reports(hosts):
        if hosts not in made:
            made[hosts] = page_reports.everything(page_reports.fleet_report(hosts))
        return made[hosts]

    return reports
