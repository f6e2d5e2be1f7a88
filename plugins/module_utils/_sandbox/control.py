# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program that sees other files than there are, and whose writes nobody else sees.

A child gets a mount namespace of its own. In it, new bytes in a tmpfs are bound over the real files, and an overlay covers
every directory that the program would write to. All of it is gone when the child ends, however it ends.
"""

import ctypes
import os
import select
import signal
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

from .._errors import WriteError
from .._files import durable
from .mounts import covers, mounts_below, scratch_candidates

CLONE_NEWNS = 0x00020000
# Files of /proc/<pid>/ns in the order in which to enter them; a user namespace comes last, as it takes the rights to enter others.
NAMESPACES = ("mnt", "net", "ipc", "uts", "pid")
MS_NOSUID_NODEV, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MNT_DETACH = 2 | 4, 4096, 8192, 16384, 1 << 18, 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, HIGHEST_CAPABILITY = 1, 24, 63
MOST_OUTPUT = 1 << 16  # bytes; of more the last ones are kept
SETUP_FAILED = 111


class SandboxRefused(WriteError):
    """The kernel does not let us make the sandbox here; nothing was run."""


class Credentials(NamedTuple):
    """Who started a process: its real user and group, as what runs with other effective ones obeys the environment of the real user."""

    uid: int
    gid: int
    groups: Tuple[int, ...]


class View(NamedTuple):
    """Whose world the program shall see: ``namespaces`` (names in /proc/<pid>/ns) and ``root`` of process ``pid``; None is our own."""

    pid: Optional[int] = None
    namespaces: Tuple[str, ...] = ()
    root: str = "/"
    folder: str = "/"  # the working directory, inside root
    credentials: Optional[Credentials] = None  # whose rights the program shall have, and not more; None is our own


class Program(NamedTuple):
    """``executable`` is a path that we can open now; it is run even when the view has another file of that name."""

    executable: str
    arguments: List[str]  # the first one is the program's name
    environment: Dict[str, str]


class Staged(NamedTuple):
    """What the program shall find: ``files`` are (real path inside the root, bytes), ``folders`` those whose writes are contained."""

    files: List[Tuple[str, bytes]]
    folders: List[str]


class Outcome(NamedTuple):
    """``code`` is the exit code, 128 + the signal's number, or None when the time was over."""

    code: Optional[int]
    output: bytes


def view_of(proc, pid, root="/", folder="/"):
    """Return the View of a running process. Raises PermissionError when its namespaces may not be read."""
    different = [name for name in NAMESPACES + ("user",) if proc.link("%d/ns/%s" % (pid, name)) not in (None, proc.link("self/ns/" + name))]
    return View(pid, tuple(different), root, folder)


def run(proc, program, view, staged, seconds):
    """Run a program to its end, or for at most ``seconds``, and return its Outcome.

    ``staged`` is None for a program that may write where it wants. Raises SandboxRefused.
    """
    child = _Child(proc, program, view, staged)
    output, status = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.close(output[0])
        os.close(status[0])
        child.run(output[1], status[1])
    child.close()
    os.close(output[1])
    os.close(status[1])
    deadline = time.monotonic() + seconds
    try:
        texts = _listen(output[0], status[0], deadline)
        is_over = _has_ended(pid, deadline)
    finally:
        os.close(output[0])
        os.close(status[0])
        os.killpg(pid, signal.SIGKILL) if _is_leader(pid) else os.kill(pid, signal.SIGKILL)  # before it is reaped, nobody else has its number
        code = _exit_code(os.waitpid(pid, 0)[1])
    if texts[1]:
        raise SandboxRefused("the test cannot be shut off from the machine here: %s" % texts[1].decode("utf-8", "backslashreplace"))
    return Outcome(code if is_over else None, texts[0])


def _is_leader(pid):
    try:
        return os.getpgid(pid) == pid
    except OSError:
        return False


def _listen(output, status, deadline):
    """Read both pipes to their ends, or until the deadline; return the texts."""
    texts, left = {output: b"", status: b""}, {output, status}
    while left:
        ready = select.select(list(left), [], [], max(0.0, deadline - time.monotonic()))[0]
        if not ready:
            break
        for descriptor in ready:
            chunk = os.read(descriptor, MOST_OUTPUT)
            texts[descriptor] = (texts[descriptor] + chunk)[-MOST_OUTPUT:]
            if not chunk:
                left.discard(descriptor)
    return texts[output], texts[status]


def credentials_of(proc, pid):
    """Return the Credentials of a running process; ``None`` when it has ended."""
    numbers = {}
    for line in (proc.read("%d/status" % pid) or b"").split(b"\n"):
        name, _colon, values = line.partition(b":")
        if name in (b"Uid", b"Gid", b"Groups"):
            numbers[name] = tuple(int(value) for value in values.split())
    return Credentials(numbers[b"Uid"][0], numbers[b"Gid"][0], numbers.get(b"Groups", ())) if b"Uid" in numbers and b"Gid" in numbers else None


def _has_ended(pid, deadline):
    """Wait for the child without reaping it; False when the time is over. A program may close its output before it ends."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def _exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


class _Child:
    """Everything that the child needs is opened and imported before the fork: afterwards it may be in a container, whose files are not ours."""

    def __init__(self, proc, program, view, staged):
        self._program = program
        self._view = view
        self._staged = staged
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._bounding = _bounding_set(proc, view.pid)
        self._parent = os.getpid()
        self._null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._proc = os.open(proc.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open = [self._null, self._proc]
        try:
            self._executable = self._keep(os.open(program.executable, os.O_RDONLY | os.O_CLOEXEC))
            self._namespaces = {name: self._keep(os.open(proc.path("%d/ns/%s" % (view.pid, name)), os.O_RDONLY | os.O_CLOEXEC)) for name in view.namespaces}
        except OSError as error:
            self.close()
            raise SandboxRefused("the test cannot be run: %s: %s" % (error.filename, error.strerror))
        if view.credentials and view.credentials != credentials_of(proc, view.pid):  # its number may be that of another one now
            self.close()
            raise SandboxRefused("process %d ended meanwhile; run again" % view.pid)

    def _keep(self, descriptor):
        self._open.append(descriptor)
        return descriptor

    def close(self):
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []

    def run(self, output, status):
        """Never returns. What goes wrong before the program runs is told on ``status``, which the program does not inherit."""
        try:
            os.setsid()
            self._end_with_parent()
            self._enter("mnt")
            if self._staged is not None:
                self._call("unshare", "a mount namespace of its own", CLONE_NEWNS)
                self._mount(None, "/", None, MS_REC | MS_PRIVATE)
            if self._view.root != "/":
                os.chroot(self._view.root)
            if self._staged is not None:
                self._stage()
            for name in NAMESPACES[1:]:
                self._enter(name)
            if "pid" in self._namespaces:  # it holds for children only
                self._wait_for_child(output, status)
            self._become_like_the_other()
            self._execute(output)
        except BaseException as error:
            os.write(status, ("%s" % (error,) or repr(error)).encode("utf-8", "backslashreplace"))
        finally:
            os._exit(SETUP_FAILED)

    def _end_with_parent(self):
        self._libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        if os.getppid() not in (self._parent, 0):
            os._exit(SETUP_FAILED)

    def _enter(self, name):
        if name in self._namespaces:
            self._call("setns", "the %s namespace of process %s" % (name, self._view.pid), self._namespaces[name], 0)

    def _wait_for_child(self, output, status):
        self._parent = os.getpid()
        pid = os.fork()
        if pid:
            os.close(output)
            os.close(status)
            os._exit(_exit_code(os.waitpid(pid, 0)[1]))
        self._libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)

    def _become_like_the_other(self):
        """Have no more rights than the process whose view it is: a container's image need not be trusted, nor the program of a user."""
        if self._bounding is not None:
            for capability in range(HIGHEST_CAPABILITY + 1):
                if not self._bounding >> capability & 1:
                    self._libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)
        mine = self._view.credentials
        if "user" in self._namespaces:
            os.setgroups([])
            self._enter("user")
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        elif mine and mine.uid != 0:
            os.setgroups(mine.groups)
            os.setresgid(mine.gid, mine.gid, mine.gid)
            os.setresuid(mine.uid, mine.uid, mine.uid)
            self._end_with_parent()  # which was lost with the rights

    def _execute(self, output):
        try:
            os.chdir(self._view.folder)
        except OSError:
            os.chdir("/")
        for number, descriptor in ((0, self._null), (1, output), (2, output)):
            os.dup2(descriptor, number)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execve(self._executable, self._program.arguments, self._program.environment)  # noqa: S606 -- no shell is wanted

    def _call(self, name, what, *arguments):
        if getattr(self._libc, name)(*arguments) != 0:
            raise OSError("%s: %s" % (what, os.strerror(ctypes.get_errno())))

    def _mount(self, source, target, kind, flags, options=None):
        texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
        self._call("mount", "mount of %s" % target, *texts, ctypes.c_ulong(flags), None if options is None else os.fsencode(options))

    def _stage(self):
        files = self._staged.files
        folders = [folder for folder in covers(map(os.path.realpath, self._staged.folders)) if os.path.isdir(folder)]
        scratch = next((path for path in scratch_candidates([path for path, _data in files] + folders) if _is_real_folder(path)), None)
        if scratch is None:
            raise OSError("there is no directory over which a tmpfs can be mounted for a moment")
        self._mount("tmpfs", scratch, "tmpfs", MS_NOSUID_NODEV, "mode=0755,size=128m")
        for number, folder in enumerate(folders):
            self._cover(folder, "%s/c%d" % (scratch, number))
        for number, (path, data) in enumerate(files):
            copy = "%s/f%d" % (scratch, number)
            durable.scratch_file(copy, data, os.stat(path))
            self._mount(copy, path, None, MS_BIND)
        self._call("umount2", "detaching the tmpfs", os.fsencode(scratch), MNT_DETACH)

    def _cover(self, folder, base):
        """Put an overlay over a directory; what is mounted below it stays where it is."""
        for name in ("", "/upper", "/work", "/mounts"):
            durable.scratch_folder(base + name, os.stat(folder) if name == "/upper" else None)
        kept = []
        for number, point in enumerate(mounts_below(self._mountinfo(), os.fsencode(folder))):
            copy = "%s/mounts/%d" % (base, number)
            durable.scratch_folder(copy) if os.path.isdir(point) else durable.scratch_file(copy, b"")
            self._mount(os.fsdecode(point), copy, None, MS_BIND | MS_REC)
            kept.append((copy, os.fsdecode(point)))
        lower = folder.replace("\\", "\\\\").replace(":", "\\:")
        self._mount("overlay", folder, "overlay", 0, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (lower, base, base))
        for copy, point in kept:
            self._mount(copy, point, None, MS_MOVE)

    def _mountinfo(self):
        descriptor = os.open("self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        with open(descriptor, "rb") as file:
            return file.read()


def _is_real_folder(path):
    return os.path.isdir(path) and not os.path.islink(path)


def _bounding_set(proc, pid):
    for line in (proc.read("%d/status" % pid) or b"" if pid else b"").split(b"\n"):
        if line.startswith(b"CapBnd:"):
            return int(line.split()[1], 16)
    return None
