# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets sysctls in the network namespace of the calling thread, all of them or none, and tries values out where nobody is hurt."""

import errno
import os
import signal

from .._errors import WriteError
from .._files.durable import set_value

CLONE_NEWNET = 0x40000000
SECONDS = 10


def write_values(proc, values):
    """Write ``{path below /proc/sys: text}`` and return ``{path: text that reads back}``. Raises WriteError; then all are as before."""
    before, after = {}, {}
    for path, text in values.items():
        try:
            before[path] = _read(proc, path)
            set_value(proc.path("sys/" + path), text.encode("utf-8") + b"\n")
            after[path] = _read(proc, path)
        except OSError as error:
            stuck = restore_values(proc, before)
            ending = "nothing was changed" if not stuck else "and these could not be put back: %s" % ", ".join(stuck)
            raise WriteError("the kernel refuses %r for %s: %s; %s" % (text, proc.path("sys/" + path), error.strerror, ending))
    return after


def restore_values(proc, values):
    """Write values back, as far as possible, the last one first; return the paths that could not be."""
    stuck = []
    for path, text in reversed(list(values.items())):
        try:
            if _read(proc, path) != text:
                set_value(proc.path("sys/" + path), text.encode("utf-8") + b"\n")
        except OSError:
            stuck.append(path)
    return stuck


def _read(proc, path):
    raw = proc.read("sys/" + path, once=True)
    if raw is None:
        raise OSError(errno.ENOENT, "there is no such file any more")
    return " ".join(raw.decode("utf-8", "backslashreplace").split())


def try_values(proc, values):
    """Write values in a new network namespace, which ends with the child process that makes it.

    They must be values of which each namespace has its own: others would be set for the whole machine. Return ``{path:
    sentence}`` of those that the kernel refuses there. What does not exist there, or cannot be tried for lack of rights, is
    not in it.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            signal.alarm(SECONDS)
            os.write(writing, "\n".join(_tried(proc, values)).encode("utf-8", "backslashreplace"))
        finally:
            os._exit(0)
    os.close(writing)
    told = b""
    while True:
        chunk = os.read(reading, 65536)
        if not chunk:
            break
        told += chunk
    os.close(reading)
    os.waitpid(pid, 0)
    return dict(line.split(" ", 1) for line in told.decode("utf-8").split("\n") if line)


def _tried(proc, values):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return []
    refused = []
    for path, text in values.items():
        if not os.path.exists(proc.path("sys/" + path)) or not os.access(proc.path("sys/" + path), os.W_OK):
            continue
        try:
            set_value(proc.path("sys/" + path), text.encode("utf-8") + b"\n")
        except OSError as error:
            refused.append("%s %s" % (path, error.strerror))
    return refused
