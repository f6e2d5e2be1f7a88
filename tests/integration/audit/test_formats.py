# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of the report, and what a terminal, a pipe and a callback of another kind show of it."""

import csv
import json
import re
import stat
from pathlib import Path

import jsonschema
import pytest
from audit_answers import CRITICAL, WARNING, result, saved
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text())
ALL = ["json", "markdown", "html", "csv", "junit", "prometheus"]
COLOUR = re.compile(r"\x1b\[([0-9;]+)m(.*?)\x1b\[0m")


def test_all_formats_of_one_audit(audit):
    audit.answering("web1", result(**CRITICAL))
    audit.unreachable("web2")
    outcome = audit.run(backlog_audit_formats=ALL)
    assert outcome.code == 0, outcome.output
    assert outcome.files == ["report.csv", "report.html", "report.json", "report.junit.xml", "report.md", "report.prom"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (outcome.folder / "reports").iterdir()} == {0o640}
    jsonschema.validate(outcome.report, SCHEMA)
    folder = outcome.folder / "reports"
    with (folder / "report.csv").open(newline="") as file:
        assert [(row["kind"], row["host"], row["rule"]) for row in csv.DictReader(file)] == [("finding", "web1", "accept_queue_full"), ("host", "web2", "")]
    suites = etree.parse(str(folder / "report.junit.xml")).getroot()
    assert [(suite.get("name"), suite.get("failures"), suite.get("errors")) for suite in suites] == [("web1", "1", "0"), ("web2", "0", "1")]
    families = {family.name: family.samples for family in text_string_to_metric_families((folder / "report.prom").read_text())}
    assert [sample.value for sample in families["listen_queue_accept_queue_length"]] == [512]
    assert "accept_queue_full" in (folder / "report.html").read_text()


def test_only_the_formats_that_were_asked_for(audit):
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result()), backlog_audit_formats=["junit"])
    assert outcome.code == 0, outcome.output
    assert outcome.files == ["report.junit.xml"]


def test_no_such_format(audit):
    audit.answering("web1", result())
    outcome = audit.run(backlog_audit_formats=["pdf"])
    assert outcome.code != 0 and "Read the listen queues" not in outcome.output
    assert "value of backlog_audit_formats must be one or more of: json, markdown, html, csv, junit, prometheus. Got no match for: pdf" in outcome.words


def test_a_real_audit_is_as_the_schema_says(audit):
    outcome = audit.run(
        *("-i", "localhost,", "-c", "local"),
        inventory=False,
        ansible_python_interpreter="{{ ansible_playbook_python }}",
        backlog_audit_sample=0.5,
        backlog_audit_formats=ALL,
        backlog_audit_save_baseline="base.json",
    )
    assert outcome.code == 0, outcome.output
    jsonschema.validate(outcome.report, SCHEMA)
    values = outcome.report["values"]["localhost"]
    assert set(values["boot"]) >= {"net.core.somaxconn"}, "a baseline holds what the next boot sets"
    assert values["namespaces"][0]["sysctls"]["net.core.somaxconn"] == int(Path("/proc/sys/net/core/somaxconn").read_text())
    assert list(text_string_to_metric_families((outcome.folder / "reports" / "report.prom").read_text()))
    assert "1 host is watched for 0.5 seconds." in outcome.words


# --- the terminal


def lines_in_colour(output):
    return {text: code for code, text in COLOUR.findall(output)}


def test_colours_in_a_terminal(audit):
    audit.terminal = True
    audit.environment = {"TERM": "xterm-256color", "ANSIBLE_FORCE_COLOR": "0"}
    audit.answering("web1", result(**CRITICAL))
    audit.without_python("web2")
    outcome = audit.run()
    assert outcome.code == 0, outcome.output
    colours = lines_in_colour(outcome.output)
    assert colours["CRITICAL  accept_queue_full: 1 finding on 1 host"] == "0;31", "Ansible's colour of errors"
    assert [text for text in colours if text.startswith("  web2  failed: ")]
    plain = COLOUR.sub(r"\2", outcome.output).splitlines()
    start = plain.index(next(line for line in plain if line.startswith("Listen queue audit of ")))
    assert max(map(len, plain[start : plain.index("HOSTS NOT (FULLY) AUDITED")])) <= 100
    assert "table:" not in outcome.output, "the table is shown once"


@pytest.mark.parametrize("variable", ["NO_COLOR", "ANSIBLE_NOCOLOR"])
def test_no_colours_where_they_are_not_wanted(audit, variable):
    audit.terminal = True
    audit.environment = {"TERM": "xterm-256color", variable: "1"}
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(**CRITICAL)))
    assert "\nCRITICAL  accept_queue_full: 1 finding on 1 host\n" in outcome.output
    assert "\x1b[0;" not in outcome.output


def test_the_users_own_colours(audit):
    audit.environment = {"ANSIBLE_FORCE_COLOR": "1", "ANSIBLE_COLOR_ERROR": "blue"}
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(**CRITICAL)))
    assert lines_in_colour(outcome.output)["CRITICAL  accept_queue_full: 1 finding on 1 host"] == "0;34"


OWN = """
import json
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "one_json"

    def __init__(self):
        super().__init__()
        self.results = {}

    def v2_runner_on_ok(self, result, **kwargs):
        self.results[getattr(result, "task", None) and result.task.get_name() or result._task.get_name()] = getattr(result, "result", None) or result._result

    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps(self.results, default=str))
"""


def test_stdout_of_another_callback_stays_its_own(audit):
    folder = audit.folder / "callbacks"
    folder.mkdir()
    (folder / "one_json.py").write_text(OWN)
    audit.environment = {"ANSIBLE_STDOUT_CALLBACK": "one_json", "ANSIBLE_CALLBACK_PLUGINS": str(folder)}
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(**CRITICAL)))
    assert outcome.code == 0, outcome.output
    results = json.loads(audit.stdout)
    shown = next(each for name, each in results.items() if "show the table" in name)
    assert "CRITICAL  accept_queue_full: 1 finding on 1 host" in shown["table"]


@pytest.mark.parametrize("level, times", [("-v", 1), ("-vv", 1), ("-vvv", 2)])
def test_verbose_runs_do_not_repeat_the_table(audit, level, times):
    outcome = audit.run(level, inventory=False, backlog_audit_from=saved(audit, web1=result(**CRITICAL)))
    assert len(re.findall(r"CRITICAL  accept_queue_full: 1 finding on 1 host", outcome.output)) == times


def test_a_log_file_has_the_table_without_colours(audit):
    log = audit.folder / "ansible.log"
    audit.environment = {"ANSIBLE_FORCE_COLOR": "1", "ANSIBLE_LOG_PATH": str(log)}
    audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(**CRITICAL)))
    assert "CRITICAL  accept_queue_full: 1 finding on 1 host" in log.read_text()
    assert "\x1b" not in log.read_text()


# --- how long it takes


def test_how_long_it_takes_is_said_once(audit):
    for number in range(3):
        audit.answering("web%d" % number, result())
    outcome = audit.run("-f", "2", backlog_audit_sample=10)
    assert outcome.words.count("3 hosts are watched for 10 seconds each, 2 at a time: 20 seconds or more in all.") == 1
    assert len(re.findall(r"^ok: \[web\d\]$", outcome.output, re.MULTILINE)) >= 3, "Ansible's own lines stay"


def test_without_a_window_nothing_is_said(audit):
    audit.answering("web1", result(**WARNING))
    assert "watched for" not in audit.run().output
