# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the test's own inside a room: places that are private, the modules as a play would call them, and what is there before and after."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import control, pack, read
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.session import Session
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ListenQueueError
from ansible_collections.netops.listen_queue.plugins.module_utils._files import durable
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_listen import control as nginx_listen
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_reload import control as nginx_reload
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._socket_backlog import control as socket_backlog
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin import control as sysctl_dropin
from ansible_collections.netops.listen_queue.plugins.modules import checkpoint as checkpoint_module
from ansible_collections.netops.listen_queue.plugins.modules import nginx_listen as nginx_listen_module
from ansible_collections.netops.listen_queue.plugins.modules import nginx_reload as nginx_reload_module
from ansible_collections.netops.listen_queue.plugins.modules import socket_backlog as socket_backlog_module
from ansible_collections.netops.listen_queue.plugins.modules import sysctl_dropin as sysctl_dropin_module
from kernel_rooms import mount, sysctl
from nginx_server import Server

PROC = ProcFS("/proc")
STATE = "/var/lib/netops.listen_queue"
SYSCTL_D, UNITS = Path("/etc/sysctl.d"), Path("/etc/systemd/system")
KEYS = ("net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog")
PORTS = (8081, 8082, 8083)
MAIN = "http { server { listen 8081; } include servers/*.conf; }\n"
SERVERS = {"servers/two.conf": "server { listen 8082; }\n", "servers/three.conf": "server {\n  listen\t8083; # password\n}\n"}


def furnished(function):
    """Call ``function()`` in the room, with private places for everything that is changed."""
    for folder in ("/var/lib", "/var/log", str(SYSCTL_D), str(UNITS)):
        os.makedirs(folder, exist_ok=True)
        mount("tmpfs", folder, "tmpfs")
    for folder in ("/var/lib/nginx", "/var/log/nginx"):
        os.mkdir(folder)
    for folder in (SYSCTL_D, UNITS):
        folder.chmod(0o755)
    return function()


def parameters(module, given):
    values = {name: option.get("default") for name, option in module.ARGUMENT_SPEC.items()}
    assert set(given) <= set(values)
    return {**values, **given}


def set_all(value):
    """Give all of KEYS a value."""
    for key in KEYS:
        sysctl(key, value)


def refusal(function, *arguments, **given):
    """The sentence with which something is refused."""
    try:
        answer = function(*arguments, **given)
    except ListenQueueError as error:
        return str(error)
    raise AssertionError("it was not refused: %r" % (answer,))


class Host:
    """What a test changes, and how."""

    def __init__(self, folder):
        self.folder = folder
        self.id = None
        self.server = None

    def start(self, main=MAIN, servers=None):
        """Start nginx with listens in several files."""
        self.server = Server(self.folder / "nginx")
        for name, text in (SERVERS if servers is None else servers).items():
            self.server.write(text, name)
        self.server.write(main)
        self.server.start()
        return self.server

    def prepare(self):
        """Make of the room a machine with small sysctls and nginx; return what is there."""
        set_all(700)
        self.start()
        return self.snapshot()

    # The modules, as the runner calls them ------------------------------------------------------------------------------

    def checkpoint(self, state, is_check=False, **given):
        """The Answer of the module checkpoint; the id of the open one is filled in."""
        if state != "open":
            given = {"id": self.id, **given}
        answer = control.act(parameters(checkpoint_module, {"state": state, "reason": "a test", **given}), is_check, "/proc", STATE)
        if state == "open":
            self.id = answer.values["id"]
        return answer

    def open(self, **given):
        return self.checkpoint("open", **given)

    def change(self, module, control_of, is_check=False, **given):
        """The Answer of another module, in the open checkpoint unless ``checkpoint`` says otherwise."""
        values = parameters(module, {"checkpoint": self.id, **given})
        session = Session("/proc", STATE).begin(values["checkpoint"], module.__name__.rpartition(".")[2])
        self.told = session.settle(is_check)
        return control_of.act(values, is_check, "/proc", session)

    def sysctl(self, is_check=False, **given):
        given = {"values": dict.fromkeys(KEYS, 5000), "loader": "systemd-sysctl", **given}
        return self.change(sysctl_dropin_module, sysctl_dropin, is_check, **given)

    def listen(self, is_check=False, **given):
        given = {"config": str(self.server.conf), "prefix": str(self.server.folder), "listen": "all", "backlog": 1000, **given}
        return self.change(nginx_listen_module, nginx_listen, is_check, **given)

    def reload(self, is_check=False, **given):
        return self.change(nginx_reload_module, nginx_reload, is_check, **{"config": str(self.server.conf), **given})

    def backlog(self, listen, backlog, is_check=False, **given):
        return self.change(socket_backlog_module, socket_backlog, is_check, listen=listen, backlog=backlog, **given)

    def settle(self):
        """What the next run does before it plans; return its sentences."""
        return Session("/proc", STATE).begin(self.id, "next").settle()

    def settle_as_next(self):
        """The same, of a run that knows of no checkpoint."""
        return Session("/proc", STATE).begin(None, "next").settle()

    # What is there ------------------------------------------------------------------------------------------------------

    def found(self):
        return read.find_one(STATE, self.id)

    def info(self):
        return read.read_row(PROC, self.found())

    @property
    def path(self):
        return Path(STATE, "checkpoints", self.id)

    def undo(self, *arguments, python=sys.executable, seconds=30):
        """Run the undo program as the printed command says, from an empty directory and with nothing in its environment."""
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        command = [str(python), "-I", str(self.path / "undo.pyz"), *arguments]
        return subprocess.run(command, cwd=empty, env={}, capture_output=True, text=True, timeout=seconds, check=False)

    def snapshot(self):
        """Everything that a change may change: files with their bytes, mode, owner and attributes, and the values of the kernel."""
        found = {key: sysctl(key) for key in KEYS}
        for folder in self.folders():
            for path in [folder, *sorted(folder.rglob("*"))]:
                if not path.name.startswith(durable.TEMPORARY):  # leftovers() has those
                    found[str(path)] = described(path)
        return found

    def folders(self):
        return [SYSCTL_D, UNITS] + ([self.server.folder / "servers"] if self.server else [])

    def limits(self):
        return [self.server.limits(port) for port in PORTS]

    def leftovers(self):
        """Temporary files that somebody left."""
        folders = [*self.folders(), Path(STATE)] + ([self.server.folder] if self.server else [])
        return [
            str(path) for folder in folders if folder.exists() for path in folder.rglob(".*") if path.name.startswith((durable.TEMPORARY, ".new-", ".old-"))
        ]


def described(path):
    status = path.lstat()
    what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    attributes = tuple((key, os.getxattr(path, key)) for key in os.listxattr(path)) if not path.is_symlink() else ()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, what, attributes


class Killer:
    """In the place of durable.before_write: a signal, or an error ``number``, at the k-th act that reaches the disk or the kernel."""

    def __init__(self, at=0, number=None, sent=signal.SIGKILL):
        self.at, self.number, self.sent, self.acts = at, number, sent, []

    def __call__(self, act, name):
        self.acts.append((act, name))
        if len(self.acts) == self.at:
            if self.number is None:
                os.kill(os.getpid(), self.sent)
                return
            raise OSError(self.number, os.strerror(self.number))


@contextmanager
def hooked(killer):
    durable.before_write = killer
    try:
        yield killer
    finally:
        durable.before_write = lambda _act, _name: None


def killed(at, function, sent=signal.SIGKILL):
    """Call ``function()`` in a child that gets a signal at its k-th write; False when it came to its end instead."""
    pid = os.fork()
    if not pid:
        code = 3
        try:
            with hooked(Killer(at, sent=sent)):
                function()
            code = 0
        except KeyboardInterrupt:
            code = 0
        except BaseException as error:
            sys.stderr.write("in the child: %r\n" % (error,))
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child failed by itself at write %d" % at
    return os.WIFSIGNALED(status)


def points(function):
    """How many writes ``function()`` makes, by calling it."""
    with hooked(Killer()) as killer:
        function()
    return len(killer.acts)


def without_packing():
    """Spare the tests that open many checkpoints the packing of the undo program."""
    program = pack.packed()
    pack.packed = lambda: program
