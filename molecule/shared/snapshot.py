# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test host holds, taken from outside: python3 snapshot.py CONTAINER FILE

Every file of the host with its content, owner, rights and the time of its last change of any kind, and every sysctl of its network
namespace. Two equal snapshots prove that nothing was written in between, not even the same bytes again.
"""

import json
import subprocess
import sys
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "tools" / "engine.sh"
FOLDERS = ("/boot", "/etc", "/home", "/mnt", "/opt", "/root", "/srv", "/usr", "/var")
LOGINS = ("/var/log/journal", "/var/log/lastlog", "/var/log/wtmp")

# Runs on the host. /run belongs to systemd and sudo, and a login by ssh is noted in files of /var/log. Ansible unpacks every module
# in a folder of /tmp and removes it, so the times of /tmp itself tell nothing.
ON_HOST = r"""
import hashlib, json, os, sys
FOLDERS, LOGINS = json.loads(sys.argv[1])

def state(path):
    status = os.lstat(path)
    content = os.readlink(path) if os.path.islink(path) else ""
    if os.path.isfile(path) and not content:
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
    return [oct(status.st_mode), status.st_uid, status.st_gid, status.st_ctime_ns, content]

def value(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return error.strerror

files, sysctls = {}, {}
for top in FOLDERS + ["/tmp"]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in LOGINS]
        for path in [folder] + [os.path.join(folder, name) for name in names]:
            if path not in LOGINS:
                files[path] = state(path)
del files["/tmp"]
for folder, folders, names in os.walk("/proc/sys/net"):
    for name in names:
        sysctls[os.path.join(folder, name)] = value(os.path.join(folder, name))
print(json.dumps({"files": files, "sysctls": sysctls}))
"""


def snapshot(container):
    """{"files": {path: [mode, uid, gid, ctime, content]}, "sysctls": {path: value}} of a running test host."""
    command = [ENGINE, "exec", "-i", container, "python3", "-", json.dumps([FOLDERS, LOGINS])]
    done = subprocess.run(command, input=ON_HOST, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def differences(before, after, pick=lambda state: state):
    """The names of what was made, removed or changed in between; `pick` takes the part of a file's state that counts."""
    files = [{name: pick(state) for name, state in each["files"].items()} for each in (before, after)]
    return [name for old, new in (files, (before["sysctls"], after["sysctls"])) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(snapshot(sys.argv[1])), encoding="utf-8")
