# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from bench import FOLDER, limits, name_of

WANTED = {8080: [5000], 8443: [511], 9090: [5000]}


def limits_before_the_restart(host):
    rows = [row.split() for row in (FOLDER / f"{name_of(host)}.before").read_text(encoding="utf-8").splitlines()]
    return {int(row[3].rsplit(":", 1)[1]): int(row[2]) for row in rows}


@pytest.mark.parametrize("port", WANTED)
def test_limit_was_live_at_once(host, port):
    assert [limits_before_the_restart(host)[port]] == WANTED[port]


@pytest.mark.parametrize("port", WANTED)
def test_limit_survives_a_restart_of_the_host(host, port):
    assert limits(host, port) == WANTED[port]


def test_socket_that_nobody_named_was_left_alone(host):
    assert limits_before_the_restart(host)[80] == 128


def test_cap_is_set_at_boot(host):
    assert host.sysctl("net.core.somaxconn") == 6000


def test_only_the_directive_that_owns_the_options_was_changed(host):
    text = host.file("/etc/nginx/sites-available/shop").content_string
    assert "    listen 8080 backlog=5000;   # asked for in June\n    listen 8443 backlog=511 ;\n" in text
    assert text.count("backlog=") == 2 and "Grüße" in text
    assert host.file("/etc/nginx/sites-enabled/shop").is_symlink


def test_nothing_waits_for_a_commit(host):
    assert host.run("ls /var/lib/netops.listen_queue/checkpoints/*/head.*").stdout.split("head.")[1:] == ["committed\n"]
    assert host.run("ls /etc/systemd/system | grep netops").stdout == ""
