# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and sets the backlog of the live sockets of one address: what is there, what listen(2) would do, who holds them."""

from typing import NamedTuple, Tuple

from .._change import SOCKET, Answer, Change, Plan, SocketTarget
from .._errors import InputError
from .._listeners.read import Scene, chosen_namespace, holders, look
from .._namespaces.read import own_namespace
from .._proc import ProcFS
from .._processes.read import ProcessBook
from .._sockets.endpoint import matching, nothing_listens, parse_endpoint, text_of
from .._sockets.inet_diag import ListenSocket
from .._sockets.write import check_cap, set_limits, try_limits

INT_MAX = 2147483647  # the backlog of listen(2) is an int


class Found(NamedTuple):
    """The sockets that are meant, their namespace, and ``{inode: [pids that hold it]}``."""

    scene: Scene
    listeners: Tuple[ListenSocket, ...]
    owners: dict


def act(parameters, is_check, proc_root, session):
    """Return the Answer of the module socket_backlog. Raises InputError, ReadError, WriteError; then nothing was changed."""
    proc, backlog, pid = ProcFS(proc_root), parameters["backlog"], parameters["pid"]
    endpoint = parse_endpoint(parameters["listen"])
    if not 1 <= backlog <= INT_MAX:
        raise InputError("backlog: %d is out of range; it takes 1 to %d" % (backlog, INT_MAX))
    found = find(proc, endpoint, parameters["netns"], pid)
    if is_check and parameters["assume_somaxconn"] is not None:
        found = found._replace(scene=found.scene._replace(somaxconn=parameters["assume_somaxconn"]))
    plan = plan_limits(found, backlog)
    if not plan.is_empty:
        check_cap(backlog, found.scene, text_of(found.listeners[0]))
        if is_check:
            try_limits(proc, plan.changes, pid, parameters["assume_somaxconn"])
        else:
            with session.opened(needs_folder=False) as run, run.journalled(plan):
                set_limits(proc, plan.changes, pid)
    return Answer(not plan.is_empty, values(proc, found, backlog, plan), plan)


def find(proc, endpoint, netns, pid):
    """Return what is Found of an Endpoint. Raises InputError when nothing listens there, or not for process ``pid``."""
    own = own_namespace(proc)
    scene = look(proc, own, chosen_namespace(proc, own, netns, pid), {endpoint.family})
    listeners = matching(scene.listeners, endpoint)
    if not listeners:
        raise InputError(nothing_listens(endpoint, scene.listeners, scene.where))
    inodes = [listener.inode for listener in listeners]
    owners, denied = holders(proc, inodes, pid)
    if pid is None:
        if endpoint.family == "unix" and len(listeners) > 1:
            raise InputError(_SEVERAL % (len(listeners), endpoint.text, _processes(owners) or "of processes that are not seen here"))
        return Found(scene, tuple(listeners), owners)
    if not owners and denied:
        raise InputError("pid: the descriptors of process %d may not be read; become root (CAP_SYS_PTRACE) on the host" % pid)
    if not owners:
        by = _processes(holders(proc, inodes)[0])
        raise InputError("pid: process %d does not listen on %s%s" % (pid, text_of(listeners[0]), "; that is %s" % by if by else ""))
    return Found(scene, tuple(listener for listener in listeners if listener.inode in owners), owners)


_SEVERAL = "listen: %d sockets are bound to %s, in different mount namespaces or one after the other: %s; say with pid which program is meant"


def _processes(owners):
    return ", ".join("process %d" % pid for pid in sorted({pid for pids in owners.values() for pid in pids}))


def plan_limits(found, backlog):
    """Return the Plan that gives every socket the limit ``backlog``."""
    netns = found.scene.namespace.id.inode
    return Plan(tuple(_change(netns, row, backlog) for row in found.listeners if row.accept_queue_limit != backlog))


def _change(netns, row, backlog):
    target = SocketTarget(netns, row.inode, row.family, row.local_address, row.local_port, row.path, row.cookie)
    return Change(SOCKET, target, row.accept_queue_limit, backlog)


def values(proc, found, backlog, plan):
    """Return the module's values: each socket before and after, and what its user should know."""
    book, rows = ProcessBook(proc), []
    for row in found.listeners:
        place = {"path": row.path} if row.family == "unix" else {"local_address": row.local_address, "local_port": row.local_port}
        pids = sorted({book.topmost_holder(pid, row.inode) for pid in found.owners.get(row.inode, ())})
        processes = [facts for facts in map(book.describe, pids) if facts is not None] or None
        queue = {"accept_queue_length": row.accept_queue_length, "before": row.accept_queue_limit, "after": backlog}
        rows.append(dict(place, inode=row.inode, processes=processes, **queue))
    return {
        "listen": text_of(found.listeners[0]),
        "netns": found.scene.namespace.id.inode,
        "somaxconn": found.scene.somaxconn,
        "sockets": rows,
        "notes": _notes(found, backlog, plan, rows),
    }


def _notes(found, backlog, plan, rows):
    notes, somaxconn = [], found.scene.somaxconn
    names = sorted({"%s (%d)" % (process["name"], process["pid"]) for row in rows for process in row["processes"] or ()})
    if not plan.is_empty:
        notes.append(
            "%s may set its own number again when it is reloaded, and will when it is restarted; write a backlog of %d into its configuration too"
            % (", ".join(names) or "the program", backlog)
        )
    elif somaxconn is not None and somaxconn < backlog:
        notes.append("net.core.somaxconn is %d meanwhile, so the program's next listen(2) will lower the limit to that" % somaxconn)
    waiting = max(row["accept_queue_length"] for row in rows)
    if waiting > backlog:
        notes.append(
            "%d connections wait already, more than the limit; they are kept, and new ones are dropped until the program has accepted enough" % waiting
        )
    return notes
