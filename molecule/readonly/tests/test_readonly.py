# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from bench import changes_since_prepare, name_of, report


def test_sysctls_are_read_only(host):
    assert host.run("echo 5000 > /proc/sys/net/core/somaxconn").stderr.endswith("Read-only file system\n")


def test_host_was_audited(host):
    assert report()["hosts"][name_of(host)]["listeners"] > 5


def test_audit_writes_nothing(host):
    assert changes_since_prepare(host) == []
