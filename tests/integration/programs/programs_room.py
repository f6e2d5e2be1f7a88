# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a Debian release, or of this machine, in the room of a test (see kernel_rooms.py). They end with the room."""

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ansible_collections.netops.listen_queue.plugins.plugin_utils.rows.host import host_rows
from kernel_rooms import MS_BIND_REC, mount, sysctl
from kernel_view import facts

SOMAXCONN = 60000  # higher than what any program asks for by itself
OPEN_FILES = 5000  # RLIMIT_NOFILE of the programs: haproxy computes from it
SECONDS = 20
INSIDE = Path("/run/root")  # the root of the Debian release, in the room
USERS = "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"


def furnished(root, test):
    """Call ``test()`` in the room, in which INSIDE is the root of a Debian release that may be written to (``root`` is its folder)."""
    sysctl("net.core.somaxconn", SOMAXCONN)
    if root is not None:
        for name in ("changes", "work", "root"):
            Path("/run", name).mkdir()
        mount("overlay", INSIDE, "overlay", 0, "lowerdir=%s,upperdir=/run/changes,workdir=/run/work" % root)
        for name in ("proc", "dev", "sys"):
            (INSIDE / name).mkdir(exist_ok=True)
            mount("/" + name, INSIDE / name, "none", MS_BIND_REC)
        for name in ("tmp", "run/sshd", "root", "etc"):
            (INSIDE / name).mkdir(parents=True, exist_ok=True)
        (INSIDE / "tmp").chmod(0o1777)
        (INSIDE / "etc" / "passwd").write_text(USERS)
        (INSIDE / "etc" / "group").write_text(GROUPS)
    return test()


def until(condition, what):
    """Return the first true value of ``condition()``; ``what()`` tells what is wrong when there is none."""
    deadline = time.monotonic() + SECONDS
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


class Room:
    """Where the programs of one test run. ``{folder}`` in a command or a file is their folder, as they see it."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root
        self.log = folder / "output.log"

    def text(self, text):
        return text.replace("{folder}", "/tmp" if self.root else str(self.folder))

    def write(self, files):
        for name, text in files.items():
            path = (INSIDE / "tmp" if self.root else self.folder) / name
            path.write_text(self.text(text))
            path.chmod(0o600 if name.startswith("key") else 0o644)

    def start(self, *command):
        """Start a program (the first that matches, where its name has a star); return its process. What it prints is added to the log."""
        program, *arguments = map(self.text, command)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.text("{folder}"), "LC_ALL": "C.UTF-8", "PYTHONPATH": self.text("{folder}")}
        if "*" in program:
            program = "/" + str(next(INSIDE.glob(program[1:])).relative_to(INSIDE))
        if self.root is None:
            beside = Path(sys.executable).parent / program
            program = str(beside) if beside.exists() else shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with self.log.open("ab") as log:
            return subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, preexec_fn=self._enter)  # noqa: PLW1509

    def _enter(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        if self.root is not None:
            os.chroot(INSIDE)
        os.chdir(self.text("{folder}"))

    def listeners(self):
        """``{address: (limit, fields of the program)}`` as the collection's own code has them."""
        rows = host_rows("host", facts(), {}).listeners
        return {row["listener"]["address"]: (row["listener"]["accept_queue_limit"], row["program"]) for row in rows}

    def limits(self, addresses):
        """``{address: limit}`` of these addresses."""
        found = self.listeners()
        return {address: found[address][0] for address in addresses if address in found}

    def wait_for(self, process, addresses):
        """Wait until the program listens on these addresses; return ``listeners()``."""

        def listening():
            found = self.listeners()
            if set(addresses) <= set(found):
                return found
            assert process.poll() is None, "it ended: " + self.printed()[-2000:]
            return None

        return until(listening, lambda: "it does not listen on all of %s: %s" % (addresses, self.printed()[-2000:]))

    def wait_for_print(self, text, number=1):
        """Wait until the programs have printed a text so many times."""
        until(lambda: self.printed().count(text) >= number, lambda: "%r was not printed %d times: %s" % (text, number, self.printed()[-2000:]))

    def printed(self):
        return self.log.read_text(errors="backslashreplace")
