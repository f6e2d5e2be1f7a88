# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import re
import stat

import pytest
from audit_answers import CRITICAL, WARNING, result, saved

HOSTILE = "x\x1b[31m {{ lookup('pipe', 'touch pwned') }} | `a` \n<b>"


def rules_found(outcome):
    return [(each["host"], each["rule"]) for each in outcome.report["findings"]]


def test_one_of_three_hosts_unreachable_and_one_without_python(audit):
    audit.unreachable("a-first")
    audit.answering("web1", result(**CRITICAL))
    audit.without_python("web2")
    outcome = audit.run()
    assert outcome.code == 0, outcome.output
    assert outcome.statuses == {"a-first": "unreachable", "web1": "audited", "web2": "failed"}
    assert "127.0.0.1" in outcome.report["hosts"]["a-first"]["reason"]
    assert "/nonexistent/python3" in outcome.report["hosts"]["web2"]["reason"]
    assert rules_found(outcome) == [("web1", "accept_queue_full")]
    assert "CRITICAL  accept_queue_full: 1 finding on 1 host" in outcome.output
    assert "### accept\\_queue\\_full" in outcome.markdown
    assert not (outcome.folder / "reports" / "facts.json").exists()


@pytest.mark.parametrize("fail_on", ["never", "critical"])
def test_three_of_three_hosts_unreachable(audit, fail_on):
    for name in ("web1", "web2", "web3"):
        audit.unreachable(name)
    outcome = audit.run(backlog_audit_fail_on=fail_on)
    assert outcome.statuses == {"web1": "unreachable", "web2": "unreachable", "web3": "unreachable"}
    assert "| `web3` | unreachable |" in outcome.markdown
    assert (outcome.code == 0) == (fail_on == "never"), outcome.output
    sentence = "The audit fails (backlog_audit_fail_on: critical): 3 hosts not audited (web1, web2, web3)."
    assert (sentence in " ".join(outcome.output.split())) == (fail_on == "critical")


@pytest.mark.parametrize(
    ("fail_on", "changes", "fails"),
    [
        ("never", CRITICAL, False),
        ("critical", CRITICAL, True),
        ("critical", WARNING, False),
        ("warning", WARNING, True),
        ("critical", {"accept_queue_full": None}, True),
    ],
    ids=["never", "critical", "a_warning_is_less", "warning", "unknown_is_not_fine"],
)
def test_fail_on(audit, fail_on, changes, fails):
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(**changes)), backlog_audit_fail_on=fail_on)
    assert (outcome.code != 0) == fails, outcome.output
    assert ("The audit fails (backlog_audit_fail_on: %s)" % fail_on in outcome.output) == fails
    assert outcome.report["hosts"]["web1"]["status"] == "audited", "the report is written first"


def test_saved_facts_are_judged_without_touching_a_host(audit):
    audit.unreachable("not-asked")
    folder = saved(audit, web1=result(), web2=result(**WARNING)["ansible_facts"]["listen_queue"], web3={"unreachable": True, "msg": "No route to host"})
    outcome = audit.run(backlog_audit_from=folder)
    assert outcome.code == 0, outcome.output
    assert outcome.statuses == {"web1": "audited", "web2": "audited", "web3": "unreachable"}
    assert rules_found(outcome) == [("web2", "drops_rate")]
    assert "not-asked" not in outcome.output


def test_facts_of_an_audit_can_be_judged_again(audit):
    audit.answering("web1", result(**WARNING))
    audit.without_python("web2")
    first = audit.run(backlog_audit_save_facts=True)
    assert first.code == 0, first.output
    again = audit.run(inventory=False, backlog_audit_from="reports/facts.json", backlog_audit_thresholds={"drops_per_hour": 10000})
    assert again.code == 0, again.output
    assert again.statuses == first.statuses == {"web1": "audited", "web2": "failed"}
    assert (rules_found(first), rules_found(again)) == ([("web1", "drops_rate")], [("web1", "drops_lifetime")])


def test_the_role_does_not_ask_hosts_when_facts_are_given(audit):
    audit.answering("web1", result())
    playbook = audit.folder / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["netops.listen_queue.backlog_audit"]}]))
    outcome = audit.run(playbook=playbook, backlog_audit_from="reports")
    assert outcome.code != 0 and "Read the listen queues" not in outcome.output
    assert "use tasks_from saved of this role, or playbooks/audit.yml" in " ".join(outcome.output.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"schema": 1,', "saved/web2.json: it is not JSON: "),
        ('{"a": 1}', "saved/web2.json: it holds neither facts (listen_queue) nor the result of a failed task"),
    ],
)
def test_a_broken_file_is_named(audit, content, message):
    folder = saved(audit, web1=result())
    (audit.folder / "saved" / "web2.json").write_text(content)
    outcome = audit.run(inventory=False, backlog_audit_from=folder)
    assert outcome.code != 0
    assert message in " ".join(outcome.output.split())
    assert outcome.report is None


def test_broken_facts_of_one_host_do_not_hide_the_others(audit):
    broken = result()
    broken["ansible_facts"]["listen_queue"]["schema"] = 9
    outcome = audit.run(inventory=False, backlog_audit_from=saved(audit, web1=result(), web2=broken))
    assert outcome.statuses == {"web1": "audited", "web2": "failed"}
    assert outcome.report["hosts"]["web2"]["reason"].startswith("the facts have schema 9, this version reads schema 1")


def test_waivers_expired_and_valid(audit):
    waivers = audit.folder / "waivers.yml"
    waivers.write_text("""
backlog_audit_waivers:
  - {rule: accept_queue_full, host: web1, listener: "0.0.0.0:80", reason: will be replaced, expires: 2999-12-31}
  - {rule: accept_queue_full, host: web2, reason: was to be replaced, expires: 2020-01-31}
""")
    folder = saved(audit, web1=result(**CRITICAL), web2=result(**CRITICAL))
    outcome = audit.run("-e", "@" + str(waivers), inventory=False, backlog_audit_from=folder, backlog_audit_fail_on="critical")
    assert outcome.code != 0
    assert rules_found(outcome) == [("web2", "accept_queue_full")]
    assert [each["host"] for each in outcome.report["waived"]] == ["web1"]
    assert "EXPIRED WAIVERS (they do not apply)" in outcome.output
    assert "accept_queue_full on host web2: was to be replaced (until 2020-01-31), would cover 1" in " ".join(outcome.output.split())


def test_rules_of_the_user(audit):
    rules = audit.folder / "rules"
    rules.mkdir()
    text = {"summary": "{listener.address} at {listener.port}", "because": "of this", "fix": {"advice": "do that"}, "references": ["us"]}
    mine = {"id": "mine", "severity": "info", "for_each": "listener", "expr": "listener.port < thresholds.mine", **text}
    (rules / "mine.yml").write_text(json.dumps(mine))
    inline = [dict(mine, id="drops_rate", expr="listener.port == `80`", severity="warning")]
    outcome = audit.run(
        inventory=False,
        backlog_audit_from=saved(audit, web1=result(**WARNING)),
        backlog_audit_rules=inline,
        backlog_audit_rule_dirs=[str(rules)],
        backlog_audit_skip_rules=["drops_lifetime"],
        backlog_audit_thresholds={"mine": 1024},
    )
    assert outcome.code == 0, outcome.output
    assert [(each["rule"], each["summary"]) for each in outcome.report["findings"]] == [("drops_rate", "0.0.0.0:80 at 80"), ("mine", "0.0.0.0:80 at 80")]
    assert {each["id"]: each["source"] for each in outcome.report["rules"]}["mine"] == str(rules / "mine.yml")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"backlog_audit_fail_on": "sometimes"}, "value of backlog_audit_fail_on must be one of: critical, warning, never, got: sometimes"),
        ({"backlog_audit_sample": "long"}, "backlog_audit_sample"),
        ({"backlog_audit_rules": [{"id": "x"}]}, "The facts cannot be judged: backlog_audit_rules[0]: rule x: the key severity and for_each and "),
        ({"backlog_audit_waivers": [{"rule": "drops"}]}, "The facts cannot be judged: backlog_audit_waivers[0]: reason and expires is required"),
        ({"backlog_audit_thresholds": {"somaxcon": 1}}, "The facts cannot be judged: backlog_audit_thresholds.somaxcon is used by no rule"),
        ({"backlog_audit_report_mode": "0999"}, 'mode must be an octal number such as "0640", not 0999'),
        ({"backlog_audit_report_dir": "/proc/none"}, "The reports cannot be written: /proc/none: No such file or directory"),
        ({"backlog_audit_rule_dirs": ["/nonexistent"]}, "the rule directory /nonexistent cannot be read: No such file or directory"),
    ],
)
def test_bad_variables(audit, variables, message):
    audit.answering("web1", result())
    outcome = audit.run(**variables)
    assert outcome.code != 0
    assert message in " ".join(outcome.output.split())


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_hostile_names_are_text(audit, form):
    """Process, path and namespace come from the host, the host's name from an inventory somebody generated.

    Jinja in a host's name is not tried: core 2.16 evaluates it by itself, as part of the inventory.
    """
    hostile = result(processes=[{"pid": 1, "name": HOSTILE, "unit": HOSTILE}], family="unix", path=HOSTILE, **CRITICAL)
    hostile["ansible_facts"]["listen_queue"]["namespaces"][0]["names"] = {"netns": [HOSTILE]}
    hostile["ansible_facts"]["listen_queue"].update(complete=False, problems=[{"code": "x", "message": HOSTILE}])
    audit.answering("web1 | `b` <i>", hostile)
    audit.environment = {"ANSIBLE_CALLBACK_RESULT_FORMAT": form}
    outcome = audit.run(backlog_audit_save_facts=True)
    assert outcome.code == 0, outcome.output
    assert not list(audit.folder.rglob("pwned"))
    assert "\x1b" not in outcome.output and "\x1b" not in outcome.markdown
    assert "{{ lookup('pipe', 'touch pwned') }}" in " ".join(outcome.output.split())
    assert outcome.report["findings"][0]["listener"] == HOSTILE
    assert outcome.report["hosts"]["web1 | `b` <i>"]["status"] == "partial"


def test_check_mode_writes_the_report_and_files_are_not_for_everyone(audit):
    audit.answering("web1", result())
    outcome = audit.run("--check", "--diff", backlog_audit_save_facts=True)
    assert outcome.code == 0, outcome.output
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (outcome.folder / "reports").iterdir()}
    assert files == {"report.json": 0o640, "report.md": 0o640, "report.html": 0o640, "facts.json": 0o640}
    assert "generated_at" not in outcome.output, "a diff would show the whole report"


def test_one_task_per_host_and_nothing_else(audit):
    names = ["web%d" % number for number in range(5)]
    for name in names:
        audit.answering(name, result())
    outcome = audit.run()
    per_task = {
        title: len(re.findall(r"^(?:ok|changed|skipping|fatal): \[", body, re.MULTILINE))
        for title, body in re.findall(r"^TASK \[(.*?)\].*?\n(.*?)(?=^TASK|^PLAY)", outcome.output, re.MULTILINE | re.DOTALL)
    }
    assert [title for title, count in per_task.items() if count > 1] == ["netops.listen_queue.backlog_audit : Read the listen queues"]
    assert re.findall(r"^web1 .*changed=(\d)", outcome.output, re.MULTILINE) == ["0"]


def test_inventory_wide_connection_settings_do_not_reach_the_controller(audit):
    audit.answering("web1", result())
    audit.hosts["web1"]["ansible_become"] = False
    inventory = audit.folder / "group_vars" / "all.yml"
    inventory.parent.mkdir()
    inventory.write_text("ansible_become: true\nansible_become_method: nothing\nansible_python_interpreter: /nonexistent\n")
    outcome = audit.run()
    assert outcome.code == 0, outcome.output
    assert outcome.statuses == {"web1": "audited"}


def test_a_host_lost_before_the_role_is_in_the_report(audit):
    audit.unreachable("lost")
    audit.answering("web1", result())
    playbook = audit.folder / "own.yml"
    playbook.write_text("""
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: "true"
    - ansible.builtin.import_role: {name: netops.listen_queue.backlog_audit}
""")
    outcome = audit.run(playbook=playbook)
    assert outcome.statuses == {"lost": "failed", "web1": "audited"}
    assert outcome.report["hosts"]["lost"]["reason"] == "no answer: the host was lost before it was asked"


def test_this_machine(audit):
    outcome = audit.run("-i", "localhost,", "-c", "local", inventory=False, ansible_python_interpreter="{{ ansible_playbook_python }}")
    assert outcome.code == 0, outcome.output
    assert outcome.statuses["localhost"] in ("audited", "partial")
    assert outcome.report["hosts"]["localhost"]["namespaces"] >= 1
    assert "Listen queue audit of " in outcome.output
