# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from bench import limits

JOURNALS = "/var/lib/netops.listen_queue/checkpoints/"
PREPARED = 1024  # the backlog of the shop


def result(host, name):
    """How a checkpoint ended, from its journal."""
    return json.loads(host.check_output("head -n 1 %sresult", JOURNALS + name + "/"))


def test_checkpoints_ended_as_they_should(host):
    states = host.run("ls -d %s*/head.*" % JOURNALS).stdout.split()
    assert states == [JOURNALS + name for name in ("boot/head.rolled_back", "committed/head.committed", "timer.service/head.rolled_back")]
    assert (result(host, "timer.service")["by"], result(host, "boot")["by"]) == ("the deadline", "the boot")
    assert result(host, "timer.service")["failures"] == result(host, "boot")["failures"] == []


def test_what_was_committed_stays(host):
    assert host.file("/etc/sysctl.d/60-stays.conf").contains("tcp_max_syn_backlog = 3333")
    assert host.sysctl("net.ipv4.tcp_max_syn_backlog") == 3333


def test_what_was_not_is_as_before_the_sysctls_were_set_and_nginx_started(host):
    assert not host.file("/etc/sysctl.d/99-listen-queue.conf").exists
    assert host.sysctl("net.core.somaxconn") == 4096
    assert limits(host, 8080) == [PREPARED]


def test_nothing_is_left_that_was_for_an_open_checkpoint(host):
    assert host.run("ls /etc/systemd/system | grep netops").stdout == ""
    assert not host.file("/etc/systemd/system/sysinit.target.d").exists
    assert "netops" not in host.check_output("systemctl list-timers --all --no-legend")
    assert "netops" not in host.check_output("systemctl --failed --no-legend")


def test_journals_are_for_root_alone(host):
    assert host.check_output("stat -c %%a %s", JOURNALS) == "700"
    assert set(host.run("find %s -type f -printf '%%m\n'" % JOURNALS).stdout.split()) == {"600"}
