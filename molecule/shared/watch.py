# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who opens anything for writing on a test host, told by the kernel (inotify): a file that is only opened, written with the same bytes, or made and
removed again is seen too, and so is a sysctl.
"""

import contextlib
import json
import subprocess

from snapshot import ENGINE, FOLDERS, LOGINS

# Runs on the host until its standard input ends.
ON_HOST = r"""
import ctypes, json, os, struct, sys
FOLDERS, LOGINS = json.loads(sys.argv[1])
WRITES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200  # MODIFY ATTRIB CLOSE_WRITE MOVED_FROM MOVED_TO CREATE DELETE
libc = ctypes.CDLL(None, use_errno=True)
inotify, names, seen = libc.inotify_init1(os.O_NONBLOCK), {}, {}
for top in FOLDERS:
    for folder, folders, files in os.walk(top):
        number = libc.inotify_add_watch(inotify, os.fsencode(folder), WRITES)
        if number < 0:
            sys.exit("%s cannot be watched: %s" % (folder, os.strerror(ctypes.get_errno())))
        names[number] = folder
print("ready", flush=True)
sys.stdin.read()
while True:
    try:
        data = os.read(inotify, 1 << 16)
    except BlockingIOError:
        break
    while data:
        number, mask, cookie, length = struct.unpack_from("iIII", data)
        if mask & 0x4000:
            sys.exit("there was more than could be noted")
        path = os.path.join(names.get(number, "?"), data[16 : 16 + length].rstrip(b"\0").decode())
        if not any(path.startswith(login) for login in LOGINS):
            seen[path] = None
        data = data[16 + length :]
print(json.dumps(list(seen)))
"""


@contextlib.contextmanager
def written(container):
    """The paths that are written, made, moved or removed on a host while the block lasts; the list is filled at its end."""
    folders = json.dumps([[*FOLDERS, "/proc/sys/net"], LOGINS])
    command = [ENGINE, "exec", "-i", container, "python3", "-c", ON_HOST, folders]
    watching = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert watching.stdout.readline() == "ready\n"
    paths = []
    try:
        yield paths
    finally:
        paths += json.loads(watching.communicate(timeout=60)[0])
