# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from bench import changes_since_prepare, limits, name_of, report

# The container of the host is a namespace of its own, and what runs around it cannot be seen.
PARTIAL = "namespaces may be missing, because /proc does not show every process of the host"


def test_audit_writes_nothing(host):
    assert changes_since_prepare(host) == []


def test_host_was_audited(host):
    audited = report()["hosts"][name_of(host)]
    assert (audited["status"], PARTIAL in audited["reason"]) == ("partial", True)


def test_report_has_the_limits_of_the_kernel(host):
    rows = [row for row in report()["queues"] if row["host"] == name_of(host)]
    told = {row["listener"]: row["accept_queue_limit"] for row in rows if row["program"] == "nginx"}
    asked = {"0.0.0.0:80": 80, "0.0.0.0:8080": 8080, "0.0.0.0:8443": 8443, "127.0.0.1:9090": 9090}
    assert {name: [told[name]] for name in asked} == {name: limits(host, port) for name, port in asked.items()}
