# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still to be done, of all addresses together."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.act import Actor
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.live import Surroundings, join
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.owner import sockets_of
from ansible_collections.netops.listen_queue.plugins.module_utils._reload.needs import needed, shown
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import listener, unix_listener

NEEDED = {
    "nothing": ([], "none"),
    "datagrams": ([None], "none"),
    "nobody": (["nobody", None], "none"),
    "sysctl_is_no_matter_of_nginx": (["sysctl", "config"], "none"),
    "unknown": ([Actor(None, "")], "none"),
    "socket_backlog": (["nobody", "socket_backlog"], "socket_backlog"),
    "reload_first": (["socket_backlog", "reload"], "reload"),
    "restart_is_the_last": (["restart", "reload", "socket_backlog"], "restart"),
}


@pytest.mark.parametrize("actors, needs", NEEDED.values(), ids=NEEDED)
def test_strongest_need(actors, needs):
    assert needed([Actor(actor, "") if isinstance(actor, str) else actor for actor in actors]) == needs


def live_of(limits, is_loaded=True, backlog=1000, somaxconn=4096, has_socket_backlog=True):
    from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives
    from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.model import Configuration, Node
    from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse

    directives = parse(b"http { server { listen 80 backlog=%d; } }" % backlog, "/n")
    configuration = Configuration("/", "/n", "/", [Node("/n", directive, directive.parent) for directive in directives], {}, [])
    listeners = tuple(listener(accept_queue_limit=limit, inode=number) for number, limit in enumerate(limits))
    surroundings = Surroundings(listeners, None, somaxconn, True, has_socket_backlog, is_loaded)
    (live,) = join(sockets_of(listen_directives(configuration)), surroundings)
    return live


STALE = {
    "as_asked": (live_of([1000]), "nobody"),
    "stale_and_loaded": (live_of([128]), "socket_backlog"),
    "stale_and_not_loaded": (live_of([128], False), "reload"),
    "stale_and_not_known_whether_loaded": (live_of([128], None), "socket_backlog"),
    "stale_on_an_old_kernel": (live_of([128], has_socket_backlog=False), "restart"),
    "stale_and_not_loaded_on_an_old_kernel": (live_of([128], False, has_socket_backlog=False), "reload"),
    "one_of_several_stale": (live_of([1000, 128]), "socket_backlog"),
    "capped": (live_of([128], somaxconn=128), "sysctl"),
    "no_socket": (live_of([]), "reload"),
}


@pytest.mark.parametrize("live, who", STALE.values(), ids=STALE)
def test_stale_limit_with_what_nginx_has_read(live, who):
    assert live.actor.who == who


def test_sockets_as_plain_data():
    live = live_of([1000])
    assert shown(live) == [{"local_address": "0.0.0.0", "local_port": 80, "accept_queue_limit": 1000, "listen_backlog": 1000}]
    assert shown(live._replace(listeners=(unix_listener("/x"),))) == [{"path": "/x", "accept_queue_limit": 128, "listen_backlog": 1000}]
