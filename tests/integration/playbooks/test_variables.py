# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that come from somewhere else, such as an inventory that a program wrote: refused in one sentence, and nothing is changed."""

import json

URL = "backlog_tune_url is no URL that can be asked; write it like http://127.0.0.1:8080/health, without a user and a password"
SERVICE = "backlog_tune_service is no name of a service; write it like nginx or nginx@shop.service"
REFUSED = {
    "file": ("url", "file:///etc/shadow", URL),
    "gopher": ("url", "gopher://127.0.0.1:25/x", URL),
    "password": ("url", "http://user:secret@127.0.0.1/", URL),
    "newline": ("url", "http://127.0.0.1/\n", URL),
    "request-in-a-request": ("url", "http://127.0.0.1/ HTTP/1.1\r\nX: y", URL),
    "command": ("service", "nginx; reboot", SERVICE),
    "option": ("service", "--root=/tmp", SERVICE),
    "quote": ("service", "nginx' 'sshd", SERVICE),
    "watch": ("watch", 0, "backlog_tune_watch takes 0.05 to 60 seconds, and backlog_tune_timeout at most 3600"),
}
TAKEN = {"none": ("url", ""), "query": ("url", "http://[::1]:8080/health?a=b"), "template": ("service", "nginx@shop-1.service"), "default": ("watch", 0.5)}


def test_what_is_refused_and_what_is_not(fleet):
    """Every host gets one of them, and fails or goes on by itself."""
    verified = {"changed": False, "verified": True, "checks": [], "listeners": []}
    for name in (*REFUSED, *TAKEN):
        fleet.add(name, {"sysctl_dropin": {"changed": False, "sysctls": {}, "diff": []}, "listen_queue_verify": verified})
    given = {host: {row[0]: row[1]} for host, row in {**REFUSED, **TAKEN}.items()}
    defaults = {"url": "", "service": "nginx", "watch": 0.5}
    variables = {"backlog_tune_" + key: "{{ given[inventory_hostname].%s | default(defaults.%s) }}" % (key, key) for key in defaults}
    playbook = fleet.folder / "play.yml"
    role = {"name": "Tune", "ansible.builtin.import_role": {"name": "netops.listen_queue.backlog_tune"}}
    play = {"hosts": "all", "gather_facts": False, "vars": {**variables, "backlog_tune_reason": "the sale"}, "tasks": [role]}
    playbook.write_text(json.dumps([play]))
    outcome = fleet.run(playbook, environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}, given=given, defaults=defaults)
    for name, (_key, _value, sentence) in REFUSED.items():
        assert outcome.asked[name] == [], outcome.output
        lines = [line for line in outcome.output.split("\n") if line.startswith("failed: [%s]" % name)]
        assert len(lines) == 1 and sentence in lines[0], (name, lines)
    assert "secret" not in outcome.output
    assert {name: [call[0] for call in outcome.asked[name]] for name in TAKEN} == {name: ["sysctl_dropin", "listen_queue_verify"] for name in TAKEN}
