# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible_collections.netops.listen_queue.plugins.filter.facts_bundle import facts_bundle
from ansible_collections.netops.listen_queue.plugins.filter.findings import findings
from ansible_collections.netops.listen_queue.plugins.filter.report_markdown import report_markdown
from ansible_collections.netops.listen_queue.plugins.filter.report_table import report_table
from ansible_collections.netops.listen_queue.plugins.filter.report_verdict import report_verdict
from ansible_collections.netops.listen_queue.plugins.filter.watching_time import watching_time
from ansible_collections.netops.listen_queue.plugins.module_utils._version import VERSION

FACTS = {
    "schema": 1,
    "boot_id": "x",
    "kernel": "6.18.44",
    "collected_at": "2026-11-20T21:22:42Z",
    "complete": True,
    "scope": "own",
    "problems": [],
    "namespaces": [{"netns": 1, "names": {"host": True}, "listeners": [{"family": "inet", "local_address": "0.0.0.0", "local_port": 80, "drops": 3}]}],
}
RULE = {
    "id": "drops",
    "severity": "critical",
    "for_each": "listener",
    "expr": "listener.drops > thresholds.mine",
    "summary": "{listener.address} dropped",
    "because": "of this",
    "fix": {"advice": "do that"},
    "references": ["a book"],
}


class HostVars(dict):
    """Like Ansible's: raw_get does not template, reading an item would."""

    def raw_get(self, name):
        return dict(self).get(name)

    def __getitem__(self, name):
        raise AssertionError("templates every variable of the host")


class UnsafeText(str):
    """As core 2.16 marks what comes from hosts."""

    __slots__ = ()


UnsafeText.__str__ = lambda self: self


class ErrorSummary:
    """An object that failed results of core 2.19 hold beside their data."""


def marked(value):
    if isinstance(value, dict):
        return {UnsafeText(key): marked(item) for key, item in value.items()}
    return [marked(item) for item in value] if isinstance(value, list) else UnsafeText(value) if isinstance(value, str) else value


def test_findings_of_hostvars():
    hostvars = HostVars(
        web1={"other": "{{ broken", "result": marked({"ansible_facts": {"listen_queue": FACTS, "discovered_interpreter_python": "/x"}})},
        web2={"result": {"unreachable": True, "msg": "down", "exception": ErrorSummary()}},
        web3={},
    )
    report = findings(hostvars, hosts=["web1", "web2", "web3"], variable="result", extra_rules=[RULE], thresholds={"mine": 2})
    assert {name: host["status"] for name, host in report["hosts"].items()} == {"web1": "audited", "web2": "unreachable", "web3": "failed"}
    assert [each["summary"] for each in report["findings"]] == ["0.0.0.0:80 dropped"]
    assert report["findings"][0]["listener"].__class__ is str
    assert report["rules"][0]["source"] == "backlog_audit_rules[0]"
    saved = facts_bundle(hostvars, ["web1", "web2"], "result")
    again = findings(saved["hosts"], extra_rules=[RULE], thresholds={"mine": 2}, generated_at=report["generated_at"])
    assert again["findings"] == report["findings"]


def test_the_renderers_take_what_findings_returns():
    report = findings({"web1": FACTS}, extra_rules=[RULE], thresholds={"mine": 2}, generated_at="2026-11-20T22:00:00Z")
    assert report_table(report)[0] == "Listen queue audit of 2026-11-20T22:00:00Z, collection netops.listen_queue " + VERSION
    assert max(len(line) for line in report_table(report, 50)) <= 50
    assert report_markdown(report).startswith("# Listen queue audit\n")
    assert report_verdict(report, "critical") == "The audit fails (backlog_audit_fail_on: critical): 1 critical finding."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: findings([]), "findings: the input must be a mapping of host names to facts, or hostvars"),
        (lambda: findings({}, extra_rules=[{}]), "findings: backlog_audit_rules[0]: rule without an id: the key id and severity and "),
        (lambda: findings({}, rules=[{"source": "a.yml", "rule": RULE}]), "findings: a.yml: rule drops: expr: the threshold mine is not set: "),
        (lambda: findings({}, thresholds={"mine": "2"}), "findings: backlog_audit_thresholds.mine must be a number, not 2"),
        (lambda: findings({}, waivers=[{"rule": "x"}]), "findings: backlog_audit_waivers[0]: reason and expires is required"),
        (lambda: findings({}, generated_at="today"), "findings: generated_at must be a UTC time such as 2026-11-20T21:22:42Z, not today"),
        (lambda: report_table({}), "report_table: this is not a report of schema 1: "),
        (lambda: report_markdown("x"), "report_markdown: this is not a report of schema 1: "),
        (lambda: report_verdict(findings({}), "maybe"), "report_verdict: fail_on must be critical, warning or never, not maybe"),
    ],
)
def test_errors_are_one_sentence(call, message):
    with pytest.raises(AnsibleError) as caught:
        call()
    assert caught.value.message.startswith(message)


WATCHED = {
    "one": ((5.0, 1, 5), "1 host is watched for 5 seconds."),
    "few": ((10, 3, 5), "3 hosts are watched for 10 seconds."),
    "part_of_a_second": ((0.25, 3, 5), "3 hosts are watched for 0.2 seconds."),
    "more_than_forks": (("10", 12, "5"), "12 hosts are watched for 10 seconds each, 5 at a time: 30 seconds or more in all."),
    "a_fleet": ((30, 1000, 5), "1000 hosts are watched for 30 seconds each, 5 at a time: 100 minutes or more in all."),
    "no_forks": ((1, 2, 0), "2 hosts are watched for 1 second each, 1 at a time: 2 seconds or more in all."),
}


@pytest.mark.parametrize("given, sentence", WATCHED.values(), ids=WATCHED)
def test_watching_time(given, sentence):
    assert watching_time(*given) == sentence


def test_watching_time_of_no_number():
    with pytest.raises(AnsibleFilterError, match=r"^watching_time: seconds, hosts and forks must be numbers: "):
        watching_time("long", 1, 1)
