# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks nginx itself what it thinks of a configuration that is not in place yet, without touching what is.

``nginx -t`` by itself would make the pid file and leave it empty, make missing logs and temporary directories and change
their owner: see writes.py.
"""

import os
import posixpath
import re
from contextlib import ExitStack
from typing import Dict, NamedTuple, Optional

from .._errors import ReadError
from .._files import durable
from .._files.read import locate
from .._sandbox.control import Program, SandboxRefused, Staged, View, credentials_of, run, view_of
from .writes import written_folders

PRIVATE_MOUNTS, SHADOW_INCLUDES = "private_mounts", "shadow_includes"
PROGRAMS = ("nginx", "openresty", "angie", "freenginx", "tengine")
FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/local/nginx/sbin", "/usr/local/openresty/nginx/sbin", "/sbin", "/bin")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
# The sockets that a master hands to the next one (ngx_process_cycle): a test must not take them for its own.
NOT_PASSED_ON = ("NGINX", "NGINX_VAR", "OPENRESTY", "ANGIE", "TENGINE")
VARIABLE = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*=")
PIECE, MOST_PIECES = 1 << 20, 64  # bytes of a program that are looked at
PROCESS = re.compile(r"\A\d+#\d+: ")
MOST_SHOWN = 2000  # characters of what nginx says


class Installation(NamedTuple):
    """An nginx that can be asked: its program, its command line, and the world in which it runs."""

    executable: str  # a path of ours
    build: Dict[bytes, bytes]  # the arguments of its configure script
    prefix: Optional[str]
    config: str  # inside the root of the view
    directives: Optional[bytes]  # of -g
    view: View
    environment: Dict[str, str]


class Verdict(NamedTuple):
    """What nginx said. ``passed`` is None when the time was over. ``output`` has the names of the real files."""

    passed: Optional[bool]
    method: str
    output: str


def installation_of(proc, master):
    """Return the Installation of a running Master: the very binary that would read the configuration on a reload. Raises ReadError.

    Anybody may call a process nginx, so it gets no other rights than the user who started it has.
    """
    root, credentials = proc.link("%d/root" % master.pid), credentials_of(proc, master.pid)
    if root is None or master.config is None or credentials is None:
        raise ReadError("nginx %d ended, or its files are not known; name the configuration" % master.pid)
    view = view_of(proc, master.pid, root, master.cwd or "/")._replace(credentials=credentials)
    environment = dict(ENVIRONMENT, **_environment(proc.read("%d/environ" % master.pid) or b""))
    executable = proc.path("%d/exe" % master.pid)
    return Installation(executable, scanned(executable).arguments(), master.prefix, master.config, master.directives, view, environment)


def _environment(data):
    """The kernel shows where the environment began; nginx wrote its title over a part of it, which is left out."""
    pairs = [item.split(b"=", 1) for item in data.split(b"\0") if VARIABLE.match(item)]
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs if os.fsdecode(name) not in NOT_PASSED_ON}


def installation_in(proc, root, config=None, prefix=None):
    """Return the Installation of an nginx that does not run: the program that is installed inside ``root``, or ``None``.

    ``config`` and ``prefix`` are as for its ``-c`` and ``-p``; what is not given is what the program was built with.
    """
    for name in PROGRAMS:
        for folder in FOLDERS:
            executable = _program_in(root, posixpath.join(folder, name))
            if executable is None:
                continue
            scanner = scanned(executable)
            binary = scanner.binary()
            if binary:
                prefix = prefix or (os.fsdecode(binary.prefix) if binary.prefix else None)
                config = posixpath.join(prefix or "/", config or os.fsdecode(binary.config or b""))
                return Installation(executable, scanner.arguments(), prefix, config, None, _view_of_root(proc, root), dict(ENVIRONMENT))
    return None


def _program_in(root, path):
    try:
        with locate(root, path) as place:
            if os.access(place.name, os.X_OK, dir_fd=place.folder):
                return root.rstrip("/") + place.path
    except ReadError:
        pass
    return None


def scanned(executable):
    """Return a Scanner (binary.py) that has looked at a program. Raises ReadError."""
    from .binary import Scanner

    scanner = Scanner()
    try:
        with open(executable, "rb") as file:
            for _piece in range(MOST_PIECES):
                piece = file.read(PIECE)
                if not piece or scanner.feed(piece):
                    break
    except OSError as error:
        raise ReadError("the program %s cannot be read: %s; become root" % (executable, error.strerror))
    return scanner


def _view_of_root(proc, root):
    match = re.match(re.escape(proc.root) + r"/(\d+)/root/*\Z", root)
    if match:
        pid = int(match.group(1))
        return view_of(proc, pid, proc.link("%d/root" % pid) or "/")
    return View(root=root.rstrip("/") or "/")


def arguments(installation, config):
    """Return the command line of a test with another main file."""
    words = ["nginx", "-t", "-c", config]
    if installation.prefix:
        words += ["-p", installation.prefix]
    if installation.directives:
        words += ["-g", os.fsdecode(installation.directives)]
    return words


def try_configuration(proc, installation, configuration, files, seconds):
    """Return nginx's Verdict of a Configuration (read with writes.NAMES) with other bytes in some of its files.

    ``files`` is {path as nginx names it: (real path inside the root, bytes)}. Raises SandboxRefused, ReadError and WriteError
    where it cannot be tested.
    """
    folders = written_folders(configuration, installation.prefix, installation.build)
    program = Program(installation.executable, arguments(installation, installation.config), installation.environment)
    staged = Staged(sorted(dict(files.values()).items()), folders)
    try:
        outcome = run(proc, program, installation.view, staged, seconds)
        return _result(outcome, PRIVATE_MOUNTS, {})
    except SandboxRefused as refusal:
        if installation.view.namespaces or installation.view.root != "/":
            raise SandboxRefused("%s; become root (CAP_SYS_ADMIN) on the host, or set validate to false" % refusal)
    return _test_shadows(proc, installation, configuration, files, seconds)


def _result(outcome, method, shown):
    text = outcome.output.decode("utf-8", "backslashreplace")
    for name, path in shown.items():
        text = text.replace(name, path)
    if len(text) > MOST_SHOWN:
        text = "..." + text[-MOST_SHOWN:]
    return Verdict(None if outcome.code is None else outcome.code == 0, method, text.strip())


def sentence_of(verdict):
    """Return nginx's own words for why it refuses a configuration, without time and pid."""
    found = [line.partition("[emerg] ")[2] for line in verdict.output.split("\n") if "[emerg] " in line]
    return "; ".join(PROCESS.sub("", line) for line in found) or verdict.output or "it said nothing"


def what_is_wrong(proc, installation, configuration, seconds):
    """Return nginx's words on the configuration as it is on disk; ``None`` when it finds nothing wrong."""
    verdict = try_configuration(proc, installation, configuration, {}, seconds)
    if verdict.passed is None:
        return "nginx -t did not end within %d seconds" % seconds
    return None if verdict.passed else sentence_of(verdict)


def _test_shadows(proc, installation, configuration, files, seconds):
    """Test a second main file beside the first: it has the same directory, so relative includes mean the same."""
    with ExitStack() as stack:
        config = configuration.path
        place = stack.enter_context(locate("/", config))
        beside = stack.enter_context(locate("/", posixpath.join(posixpath.dirname(config), durable.temporary_name())))
        shadows = _Shadows(configuration, {path: data for path, (_real, data) in files.items()}, installation.directives)
        names = {}
        for path in shadows.paths():  # inner files first: the others name them
            name = stack.enter_context(durable.beside(beside, shadows.bytes_of(path, names)))
            names[path] = posixpath.join(posixpath.dirname(config), name)
        place.close()
        changed = installation._replace(directives=shadows.directives)
        outcome = run(proc, Program(changed.executable, arguments(changed, names[config]), changed.environment), changed.view, None, seconds)
    return _result(outcome, SHADOW_INCLUDES, {name: path for path, name in names.items()})


class _Shadows:
    """The files that need a shadow, and what is in them."""

    def __init__(self, configuration, edited, directives):
        from .read import included_paths, read_source
        from .shadow import includes_of, on_the_way

        self._main = configuration.path
        self._contents = {path: edited.get(path) or read_source(configuration, path).data for path in configuration.files}
        self._includes = {
            path: includes_of(data, path, lambda directive, path=path: included_paths(configuration, path, directive)) for path, data in self._contents.items()
        }
        self.directives = directives
        holders = self._without_pid_file()
        self._wanted = on_the_way(self._main, self._includes, [*edited, *holders])

    def _without_pid_file(self):
        """Let the pid be /dev/null, wherever it is named; return the files that name it."""
        from .shadow import PID, find_pid, without_pid

        if self.directives and find_pid(self.directives + b";", "-g"):
            self.directives = without_pid(self.directives.rstrip(b"; ") + b";", "-g")
            return []
        holders = [path for path, data in self._contents.items() if find_pid(data, path)]
        self._pid_holders = set(holders)
        if not holders:
            self.directives = (self.directives.rstrip(b"; ") + b"; " if self.directives else b"") + PID
        return holders

    def paths(self):
        """Return the files that need a shadow, each before those that include it."""
        done, order, todo = set(), [], [self._main]
        while todo:
            path = todo[-1]
            inner = [name for include in self._includes.get(path, ()) for name in include.paths if name in self._wanted and name not in done]
            if inner:
                todo.append(inner[0])
            else:
                done.add(path)
                order.append(todo.pop())
        return order

    def bytes_of(self, path, names):
        from .shadow import shadow, without_pid

        data = shadow(self._contents[path], self._includes[path], names)
        return without_pid(data, path) or data
