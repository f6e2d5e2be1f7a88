# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that lies to its controller: it can harm itself, but no other host, not the controller, and not what the operator sees."""

import copy
import json

import pytest

CHECKPOINT = "tune-20261121T015626Z-e1ba"
CHANGE = {"module": "m", "at": "t", "state": "applied", "kind": "sysctl", "target": "/proc/sys/net/core/somaxconn", "before": "128", "after": "4096"}
SOCKET = {**CHANGE, "kind": "socket", "target": "the limit of 127.0.0.1:6379", "listen": "127.0.0.1:6379", "before": 128, "after": 4096}
PAINT = "told\x1b[2K\x1b[1A\rok: [web1]\x9b31m\u202e\nok: [web1]\n\x1b]0;title\x07"


def row(name=CHECKPOINT, opened_at="2026-11-21T01:56:26Z", **more):
    return {
        "id": name, "state": "committed", "opened_at": opened_at, "owner": "ops@desk", "reason": "the sale", "rollback_after": 900, "seconds_left": None,
        "armed_by": None, "after_boot": None, "undo_command": "undo", "changes": [CHANGE, SOCKET], "result": None, "problem": None, **more,
    }  # fmt: skip


VERIFIED = {
    "changed": False,
    "verified": True,
    "checks": [{"check": "limit", "subject": "0.0.0.0:80", "expected": 4096, "seen": [4096], "ok": True}],
    "listeners": [{"listen": "0.0.0.0:80", "limit": 4096}],
}
HONEST = {
    "sysctl_dropin": {
        "changed": True,
        "sysctls": {"net.core.somaxconn": {"after": {"runtime": "4096", "boot": "4096"}}},
        "diff": [{"before_header": "/proc/sys/net/core/somaxconn", "after_header": "the same", "before": "128\n", "after": "4096\n"}],
    },
    "nginx_listen": {
        "changed": True,
        "config": "/etc/nginx/nginx.conf",
        "files": ["/etc/nginx/nginx.conf"],
        "needs": "reload",
        "notes": ["a note"],
        "directives": [{"listen": ["0.0.0.0:80"], "listens_anew": True}],
    },
    "nginx_reload": {"changed": True, "needs": "nothing", "masters": [{"notes": ["a note"]}]},
    "nginx_listen_info": {"changed": False, "configs": [{"sockets": [{"path": "/run/x.sock"}]}]},
    "socket_backlog": {"changed": True},
    "checkpoint": {"changed": True, "id": CHECKPOINT, "checkpoint": row()},
    "checkpoint_info": {"changed": False, "checkpoints": [row()]},
    "listen_queue_verify": VERIFIED,
}
TUNE = {
    "target": "all",
    "reason": "the sale",
    "backlog_tune_listens": [{"listen": "all", "backlog": 4096}],
    "backlog_tune_sockets": [{"listen": "127.0.0.1:6379", "backlog": 4096}],
}


def everywhere(value, text):
    """`value` with `text` in place of each text."""
    if isinstance(value, dict):
        return {key: everywhere(item, text) for key, item in value.items()}
    return [everywhere(item, text) for item in value] if isinstance(value, list) else text if isinstance(value, str) else value


def lying(text):
    """All answers with `text` in place of what is data, so that each is read as far as possible. The proof fails, so there is a rollback too."""
    answers = everywhere(HONEST, text)
    answers["nginx_listen"]["needs"] = "reload"
    answers["checkpoint_info"]["checkpoints"] = [everywhere(row(), text) | {"state": "committed", "id": "mitigate-" + text}]
    answers["checkpoint_info"]["checkpoints"][0]["changes"] = [everywhere(each, text) | {"kind": each["kind"]} for each in (CHANGE, SOCKET)]
    return {
        name: {**answer, "ansible_facts": {text: text, "backlog_nginx_" + text: text, "listen_queue": text, "backlog_tune_id": text}}
        for name, answer in answers.items()
    }


CORES = ("2.16", "2.19", "2.21")
READERS = [*((core, "tune", "false") for core in CORES), ("2.16", "tune", "true"), ("2.16", "promote", "false"), ("2.16", "checkpoints", "false")]


@pytest.mark.parametrize(("core", "playbook", "native"), READERS)
def test_template_in_what_a_host_says_stays_text(fleet, core, playbook, native):
    """Core 2.16 takes each text for a template that is not marked. With native types other marks are lost."""
    answers = lying("{{ lookup('pipe', 'touch %s/pwned') }}" % fleet.folder)
    failed = {**answers["listen_queue_verify"], "failed": True, "msg": answers["nginx_reload"]["needs"]}
    answers["listen_queue_verify"] = [answers["listen_queue_verify"], answers["listen_queue_verify"], failed]
    answers["checkpoint"] = [answers["checkpoint"], {**failed, "msg": "rolled back"}]
    fleet.add("web1", answers)
    outcome = fleet.run(playbook, environment={"ANSIBLE_JINJA2_NATIVE": native}, **TUNE)
    assert not (fleet.folder / "pwned").exists(), outcome.output
    reached = {"tune": "rolled back", "promote": "rolled back", "checkpoints": "{{ lookup('pipe'"}
    assert reached[playbook] in outcome.output, outcome.output


@pytest.mark.parametrize("core", CORES)
def test_facts_of_a_host_are_not_where_the_controller_writes(fleet, core):
    victim = fleet.folder / "victim"
    facts = {"backlog_audit_report_dir": str(victim), "backlog_audit_save_baseline": str(victim / "bashrc"), "backlog_audit_report_mode": "0666"}
    fleet.add("web1", {"listen_queue_facts": {"changed": False, "listen_queue_json": "{}", "ansible_facts": facts, "ansible_stats": {"data": facts}}})
    outcome = fleet.run("audit")
    assert not victim.exists(), outcome.output
    assert (fleet.folder / "reports" / "report.json").exists(), outcome.output


def test_facts_that_were_there_already_are_not_either(fleet):
    fleet.add("web1", {"listen_queue_facts": {"changed": False, "listen_queue_json": "{}"}})
    playbook = fleet.folder / "play.yml"
    told = {"name": "As from a fact cache", "ansible.builtin.set_fact": {"backlog_audit_report_dir": str(fleet.folder / "victim"), "cacheable": True}}
    role = {"name": "Audit", "ansible.builtin.import_role": {"name": "netops.listen_queue.backlog_audit"}}
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [told, role]}]))
    outcome = fleet.run(playbook)
    assert outcome.code == 2 and not (fleet.folder / "victim").exists(), outcome.output
    sentence = "The facts of web1 set backlog_audit_report_dir, but only you may: remove them from the facts or from their cache, or leave the host out."
    assert sentence in " ".join(outcome.output.split())


def test_facts_of_one_host_do_not_name_the_checkpoint_of_another(fleet):
    answers = copy.deepcopy(HONEST)
    answers["sysctl_dropin"]["ansible_facts"] = {"backlog_tune_id": "chosen", "backlog_tune_commit": "manual"}
    fleet.add("web1", answers)
    fleet.add("web2", HONEST)
    outcome = fleet.run("tune", **{**TUNE, "backlog_tune_listens": []})
    assert outcome.code == 0, outcome.output
    states = [outcome.values(name, "checkpoint", "state") for name in ("web1", "web2")]
    names = {name for host in ("web1", "web2") for name in outcome.values(host, "checkpoint", "id")}
    assert states == [["open", "committed"]] * 2 and len(names) == 1 and "chosen" not in names


@pytest.mark.parametrize(("core", "form"), [*((core, "json") for core in CORES), ("2.16", "yaml")])
def test_a_host_cannot_paint_the_terminal(fleet, core, form):
    said = {
        "msg": PAINT,
        "warnings": [PAINT],
        "deprecations": [{"msg": PAINT, "version": "9.9", "collection_name": "a.b"}],
        "exception": "Traceback\n" + PAINT,
        "diff": [{"before": PAINT, "after": "", "before_header": PAINT, "after_header": PAINT, "prepared": PAINT}],
        "checkpoints": [row(reason=PAINT, owner=PAINT, undo_command=PAINT, state="open", problem=PAINT)],
    }
    fleet.add("told", {"checkpoint_info": {"changed": True, **said}})
    fleet.add("failed", {"checkpoint_info": {"failed": True, **said}})
    fleet.add("no-json", {"checkpoint_info": PAINT})
    fleet.add("more-than-json", {"checkpoint_info": json.dumps({"changed": False, "checkpoints": []}) + "\n" + PAINT})
    outcome = fleet.run("checkpoints", "--diff", environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": form})
    assert [line for line in outcome.output.split("\n") if not line.isprintable() or line.startswith("ok: [web1]")] == []
    assert "\\x1b[2K" in outcome.output


LIES = ("[1, 2]", '{"id": 5}', "null", '{"id": "x", "state": "open", "opened_at": 7, "changes": "y"}', '{"a":' * 800 + "1" + "}" * 800, "{" * 9)


def test_rollback_of_the_others_goes_on_whatever_a_host_says(fleet):
    for number, lie in enumerate(LIES):
        fleet.add("liar%d" % number, {"checkpoint_info": '{"changed": false, "checkpoints": [%s]}' % lie})
    fleet.add("web1", HONEST)
    outcome = fleet.run("rollback", target="all", reason="too early")
    assert outcome.values("web1", "checkpoint", "id") == [CHECKPOINT], outcome.output
    assert "The checkpoint %s is taken back on web1." % CHECKPOINT in outcome.output
    listed = fleet.run("checkpoints").output
    assert "%s  committed on web1" % CHECKPOINT in listed and listed.count("what it answered is no journal") == 4


def test_a_host_that_names_an_old_checkpoint_does_not_make_others_take_theirs_back(fleet):
    fleet.add("web1", {**HONEST, "checkpoint_info": {"changed": False, "checkpoints": [row("tune-of-spring", "2036-01-01T00:00:00Z")]}})
    fleet.add("web2", {**HONEST, "checkpoint_info": {"changed": False, "checkpoints": [row("tune-of-spring", "2026-04-01T00:00:00Z"), row()]}})
    outcome = fleet.run("rollback", target="all", reason="too early")
    assert outcome.code == 0, outcome.output
    assert outcome.values("web2", "checkpoint", "id") == []
    assert "The checkpoint tune-of-spring is taken back on web1." in outcome.output
