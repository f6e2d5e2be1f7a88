# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is wrong, and that must be said too; or nothing is wrong but for a moment."""

import pytest
from diagnosis_load import bursts, on_one_processor, promptly, serve, visitors
from diagnosis_view import look
from kernel_rooms import sysctl

PORT = 8080
CONFIGURATION = "http { access_log off; server { listen 127.0.0.1:%d; return 204; } }"
ROOM = 128


IS_BUSY = pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])


@IS_BUSY
def test_a_healthy_program(is_busy):
    port = serve(promptly).told
    if is_busy:
        visitors(port)
    seen = look()
    seen.expect_healthy(port)
    assert seen.report["findings"] == []
    assert (seen.counted("PassiveOpens", "Tcp") > 100) == is_busy


@IS_BUSY
def test_a_healthy_nginx(nginx, is_busy):
    nginx(CONFIGURATION % PORT)
    if is_busy:
        visitors(PORT)
    seen = look()
    seen.expect_healthy(PORT)
    assert (seen.counted("PassiveOpens", "Tcp") > 100) == is_busy


def test_a_healthy_program_whose_clients_all_get_cookies():
    sysctl("net.ipv4.tcp_syncookies", 2)
    port = serve(promptly).told
    visitors(port)
    seen = look()
    seen.expect_healthy(port)
    assert seen.counted("TCPReqQFullDoCookies") > 100


def test_a_burst():
    port = serve(promptly, ROOM, prepare=on_one_processor).told
    bursts(port, 2 * ROOM, pause=0.5)
    seen = look()
    seen.expect(port, "burst", "burst")
    assert seen.counted("ListenOverflows") > 0
