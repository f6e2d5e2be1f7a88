# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for people, where a change of the configuration would be the wrong answer or is not ours to make."""

MANY, UNEVEN = 8, 4  # a queue of at least MANY that is UNEVEN times as long as the others together
NEARLY = 0.9


def advice(settings, workers, lives, status, migrate):
    """Return a list of sentences.

    ``workers`` are Workers, ``lives`` LiveSockets, ``status`` the numbers of stub_status or None, ``migrate`` the value of
    net.ipv4.tcp_migrate_req in the server's namespace, None when there is none.
    """
    return list(_connections(settings, workers, status)) + list(_reuseport(lives, migrate))


def _connections(settings, workers, status):
    slots = settings.worker_connections
    if status and status["gap"] > 0:
        yield (
            "nginx itself closed %d of %d accepted connections for want of worker_connections (now %s%s); raise worker_connections and "
            "worker_rlimit_nofile: a longer listen queue does not help"
            % (status["gap"], status["accepts"], slots, ", of which a proxied request takes two" if settings.is_proxy else "")
        )
    serving = [worker for worker in workers if worker.role == "worker" and not worker.is_shutting_down]
    limits = [worker.open_files_limit for worker in serving if worker.open_files_limit is not None]
    if slots is not None and limits and min(limits) < slots:
        yield "a worker may open %d files but has worker_connections %d; set worker_rlimit_nofile to at least twice that" % (min(limits), slots)
    for worker in serving:
        most = min(each for each in (slots, worker.open_files_limit) if each is not None) if (slots, worker.open_files_limit) != (None, None) else None
        if most and worker.open_files is not None and worker.open_files >= NEARLY * most:
            yield "worker %d has %d open files of at most %d; raise worker_connections and worker_rlimit_nofile before they run out" % (
                worker.pid,
                worker.open_files,
                most,
            )


def _reuseport(lives, migrate):
    shared = [live for live in lives if len(live.listeners) > 1]
    for live in shared:
        lengths = sorted(listener.accept_queue_length for listener in live.listeners)
        if lengths[-1] >= MANY and lengths[-1] >= UNEVEN * sum(lengths[:-1]):
            yield (
                "one of the %d queues of %s holds %d connections and the others %d: with reuseport a connection waits for one worker, "
                "and that one is stalled or overloaded; look at state and CPU time of the workers, or take reuseport away"
                % (len(lengths), live.socket.address.text, lengths[-1], sum(lengths[:-1]))
            )
    if migrate == 0 and any(live.socket.reuseport for live in shared):
        yield (
            "before a reload with fewer workers or without reuseport, set net.ipv4.tcp_migrate_req=1 in this network namespace: "
            "without it the connections that wait in the queues which go away are reset"
        )
