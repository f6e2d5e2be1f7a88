# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of counters is complete and says something in each cell."""

import re

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.counters import COUNTERS, LISTED

IDS = [f"{counter.group}.{counter.name}" for counter in COUNTERS]
PROMISED = """ListenOverflows ListenDrops TCPReqQFullDrop TCPReqQFullDoCookies SyncookiesSent SyncookiesRecv SyncookiesFailed TCPBacklogDrop
    TCPSynRetrans EmbryonicRsts PassiveOpens AttemptFails IPReversePathFilter TCPDeferAcceptDrop""".split()


def test_names_are_unique():
    assert len(LISTED) == len(COUNTERS) == len(set(IDS))


@pytest.mark.parametrize("name", PROMISED)
def test_promised_counter_is_listed(name):
    assert name in {counter.name for counter in COUNTERS}


@pytest.mark.parametrize("counter", COUNTERS, ids=IDS)
def test_row_has_group_version_and_both_meanings(counter):
    assert counter.group in ("TcpExt", "Tcp")
    assert re.fullmatch(r"[A-Za-z]+", counter.name)
    assert re.fullmatch(r"\d+(\.\d+){1,2}", counter.since)
    for sentence in (counter.proves, counter.proves_not):
        assert len(sentence.split()) > 1
        assert not sentence.endswith(".")
