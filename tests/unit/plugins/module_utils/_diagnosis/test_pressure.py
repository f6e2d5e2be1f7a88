# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long tasks waited: captures, older kernels, and files that are cut."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._diagnosis.pressure import Pressure, parse_pressure, stalled_share, stalled_shares
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import fixture

CPU, IO = fixture("debian12-6.18-pressure_cpu.txt"), fixture("debian12-6.18-pressure_io.txt")
ROWS = {
    "capture": (CPU, Pressure(int(CPU.split(b"\n")[0].rpartition(b"=")[2]), 0)),
    "cpu_before_5.13": (b"some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", Pressure(7, None)),
    "empty": (b"", None),
    "only_full": (b"full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", None),
    "no_total": (b"some avg10=0.00 avg60=0.00 avg300=0.00\n", None),
    "total_is_no_number": (b"some avg10=0.00 total=-7\n", None),
    "no_newline": (b"some avg10=0.00 avg60=0.00 avg300=0.00 total=7", None),
}


@pytest.mark.parametrize("data, expected", ROWS.values(), ids=ROWS)
def test_totals(data, expected):
    assert parse_pressure(data) == expected


def test_cut_at_every_byte():
    whole, first = parse_pressure(IO), IO.index(b"\n") + 1
    assert whole.full is not None
    for cut in range(len(IO)):
        assert parse_pressure(IO[:cut]) == (Pressure(whole.some, None) if cut == first else None)


SHARES = {
    "half": (1_000_000, 6_000_000, 10.0, 0.5),
    "nothing": (7, 7, 10.0, 0.0),
    "more_than_all": (0, 11_000_000, 10.0, 1.0),  # the clocks are read one after the other
    "unknown_before": (None, 7, 10.0, None),
    "unknown_after": (7, None, 10.0, None),
    "went_back": (8, 7, 10.0, None),
    "no_time": (0, 7, 0.0, None),
}


@pytest.mark.parametrize("before, after, seconds, expected", SHARES.values(), ids=SHARES)
def test_share(before, after, seconds, expected):
    assert stalled_share(before, after, seconds) == expected


def test_shares():
    assert stalled_shares(Pressure(0, None), Pressure(1_000_000, None), 4.0) == {"some": 0.25, "full": None}
    assert stalled_shares(None, Pressure(0, 0), 4.0) is None
    assert stalled_shares(Pressure(0, 0), None, 4.0) is None
