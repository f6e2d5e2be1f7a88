# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

from bench import changes_since_prepare, limits, name_of, report, unlike_prepared

# The container of the host is a namespace of its own, and what runs around it cannot be seen.
PARTIAL = "namespaces may be missing, because /proc does not show every process of the host"
WRITABLE = """import json, os
found = []
for folder, _folders, names in os.walk("/proc/sys"):
    for name in names:
        try:
            os.close(os.open(os.path.join(folder, name), os.O_WRONLY))
        except OSError:
            continue
        found.append(os.path.join(folder, name))
print(json.dumps(found))
"""


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


def test_host_may_set_its_own_sysctls_and_none_of_the_machine(host):
    found = json.loads(host.check_output("python3 -c %s", WRITABLE))
    assert "/proc/sys/net/core/somaxconn" in found
    assert [path for path in found if not path.startswith("/proc/sys/net/")] == []


def test_whatever_is_written_is_seen(host):
    """So the tests above, and those of all scenarios that find nothing, could find something."""
    for command in (
        "cp /etc/fstab /etc/same && cat /etc/same > /etc/fstab",
        "rm /etc/issue.net",
        "sysctl -qw net.ipv4.tcp_syn_retries=5",
        "chmod 600 /etc/shells",
    ):
        host.check_output(command)
    sysctl = "/proc/sys/net/ipv4/tcp_syn_retries"
    assert changes_since_prepare(host) == ["/etc", "/etc/fstab", "/etc/issue.net", "/etc/same", "/etc/shells", sysctl]
    assert unlike_prepared(host) == ["/etc/issue.net", "/etc/same", "/etc/shells", sysctl]
