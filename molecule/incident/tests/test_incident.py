# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests follow each other."""

import pytest
from bench import journal, limits, name_of, play, playbook, unlike_prepared, wait_until

pytestmark = pytest.mark.sample("plain")
OTHER = "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', 6379)); s.listen(100); time.sleep(600)"


def test_mitigation_whose_proof_fails_is_taken_back_and_is_not_made_permanent(host):
    host.check_output("systemd-run --unit=other --collect python3 -c %s", OTHER)
    wait_until(lambda: limits(host, 6379) == [100])
    run = playbook("mitigate", target=name_of(host), reason="incident 4711", backlog_tune_url="http://127.0.0.1:9090/broken", backlog_tune_timeout=2)
    assert run.code == 2 and "the answer is 503" in run.output, run.output
    assert unlike_prepared(host) == []
    assert (limits(host, 8080), limits(host, 6379)) == ([128], [100])
    run = playbook("promote", target=name_of(host), reason="keep it")
    assert run.code == 2 and "Nothing was mitigated here, or it was rolled back; there is nothing to make permanent" in run.output


def test_mitigation_writes_no_file(host):
    run = playbook("mitigate", target=name_of(host), reason="incident 4711")
    assert run.code == 0, run.output
    assert unlike_prepared(host) == ["/proc/sys/net/core/somaxconn"]
    assert (limits(host, 8080), limits(host, 6379)) == ([5000], [300])


def test_second_mitigation_finds_nothing_to_do(host):
    run = playbook("mitigate", target=name_of(host), reason="incident 4711")
    assert (run.code, run.recap()[name_of(host)]["changed"]) == (0, 0)


def test_promotion_needs_a_reason(host):
    run = playbook("promote", target=name_of(host))
    assert run.code == 2 and "backlog_tune_reason is empty; say why" in run.output


def test_promotion_is_refused_when_a_value_or_a_limit_is_another_one_now(host, tmp_path):
    def set_limit(backlog):
        task = {"netops.listen_queue.socket_backlog": {"listen": "127.0.0.1:6379", "backlog": backlog}}
        assert play(tmp_path, name_of(host), {"tasks": [task]}).code == 0

    set_limit(200)
    host.check_output("sysctl -qw net.core.somaxconn=5500")
    run = playbook("promote", target=name_of(host), reason="keep it")
    host.check_output("sysctl -qw net.core.somaxconn=6000")
    set_limit(300)
    assert run.code == 2 and "net.core.somaxconn is 5500 and not 6000" in run.output
    assert "the limit of 127.0.0.1:6379 is 200 and not 300" in run.output, run.output


def test_checkpoint_that_is_not_here_is_neither_committed_nor_taken_back_nor_made_permanent(host):
    told = {
        "promote": (2, "The checkpoint tune-elsewhere is not here"),
        "commit": (2, "checkpoint: there is no tune-elsewhere here; known are: mitigate-"),
        "rollback": (2, "There is no checkpoint tune-elsewhere on the hosts of this play, so nothing was rolled back"),
    }
    for name, (code, sentence) in told.items():
        run = playbook(name, target=name_of(host), reason="a mistake", id="tune-elsewhere")
        assert run.code == code and sentence in run.output and run.recap()[name_of(host)]["changed"] == 0, run.output
    assert journal(host)[-1]["state"] == "committed"


def test_promotion_makes_permanent_what_was_mitigated_and_not_what_was_tuned_since(host):
    tuned = {"backlog_tune_sysctls": {"net.ipv4.tcp_max_syn_backlog": 7000}, "backlog_tune_sockets": []}
    assert playbook("tune", target=name_of(host), reason="another change", **tuned).code == 0
    run = playbook("promote", target=name_of(host), reason="keep it")
    assert run.code == 0, run.output
    assert '"listen": "127.0.0.1:6379"' in run.output.split("set_it_in_the_program", 1)[1]
    assert host.file("/etc/sysctl.d/99-listen-queue.conf").contains("net.core.somaxconn = 6000")
    assert host.file("/etc/nginx/sites-available/shop").contains("listen 8080 backlog=5000;")
    assert limits(host, 8080) == [5000]


@pytest.mark.only("plain")
def test_nothing_is_begun_without_a_target(host):
    for name in ("tune", "mitigate", "promote", "commit", "rollback"):
        run = playbook(name, reason="why not")
        assert run.code == 2 and "Say which hosts are meant" in run.output and list(run.recap()) == ["localhost"]
