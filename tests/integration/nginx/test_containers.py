# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx in a container, seen from the host: its files, its view in the test, its master's pid out here, its network namespace."""

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._reload.read import masters_of
from kernel_rooms import mount
from nginx_changes import change, reload, tree
from nginx_server import Server, until

PROC = ProcFS("/proc")
CONF = "/etc/nginx/nginx.conf"
# A root of its own with the machine's programs, private directories for everything that is written, and pivot_root as runtimes do it.
SCRIPT = r"""
set -e
ip link set lo up
mount --rbind / "$1"
mount --make-rprivate "$1"
for each in etc/nginx run var/log var/lib/nginx; do mkdir -p "$1/$each"; mount -t tmpfs tmpfs "$1/$each"; done
mkdir -p "$1/run/old" "$1/var/log/nginx" "$1/etc/nginx/sites-enabled" "$1/etc/nginx/sites-available"
echo 'user root; error_log /var/log/nginx/error.log; events {} http { access_log off; include sites-enabled/*; }' > "$1/etc/nginx/nginx.conf"
echo 'server { listen 8080; }' > "$1/etc/nginx/sites-available/shop"
ln -s /etc/nginx/sites-available/shop "$1/etc/nginx/sites-enabled/shop"
mount -t proc proc "$1/proc"
cd "$1"
pivot_root . run/old
umount -l /run/old
exec nginx -g 'daemon off;'
"""
KINDS = {"root": [], "user_namespace": ["--user", "--map-root-user"]}


@pytest.fixture(params=KINDS)
def start(request, tmp_path):
    """A function that starts the container; it returns the Master as the host sees it, and a Server for what change() needs."""

    def run():
        (tmp_path / "root").mkdir()
        command = ["unshare", *KINDS[request.param], "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", SCRIPT, "sh", str(tmp_path / "root")]
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)

        def master():
            assert process.poll() is None, (tmp_path / "output").read_text()
            found = [master for master in masters_of(PROC) if master.workers]
            return found and found[0]

        return until(master, "the start of the container"), Server(tmp_path / "none")

    return run


def test_container_is_changed_tested_and_reloaded_from_the_host(start):
    master, server = start()
    root = f"/proc/{master.pid}/root"
    assert (master.inner_pid, master.root, master.is_own_root) == (1, root, False)
    host, inside = tree("/etc/nginx"), tree(root + "/run", root + "/var/log", root + "/var/lib/nginx")
    answer = change(server, root=root, config=CONF, prefix=None, listen="8080", backlog=77)
    assert (answer.changed, answer.values["tested_by"], answer.values["needs"]) == (True, "private_mounts", "reload")
    assert answer.values["files"] == ["/etc/nginx/sites-available/shop"]
    assert Path(root, "etc/nginx/sites-available/shop").read_text() == "server { listen 8080 backlog=77; }\n"
    assert os.readlink(root + "/etc/nginx/sites-enabled/shop") == "/etc/nginx/sites-available/shop"
    assert tree("/etc/nginx") == host
    assert tree(root + "/run", root + "/var/log", root + "/var/lib/nginx") == inside
    answer = reload(pid=master.pid)
    assert (answer.failure, answer.values["applied"], answer.values["needs"]) == (None, True, "none")
    assert answer.values["sockets"] == [{"pid": master.pid, "local_address": "0.0.0.0", "local_port": 8080, "accept_queue_limit": 77, "listen_backlog": 77}]
    again = change(server, root=root, config=CONF, prefix=None, listen="8080", backlog=77)
    assert (again.changed, again.values["needs"]) == (False, "none")


def test_container_is_found_without_being_named(start):
    _master, server = start()
    answer = change(server, config=None, prefix=None, listen="8080", backlog=77)
    assert (answer.changed, answer.values["config"]) == (True, CONF)
    with pytest.raises(InputError, match=r"no server listens on 0\.0\.0\.0:8081"):
        change(server, config=None, prefix=None, listen="8081", backlog=77)


def test_refusal_inside_a_container_names_its_file(start):
    master, server = start()
    Path(f"/proc/{master.pid}/root/etc/nginx/sites-available/shop").write_text("server { listen 8080; }\nserver { listen 8081; nonsense; }")
    with pytest.raises(
        Exception, match=r"nginx refuses /etc/nginx/nginx\.conf already as it is: unknown directive .nonsense. in /etc/nginx/sites-enabled/shop:2"
    ):
        change(server, config=None, prefix=None, listen="8080", backlog=77)
    answer = reload()
    assert (
        answer.failure == f'nginx {master.pid} ({CONF}) still runs with its old configuration: unknown directive "nonsense" in /etc/nginx/sites-enabled/shop:2'
    )
    assert answer.values["emerg"] == ['unknown directive "nonsense" in /etc/nginx/sites-enabled/shop:2']


def test_file_that_the_runtime_mounted_into_the_container_f15(start):
    master, server = start()
    root = f"/proc/{master.pid}/root"
    inner = Path(root, "etc/nginx/sites-available")
    (inner / "host").write_text("server { listen 8080; }")
    command = ["nsenter", "-t", str(master.pid), "-m", "-U", "mount", "--bind", "/etc/nginx/sites-available/host", "/etc/nginx/sites-available/shop"]
    if os.readlink(f"/proc/{master.pid}/ns/user") == os.readlink("/proc/self/ns/user"):
        command.remove("-U")
    subprocess.run(command, check=True)
    with pytest.raises(Exception, match="/etc/nginx/sites-available/shop is a mount of its own and cannot be replaced from here"):
        change(server, root=root, config=CONF, prefix=None, listen="8080", backlog=77)


def test_image_that_does_not_run(tmp_path):
    """A root file system on disk, with an nginx of its own in it."""
    image = tmp_path / "image"
    for name in ("usr", "lib", "lib64", "dev", "proc"):
        (image / name).mkdir(parents=True)
        if os.path.isdir("/" + name):
            mount("/" + name, image / name, "none", 0x1000)
    for name in ("etc/nginx", "run", "var/log/nginx", "var/lib/nginx", "srv", "tmp"):
        (image / name).mkdir(parents=True)
    for name in ("etc/passwd", "etc/group"):
        (image / name).write_bytes(Path("/", name).read_bytes())
    (image / "etc/nginx/nginx.conf").write_text("user root; events {} http { server { listen 8080; } }")
    before = set(tree(image / "etc", image / "run", image / "var"))
    answer = change(Server(tmp_path / "none"), root=str(image), config=None, prefix=None, listen="8080", backlog=77)
    assert (answer.changed, answer.values["tested_by"], answer.values["needs"]) == (True, "private_mounts", "none")
    assert (image / "etc/nginx/nginx.conf").read_text() == "user root; events {} http { server { listen 8080 backlog=77; } }"
    assert set(tree(image / "etc", image / "run", image / "var")) == before
