# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connection tracking dropped: a capture, other columns, and files that are cut."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._diagnosis.conntrack import EVENTS, parse_conntrack
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture

CAPTURE = fixture("debian12-6.18-conntrack_stat.txt")
ROWS = {
    "two_cpus": (CAPTURE, (0, 0, 0)),
    "other_columns": (b"entries drop early_drop insert_failed new\n0a 1f 02 03 ff\n0a 01 00 ff ff\n", (32, 2, 258)),
    "column_is_missing": (b"entries drop insert_failed\n1 2 3\n", None),
    "only_names": (b"entries drop early_drop insert_failed\n", None),
    "row_is_short": (b"entries drop early_drop insert_failed\n1 2 3\n", None),
    "no_number": (b"entries drop early_drop insert_failed\n1 2 x 3\n", None),
    "empty": (b"", None),
    "no_text": (b"\xff\xfe\n\xff\xfe\n", None),
}


@pytest.mark.parametrize("data, expected", ROWS.values(), ids=ROWS)
def test_sums(data, expected):
    assert parse_conntrack(data) == (expected and dict(zip(EVENTS, expected, strict=True)))


def test_cut_at_every_byte():
    ends = [position + 1 for position, byte in enumerate(CAPTURE) if byte == 10]
    for cut in range(len(CAPTURE)):
        assert (parse_conntrack(CAPTURE[:cut]) is None) == (cut not in ends[1:])
