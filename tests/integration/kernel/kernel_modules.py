# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the modules that act on live sockets, in the process of the test."""

from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.session import Session
from ansible_collections.netops.listen_queue.plugins.module_utils._connect_probe import read as probe_read
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from ansible_collections.netops.listen_queue.plugins.module_utils._socket_backlog import control
from ansible_collections.netops.listen_queue.plugins.module_utils._verify import read as verify_read
from ansible_collections.netops.listen_queue.plugins.modules import connect_probe, listen_queue_verify, socket_backlog

STATE = "/run/state"  # of the room


def parameters(module, given):
    values = {name: option.get("default") for name, option in module.ARGUMENT_SPEC.items()}
    assert set(given) <= set(values)
    return {**values, **given}


def set_backlog(listen, backlog, is_check=False, **given):
    """The Answer of socket_backlog."""
    return control.act(parameters(socket_backlog, {"listen": listen, "backlog": backlog, **given}), is_check, "/proc", Session("/proc", STATE))


def refusal(listen, backlog, **given):
    """The sentence with which socket_backlog refuses."""
    try:
        answer = set_backlog(listen, backlog, **given)
    except ListenQueueError as error:
        return str(error)
    raise AssertionError("it was not refused: %r" % (answer,))


def limits(answer):
    """``[(before, after)]`` of the sockets of an Answer."""
    return [(row["before"], row["after"]) for row in answer.values["sockets"]]


def verify(is_check=False, **given):
    """The Answer of listen_queue_verify; ``listeners`` are (listen, limit), (listen, limit, netns), or what an earlier Answer has of them."""
    given["listeners"] = [
        row if isinstance(row, dict) else {"listen": row[0], "limit": row[1], "netns": row[2] if row[2:] else None} for row in given.get("listeners", ())
    ]
    return verify_read.verify(parameters(listen_queue_verify, {"timeout": 0.3, "interval": 0.1, **given}), is_check, "/proc")


def broken(answer):
    """The names of the checks that do not hold."""
    return sorted({row["check"] for row in answer.values["checks"] if row["ok"] is False})


def probe(**given):
    """The values of connect_probe."""
    return probe_read.probe(parameters(connect_probe, given), "/proc")
