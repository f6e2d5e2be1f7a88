# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds nginx to the facts: what each listener was asked for and where, and the masters of each namespace."""

from .._nginx.advice import advice
from .._nginx_survey.read import Survey
from .._nginx_survey.shape import requested, summary

MIGRATE = "net.ipv4.tcp_migrate_req"


def add_nginx(gathering, walk, pids):
    """Set ``nginx`` and ``requested`` of the views that have one. ``walk`` is the run's ProcessWalk, ``pids`` those to look at."""
    survey, problems = Survey(gathering.proc, pids, walk.book, gathering.release), gathering.problems
    for sentence in survey.problems:
        problems.add("nginx_orphaned", sentence, partial=False)
    views = {view.netns: view for view in gathering.views}
    for master in survey.masters:
        if master.netns is None or master.netns in views:
            for sentence in master.problems:
                problems.add("nginx_unknown", sentence, master.netns)
        if master.netns in views:
            _add(gathering, survey, master, views[master.netns], walk.book)


def _add(gathering, survey, master, view, book):
    understanding = survey.understand(master)
    for sentence in understanding.problems:
        gathering.problems.add("nginx_config", sentence, view.netns)
    lives = None
    if understanding.sockets is not None and view.readable:
        sockets = _visible(understanding.sockets, view, gathering.options.ports)
        lives = survey.join(master, understanding, sockets, tuple(view.listeners()), view.somaxconn())
        for live in lives:
            for listener in live.listeners:
                view.requested[listener.family, listener.cookie] = requested(live, understanding.listens)
    status = _status(gathering, survey, view, understanding) if gathering.options.nginx_status else None
    sentences = advice(understanding.settings, master.workers, lives or (), status, (view.sysctls or {}).get(MIGRATE)) if understanding.settings else []
    described = book.describe(master.pid)
    if described is not None:
        view.nginx.append(summary(master, described, understanding, lives, status, sentences))


def _visible(sockets, view, ports):
    """The sockets of which the namespace's listeners, as far as they were asked for, tell something."""
    return [
        socket
        for socket in sockets
        if (view.unix is not None if socket.protocol == "unix" else view.tcp is not None and (not ports or socket.address.port in ports))
    ]


def _status(gathering, survey, view, understanding):
    """Return the numbers of the first stub_status page; None when there is none, or (with a problem) when it gives no answer."""
    if understanding.configuration is None:
        return None
    from .._stub_status.page import places

    for place in places(understanding.configuration.nodes, understanding.listens)[:1]:
        numbers, reason = survey.ask(place, lambda function: gathering.inside(view, function))
        if reason:
            gathering.problems.add("nginx_status", reason, view.netns)
        return numbers
    return None
