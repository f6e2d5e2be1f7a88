# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the CPUs dropped before TCP: a capture, and files that are cut or no such file."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._diagnosis.softnet import Softnet, parse_softnet
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture
from hypothesis import given
from hypothesis import strategies as st

CAPTURE = fixture("debian12-6.18-softnet_stat.txt")
OLD = b"0000000a 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000\n"  # 9 columns, before kernel 3.11
ROWS = {
    "two_cpus": (CAPTURE, Softnet(0, 13)),
    "dropped": (b"00378227 000000ff 00000002 00000000\n003a035c 00000001 ffffffff 00000000\n", Softnet(256, 4294967297)),
    "older_kernel": (OLD, Softnet(1, 2)),
    "empty": (b"", None),
    "no_numbers": (b"a b c\nx y z\n", None),
    "too_few_columns": (b"00000001 00000002\n", None),
    "blank_line": (OLD + b"\n", None),
}


@pytest.mark.parametrize("data, expected", ROWS.values(), ids=ROWS)
def test_sums(data, expected):
    assert parse_softnet(data) == expected


def test_cut_at_every_byte():
    (first,) = [position + 1 for position, byte in enumerate(CAPTURE[:-1]) if byte == 10]
    for cut in range(len(CAPTURE)):
        assert (parse_softnet(CAPTURE[:cut]) is None) == (cut != first)


@given(st.binary(max_size=200))
def test_anything(data):
    assert parse_softnet(data) is None or data.endswith(b"\n")
