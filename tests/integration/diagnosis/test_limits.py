# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue is too small, or the clients come all at once: the programs serve as fast as they are let."""

import pytest
from diagnosis_load import bursts, on_one_processor, promptly, serve
from diagnosis_view import look
from kernel_rooms import sysctl

PORT = 8080
SMALL, LARGE = 16, 2048
CONFIGURATION = "http { access_log off; server { listen 127.0.0.1:%d backlog=%d; return 204; } }"
MAIN = "pid {folder}/nginx.pid; error_log {folder}/error.log info; user root; worker_processes 1; events {{ worker_connections 512; }}\n"


def crowded_nginx(nginx, backlog, somaxconn, then=None):
    """An nginx whose clients come in bursts of six times of what fits; ``then`` is the somaxconn that it does not know of."""
    sysctl("net.core.somaxconn", somaxconn)
    server = nginx(CONFIGURATION % (PORT, backlog), main=MAIN)
    for pid in server.workers():
        on_one_processor(pid)
    sysctl("net.core.somaxconn", then or somaxconn)
    bursts(PORT, 6 * SMALL)


@pytest.mark.parametrize(
    ("backlog", "somaxconn", "then", "cause"),
    [(LARGE, SMALL, None, "capped_by_somaxconn"), (SMALL, 4096, None, "capped_by_program"), (LARGE, SMALL, 4096, "stale_limit")],
    ids=["somaxconn", "the backlog", "stale"],
)
def test_a_limit_that_is_too_small(nginx, backlog, somaxconn, then, cause):
    crowded_nginx(nginx, backlog, somaxconn, then)
    quiet = serve(promptly, 8).told
    seen = look()
    found = seen.expect(PORT, "limit_too_small", cause)
    assert seen.listeners(PORT)[0]["accept_queue_limit"] == SMALL
    assert seen.counted("ListenOverflows") > 0
    assert found["size"]["limit"] > SMALL
    seen.expect_healthy(quiet)
