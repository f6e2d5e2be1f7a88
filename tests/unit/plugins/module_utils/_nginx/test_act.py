# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must act, for each situation that was measured with real nginx (tests/integration/nginx/test_stale_limits.py measures again)."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.act import Situation, who_must_act

# situation: (asked by the file, somaxconn, live limits, asked by what nginx runs with) -> who
MEASURED = {
    "in order": ((1000, 4096, (1000,), 1000), "nobody"),
    "in order, not known what it runs with": ((1000, 4096, (1000,), None), "nobody"),
    "backlog changed": ((1000, 4096, (511,), 511), "reload"),
    "backlog changed and reloaded": ((1000, 4096, (1000,), 1000), "nobody"),
    "backlog changed, above the cap": ((5000, 4096, (511,), 511), "sysctl"),
    "capped": ((2048, 128, (128,), 2048), "sysctl"),
    "default, capped": ((511, 128, (128,), 511), "sysctl"),
    "somaxconn raised after the start": ((2048, 4096, (128,), 2048), "socket_backlog"),
    "somaxconn raised after the start, not known what it runs with": ((2048, 4096, (128,), None), "socket_backlog"),
    "somaxconn raised, default": ((511, 4096, (128,), 511), "socket_backlog"),
    "somaxconn raised, not enough": ((2048, 1000, (128,), 2048), "sysctl"),
    "backlog added": ((1024, 4096, (511,), 511), "reload"),
    "backlog=511 added to a stale default": ((511, 4096, (128,), 511), "socket_backlog"),
    "backlog removed": ((511, 4096, (1024,), 1024), "reload"),
    "backlog removed, after an upgrade": ((511, 4096, (1024,), 511), "socket_backlog"),
    "reuseport, backlog changed": ((200, 4096, (100, 100, 100, 100), 100), "reload"),
    "reuseport, in order": ((200, 4096, (200, 200), 200), "nobody"),
    "reuseport, workers added after somaxconn was lowered": ((3500, 128, (3500, 3500, 128, 128), 3500), "sysctl"),
    "reuseport, workers added after somaxconn was raised": ((3500, 4096, (128, 128, 3500, 3500), 3500), "socket_backlog"),
    "somaxconn lowered": ((3500, 128, (3500,), 3500), "sysctl"),
    "somaxconn lowered, then one listen()": ((3500, 128, (128,), 3500), "sysctl"),
    "as much as there is": ((-2147483648, 4096, (4096,), -2147483648), "nobody"),
    "as much as there is, and somaxconn raised": ((-2147483648, 4096, (128,), -2147483648), "socket_backlog"),
    "nothing listens yet": ((1000, 4096, (), None), None),
    "backlog not known": ((None, 4096, (1000,), None), None),
    "somaxconn not known": ((1000, None, (1000,), None), None),
}
LIVE_SITUATION = Situation(1000, 4096, (1000,))
OTHER = {
    "the user wants another number": (
        LIVE_SITUATION._replace(wanted=2000),
        "config",
        "the configuration asks for backlog=1000 and 2000 is wanted",
    ),
    "the user wants another number than the default": (
        LIVE_SITUATION._replace(asked=511, wanted=2000),
        "config",
        "the configuration asks for the default of 511 and 2000 is wanted",
    ),
    "the user wants what is there": (LIVE_SITUATION._replace(wanted=1000), "nobody", "the limit is what the configuration asks for"),
    "the configuration is wrong": (LIVE_SITUATION._replace(fault="F:1: bind() will fail"), "config", "F:1: bind() will fail"),
    "nginx stopped": (
        Situation(5000, 4096, (), is_running=False),
        "nobody",
        "nginx does not run; when it starts the limit will be 4096",
    ),
    "nginx runs and does not listen": (
        Situation(1000, 4096, (), is_running=True),
        "reload",
        "nginx runs and does not listen there: its running configuration is another one; if a reload does not help, its error log says why",
    ),
    "from addresses to the wildcard": (
        Situation(1000, 4096, (), is_running=True, blocked_by="127.0.0.1:80"),
        "restart",
        "nginx still listens on 127.0.0.1:80, so a reload cannot bind here (98: Address already in use): only a restart can",
    ),
    "nginx not known": (Situation(1000, 4096, ()), None, "no socket listens there, and whether nginx runs is not known"),
    "capped": (
        Situation(2048, 128, (128,)),
        "sysctl",
        "the configuration asks for backlog=2048, net.core.somaxconn allows 128, and the limit is 128",
    ),
    "stale": (
        Situation(2048, 4096, (128,), is_loaded=True),
        "socket_backlog",
        "the limit is 128 and should be 2048, but a reload calls listen() only for a changed number",
    ),
    "stale, not known what it runs with": (
        Situation(2048, 4096, (128, 2048)),
        "socket_backlog",
        "the limit is 128, 2048 and should be 2048; if the configuration changed since nginx read it, a reload is enough",
    ),
    "not reloaded": (
        Situation(1000, 4096, (511,), is_loaded=False, has_socket_backlog=False),
        "reload",
        "the limit is 511 and should be 1000; the configuration changed since nginx read it",
    ),
    "stale, on an old kernel": (
        Situation(2048, 4096, (128,), is_loaded=True, has_socket_backlog=False),
        "restart",
        (
            "the limit is 128 and should be 2048, but a reload calls listen() only for a changed number; the socket cannot be reached from outside here, so "
            "restart nginx (which resets waiting connections), or reload it with backlog=2049 and again with 2048"
        ),
    ),
    "stale, on an old kernel, the largest number": (
        Situation(2**31 - 1, 2**31 - 1, (128,), is_loaded=True, has_socket_backlog=False),
        "restart",
        (
            "the limit is 128 and should be 2147483647, but a reload calls listen() only for a changed number; the socket cannot be reached from outside here, "
            "so restart nginx (which resets waiting connections), or reload it with backlog=2147483646 and again with 2147483647"
        ),
    ),
    "as much as there is": (
        Situation(-5, 4096, (4096,)),
        "nobody",
        "the configuration asks for as much as there is, and the limit is net.core.somaxconn (4096)",
    ),
}


@pytest.mark.parametrize("known, who", MEASURED.values(), ids=MEASURED)
def test_measured(known, who):
    asked, somaxconn, limits, loaded = known
    actor = who_must_act(Situation(asked, somaxconn, limits, None if loaded is None else loaded == asked))
    assert actor.who == who and actor.because


@pytest.mark.parametrize("situation, who, because", OTHER.values(), ids=OTHER)
def test_sentence(situation, who, because):
    assert who_must_act(situation) == (who, because)
