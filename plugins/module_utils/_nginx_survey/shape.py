# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of nginx as plain data: dicts, lists, numbers and text. A key that does not apply is absent, unknown is None."""

from .._nginx.parameters import NOTE

NOBODY = "nobody"


def printable(text):
    """Return a path that may hold bytes which are no text with these as \\xNN; None stays None."""
    return None if text is None else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def place(path, line):
    return {"path": printable(path), "line": line}


def endpoint(address):
    """Return ``{local_address, local_port}`` or ``{path}`` of an Address; a host name that is not resolved has the address null."""
    if address.family == "unix":
        return {"path": address.path}
    shown = {"local_address": address.address, "local_port": address.port}
    if address.name:
        shown["name"] = address.name
    return shown


def must_act(actor):
    return {"who": actor.who, "because": actor.because}


def owner_of(live, listens):
    """The listen that speaks for a socket: the one that sets its options, or else the first."""
    socket = live.socket
    return listens[socket.listens[0] if socket.owner is None else socket.owner]


def requested(live, listens):
    """Return what the facts on each listener of a LiveSocket say beside the kernel's numbers."""
    listen = owner_of(live, listens)
    facts = {"listen_backlog": live.socket.listen_backlog, "source": place(listen.path, listen.line)}
    if live.actor.who != NOBODY:
        facts["must_act"] = must_act(live.actor)
    return facts


def summary(master, described, understanding, lives, status, sentences):
    """Return the facts of one nginx in short. ``described`` is what is known of its process, ``status`` None when not asked."""
    facts = dict(described, version=master.binary.version, config=printable(master.config))
    for key in ("older", "newer"):
        if getattr(master, key) is not None:
            facts[key] = getattr(master, key)
    serving = [worker for worker in master.workers if worker.role == "worker" and not worker.is_shutting_down]
    facts["workers"] = 1 if master.is_single else len(serving)
    ending = sum(worker.is_shutting_down for worker in master.workers)
    if ending:
        facts["workers_shutting_down"] = ending
    facts["open_files"] = _largest(worker.open_files for worker in serving)
    facts["open_files_limit"] = _smallest(worker.open_files_limit for worker in serving)
    settings = understanding.settings
    facts["worker_connections"] = settings.worker_connections if settings else None
    unbound = [live for live in lives or () if not live.listeners and live.actor and live.actor.who not in (NOBODY, None)]
    if unbound:
        facts["not_listening"] = [dict(endpoint(live.socket.address), must_act=must_act(live.actor)) for live in unbound]
    if status is not None:
        facts["stub_status"] = status
    if sentences:
        facts["advice"] = sentences
    return facts


def _largest(numbers):
    known = [number for number in numbers if number is not None]
    return max(known) if known else None


def _smallest(numbers):
    known = [number for number in numbers if number is not None]
    return min(known) if known else None


def running(master, described, understanding):
    """Return all that is known of a running nginx."""
    settings = understanding.settings
    facts = dict(described)
    facts.update(
        inner_pid=master.inner_pid, version=master.binary.version, command_line=master.line, exe=printable(master.exe), exe_deleted=master.is_deleted,
        netns=master.netns, root=master.root, prefix=printable(master.prefix), error_log=printable(master.error_log), master_process=not master.is_single,
        worker_processes=settings.worker_processes if settings else None, worker_connections=settings.worker_connections if settings else None,
        is_proxy=settings.is_proxy if settings else None, workers=[_worker(worker) for worker in master.workers],
    )  # fmt: skip
    for key in ("older", "newer"):
        if getattr(master, key) is not None:
            facts[key] = getattr(master, key)
    return facts


def _worker(worker):
    return {
        "pid": worker.pid,
        "role": worker.role,
        "shutting_down": worker.is_shutting_down,
        "state": worker.state,
        "wchan": worker.wchan,
        "cpu_seconds": worker.cpu_seconds,
        "open_files": worker.open_files,
        "open_files_limit": worker.open_files_limit,
    }


def listen_facts(listen, owners):
    """Return the facts of one ListenDirective; ``owners`` has the nodes of those that set the options of a socket."""
    facts = {
        "file": printable(listen.path),
        "line": listen.line,
        "context": listen.context,
        "server_names": list(listen.server_names),
        "args": list(listen.args),
    }
    if listen.addresses:
        facts.update(endpoint(listen.addresses[0]))
        last = listen.addresses[-1]
        if last.port != listen.addresses[0].port:
            facts["last_port"] = last.port
    facts.update(
        listen_backlog=listen.listen_backlog, is_default_backlog=listen.is_default_backlog, reuseport=listen.reuseport, ssl=listen.ssl, quic=listen.quic,
        udp=listen.udp, default_server=listen.default_server, options_owner=listen.node in owners, implicit=listen.implicit,
    )  # fmt: skip
    if listen.faults:
        facts["faults"] = [fault.message for fault in listen.faults]
    return facts


def socket_facts(live, listens, somaxconn):
    """Return the facts of one address:port."""
    socket, listen = live.socket, owner_of(live, listens)
    facts = dict(endpoint(socket.address), context=socket.context, protocol=socket.protocol)
    facts["options_owner"] = None if socket.owner is None else place(listen.path, listen.line)
    if socket.served_by is not None:
        facts["served_by_wildcard"] = True
    if live.actor is not None:
        limits = [listener.accept_queue_limit for listener in live.listeners]
        facts.update(
            listen_backlog=socket.listen_backlog, is_default_backlog=socket.is_default_backlog, reuseport=socket.reuseport, somaxconn=somaxconn,
            accept_queue_limit=min(limits) if limits else None, stale_limit=live.is_stale, must_act=must_act(live.actor),
            live=[_live(listener) for listener in live.listeners],
        )  # fmt: skip
    faults = [fault.message for fault in socket.faults]
    if faults:
        facts["faults"] = faults
    return facts


def _live(listener):
    return {"accept_queue_length": listener.accept_queue_length, "accept_queue_limit": listener.accept_queue_limit, "drops": listener.drops}


def config_facts(path, run, understanding, lives, somaxconn):
    """Return one entry of ``configs``. ``run`` is the answer of running(), or None; ``lives`` are the LiveSockets, or None."""
    facts = {"path": printable(path), "running": run, "listens": None, "sockets": None}
    if understanding.listens is not None:
        listens = understanding.listens
        owners = {listens[socket.owner].node for socket in understanding.sockets if socket.owner is not None}
        facts["listens"] = [listen_facts(listen, owners) for listen in listens]
        facts["sockets"] = [socket_facts(live, listens, somaxconn) for live in lives]
    return facts


def refusals(understanding):
    """The sentences for which ``nginx -t``, a start or a reload fails."""
    return [fault.message for each in (understanding.listens, understanding.sockets) for row in each or () for fault in row.faults if fault.stage != NOTE]
