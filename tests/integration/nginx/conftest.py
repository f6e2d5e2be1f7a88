# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every test of this folder in a room, with the real nginx of the distribution.

A room (see kernel_rooms.py) is a child process with network, mount and pid namespaces of its own; here /var/lib/nginx and
/var/log/nginx are private too. What a test starts ends with the room, so it need not be stopped.

    def test_something(nginx):
        server = nginx("http { server { listen 8080 backlog=77; } }")      # starts it, waits for its workers
        assert server.limits(8080) == [77]                                 # Send-Q of each socket, by ss
        server.write("http { server { listen 8080 backlog=78; } }")        # another configuration, the same file
        server.reload()                                                    # HUP, waits for new workers; server.errors() has the log

``nginx(text, *arguments, name=..., main=..., daemon=True)`` writes NAME/nginx.conf below the test's folder, with a preamble in
front of ``text`` (pid, error_log, user, worker_processes, events) unless ``main`` replaces it, and starts ``nginx -p NAME -c
NAME/nginx.conf *arguments``. ``server.pid`` is the master, ``server.workers()`` its children, ``server.conf`` the path of the main
file, ``server.folder`` its directory. Fixtures run outside of the room, so start nginx in the test itself.

A test that uses the fixture ``release`` runs with each nginx that can be had: that of this machine and those of the Debian releases
in TEST_NGINX_RELEASES, which tools/releases.sh unpacks. TEST_NGINX=trixie lets the other tests run with one of them, too.
"""

import functools
import os
import sys
from pathlib import Path

import pytest
from debian_releases import unpacked
from room_calls import call_in_room

HERE = Path(__file__).parent
THIS_MACHINE = "this machine"
NGINX = os.environ.get("TEST_NGINX", THIS_MACHINE)
RELEASES = os.environ.get("TEST_NGINX_RELEASES", "bullseye trixie").split()

sys.path.insert(0, str(HERE))
pytest.register_assert_rewrite("nginx_server")


@pytest.fixture
def nginx(tmp_path):
    """A function that starts an nginx of the test's own and returns its Server; see the top of this file."""
    from nginx_server import Starter

    return Starter(tmp_path)


@pytest.fixture(params=[THIS_MACHINE, *RELEASES])
def release(request):
    """The folder with an nginx of another release; None for that of this machine."""
    return folder_of(request.param)


def folder_of(suite):
    return None if suite == THIS_MACHINE else unpacked("nginx", suite)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    from nginx_server import furnished

    folder = pyfuncitem.funcargs["release"] if "release" in pyfuncitem.funcargs else folder_of(NGINX)
    return call_in_room(pyfuncitem, functools.partial(furnished, folder))
