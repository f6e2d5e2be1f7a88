# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who must act when a listening socket has not the limit that one wants: the configuration, the sysctl, or nginx itself.

nginx calls listen(2) again only when the *configured* number changed: a reload compares it with the number of the running
configuration, a binary upgrade with 511 (ngx_init_cycle(), ngx_set_inherited_sockets()). A somaxconn that was raised
meanwhile reaches no socket by itself.
"""

from typing import NamedTuple, Optional, Tuple

from .._sockets.listen_queue import granted_limit
from .parameters import DEFAULT_BACKLOG

CONFIG, SYSCTL, RELOAD, SOCKET_BACKLOG, RESTART, NOBODY = "config", "sysctl", "reload", "socket_backlog", "restart", "nobody"


class Situation(NamedTuple):
    """What is known of one address:port; None is unknown. ``limits`` are the Send-Q of its live sockets."""

    asked: Optional[int]  # by the configuration as it is on disk: a C int
    somaxconn: Optional[int]  # now, in the namespace of the socket
    limits: Tuple[int, ...]
    is_loaded: Optional[bool] = None  # whether nginx runs with the configuration as it is on disk
    wanted: Optional[int] = None  # by the user; the configuration's number when None
    fault: Optional[str] = None  # what the configuration's model says against this socket
    blocked_by: Optional[str] = None  # the address of a live socket that a reload cannot replace, see owner.blocker()
    is_running: Optional[bool] = None
    has_socket_backlog: Optional[bool] = None  # False where pidfd_getfd(2) is missing (kernel < 5.6) or not allowed


class Actor(NamedTuple):
    """``who`` is config, sysctl, reload, socket_backlog, restart, nobody, or None when that cannot be known."""

    who: Optional[str]
    because: str


def who_must_act(situation):
    """Return the Actor that must act next, so that every socket gets what is wanted."""
    s = situation
    if s.fault:
        return Actor(CONFIG, s.fault)
    if s.asked is None:
        return Actor(None, "the configuration's backlog is not known")
    if s.wanted is not None and s.wanted != s.asked:
        return Actor(CONFIG, "the configuration asks for %s and %d is wanted" % (_asked(s.asked), s.wanted))
    if s.somaxconn is None:
        return Actor(None, "net.core.somaxconn of the socket's network namespace is not known")
    if not s.limits:
        return _without_socket(s)
    shown = ", ".join("%d" % limit for limit in sorted(set(s.limits)))
    if s.asked > s.somaxconn:
        return Actor(SYSCTL, "the configuration asks for %s, net.core.somaxconn allows %d, and the limit is %s" % (_asked(s.asked), s.somaxconn, shown))
    granted = granted_limit(s.asked, s.somaxconn)
    if any(limit != granted for limit in s.limits):
        return _stale(s, shown, granted)
    if s.asked < 0:
        return Actor(NOBODY, "the configuration asks for as much as there is, and the limit is net.core.somaxconn (%d)" % granted)
    return Actor(NOBODY, "the limit is what the configuration asks for")


def _asked(number):
    return "the default of 511" if number == DEFAULT_BACKLOG else "backlog=%d" % number


def _without_socket(s):
    if s.is_running is False:
        return Actor(NOBODY, "nginx does not run; when it starts the limit will be %d" % granted_limit(s.asked, s.somaxconn))
    if s.blocked_by:
        return Actor(RESTART, "nginx still listens on %s, so a reload cannot bind here (98: Address already in use): only a restart can" % s.blocked_by)
    if s.is_running is None:
        return Actor(None, "no socket listens there, and whether nginx runs is not known")
    return Actor(RELOAD, "nginx runs and does not listen there: its running configuration is another one; if a reload does not help, its error log says why")


def _stale(s, shown, granted):
    """Some limit is not what listen(2) would grant now."""
    why = "the limit is %s and should be %d" % (shown, granted)
    if s.is_loaded is False:
        return Actor(RELOAD, why + "; the configuration changed since nginx read it")
    if s.is_loaded is None:
        why += "; if the configuration changed since nginx read it, a reload is enough"
    else:
        why += ", but a reload calls listen() only for a changed number"
    if s.has_socket_backlog is not False:
        return Actor(SOCKET_BACKLOG, why)
    other = s.asked - 1 if s.asked == 2**31 - 1 else s.asked + 1
    why += (
        "; the socket cannot be reached from outside here, so restart nginx (which resets waiting connections), or reload it with backlog=%d and again with %d"
    )
    return Actor(RESTART, why % (other, s.asked))
