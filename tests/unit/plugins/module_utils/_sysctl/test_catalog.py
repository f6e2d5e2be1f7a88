# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of sysctls: every row is filled in, sourced, and agrees with what was measured."""

import re

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.catalog import CATALOG, GATHERED

IDS = [row.key for row in CATALOG]
ROWS = {row.key: row for row in CATALOG}


def test_keys_are_unique():
    assert len(ROWS) == len(CATALOG)


@pytest.mark.parametrize("row", CATALOG, ids=IDS)
def test_row_is_complete(row):
    assert re.fullmatch(r"net(\.[a-z0-9_]+)+", row.key)
    assert row.in_new_namespace in ("constant", "inherited", "computed", "global")
    assert row.per_namespace == (row.in_new_namespace != "global")
    assert re.fullmatch(r"\d+(\.\d+){1,2}", row.since)
    assert re.fullmatch(r"safe( \(1\.\d+\))?|unsafe|node", row.kubernetes)
    assert (row.kubernetes == "node") == (not row.per_namespace)
    assert re.search(r"net/\w+/\w+\.c", row.source)


@pytest.mark.parametrize("row", [row for row in CATALOG if row.kubernetes.startswith("safe")], ids=lambda row: row.key)
def test_safe_for_kubernetes_names_the_page_that_says_so(row):
    assert "kubernetes.io" in row.source


def test_gathered_keys():
    assert [row.key for row in GATHERED] == [
        "net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_abort_on_overflow",
        "net.ipv4.tcp_synack_retries", "net.ipv4.tcp_migrate_req",
    ]  # fmt: skip


MEASURED = {
    "net.core.somaxconn": ("constant", "unsafe"),
    "net.ipv4.tcp_syncookies": ("constant", "safe"),
    "net.ipv4.tcp_max_syn_backlog": ("computed", "unsafe"),
    "net.ipv4.tcp_abort_on_overflow": ("constant", "unsafe"),
    "net.ipv4.tcp_rmem": ("inherited", "safe (1.32)"),
    "net.ipv4.tcp_congestion_control": ("inherited", "unsafe"),
    "net.ipv4.conf.all.rp_filter": ("inherited", "unsafe"),
    "net.core.netdev_max_backlog": ("global", "node"),
    "net.core.rmem_max": ("global", "node"),
    "net.ipv4.tcp_mem": ("global", "node"),
}


@pytest.mark.parametrize("key", MEASURED)
def test_new_namespace_as_measured(key):
    assert (ROWS[key].in_new_namespace, ROWS[key].kubernetes) == MEASURED[key]
