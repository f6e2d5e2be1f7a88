# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit, then another one that is compared with it."""

import json

import pytest
from audit_answers import CRITICAL, WARNING, result, saved

LOST = {"unreachable": True, "msg": "No route to host"}


class Twice:
    """Judges saved facts: `first` makes the baseline, `then` is compared with it."""

    def __init__(self, audit):
        self.audit = audit

    def first(self, **hosts):
        outcome = self._run(hosts, backlog_audit_save_baseline="audits/base.json")
        assert outcome.code == 0, outcome.output
        assert "Saved as the baseline: %s" % (self.audit.folder / "audits" / "base.json") in outcome.output
        return outcome

    def then(self, *arguments, hosts, **variables):
        return self._run(hosts, *arguments, backlog_audit_baseline="audits/base.json", **variables)

    def _run(self, hosts, *arguments, **variables):
        for old in (self.audit.folder / "saved").glob("*"):
            old.unlink()
        if (self.audit.folder / "saved").exists():
            (self.audit.folder / "saved").rmdir()
        return self.audit.run(*arguments, inventory=False, backlog_audit_from=saved(self.audit, **hosts), **variables)

    @property
    def baseline(self):
        return (self.audit.folder / "audits" / "base.json").read_bytes()

    @property
    def saved_at(self):
        """When the baseline was written. Two of the same facts within a second have the same bytes."""
        return (self.audit.folder / "audits" / "base.json").stat().st_mtime_ns


@pytest.fixture
def twice(audit):
    return Twice(audit)


def with_kernel(text, **changes):
    answer = result(**changes)
    answer["ansible_facts"]["listen_queue"]["kernel"] = text
    return answer


def test_what_is_new_resolved_and_changed(twice):
    twice.first(web1=result(**WARNING), web2=with_kernel("6.1.0"), web3=LOST)
    outcome = twice.then(hosts={"web1": result(), "web2": with_kernel("6.12.0", **CRITICAL), "web3": result(**WARNING)})
    assert outcome.code == 0, outcome.output
    drift = outcome.report["drift"]
    assert [(each["host"], each["rule"], each["drift"]) for each in drift["new"]] == [("web2", "accept_queue_full", "appeared")]
    assert [(each["host"], each["rule"]) for each in drift["resolved"]] == [("web1", "drops_rate")]
    assert [(each["host"], each["what"], each["before"], each["after"]) for each in drift["changed"]] == [("web2", "kernel", "6.1.0", "6.12.0")]
    assert drift["hosts_not_compared"] == [{"host": "web3", "before": "unreachable", "after": "audited"}]
    assert "1 new finding, 1 resolved, 1 value changed, 1 host not compared." in outcome.output
    assert "changed kernel: 6.1.0 -> 6.12.0 on web2" in outcome.words
    assert "## Since the baseline" in outcome.markdown


POLICIES = {
    "never": ("never", CRITICAL, None),
    "critical": ("critical", CRITICAL, "1 new critical finding."),
    "less_than_the_policy": ("critical", WARNING, None),
    "nothing_new": ("warning", {}, None),
}


@pytest.mark.parametrize("fail_on, changes, reason", POLICIES.values(), ids=POLICIES)
def test_policies(twice, fail_on, changes, reason):
    twice.first(web1=result(), web2=result(**CRITICAL))
    before = twice.saved_at
    outcome = twice.then(
        hosts={"web1": result(**changes), "web2": result(**CRITICAL)}, backlog_audit_fail_on_drift=fail_on, backlog_audit_save_baseline="audits/base.json"
    )
    assert (outcome.code != 0) == bool(reason), outcome.output
    assert outcome.report["drift"]["baseline"]["path"].endswith("/audits/base.json"), "the report is written first"
    if reason:
        assert "The audit fails (backlog_audit_fail_on_drift: critical), since the baseline of " in outcome.words
        assert reason in outcome.words and "was not saved, because what is new fails the audit." in outcome.words
    assert (twice.saved_at == before) == bool(reason)
    assert "drift" not in json.loads(twice.baseline)


def test_both_policies_tell_their_reasons(twice):
    twice.first(web1=result())
    outcome = twice.then(hosts={"web1": result(**CRITICAL), "web2": LOST}, backlog_audit_fail_on="critical", backlog_audit_fail_on_drift="critical")
    assert outcome.code != 0
    assert "The audit fails (backlog_audit_fail_on: critical): 1 critical finding, 1 host not audited (web2)." in outcome.words
    assert "1 new critical finding, 1 host not audited (web2)." in outcome.words


def test_a_waiver_that_expired_since(twice):
    """The baseline is of facts: they are judged as of the day they were read, when the waiver counted."""
    waivers = [{"rule": "drops_rate", "reason": "will be replaced", "expires": "2026-11-20"}]
    facts = {"kind": "netops.listen_queue facts of an audit", "schema": 1, "hosts": {"web1": result(**WARNING)}}
    (twice.audit.folder / "old.json").write_text(json.dumps(facts))
    variables = {"backlog_audit_baseline": "old.json", "backlog_audit_waivers": waivers, "backlog_audit_fail_on_drift": "warning"}
    outcome = twice.audit.run(inventory=False, backlog_audit_from=saved(twice.audit, web1=result(**WARNING)), **variables)
    assert outcome.code != 0
    assert [each["drift"] for each in outcome.report["drift"]["new"]] == ["waiver_ended"]
    assert "dropped" in outcome.words and "(its waiver ended)" in outcome.words
    assert "EXPIRED WAIVERS" in outcome.output


def test_check_mode_compares_and_leaves_the_baseline(twice):
    twice.first(web1=result())
    before = twice.baseline
    outcome = twice.then("--check", hosts={"web1": result(**WARNING)}, backlog_audit_save_baseline="audits/base.json")
    assert outcome.code == 0, outcome.output
    assert len(outcome.report["drift"]["new"]) == 1 and twice.baseline == before
    assert "was not saved, because this is check mode." in outcome.words


BROKEN = {
    "not_there": (None, "there is no baseline %s: save one with backlog_audit_save_baseline first"),
    "another_schema": ('{"schema": 2}', "the baseline %s has schema 2, this version compares with schema 1: save a new one with backlog_audit_save_baseline"),
    "cut_short": ('{"schema": 1, "hosts"', "the baseline %s is not JSON: "),
}


@pytest.mark.parametrize("content, message", BROKEN.values(), ids=BROKEN)
def test_a_baseline_that_cannot_be_used_changes_nothing(twice, content, message):
    (twice.audit.folder / "audits").mkdir()
    path = twice.audit.folder / "audits" / "base.json"
    if content is not None:
        path.write_text(content)
    outcome = twice.then(hosts={"web1": result()}, backlog_audit_save_baseline="audits/base.json")
    assert outcome.code != 0 and outcome.report is None
    assert message % path in outcome.words
    assert (path.read_text() if path.exists() else None) == content


def test_a_policy_without_a_baseline(twice):
    outcome = twice.audit.run(inventory=False, backlog_audit_from=saved(twice.audit, web1=result()), backlog_audit_fail_on_drift="warning")
    assert outcome.code != 0 and outcome.report is None
    assert "fail_on_drift is warning, but there is no baseline to compare with: set baseline" in outcome.words


def test_hosts_are_asked_for_what_the_next_boot_sets(audit):
    """Only where it is compared: it costs each host some milliseconds."""
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    here = ("-i", "localhost,", "-c", "local")
    plain = audit.run(*here, inventory=False, **variables)
    first = audit.run(*here, inventory=False, backlog_audit_save_baseline="base.json", **variables)
    second = audit.run(*here, inventory=False, backlog_audit_baseline="base.json", **variables)
    assert [outcome.code for outcome in (plain, first, second)] == [0, 0, 0], second.output
    assert ["boot" in outcome.report["values"]["localhost"] for outcome in (plain, first, second)] == [False, True, True]
    drift = second.report["drift"]
    mine = [each for key in ("new", "resolved", "changed") for each in drift[key] if each["namespace"] in (None, "host") and not each["listener"]]
    assert mine == [], "other namespaces and listeners of this machine are those of tests that run at the same time"
