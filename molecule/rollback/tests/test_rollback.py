# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests follow each other: the first is about the hosts as they were prepared."""

import pytest
from bench import journal, journal_of, limits, name_of, playbook, unlike_prepared, wait_until, write
from watch import written

BROKEN = "http://127.0.0.1:9090/broken"
PORTS = (80, 8080, 8443, 9090)


REFUSED = {
    "no_reason": ({"reason": ""}, "backlog_tune_reason is empty; say why"),
    "files_of_a_change_that_writes_none": ({"backlog_tune_persist": False}, "backlog_tune_listens changes files, but backlog_tune_persist is false"),
    "proof_that_cannot_end": ({"backlog_tune_watch": 4}, "backlog_tune_watch has to be less than backlog_tune_timeout"),
}


def all_limits(host):
    return {port: limits(host, port) for port in PORTS}


def hunks(output):
    """What --diff printed, one entry for each thing that is changed."""
    return [hunk.split("\n\n")[0] for hunk in output.split("\n--- before")[1:]]


@pytest.mark.only("plain")
@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_at_once(host, given, sentence):
    run = playbook("tune", target=name_of(host), **{"reason": "the sale", **given})
    assert run.code == 2 and sentence in run.output, run.output
    assert unlike_prepared(host) == [] and journal(host) == []


def test_failed_proof_takes_everything_back(host):
    before = all_limits(host)
    run = playbook("tune", target=name_of(host), reason="the sale", backlog_tune_url=BROKEN)
    assert run.code == 2
    assert "this does not hold: http://127.0.0.1:9090/broken: the answer is 503" in run.output and "it had been opened for: the sale" in run.output
    assert "is rolled back by" in run.output
    assert unlike_prepared(host) == []
    assert all_limits(host) == before == {port: [128] for port in PORTS}


def test_journal_tells_both_reasons(host):
    [row] = journal(host)
    assert (row["state"], row["reason"]) == ("rolled_back", "the sale")
    assert "the answer is 503" in row["result"]["reason"]
    assert row["result"]["failures"] == [] and row["result"]["conflicts"] == []
    assert {change["state"] for change in row["changes"]} == {"undone"}


def test_nothing_that_was_for_the_open_checkpoint_is_left(host):
    assert host.run("ls /etc/systemd/system | grep netops").stdout == ""
    assert "netops" not in host.check_output("systemctl list-timers --all --no-legend")


@pytest.mark.only("admin")
def test_configuration_that_nginx_refuses_already_is_not_touched(host):
    host.check_output("echo 'this is no directive;' > /etc/nginx/conf.d/broken.conf")
    run = playbook("tune", target=name_of(host), reason="the sale")
    host.check_output("rm /etc/nginx/conf.d/broken.conf")
    assert run.code == 2 and "already as it is" in run.output
    assert unlike_prepared(host) == []


@pytest.mark.only("plain")
def test_port_that_somebody_else_took_is_found(host):  # F31
    """nginx -t and the reload both end well in that case, and nothing changes. The file is put back; nginx can read it again once the port is free."""
    before = all_limits(host)
    host.check_output("echo 'server { listen 7070; }' > /etc/nginx/conf.d/taken.conf")
    host.check_output("systemd-run --unit=taken --collect python3 -m http.server 7070")
    run = playbook("tune", target=name_of(host), reason="the sale", backlog_tune_listens=[{"listen": 8080, "backlog": 5000}])
    assert run.code == 2 and "98: Address already in use" in run.output
    refused = playbook("tune", target=name_of(host), reason="the sale", backlog_tune_listens=[{"listen": 8080, "backlog": 600}])
    assert refused.code == 2 and "the rollback of the checkpoint" in refused.output
    host.check_output("systemctl stop taken; rm /etc/nginx/conf.d/taken.conf")
    assert playbook("rollback", target=name_of(host), reason="the port is free").code == 0
    assert unlike_prepared(host) == []
    assert all_limits(host) == before


@pytest.mark.sample("plain")
def test_committed_change_is_taken_back_by_the_playbook(host):
    before = all_limits(host)
    assert playbook("tune", target=name_of(host), reason="the sale").code == 0
    assert all_limits(host) == {port: [5000] for port in PORTS}
    listed = playbook("checkpoints", target=name_of(host))
    assert listed.code == 0 and "net.core.somaxconn 128 -> 6000" in listed.output
    assert playbook("rollback", target=name_of(host), reason="the sale is over").code == 0
    assert unlike_prepared(host) == []
    assert all_limits(host) == before


@pytest.mark.sample("plain")
def test_all_listens_were_one_reload(host):
    changes = journal(host)[-1]["changes"]
    assert len([change for change in changes if change["kind"] == "file"]) == 3, changes
    reloaded = [change["target"] for change in changes if change["module"].endswith(".nginx_reload")]  # each reload has a row for every socket
    assert len(reloaded) == len(set(reloaded)) >= len(PORTS), changes


@pytest.mark.only("plain")
def test_second_rollback_finds_nothing(host):
    run = playbook("rollback", target=name_of(host), reason="again")
    assert (run.code, run.recap()[name_of(host)]["changed"]) == (0, 0)
    assert "There is no checkpoint that could be rolled back." in run.output


@pytest.mark.only("plain")
def test_rollback_of_a_checkpoint_that_nobody_has_fails(host):
    run = playbook("rollback", target="all", reason="a typing error", id="tune-20261121")
    assert run.code == 2 and "There is no checkpoint tune-20261121 on the hosts of this play, so nothing was rolled back" in run.output


@pytest.mark.only("plain")
def test_backlog_above_the_cap_is_refused_before_anything_is_changed(host):
    asked = {"backlog_tune_listens": [{"listen": "*:8080", "backlog": 70000}]}
    before = len(journal(host))
    for arguments in ("--check",), ():
        run = playbook("tune", *arguments, target=name_of(host), reason="the sale", **asked)
        assert run.code == 2 and "net.core.somaxconn will be 6000, and the kernel grants no more, but 0.0.0.0:8080 is to get 70000" in run.output
    assert len(journal(host)) == before


@pytest.mark.only("plain")
def test_check_mode_writes_nothing_and_predicts_the_diff(host):
    with written(host.backend.name) as paths:
        predicted = playbook("tune", "--check", "--diff", target=name_of(host), reason="the sale")
    assert predicted.code == 0, predicted.output
    assert paths == []
    assert unlike_prepared(host) == []
    with written(host.backend.name) as paths:
        real = playbook("tune", "--diff", target=name_of(host), reason="the sale")
    assert {"/proc/sys/net/core/somaxconn", "/etc/sysctl.d/99-listen-queue.conf", "/etc/nginx/sites-available/shop"} <= set(paths)
    assert hunks(predicted.output) == hunks(real.output)
    assert [hunk.split("\n")[0] for hunk in hunks(real.output)][-1] == ": 127.0.0.1:9090"
    again = playbook("tune", "--diff", target=name_of(host), reason="the sale", backlog_tune_url=BROKEN)
    assert (again.code, hunks(again.output)) == (2, []) and "the answer is 503" in again.output
    assert journal(host)[-1]["state"] == "committed"
    assert playbook("rollback", target=name_of(host), reason="tidy up").code == 0


@pytest.mark.only("plain")
def test_check_mode_predicts_a_mitigation(host):
    given = {"backlog_tune_sockets": [{"listen": "*:8080", "backlog": 5000}]}
    predicted = playbook("mitigate", "--check", "--diff", target=name_of(host), reason="an incident", **given)
    assert predicted.code == 0, predicted.output
    real = playbook("mitigate", "--diff", target=name_of(host), reason="an incident", **given)
    assert hunks(predicted.output) == hunks(real.output) != []
    assert playbook("rollback", target=name_of(host), reason="tidy up").code == 0


TWO = """
- hosts: {target}
  gather_facts: false
  tasks:
    - name: Both nginx
      ansible.builtin.include_role:
        name: netops.listen_queue.{role}
      loop:
        - {{config: /etc/nginx/nginx.conf, listens: [{{listen: 8080, backlog: 5100}}]}}
        - {{config: /etc/second/nginx.conf, listens: [{{listen: "[::1]:8181", backlog: 5200}}, {{listen: "unix:/run/second.sock", backlog: 5300}}]}}
      vars:
        {role}_config: "{{{{ item.config }}}}"
        {role}_listens: "{{{{ item.listens }}}}"
"""


@pytest.fixture
def second_nginx(host):
    """Also puts back what the role backlog_nginx changes, because there is no checkpoint that could."""
    host.check_output("cp /etc/nginx/sites-available/shop /run/shop; mkdir -p /etc/second")
    write(host, "/etc/second/nginx.conf", "pid /run/second.pid; events {} http { server { listen [::1]:8181; listen unix:/run/second.sock; return 200; } }\n")
    host.check_output("nginx -c /etc/second/nginx.conf")
    yield
    host.check_output("nginx -c /etc/second/nginx.conf -s stop; rm -r /etc/second")
    assert playbook("rollback", target=name_of(host), reason="tidy up").code == 0
    host.check_output("cat /run/shop > /etc/nginx/sites-available/shop; systemctl reload nginx")
    wait_until(lambda: limits(host, 8080) == [128])


@pytest.mark.only("plain")
@pytest.mark.parametrize("role", ["backlog_nginx", "backlog_tune"])
def test_role_in_a_loop_over_two_nginx(host, second_nginx, tmp_path, role):
    """Also what a loop of one's own calls item."""
    play = tmp_path / "two.yml"
    play.write_text(TWO.format(target=name_of(host), role=role))
    host.check_output("sysctl -qw net.core.somaxconn=6000")
    run = playbook(play, backlog_tune_reason="two of them")
    host.check_output("sysctl -qw net.core.somaxconn=128")
    assert run.code == 0, run.output
    assert limits(host, 8080) == [5100]
    assert host.check_output("ss -6Hltn sport = :8181").split()[2] == "5200"
    assert host.check_output("ss -Hlx src /run/second.sock").split()[3] == "5300"
    assert run.output.count("RUNNING HANDLER [netops.listen_queue.backlog_nginx : Backlog_nginx | Reload nginx]") == 2
    assert "already in use" not in run.output


TWICE = """
- hosts: all
  serial: 1
  any_errors_fatal: true
  gather_facts: false
  tasks:
    - name: One change after the other
      ansible.builtin.include_role:
        name: netops.listen_queue.backlog_tune
      loop: [8080, 8443]
      vars:
        backlog_tune_listens: [{listen: "{{ item }}", backlog: 5400}]
"""


@pytest.mark.only("plain")
def test_role_twice_on_each_of_two_hosts(host, tmp_path):
    """Each use has a checkpoint of its own, which is the same one on both hosts."""
    play = tmp_path / "twice.yml"
    play.write_text(TWICE)
    known = {name: {row["id"] for row in journal_of(name)} for name in ("admin", "plain")}
    run = playbook(play, backlog_tune_reason="one after the other")
    assert run.code == 0, run.output
    made = {name: {row["id"] for row in journal_of(name)} - known[name] for name in known}
    assert made["admin"] == made["plain"] and len(made["plain"]) == 2
    for _each in made["plain"]:
        assert playbook("rollback", target="all", reason="tidy up").code == 0
    assert limits(host, 8080) == limits(host, 8443) != [5400]
