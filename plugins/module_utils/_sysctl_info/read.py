# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts together what the files say, what the kernel has now, and who else sets sysctls on this system."""

import os

from .._errors import InputError
from .._problems import Problems
from .._roots.read import Root
from .._sysctl.conf_file import GLOB, simplified
from .._sysctl.gathered import GATHERED, Sysctl
from .._sysctl.names import dotted, path_of
from .._sysctl.pattern import matches
from .._sysctl.read import existing, read_sysctls
from .._sysctl_boot.read import boot_orders, find_loader, host_arguments, is_here
from .._version import is_older
from .shape import kernel_default, key_facts

PER_DEVICE = ("net/ipv4/conf/", "net/ipv6/conf/", "net/ipv4/neigh/", "net/ipv6/neigh/")
# Where none of these is, none of the programs is that set sysctls later: their code need not be loaded.
SIGNS = (
    "/etc/tuned/active_profile", "/etc/ufw/ufw.conf", "/etc/cloud/cloud.cfg", "/etc/cni/net.d", "/etc/systemd/network", "/run/systemd/network",
    "/etc/docker", "/run/docker.sock", "/usr/bin/dockerd", "/run/cilium", "/var/lib/calico",
)  # fmt: skip


def boot_facts(proc, root_path, keys, wanted_loader, problems, values=None):
    """Return ``{loader: {name, why}, sysctls: {key: facts}}`` of the system in ``root_path``.

    ``keys`` are names or patterns in any spelling; none means those that decide about listen queues. ``wanted_loader`` is
    auto, systemd-sysctl or procps. ``values`` are those now, by key, when they are known already. With another root than ``/``
    they are not known: they belong to this system. Raises InputError, ReadError.
    """
    release = os.uname().release
    runs = is_here(proc, root_path)
    with Root(root_path) as root:
        loader = find_loader(root, wanted_loader)
        files = Problems()
        orders = boot_orders(root, host_arguments(proc, root_path), files)
        for problem in files.as_list():
            problems.add(problem["code"], problem["message"])
        unread = files.as_list()[0]["message"] if files.partial else None
        rows = _rows(proc if runs else None, keys, orders)
        runtime = (values or read_sysctls(proc, rows.values(), release, problems, None)) if runs else {}
        facts = {}
        for path, row in rows.items():
            default = kernel_default(row, lambda version: is_older(release, version)) if row in GATHERED else None
            value = runtime.get(row.key)
            facts[row.key] = key_facts(path, orders, loader, None if value is None else str(value), row, default, unread)
        for path, writers in writers_of(root, list(rows)).items():
            facts[rows[path].key]["later_writers"] = writers
    return {"loader": {"name": loader.name, "why": loader.why}, "sysctls": facts}


def _rows(proc, keys, orders):
    """Return ``{path: Sysctl}`` of the ``keys``; a pattern stands for what the files name, the kernel has and the catalogue knows."""
    known = {path_of(row.key): row for row in GATHERED}
    if not keys:
        return known
    from .._sysctl.catalog import CATALOG

    known = {path_of(row.key): row for row in CATALOG}
    found = {}
    for key in keys:
        path = checked_path(key)
        paths = [path]
        if GLOB.search(path):
            named = [named for order in orders.values() for named in order.paths()] + list(known)
            paths = sorted({named for named in named if matches(path, named)} | set(existing(proc, path) if proc else ()))
        for path in paths:
            found.setdefault(path, known.get(path) or Sysctl(dotted(path), is_per_namespace(path), "unknown", "", "0", "unknown", ""))
    return found


def is_per_namespace(path):
    """Whether each network namespace has its own value, for keys that the catalogue does not know; None when it is not known."""
    if path.startswith(PER_DEVICE):
        return True
    return None if path.startswith("net/") else False


def checked_path(key):
    """Return the path below /proc/sys of a key as a user wrote it. Raises InputError."""
    path = simplified(path_of(key))
    if not path or ".." in path.split("/") or any(ord(letter) < 32 for letter in path):
        raise InputError("keys: %r is no name of a sysctl; write it like net.core.somaxconn" % key)
    return path


def writers_of(root, paths):
    """Return ``{path: [facts]}`` of the programs that set one of ``paths`` later than the loader does."""
    if not any(_is_there(root, sign) for sign in SIGNS):
        return {path: [] for path in paths}
    from .._later_writers.read import later_writers

    return later_writers(root, paths)


def _is_there(root, path):
    try:
        return root.exists(path)
    except OSError:
        return True
