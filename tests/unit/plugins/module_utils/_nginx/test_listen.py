# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which listens a configuration has, and their fields."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx import listen as module
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.listen import listen_directives, with_args
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx.rows import HOSTS, configuration, http, mail, stream

SEVERAL = {
    "nginx.conf": "include modules.conf;\nhttp {\n include sites/*;\n}\nstream {\n include tcp.conf;\n}\n",
    "modules.conf": "user x;\n",
    "sites/10": "server { listen 10; }\nserver {\n listen 11 ssl;\n listen [::]:11 ssl;\n server_name a b;\n server_name c;\n}\n",
    "sites/9": "server { include listen.inc; server_name d; }\n",
    "listen.inc": "listen 9 backlog=9;\n",
    "tcp.conf": "server { include listen.inc; proxy_pass x; }\n",
}


def shown(text, **options):
    return ["%s %s %s" % (one.context, one.where.replace("/etc/nginx/", ""), " ".join(one.args)) for one in listen_directives(configuration(text), **options)]


def test_several_files_in_order():
    assert shown(SEVERAL) == [
        "http sites/10:1 10",
        "http sites/10:3 11 ssl",
        "http sites/10:4 [::]:11 ssl",
        "http listen.inc:1 9 backlog=9",
        "stream listen.inc:1 9 backlog=9",
    ]


def test_fields_of_a_plain_listen():
    (one,) = listen_directives(configuration(http("\nlisten 8080; server_name a b;")))
    assert (one.path, one.line, one.context, one.server_names, one.args, one.protocol) == ("/etc/nginx/nginx.conf", 2, "http", ("a", "b"), ("8080",), "tcp")
    assert (one.listen_backlog, one.is_default_backlog, one.sets_options, one.implicit, one.faults) == (511, True, (), False, ())
    assert not any((one.reuseport, one.ssl, one.quic, one.http3, one.udp, one.default_server)) and one.ipv6only


def test_fields_of_a_rich_listen():
    text = http("listen [::1]:8443 ssl default_server reuseport backlog=7 ipv6only=off;")
    (one,) = listen_directives(configuration(text))
    assert (one.listen_backlog, one.is_default_backlog, one.sets_options) == (7, False, ("reuseport", "backlog", "ipv6only"))
    assert one.reuseport and one.ssl and one.default_server and not one.ipv6only
    assert one.addresses == (("inet6", "::1", 8443, None, None),)


PROTOCOLS = {
    "tcp": (http("listen 8080;"), ("tcp", 511)),
    "unix": (http("listen unix:/x;"), ("unix", 511)),
    "quic": (http("listen 8080 quic;"), ("udp", None)),
    "http3": (http("listen 8080 http3;"), ("udp", None)),
    "udp": (stream("listen 8080 udp;"), ("udp", None)),
    "udp over unix": (stream("listen unix:/x udp;"), ("udp", None)),
}


@pytest.mark.parametrize("text, expected", PROTOCOLS.values(), ids=PROTOCOLS)
def test_protocol(text, expected):
    (one,) = listen_directives(configuration(text))
    assert (one.protocol, one.listen_backlog) == expected


# What is no listen: comments, strings, Lua, other blocks
NOT_ONE = {
    "comment": "http { server { listen 1; # listen 2;\n } }",
    "string": "http { server { listen 1; add_header x 'listen 2;'; return 200 \"; listen 3; \"; } }",
    "map": "http { map $a $b { listen 2; } server { listen 1; } }",
    "types": "http { types { text/html listen; } server { listen 1; } }",
    "location": "http { server { listen 1; location / { listen 2; } } }",
    "if": "http { server { listen 1; if ($a) { listen 2; } } }",
    "upstream": "http { upstream u { server 10.0.0.1:80; } server { listen 1; } }",
    "lua": "http { server { listen 1; content_by_lua_block { listen 2; local x = '}' -- listen 3;\n } } }",
    "outside of a server": "http { listen 2; server { listen 1; } }",
    "server outside of http": "server { listen 2; } http { server { listen 1; } }",
    "events": "events { listen 2; } http { server { listen 1; } }",
    "another context": "rtmp { server { listen 2; } } http { server { listen 1; } }",
    "http inside http": "http { http { server { listen 2; } } server { listen 1; } }",
    "quoted name": "http { 'server' { \"listen\" 1; } }",
}


@pytest.mark.parametrize("text", NOT_ONE.values(), ids=NOT_ONE)
def test_only_what_is_one(text):
    assert [line.split()[2:] for line in shown(text)] == [["1"]]


IMPLICIT = {
    "root": (http("server_name a;"), {}, ["http nginx.conf:1 "], "0.0.0.0:80"),
    "not root": (http("server_name a;"), {"is_root": False}, ["http nginx.conf:1 "], "0.0.0.0:8000"),
    "empty server": ("http { server { } }", {}, ["http nginx.conf:1 "], "0.0.0.0:80"),
    "in its place": (http("listen 1;", "server_name a;", "listen 2;"), {}, ["http nginx.conf:1 1", "http nginx.conf:1 ", "http nginx.conf:1 2"], None),
}


@pytest.mark.parametrize("text, options, expected, address", IMPLICIT.values(), ids=IMPLICIT)
def test_implicit(text, options, expected, address):
    assert shown(text, **options) == expected
    implicit = [one for one in listen_directives(configuration(text), **options) if one.implicit]
    assert len(implicit) == 1 and implicit[0].args == () and implicit[0].listen_backlog == 511
    assert address in (None, implicit[0].addresses[0].text)


@pytest.mark.parametrize("text", [stream(""), mail("")], ids=["stream", "mail"])
def test_stream_and_mail_have_no_implicit_listen(text):
    (one,) = listen_directives(configuration(text))
    assert (one.implicit, one.addresses) == (True, ())
    assert one.faults == (("test", '/etc/nginx/nginx.conf:1: no "listen" is defined for server'),)


NOTES = {
    "name not resolved": (
        http("listen nowhere.example:80;"),
        "/etc/nginx/nginx.conf:1: the host name nowhere.example could not be resolved here, so its addresses are not known",
    ),
    "stream without port": (
        stream("listen 127.0.0.1;"),
        "/etc/nginx/nginx.conf:1: a listen of stream without a port gets one of the kernel's choice at each start",
    ),
    "twice": (http("listen 8080 backlog=1 backlog=2;"), "/etc/nginx/nginx.conf:1: backlog is given twice and nginx takes the last"),
}


@pytest.mark.parametrize("text, note", NOTES.values(), ids=NOTES)
def test_note(text, note):
    (one,) = listen_directives(configuration(text), HOSTS)
    assert one.faults == (("note", note),)


def test_bytes_that_are_no_text():
    (one,) = listen_directives(configuration(b"http { server { listen 8080 \xff; server_name caf\xe9 \xc3\xa9; } }"))
    assert one.args == ("8080", "\\xff") and one.server_names == ("caf\\xe9", "\u00e9")


def test_templates_stay_text():
    (one,) = listen_directives(configuration(b"http { server { listen 8080; server_name '{{ lookup(1) }}'; } }"))
    assert one.server_names == ("{{ lookup(1) }}",)


def test_too_many_addresses(monkeypatch):
    monkeypatch.setattr(module, "MAX_ADDRESSES", 3)
    with pytest.raises(ConfigError) as caught:
        listen_directives(configuration("http {\nserver { listen 1-3; }\nserver { listen 4; }\n}"))
    assert str(caught.value) == "/etc/nginx/nginx.conf:3: up to here the configuration listens on more than 3 address:ports; reading stops"


def test_with_other_arguments():
    (one,) = listen_directives(configuration(http("listen 8080 ssl;")))
    changed = with_args(one, [b"backlog=7", b"foo"])
    assert (changed.listen_backlog, changed.ssl, changed.addresses, changed.args) == (7, False, one.addresses, ("8080", "backlog=7", "foo"))
    assert changed.faults == (("test", '/etc/nginx/nginx.conf:1: invalid parameter "foo"'),)


def test_crossplane_sees_the_same_listens(tmp_path):
    import crossplane

    for name, text in SEVERAL.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    payload = crossplane.parse(str(tmp_path / "nginx.conf"), combine=True)
    theirs = []

    def walk(block, context):
        for statement in block:
            if statement["directive"] == "listen":
                theirs.append((context, statement["line"], tuple(statement["args"])))
            walk(statement.get("block", []), statement["directive"] if context is None else context)

    walk(payload["config"][0]["parsed"], None)
    assert [(one.context, one.line, one.args) for one in listen_directives(configuration(SEVERAL))] == theirs
