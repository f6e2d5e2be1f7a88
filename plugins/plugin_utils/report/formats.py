# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of a report: their names, their files and what makes them. Each is made on its own, and only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .as_csv import csv_report
from .as_json import json_report
from .as_junit import junit_report
from .as_prometheus import prometheus_report
from .model import markdown_report

FORMATS = {
    "json": "report.json",
    "markdown": "report.md",
    "html": "report.html",
    "csv": "report.csv",
    "junit": "report.junit.xml",
    "prometheus": "report.prom",
}
DEFAULT = ("json", "markdown", "html")
_MAKERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "json": json_report,
    "markdown": markdown_report,
    "csv": csv_report,
    "junit": junit_report,
    "prometheus": prometheus_report,
}


def render(report: Mapping[str, Any], formats: Iterable[str], read_assets: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """File name -> text, in the order of FORMATS. `read_assets` gives the parts of the page, and is called only for it."""
    wanted = set(formats)
    return {FORMATS[name]: _made(name, report, read_assets) for name in FORMATS if name in wanted}


def _made(name: str, report: Mapping[str, Any], read_assets: Callable[[], Mapping[str, str]]) -> str:
    if name != "html":
        return _MAKERS[name](report)
    from .page import html_page  # noqa: PLC0415 (a page is the largest of them)

    return html_page(report, read_assets())
