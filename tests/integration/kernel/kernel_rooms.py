# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms and programs.

A room is a process with network, mount and pid namespaces of its own: nothing that a test does reaches the machine or
another test, nothing of theirs is seen in it, and when it ends the kernel ends all that was started in it. Root makes
rooms directly; who may not gets a user namespace around each, as ``unshare -Urn`` would make it. A program is a child of
the test that keeps sockets or namespaces open for it.
"""

import ctypes
import fcntl
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import time
import traceback
import warnings

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_BIND_REC = MS_BIND | 0x4000
MS_REC_PRIVATE = 0x4000 | 1 << 18
HOST_PROC = "/run/host/proc"  # what the room's own procfs hides
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522
NOBODY = 65534
SECONDS = 30  # no test may take longer
NO_ROOM = (
    "the kernel tests cannot make namespaces here ({}); run them as root, or allow unprivileged user namespaces "
    "(user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
)

libc = ctypes.CDLL(None, use_errno=True)
_programs = []


class ChildFailed(AssertionError):
    """Something raised in a child process; the text is its traceback."""


def call(name, *arguments):
    """Call a function of the C library; raises OSError."""
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))


def unshare(flags):
    call("unshare", flags)


def setns(path):
    """Enter the network namespace that ``path`` shows."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        call("setns", descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def mount(source, target, kind, flags=0, data=None):
    call("mount", os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data and data.encode())


def netns():
    """The inode of the calling thread's network namespace."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def run(*command, **options):
    """Run a program to its end and return its output as text."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, errors="backslashreplace", **options)
    assert done.returncode == 0, "%s: exit code %d\n%s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout


# Children -------------------------------------------------------------------------------------------------------------


def _die_with_parent(parent):
    call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() not in (parent, 0):  # 0: the parent is outside of the pid namespace
        os._exit(1)


def _tell(writing, value):
    data = pickle.dumps(value)
    data = struct.pack("=I", len(data)) + data
    while data:
        data = data[os.write(writing, data) :]


def _told(reading, seconds, what):
    deadline, data, wanted = time.monotonic() + seconds, b"", 4
    while len(data) < wanted:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise ChildFailed("%s took more than %d seconds" % (what, seconds))
        chunk = os.read(reading, wanted - len(data))
        if not chunk:
            raise ChildFailed("%s ended without an answer" % what)
        data += chunk
        if len(data) == wanted == 4:
            wanted += struct.unpack("=I", data)[0]
    is_good, value = pickle.loads(data[4:])  # noqa: S301 (from our own child)
    if not is_good:
        raise ChildFailed(value)
    return value


def _fork(body):
    """Fork a child that calls ``body(tell)`` and ends. Return its pid and the descriptor of what it tells."""
    reading, writing = os.pipe()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads; the workers of xdist have one
        pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.close(reading)
        _programs.clear()
        _die_with_parent(parent)
        body(lambda value: _tell(writing, (True, value)))
    except BaseException as error:
        _tell(writing, (False, _as_text(error)))
    finally:
        end_programs()
        os._exit(0)


def _as_text(error):
    """The traceback without the frames of this file at its top."""
    frames = error.__traceback__
    while frames.tb_next and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return str(error) if isinstance(error, ChildFailed) else "".join(traceback.format_exception(type(error), error, frames))


def in_child(function, seconds=SECONDS, before=None):
    """Return what ``function()`` returns in a forked child; raises ChildFailed with the traceback of what it raised."""

    def body(tell):
        if before:
            before()
        tell(function())

    pid, reading = _fork(body)
    try:
        return _told(reading, seconds, "the child process")
    finally:
        os.close(reading)
        _reap(pid)


def _reap(pid):
    for _attempt in range(200):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


class Program:
    """A child process that has called ``prepare()`` and then lives until ``kill()`` or the end of the room.

    ``told`` is what prepare returned; ``then()`` is called afterwards, at its own pace.
    """

    def __init__(self, prepare, then=None):
        def body(tell):
            kept = prepare()
            tell(kept)
            if then:
                then()
            while True:
                signal.pause()

        self.pid, reading = _fork(body)
        _programs.append(self)
        try:
            self.told = _told(reading, SECONDS, "the program")
        finally:
            os.close(reading)

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


def end_programs():
    for program in _programs:
        program.kill()
    _programs.clear()


# Rooms ----------------------------------------------------------------------------------------------------------------


def run_in_room(function, seconds=SECONDS):
    """Call ``function()`` in a new room. Raises ChildFailed."""

    def door():
        _make_room()
        return in_child(init, seconds)

    def init():  # process 1: when it ends, the kernel ends all others
        _furnish()
        return in_child(test, seconds)

    def test():
        os.setsid()
        return function()

    in_child(door, seconds + 2)


def _make_room():
    flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID
    parent = os.getppid()
    try:
        try:
            unshare(flags)
        except PermissionError:
            become_root_of_user_namespace(flags)
    except OSError as error:
        raise ChildFailed(NO_ROOM.format(error.strerror)) from None
    _die_with_parent(parent)


def _furnish():
    mount("none", "/", "none", MS_REC_PRIVATE)
    mount("tmpfs", "/run", "tmpfs")
    os.makedirs("/run/netns")
    os.makedirs(HOST_PROC)
    mount("/proc", HOST_PROC, "none", MS_BIND_REC)
    mount("proc", "/proc", "proc")
    link_up("lo")


def become_root_of_user_namespace(other_flags=0):
    """What ``unshare --map-root-user`` does."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | other_flags)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid), ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w", encoding="ascii") as file:
            file.write(text)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)


def drop_privileges():
    """Become nobody, or (in a user namespace that has only root) root without any capability."""
    parent = os.getppid()
    with open("/proc/self/uid_map", encoding="ascii") as file:
        has_nobody = any(int(line.split()[0]) <= NOBODY < int(line.split()[0]) + int(line.split()[2]) for line in file)
    if has_nobody:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    else:
        call("capset", struct.pack("=Ii", LINUX_CAPABILITY_VERSION_3, 0), bytes(24))
    # Like after execve(2): its own /proc entries belong to it.
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
    _die_with_parent(parent)


def link_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", name.encode(), 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), flags | IFF_UP))


def new_netns():
    """Leave for a new network namespace with its loopback up; return its inode."""
    unshare(CLONE_NEWNET)
    link_up("lo")
    return netns()


def sysctl(key, value=None):
    """Read a sysctl of the calling process's network namespace, after writing ``value`` when given."""
    path = "/proc/sys/" + key.replace(".", "/")
    if value is not None:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))
    with open(path, encoding="ascii") as file:
        return int(file.read())
