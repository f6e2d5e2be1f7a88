# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx of the test's own. See conftest.py for how to use it."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from kernel_rooms import MS_BIND, mount, run

SECONDS = 10
PRIVATE = ("/var/lib/nginx", "/var/log/nginx")
PREAMBLE = "pid {folder}/nginx.pid; error_log {folder}/error.log info; user root; worker_processes 2; events {{ worker_connections 64; }}\n"


def program():
    """The path of the installed nginx."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert found, "there is no nginx; run: make needs"
    return found


def furnished(release, function):
    """Call ``function()`` in the room, with private directories where nginx would write, and the nginx of ``release`` (a folder, or None)."""
    if release is not None:
        use_release(release)
    for folder in PRIVATE:
        if Path(folder).is_dir():
            mount("tmpfs", folder, "tmpfs")
    return function()


def use_release(folder):
    """Let this room have the nginx of another release, which tools/releases.sh unpacked in ``folder``, at its usual path."""
    usr = folder / "usr"
    if libc_of(folder) >= tuple(int(number) for number in os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")):
        mount("overlay", "/usr", "overlay", 0, "lowerdir=%s:/usr" % usr)  # this machine's programs run with newer libraries
        return
    # With an older libc they do not: so the release gives what is not here, and nginx itself.
    mount("overlay", "/usr/lib", "overlay", 0, "lowerdir=/usr/lib:%s:%s" % (usr / "lib", folder / "lib"))
    for path in ("sbin/nginx", "lib/nginx"):
        mount(usr / path, "/usr/" + path, "none", MS_BIND)


def libc_of(folder):
    """The version of the C library below a folder."""
    path = next(path for pattern in ("lib/*/libc.so.6", "usr/lib/*/libc.so.6") for path in sorted(folder.glob(pattern)))
    return tuple(int(number) for number in re.search(rb"release version (\d+)\.(\d+)", path.read_bytes()).groups())


def until(condition, what, seconds=SECONDS):
    """Return the first true value of ``condition()``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("%s took more than %d seconds" % (what, seconds))


def children(pid):
    """The pids of the processes whose parent is ``pid``, ascending."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_bytes()
            except OSError:
                continue
            if int(stat.rpartition(b")")[2].split()[1]) == pid:
                found.append(int(entry))
    return sorted(found)


def title(pid):
    """The command line of a process as nginx shows it; empty when it ended."""
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Starter:
    """Starts servers below one folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, text, *arguments, name="nginx", main=PREAMBLE, **options):
        server = Server(self.folder / name, main)
        server.write(text)
        server.start(*arguments, **options)
        return server


class Server:
    """One nginx: its files, its master (``pid``) and what can be done with it."""

    def __init__(self, folder, main=PREAMBLE):
        self.folder, self.conf, self._main = folder, folder / "nginx.conf", main
        self.pid = None
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, text, name="nginx.conf"):
        """Write the main file (with the preamble) or another file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((self._main.format(folder=self.folder) if path == self.conf else "") + text)
        return path

    def start(self, *arguments, command=None, daemon=True, workers=True, **options):
        """Start nginx: as a daemon whose pid is in nginx.pid, or in the foreground (then USR2 is ignored).

        Waits until it has workers, when ``workers`` is true. ``options`` are those of Popen.
        """
        command = command or [program(), "-p", str(self.folder), "-c", str(self.conf), *arguments]
        if not daemon:
            command += ["-g", "daemon off;"]
        with (self.folder / "output.log").open("ab") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
        if daemon:
            assert process.wait(SECONDS) == 0, "nginx ended: " + self.errors()
        self.pid = until(self.pid_of_file, "the pid file of nginx") if daemon else process.pid
        if workers:
            until(lambda: process.poll() or self.is_complete(), "the start of nginx")
        assert not process.poll(), "nginx ended: " + self.errors()

    def pid_of_file(self):
        """The daemon writes it after the command has ended."""
        path = self.folder / "nginx.pid"
        text = path.read_text().strip() if path.exists() else ""
        return int(text) if text else None

    def workers(self, master=None):
        """The pids of the workers that are not shutting down; none before they call themselves workers."""
        return [pid for pid in children(master or self.pid) if title(pid).startswith("nginx: w") and "shutting down" not in title(pid)]

    def is_complete(self, master=None):
        """Whether it has all the workers that its main file asks for; the master makes one after the other."""
        asked = re.search(r"worker_processes (\d+)", self.conf.read_text())
        return len(self.workers(master)) >= int(asked.group(1) if asked else 1)

    def signal(self, number):
        os.kill(self.pid, number)

    def reload(self):
        """Send HUP and wait until no worker is an old one."""
        before = set(self.workers())
        self.signal(signal.SIGHUP)
        until(lambda: self.is_complete() and not before & set(self.workers()), "the reload of nginx: " + self.errors())

    def upgrade(self):
        """Send USR2; return the pid of the new master when it has workers."""
        self.signal(signal.SIGUSR2)

        def new_master():
            masters = [pid for pid in children(self.pid) if title(pid).startswith("nginx: m")]
            return masters and self.is_complete(masters[0]) and masters[0]

        return until(new_master, "the upgrade of nginx: " + self.errors())

    def errors(self):
        """What it wrote to its error log and its standard error."""
        texts = [path.read_text() for path in (self.folder / "error.log", self.folder / "output.log") if path.exists()]
        return "".join(texts)

    def limits(self, port):
        """Send-Q of each TCP listener on ``port``, sorted."""
        return sorted(int(line.split()[2]) for line in run("ss", "-Hltn", "sport", "= :%d" % port).splitlines())
