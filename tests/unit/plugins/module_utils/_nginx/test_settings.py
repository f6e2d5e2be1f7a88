# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of processes and connections, and hosts files."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import read_configuration
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.settings import Settings, parse_hosts, settings_of
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.tree import parse

PLAIN = Settings(1, 512, None, False)
SETTINGS = {
    "defaults": ("http { }", b"", PLAIN),
    "all": (
        "worker_processes 4; worker_rlimit_nofile 9000; events { worker_connections 4096; } http { }",
        b"",
        Settings(4, 4096, 9000, False),
    ),
    "auto": ("worker_processes auto; http { }", b"", PLAIN._replace(worker_processes="auto")),
    "proxy": ("http { server { location / { proxy_pass http://x; } } }", b"", PLAIN._replace(is_proxy=True)),
    "stream_proxy": ("stream { server { listen 1; proxy_pass x:1; } }", b"", PLAIN._replace(is_proxy=True)),
    "command_line": ("http { }", b"worker_processes 8; daemon off;", PLAIN._replace(worker_processes=8)),
    "elsewhere": ("http { server { worker_connections 7; } }", b"", PLAIN),
    "no_number": ("worker_processes x; events { worker_connections 1k; } http { }", b"", PLAIN._replace(worker_processes=None, worker_connections=None)),
    "no_argument": ("worker_processes; http { }", b"", PLAIN),
}


@pytest.mark.parametrize("text, given, expected", SETTINGS.values(), ids=SETTINGS)
def test_settings(tmp_path, text, given, expected):
    (tmp_path / "n.conf").write_text(text)
    assert settings_of(read_configuration(str(tmp_path), "/n.conf", "/").nodes, parse(given, "-g", None)) == expected


HOSTS = {
    "debian": (b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n", {"localhost": ["127.0.0.1"], "ip6-localhost": ["::1"]}),
    "comments": (b"# 1.2.3.4 a\n1.2.3.4 b # c\n\n", {"b": ["1.2.3.4"]}),
    "two_addresses": (b"10.0.0.1 a\n10.0.0.2 a", {"a": ["10.0.0.1", "10.0.0.2"]}),
    "no_addresses": (b"localhost\nx y\n1.2.3.4\n", {}),
    "no_text": (b"10.0.0.1 \xff\n", {"\\xff": ["10.0.0.1"]}),
    "empty": (b"", {}),
}


@pytest.mark.parametrize("data, expected", HOSTS.values(), ids=HOSTS)
def test_hosts(data, expected):
    assert parse_hosts(data) == expected
