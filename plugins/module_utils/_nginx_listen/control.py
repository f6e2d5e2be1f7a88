# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the listen directives of one configuration: read, plan, test, write, read again. Never reloads."""

import posixpath
from typing import NamedTuple, Optional

from .._change import FILE, Answer, Change, FileTarget, Plan
from .._errors import Conflict, InputError, ReadError, WriteError
from .._files.read import locate, see, why_not_replaceable
from .._files.write import apply_files
from .._nginx.binary import core_version
from .._nginx.choice import chosen_path, seconds
from .._nginx.control import installation_in, installation_of, scanned, sentence_of, try_configuration
from .._nginx.edit import plan_listen, wanted_of
from .._nginx.parameters import DEFAULT_BACKLOG
from .._nginx.process import Master
from .._nginx.read import read_source
from .._nginx_survey.read import identity, is_loaded
from .._proc import ProcFS
from .._reload.needs import NONE, needed
from .._reload.read import configuration_of, hosts_in, limits_before, live_of, masters_of, reload_effect


class Target(NamedTuple):
    """The configuration to change. ``root`` is where its files are reached; ``master`` runs with it, if any does."""

    root: str
    config: str
    prefix: str
    master: Optional[Master]


class Planned(NamedTuple):
    """``listen`` is the ListenPlan of edit.py; ``staged`` is {path as nginx names it: (real path, new bytes)}.

    ``is_loaded`` is whether nginx runs with the configuration as it was before; None is unknown.
    """

    configuration: object
    listen: object
    plan: Plan
    staged: dict
    is_loaded: Optional[bool]


def act(parameters, is_check, proc_root, session):
    """Return the Answer of the module nginx_listen. Raises InputError, ReadError, ConfigError, WriteError; then nothing was changed."""
    proc = ProcFS(proc_root)
    wanted = wanted_of(parameters["listen"], parameters["backlog"], parameters["reuseport"], parameters["state"])
    target = target_of(proc, parameters)
    planned, limit = plan(proc, target, wanted), seconds(parameters, "validate_timeout")
    if is_check or planned.plan.is_empty:
        return _answer(proc, target, planned, None, is_check)
    with session.opened() as run:
        method = _test(proc, target, planned, limit) if parameters["validate"] else None
        previous = [{"path": change.target.path, "copy": run.keep_previous(change.before)} for change in planned.plan.changes]
        with run.journalled(_with_limits(proc, target, planned.plan) if run.is_journalled else planned.plan):
            apply_files(planned.plan.changes, proc)
    return _answer(proc, target, planned, method, False, previous)


def _with_limits(proc, target, plan):
    """Return the Plan with what the reload that follows may make of live sockets, so that they can get their limits back."""
    return plan if target.master is None else plan._replace(changes=plan.changes + limits_before(proc, target.master))


def target_of(proc, parameters):
    """Return the Target that the options mean. Raises InputError when it is not exactly one."""
    root, prefix, path = parameters["root"], parameters["prefix"] or "", chosen_path(parameters)
    masters = masters_of(proc)
    if path is not None:
        wanted = identity(root, path)
        running = [master for master in masters if wanted and master.config and identity(master.root, master.config) == wanted]
        newest = [master for master in running if master.newer is None]
        return Target(root, path, prefix or (newest and newest[0].prefix) or _built_prefix(root, path), newest[0] if newest else None)
    by_config = {}
    for master in masters:
        if master.newer is None and master.config and master.root and (root == "/" or identity(root, "/") == identity(master.root, "/")):
            by_config.setdefault(identity(master.root, master.config) or master.pid, master)
    if len(by_config) > 1:
        known = ", ".join("%s (nginx %d%s)" % (each.config, each.pid, "" if each.root == "/" else ", root %s" % each.root) for each in by_config.values())
        raise InputError("several nginx run: %s; say with config (and root) which one is meant" % known)
    for key, master in by_config.items():
        is_same = master.has_host_root and identity("/", master.config) == key
        return Target("/" if is_same else master.root, master.config, master.prefix or "", master)
    installed = installation_in(proc, root)
    if installed is None:
        raise InputError("no nginx runs and none is installed in %s; say with config which configuration is meant" % root)
    return Target(root, installed.config, installed.prefix or "", None)


def _built_prefix(root, path):
    return posixpath.dirname(path) + "/"


def plan(proc, target, wanted):
    """Return what is Planned. Raises InputError with the reasons why nothing may be changed, ReadError, ConfigError, WriteError."""
    configuration = configuration_of(target.root, target.config, target.prefix)
    identities = {path: identity(target.root, path) or path for path in configuration.files}
    sources = {}

    def read_bytes(path):
        sources[path] = read_source(configuration, path)
        return sources[path].data

    listen = plan_listen(configuration, read_bytes, wanted, identities, hosts_in(target.root), _version(proc, target))
    if listen.refusals:
        raise InputError("; ".join(listen.refusals))
    changes, staged = [], {}
    for path, before, after in listen.files:
        change = _change(proc, target.root, path, before, after)
        changes.append(change)
        staged.update((name, (change.target.path, after)) for name, same in identities.items() if same == identities[path])
    effects = () if target.master is None else (reload_effect(target.master),)
    loaded = None if target.master is None else is_loaded(target.master, configuration)
    return Planned(configuration, listen, Plan(tuple(changes), effects), staged, loaded)


def _version(proc, target):
    if target.master is not None:
        return core_version(target.master.binary.version)
    installed = installation_in(proc, target.root)
    binary = scanned(installed.executable).binary() if installed else None
    return core_version(binary.version) if binary else None


def _change(proc, root, path, before, after):
    """Return the Change of one file. What would refuse it later refuses it now, also in check mode."""
    with locate(root, path) as place:
        seen = see(place)
        if seen is None or seen.state.data != before:
            raise Conflict("%s was changed by somebody else meanwhile; run again" % path)
        obstacle = why_not_replaceable(proc, place, seen)
        if obstacle:
            raise WriteError(obstacle)
        return Change(FILE, FileTarget(root, place.path), seen.state, seen.state._replace(data=after))


def _test(proc, target, planned, limit):
    """Let nginx test the result; return the method. Raises WriteError when it refuses it."""
    if target.master is not None:
        installation = installation_of(proc, target.master)
    else:
        installation = installation_in(proc, target.root, target.config, target.prefix)
        if installation is None:
            raise InputError("no nginx is installed in %s, so the result cannot be tested; install it, or set validate to false" % target.root)
    verdict = try_configuration(proc, installation, planned.configuration, planned.staged, limit)
    if verdict.passed:
        return verdict.method
    if verdict.passed is None:
        raise WriteError("nginx -t did not end within %d seconds (a resolver, or a file that blocks?); nothing was changed" % limit)
    before = try_configuration(proc, installation, planned.configuration, {}, limit)
    if before.passed:
        raise WriteError("nginx refuses the result: %s; nothing was changed" % sentence_of(verdict))
    raise WriteError("nginx refuses %s already as it is: %s; correct that first, nothing was changed" % (target.config, sentence_of(before)))


def _answer(proc, target, planned, method, is_check, previous=()):
    carriers = planned.listen.carriers
    needs, notes = _needs(proc, target, planned, is_check)
    directives = [_directive(carrier, planned.is_loaded) for carrier in carriers]
    values = {
        "config": target.config,
        "files": [change.target.path for change in planned.plan.changes],
        "directive": {key: directives[0][key] for key in ("file", "line")} if directives else None,
        "directives": directives,
        "tested_by": method,
        "previous": list(previous),
        "needs": needs,
        "notes": list(planned.listen.notes) + notes,
    }
    return Answer(not planned.plan.is_empty, values, planned.plan)


def _directive(carrier, is_loaded):
    return {"file": carrier.path, "line": carrier.line, "listen": list(carrier.addresses), "listens_anew": _listens_anew(carrier, is_loaded)}


def _listens_anew(carrier, is_loaded):
    """Return whether the next reload calls listen(2) for the sockets of a Carrier; None when that cannot be known.

    It compares with the running configuration, which is that on disk when ``is_loaded``. With another ``reuseport`` some sockets are made
    and others stay as they are.
    """
    if not is_loaded or carrier.reuseport_before != carrier.reuseport_after:
        return None
    return _number(carrier.backlog_before) != _number(carrier.backlog_after)


def _number(backlog):
    return DEFAULT_BACKLOG if backlog is None else backlog


def _needs(proc, target, planned, is_check):
    """Return what the running nginx needs now, and sentences on what stands in the way."""
    if target.master is None:
        return NONE, []
    changed = [each for each in planned.listen.carriers if (each.backlog_before, each.reuseport_before) != (each.backlog_after, each.reuseport_after)]
    if changed:
        return "reload", []
    try:
        configuration = configuration_of(target.root, target.config, target.prefix) if planned.plan.changes and not is_check else planned.configuration
        live = live_of(proc, target.master, configuration, True if planned.plan.changes else planned.is_loaded)
    except ReadError as error:
        return None, [str(error)]
    names = {address for carrier in planned.listen.carriers for address in carrier.addresses}
    actors = [entry.actor for entry in live.sockets if entry.socket.address.text in names]
    return needed(actors), [actor.because for actor in actors if actor is not None and actor.who not in (None, "nobody")]
