# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads nginx, one master after the other, and says of each whether its sockets are what its configuration asks for."""

from .._change import Answer, Plan
from .._errors import InputError, ListenQueueError, ReadError
from .._nginx.choice import chosen_path, seconds
from .._nginx.control import installation_of, what_is_wrong
from .._nginx_survey.read import identity
from .._proc import ProcFS
from .._reload.control import reload
from .._reload.needs import needed, shown
from .._reload.outcome import is_about_bind, reasons
from .._reload.read import configuration_of, limits_before, live_of, masters_of, reload_effect

NOT_APPLIED = "nginx %d (%s) still runs with its old configuration: %s"
SILENT = "no new worker was seen for %d seconds, and its error log says nothing; look where error_log leads, and whether nginx is very busy"


def act(parameters, is_check, proc_root, session):
    """Return the Answer of the module nginx_reload. Raises InputError, ReadError, WriteError."""
    proc, limit = ProcFS(proc_root), seconds(parameters, "timeout")
    masters = wanted_masters(masters_of(proc), parameters)
    if is_check:
        rows = [{"pid": master.pid, "config": master.config, "applied": None, "emerg": [], "sockets": [], "needs": "reload"} for master in masters]
        return Answer(True, _summary(rows))
    rows, failures = [], []
    with session.opened(needs_folder=False) as run:
        limits = tuple(change for master in masters for change in limits_before(proc, master)) if run.is_journalled else ()
        with run.journalled(Plan(limits, tuple(map(reload_effect, masters)))):
            for master in masters:
                row, failure = reload_one(proc, master, limit)
                rows.append(row)
                failures += [failure] if failure else []
    return Answer(any(row["applied"] is not False for row in rows), _summary(rows), failure="; ".join(failures) or None)


def wanted_masters(masters, parameters):
    """Return the Masters that the options ``pid``, ``config`` and ``root`` mean. Raises InputError."""
    path = chosen_path(parameters)
    if parameters["pid"] is not None:
        found = [master for master in masters if master.pid == parameters["pid"]]
    elif path is not None:
        wanted = identity(parameters["root"], path)
        if wanted is None:
            inside = "" if parameters["root"] == "/" else " in " + parameters["root"]
            raise InputError("config: %s does not exist%s or cannot be read" % (path, inside))
        found = [master for master in masters if master.config and identity(master.root, master.config) == wanted]
    else:
        found = [master for master in masters if master.newer is None]
    if not found:
        running = ", ".join("%d (%s)" % (master.pid, master.config) for master in masters)
        raise InputError("no such nginx runs; running are: %s" % running if running else "no nginx runs, so there is nothing to reload; start it")
    for master in found:
        if master.newer is not None:
            raise InputError(
                "nginx %d was replaced by %d in a binary upgrade and would not read its configuration again; "
                "reload %d, or end the upgrade first" % (master.pid, master.newer, master.newer)
            )
        if master.config is None or master.root is None:
            raise InputError("the configuration of nginx %d is not known: %s" % (master.pid, "; ".join(master.problems)))
    return found


def reload_one(proc, master, limit):
    """Return the row of one master, and a sentence when the reload was not applied."""
    row = {"pid": master.pid, "config": master.config, "applied": None, "emerg": [], "sockets": [], "needs": None}
    try:
        configuration = configuration_of(master.root, master.config, master.prefix)
    except (ListenQueueError, TypeError):  # nginx has the last word on it
        configuration = None
    done = reload(proc, master, limit, _error_logs(configuration, master))
    row.update(applied=done.applied, emerg=done.emerg)
    try:
        live = live_of(proc, master, configuration, done.applied is not False) if configuration else None
    except ReadError:
        live = None
    if live is not None:
        actors = [entry.actor for entry in live.sockets]
        row["sockets"] = [socket for entry in live.sockets for socket in shown(entry)]
        row["needs"] = needed(actors) if done.applied is not False else "reload"
        row["notes"] = [actor.because for actor in actors if actor is not None and actor.who not in (None, "nobody")]
    if done.applied is not False:
        return row, None
    row["needs"] = "reload"
    why = "it ended while it read it" if done.has_ended else _why(proc, master, configuration, live, done, limit)
    return row, NOT_APPLIED % (master.pid, master.config, why)


def _why(proc, master, configuration, live, done, limit):
    """Say why a reload was not applied: nginx's own words, what the sockets tell, or what a test says now."""
    sentences = reasons(done.emerg)
    for entry in live.sockets if live is not None and (not sentences or is_about_bind(sentences)) else ():
        if entry.actor is not None and entry.actor.who in ("config", "restart"):
            sentences.append(entry.actor.because)
    if not sentences and configuration is not None:
        try:
            sentences = [what_is_wrong(proc, installation_of(proc, master), configuration, limit)]
        except ListenQueueError as error:
            sentences = [str(error)]
    return "; ".join(dict.fromkeys(sentence for sentence in sentences if sentence)) or SILENT % limit


def _error_logs(configuration, master):
    """The error logs that the configuration names outside of all blocks, and the one that the program was built with."""
    found = [master.error_log] if master.error_log else []
    for node in configuration.nodes if configuration is not None else ():
        if node.directive.name == b"error_log" and node.parent < 0 and node.directive.args:
            path = node.directive.args[0].decode("utf-8", "surrogateescape")
            found.append(path if path.startswith("/") else (master.prefix or "/") + path)
    return found


def _summary(rows):
    """Return the values of the module: those of all masters together, and of each."""
    applied = [row["applied"] for row in rows]
    return {
        "applied": False if False in applied else None if None in applied else True,
        "emerg": [sentence for row in rows for sentence in row["emerg"]],
        "sockets": [dict(socket, pid=row["pid"]) for row in rows for socket in row["sockets"]],
        "needs": _strongest([row["needs"] for row in rows]),
        "masters": rows,
    }


def _strongest(needs):
    from .._reload.needs import ORDER

    known = [need for need in needs if need is not None]
    return max(known, key=ORDER.index) if len(known) == len(needs) else None
