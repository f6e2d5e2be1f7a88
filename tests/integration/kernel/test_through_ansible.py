# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it: packed, sent and started on this machine, inside a namespace of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import ROOT
from kernel_rooms import Program, new_netns
from kernel_traffic import connect, knock, listen, listen_unix, port_of
from kernel_view import assert_same_as_ss, listener_on, namespace_of
from own_ansible import environment_below

CONTROLLER = "lq-controller-"  # names the folder for temporary files of Ansible itself: core 2.21 listens on a socket there while it runs


def ansible(folder, **arguments):
    """Return (exit code, result) of the module run by the ansible command next to this Python, else by the checkout's own."""
    with tempfile.TemporaryDirectory(prefix=CONTROLLER) as short:  # below pytest's folder, the path would be too long for a socket
        return run_ansible(folder, short, arguments)


def run_ansible(folder, temporary, arguments):
    found = [path for path in (Path(sys.executable).parent / "ansible", ROOT / ".venv/bin/ansible") if path.exists()]
    assert found, "there is no ansible command beside %s or in %s/.venv; run make venv-dev" % (sys.executable, ROOT)
    environment = environment_below(folder, TMPDIR=temporary, ANSIBLE_NOCOLOR="1", ANSIBLE_PYTHON_INTERPRETER=sys.executable)
    done = subprocess.run(
        [str(found[0]), "localhost", "--connection", "local", "-m", "netops.listen_queue.listen_queue_facts", "-a", json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=25,
        env=environment,
        cwd=folder,
        check=False,
    )
    _head, arrow, text = done.stdout.partition(" => ")
    assert arrow, done.stdout + done.stderr
    return done.returncode, json.loads(text)


def without_the_controller(namespace):
    return dict(namespace, listeners=[row for row in namespace["listeners"] if CONTROLLER not in (row.get("path") or "")])


def test_everything_through_ansible(tmp_path):
    listener = listen("::", 2, v6only=False)
    connect(3, "127.0.0.1", port_of(listener))
    knock(4, "127.0.0.1", port_of(listener))
    listen_unix(b"\0{{ 1 + 1 }}\xff", 3)
    inode, far_port = Program(lambda: (new_netns(), port_of(listen("127.0.0.1", 8)))).told
    code, result = ansible(tmp_path, namespaces="all", sample=0.2, sample_interval=0.05, diagnose=True)
    assert (code, result["changed"]) == (0, False), result
    answer = result["ansible_facts"]["listen_queue"]
    namespace = without_the_controller(answer["namespaces"][0])
    row = listener_on(namespace, port_of(listener))
    assert row == dict(
        row,
        family="inet6",
        local_address="::",
        dual_stack=True,
        accept_queue_length=3,
        accept_queue_limit=2,
        accept_queue_full=True,
        drops=4,
        syn_queue_length=0,
    )
    assert [process["pid"] for process in row["processes"]] == [os.getpid()]
    assert (row["sample"]["max"], row["sample"]["share_full"], row["sample"]["drops"]["delta"]) == (3, 1, 0)
    assert os.getpid() in row["workers"]
    assert row["sample"]["longest_stall"] > 0
    assert [worker["state"] for worker in answer["workers"] if worker["pid"] == os.getpid()] == ["S"]
    assert set(answer) >= {"softnet", "pressure", "cgroups", "kernel_log"}
    assert [row["path"] for row in namespace["listeners"] if row["family"] == "unix"] == ["@{{ 1 + 1 }}\\xff"]
    assert listener_on(namespace_of(answer, inode), far_port)["accept_queue_limit"] == 8
    assert answer["kernel"] == os.uname().release
    assert_same_as_ss(namespace)
