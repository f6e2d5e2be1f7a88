# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directive carries the options, what is refused, and which bytes change."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError, InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.edit import ambiguous_paths, plan_listen, wanted_of
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils._nginx.rows import HOSTS, NEW, OLD, configuration, http, mail, stream

F = "/etc/nginx/nginx.conf"


def plan(files, listen, version=NEW, identity=None, **options):
    files = files if isinstance(files, dict) else {"nginx.conf": files}
    data = {"/etc/nginx/" + name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    return plan_listen(configuration(files), data.__getitem__, wanted_of(listen, **options), identity, HOSTS, version)


def changed(result):
    """{file: the listens (with their arguments) of the new bytes that differ from the old}."""
    return {path.replace("/etc/nginx/", ""): after.decode() for path, _before, after in result.files}


# situation: (servers of http, listen, the servers afterwards)
CHOICES = {
    "the only one": (["listen 8080;"], "8080", ["listen 8080 backlog=1000;"]),
    "the first": (["listen 8080;", "listen 8080;"], "8080", ["listen 8080 backlog=1000;", "listen 8080;"]),
    "the default server": (["listen 8080;", "listen 8080 default_server;"], "8080", ["listen 8080;", "listen 8080 default_server backlog=1000;"]),
    "the owner": (
        ["listen 8080 default_server;", "listen 8080 rcvbuf=64k;"],
        "8080",
        ["listen 8080 default_server;", "listen 8080 rcvbuf=64k backlog=1000;"],
    ),
    "the owner's number": (["listen 8080;", "listen 8080 backlog=5;"], "8080", ["listen 8080;", "listen 8080 backlog=1000;"]),
    "another spelling": (["listen *:8080;"], "0.0.0.0:8080", ["listen *:8080 backlog=1000;"]),
    "without port": (["listen 127.0.0.1;"], "127.0.0.1:80", ["listen 127.0.0.1 backlog=1000;"]),
    "inet6 alone": (["listen 8080; listen [::]:8080;"], "[0::0]:8080", ["listen 8080; listen [::]:8080 backlog=1000;"]),
    "inet alone": (["listen 8080; listen [::]:8080;"], "8080", ["listen 8080 backlog=1000; listen [::]:8080;"]),
    "a name": (["listen localhost:8080;"], "127.0.0.1:8080", ["listen localhost:8080 backlog=1000;"]),
    "by a name": (["listen 127.0.0.1:8080;"], "localhost:8080", ["listen 127.0.0.1:8080 backlog=1000;"]),
    "a name of two addresses": (["listen both:8080;"], "both:8080", ["listen both:8080 backlog=1000;"]),
    "a name that is not resolved": (["listen nowhere:8080;"], "nowhere:8080", ["listen nowhere:8080 backlog=1000;"]),
    "a port range": (["listen 8080-8082;"], "8080-8082", ["listen 8080-8082 backlog=1000;"]),
    "a port range of single ports": (["listen 8080; listen 8081;"], "8080-8081", ["listen 8080 backlog=1000; listen 8081 backlog=1000;"]),
    "a port range whose port is owned": (["listen 8080-8081 bind;", "listen 8081;"], "8080-8081", ["listen 8080-8081 bind backlog=1000;", "listen 8081;"]),
    "the range leaves no choice": (
        ["listen 8081 default_server;", "listen 8080-8081;"],
        "8080-8081",
        ["listen 8081 default_server;", "listen 8080-8081 backlog=1000;"],
    ),
    "the range is no choice": (["listen 8080-8081;", "listen 8081;"], "8081", ["listen 8080-8081;", "listen 8081 backlog=1000;"]),
    "unix": (["listen unix:/run/x;"], "UNIX:/run/x", ["listen unix:/run/x backlog=1000;"]),
    "ssl beside quic": (["listen 8443 quic; listen 8443 ssl;"], "8443", ["listen 8443 quic; listen 8443 ssl backlog=1000;"]),
    "the wildcard that serves an address": (["listen 127.0.0.1:8080;", "listen 8080;"], "8080", ["listen 127.0.0.1:8080;", "listen 8080 backlog=1000;"]),
    "an address of its own with reuseport": (
        ["listen 8080 reuseport;", "listen 127.0.0.1:8080 reuseport;"],
        "127.0.0.1:8080",
        ["listen 8080 reuseport;", "listen 127.0.0.1:8080 reuseport backlog=1000;"],
    ),
    "the explicit one beside an implicit one": (["server_name a;", "listen 80;"], "80", ["server_name a;", "listen 80 backlog=1000;"]),
    "right already": (["listen 8080 backlog=1000;"], "8080", None),
    "all": (
        ["listen 8080; listen [::]:8080;", "listen 8080; listen 8443 quic;", "listen 127.0.0.1:8080;", "listen unix:/x backlog=5;"],
        "all",
        [
            "listen 8080 backlog=1000; listen [::]:8080 backlog=1000;",
            "listen 8080; listen 8443 quic;",
            "listen 127.0.0.1:8080;",
            "listen unix:/x backlog=1000;",
        ],
    ),
}


@pytest.mark.parametrize("before, listen, after", CHOICES.values(), ids=CHOICES)
def test_choice(before, listen, after):
    result = plan(http(*before), listen, backlog=1000)
    assert result.refusals == []
    assert changed(result) == ({} if after is None else {"nginx.conf": http(*after)})
    assert all(carrier.backlog_after == 1000 for carrier in result.carriers)
    if after is not None:
        again = plan(http(*after), listen, backlog=1000)
        assert (again.files, again.edits, again.refusals) == ([], [], [])
        assert [carrier._replace(is_changed=True, backlog_before=0) for carrier in again.carriers] == [
            carrier._replace(is_changed=True, backlog_before=0) for carrier in result.carriers
        ]


# situation: (configuration, listen, the one sentence)
REFUSALS = {
    "nobody listens": (http("\nlisten 80;\nlisten [::]:80;"), "8080", f"{F}: no server listens on 0.0.0.0:8080; there are 0.0.0.0:80 ({F}:2), [::]:80 ({F}:3)"),
    "no listens at all": ("events {}", "8080", f"{F}: no server listens on 0.0.0.0:8080; there are none"),
    "a part of a range": (
        http("\nlisten 8080-8081;"),
        "8080",
        f"{F}:2: this listen is for 0.0.0.0:8081 too; name all that it is for (8080-8081: 0.0.0.0:8080, 0.0.0.0:8081), or give each its own listen",
    ),
    "more than a range": (http("\nlisten 8080;"), "8080-8081", f"{F}: no server listens on 0.0.0.0:8081; there are 0.0.0.0:8080 ({F}:2)"),
    "one address of a name": (
        http("\nlisten both:80;"),
        "[::1]:80",
        f"{F}:2: this listen is for 127.0.0.1:80 too; name all that it is for (both:80: 127.0.0.1:80, [::1]:80), or give each its own listen",
    ),
    "a port of the range is owned elsewhere": (
        http("\nlisten 8080-8081;", "\nlisten 8081 rcvbuf=1k;"),
        "8080-8081",
        f"{F}:2: this listen is for 0.0.0.0:8081 too, whose options are set at {F}:3; give each its own listen",
    ),
    "wildcard shadow": (
        http("\nlisten 8080;", "\nlisten 127.0.0.1:8080;"),
        "127.0.0.1:8080",
        (
            f"{F}:3: 127.0.0.1:8080 has no socket of its own, the one of 0.0.0.0:8080 ({F}:2) accepts its connections; name 0.0.0.0:8080 instead "
            "(options here would make nginx bind() both and fail)"
        ),
    ),
    "a name of which one address is shadowed": (
        http("\nlisten 8080;", "\nlisten both:8080;"),
        "[::1]:8080",
        (
            f"{F}:3: 127.0.0.1:8080 has no socket of its own, the one of 0.0.0.0:8080 ({F}:2) accepts its connections; name 0.0.0.0:8080 instead "
            "(options here would make nginx bind() both and fail)"
        ),
    ),
    "a name that may be shadowed": (
        http("\nlisten 8080;", "\nlisten nowhere:8080;"),
        "nowhere:8080",
        f"{F}:3: what nowhere:8080 resolves to is not known here, and a wildcard listens on its port; write the address itself in the configuration",
    ),
    "quic": (http("\nlisten 8443 quic;"), "8443", f"{F}:2: 0.0.0.0:8443 takes datagrams (udp or quic), it has no listen queue"),
    "udp": (stream("\nlisten 53 udp;"), "53", f"{F}:2: 0.0.0.0:53 takes datagrams (udp or quic), it has no listen queue"),
    "implicit": (
        http("server_name a;"),
        "80",
        f"{F}:1: this server has no listen, and nginx makes it listen on 0.0.0.0:80 by itself; write `listen 80;` there first",
    ),
    "duplicate options": (
        http("\nlisten 8080 bind;", "\nlisten 8080 backlog=5;"),
        "8080",
        f"{F}:3: duplicate listen options for 0.0.0.0:8080 (the first is at {F}:2); correct that first",
    ),
    "invalid parameter": (http("\nlisten 8080 foo;"), "8080", f'{F}:2: invalid parameter "foo"; correct that first'),
    "wildcard shadow already": (
        http("\nlisten 8080;", "\nlisten 127.0.0.1:8080 rcvbuf=1k;"),
        "8080",
        (
            f"{F}:3: bind() to 127.0.0.1:8080 will fail (98: Address already in use) because of 0.0.0.0:8080 at {F}:2, which nginx -t does not see and "
            "a reload only logs: set rcvbuf there instead of here, or reuseport in both; correct that first"
        ),
    ),
    "all, and one is implicit": (
        http("\nlisten 8080;", "server_name a;"),
        "all",
        f"{F}:2: this server has no listen, and nginx makes it listen on 0.0.0.0:80 by itself; write `listen 80;` there first",
    ),
    "stream duplicate": (
        stream("\nlisten 9000;", "\nlisten 9000;"),
        "9000",
        f'{F}:3: duplicate "0.0.0.0:9000" address and port pair (the first is at {F}:2); correct that first',
    ),
}


@pytest.mark.parametrize("text, listen, sentence", REFUSALS.values(), ids=REFUSALS)
def test_refusal(text, listen, sentence):
    result = plan(text, listen, backlog=1000, version=OLD if "stream duplicate" in sentence or "address and port pair" in sentence else NEW)
    assert result.refusals == [sentence]
    assert (result.files, result.edits, result.carriers) == ([], [], [])


# situation: (before, options, after)
REUSEPORT = {
    "added": ("listen 8080;", {"reuseport": True}, "listen 8080 reuseport;"),
    "removed by false": ("listen 8080 reuseport;", {"reuseport": False}, "listen 8080;"),
    "removed by absent": ("listen 8080 reuseport backlog=5;", {"reuseport": True, "state": "absent"}, "listen 8080 backlog=5;"),
    "backlog absent": ("listen 8080 reuseport backlog=5;", {"backlog": 7, "state": "absent"}, "listen 8080 reuseport;"),
    "absent": ("listen 8080 reuseport backlog=5;", {"state": "absent"}, "listen 8080 reuseport;"),
    "both absent": ("listen 8080 reuseport backlog=5;", {"backlog": 5, "reuseport": True, "state": "absent"}, "listen 8080;"),
    "both": ("listen 8080;", {"backlog": 5, "reuseport": True}, "listen 8080 backlog=5 reuseport;"),
    "nothing to remove": ("listen 8080;", {"state": "absent"}, None),
}


@pytest.mark.parametrize("before, options, after", REUSEPORT.values(), ids=REUSEPORT)
def test_reuseport_and_absent(before, options, after):
    result = plan(http(before), "8080", **options)
    assert result.refusals == []
    assert changed(result) == ({} if after is None else {"nginx.conf": http(after)})


def test_nothing_to_remove_of_an_implicit_listen():
    result = plan(http("server_name a;"), "80", state="absent")
    assert (result.refusals, result.files, result.carriers) == ([], [], [])


NO_REUSEPORT = {
    "mail": (mail("\nlisten 9025;"), "9025", [f"{F}:2: 0.0.0.0:9025 is a listen of mail, which cannot have reuseport"]),
    "unix": (http("\nlisten unix:/x;"), "unix:/x", [f"{F}:2: unix:/x is a UNIX socket, which cannot have reuseport"]),
    "an address apart from its wildcard": (
        http("\nlisten 8080 bind;", "\nlisten 127.0.0.1:8080;"),
        "127.0.0.1:8080",
        [
            (
                f"{F}:3: 127.0.0.1:8080 has no socket of its own, the one of 0.0.0.0:8080 ({F}:2) accepts its connections; name 0.0.0.0:8080 instead "
                "(options here would make nginx bind() both and fail)"
            )
        ],
    ),
}


@pytest.mark.parametrize("text, listen, refusals", NO_REUSEPORT.values(), ids=NO_REUSEPORT)
def test_no_reuseport(text, listen, refusals):
    assert plan(text, listen, reuseport=True).refusals == refusals


def test_removing_reuseport_from_one_of_two():
    """The model is asked again about the result: what would fail then and did not before is refused."""
    result = plan(http("\nlisten 8080 reuseport;", "\nlisten 127.0.0.1:8080 reuseport backlog=5;"), "8080", reuseport=False)
    assert result.refusals == [
        (
            f"{F}:3: bind() to 127.0.0.1:8080 will fail (98: Address already in use) because of 0.0.0.0:8080 at {F}:2, which nginx -t does not see and "
            "a reload only logs: set reuseport, backlog there instead of here, or reuseport in both"
        )
    ]


def test_all_leaves_alone_what_cannot_have_it():
    text = http("\nlisten 8080;", "\nlisten 127.0.0.1:8080;", "\nlisten 8443 quic;", "\nlisten unix:/x;") + mail("\nlisten 25;")
    result = plan(text, "all", reuseport=True)
    assert result.refusals == []
    assert [note.split(":")[1] for note in result.notes] == ["3", "4", "5", "6"]
    assert changed(result)["nginx.conf"].count("reuseport") == 1


def test_carrier():
    (carrier,) = plan(http("\nlisten 8080-8081 backlog=5;"), "8080-8081", backlog=7, reuseport=True).carriers
    assert carrier == (F, 2, ("0.0.0.0:8080", "0.0.0.0:8081"), 5, 7, False, True, True)


INCLUDED_TWICE = {
    "nginx.conf": "http {\nserver { include listen.inc; }\nserver { include listen.inc; }\nserver { listen 8080; }\n}",
    "listen.inc": "listen 8080;\n",
}


def test_file_included_twice_is_not_the_one_to_edit():
    result = plan(INCLUDED_TWICE, "8080", backlog=7)
    assert list(changed(result)) == ["nginx.conf"] and "server { listen 8080 backlog=7; }" in changed(result)["nginx.conf"]


def test_file_included_twice_and_nothing_else():
    files = {**INCLUDED_TWICE, "nginx.conf": INCLUDED_TWICE["nginx.conf"].replace("server { listen 8080; }\n", "")}
    assert plan(files, "8080", backlog=7).refusals == [
        (
            "/etc/nginx/listen.inc:1: this listen is read 2 times for 0.0.0.0:8080, because its file is included more than once, and only one may set options; "
            "move it out of that file"
        )
    ]


def test_file_included_in_two_contexts():
    files = {
        "nginx.conf": "http { server { include listen.inc; } } stream { server { include listen.inc; return x; } }",
        "listen.inc": "listen 8080 reuseport;\n",
    }
    result = plan(files, "8080", backlog=7)
    assert result.refusals == [] and changed(result) == {"listen.inc": "listen 8080 reuseport backlog=7;\n"}


LINKED = {
    "nginx.conf": "http { include sites-enabled/*; }",
    "sites-enabled/a": "server { listen 8080 backlog=5; }\n",
    "sites-enabled/b": "server { listen 8081; listen unix:/x; }\n",
    "sites-enabled/c": "server { listen 8081; listen unix:/x; }\n",
}


def test_two_names_of_one_file():
    assert ambiguous_paths(configuration(LINKED)) == ["/etc/nginx/sites-enabled/b", "/etc/nginx/sites-enabled/c"]
    copies = plan(LINKED, "8081", backlog=7)
    assert list(changed(copies)) == ["sites-enabled/b"]
    one_file = dict.fromkeys(ambiguous_paths(configuration(LINKED)), (8, 15))
    assert (
        plan(LINKED, "8081", identity=one_file, backlog=7).refusals[0].startswith("/etc/nginx/sites-enabled/b:1: this listen is read 2 times for 0.0.0.0:8081")
    )


def test_several_files():
    result = plan(LINKED, "all", backlog=7)
    assert list(changed(result)) == ["sites-enabled/a", "sites-enabled/b"]
    assert changed(result)["sites-enabled/b"] == "server { listen 8081 backlog=7; listen unix:/x backlog=7; }\n"
    assert [edit.path.rpartition("/")[2] for edit in result.edits] == ["a", "b", "b"]


def test_only_files_that_change_are_read():
    found = configuration(LINKED)
    asked = []

    def read_bytes(path):
        asked.append(path)
        return LINKED[path.replace("/etc/nginx/", "")].encode()

    plan_listen(found, read_bytes, wanted_of("8080", backlog=7))
    assert asked == ["/etc/nginx/sites-enabled/a"]
    plan_listen(found, read_bytes, wanted_of("8080", backlog=5))
    assert asked == ["/etc/nginx/sites-enabled/a"]


def test_file_changed_meanwhile():
    with pytest.raises(ConfigError) as caught:
        plan_listen(configuration(http("listen 8080;")), lambda path: b"http { server { listen 8080 ; } }", wanted_of("8080", backlog=7))
    assert str(caught.value) == f"{F}: the file changed while it was being read; run again"


def test_configuration_that_was_not_read_to_its_end():
    found = configuration(http("listen 8080;"))._replace(problems=["F:3: x.conf: Permission denied"])
    assert plan_listen(found, None, wanted_of("8080", backlog=7)).refusals == ["F:3: x.conf: Permission denied"]


BYTES = {
    "crlf": b"http {\r\n  server {\r\n    listen 8080; # caf\xe9\r\n  }\r\n}\r\n",
    "no final newline": b"http { server { listen 8080; } }",
    "no UTF-8": b"# \xff\xfe\nhttp { server { server_name caf\xe9; listen 8080; } } # \x00",
    "comments and strings": b"http { # listen 8080;\n server { add_header a 'listen 8080;'; listen 8080; } }",
    "lua": b"http { server { listen 8080; content_by_lua_block { ngx.say('listen 8080; }') -- }\n } } }",
    "map": b"http { map $a $b { listen 8080; } server { listen 8080; } }",
    "one line": b"http{server{listen 81;listen 8080;listen 82;}}",
    "templates": b"http { server { listen 8080; return 200 '{{ lookup(1) }}${x}'; } }",
}
PLACES = {"lua": 0, "map": 1, "comments and strings": 2}


@pytest.mark.parametrize("name", BYTES)
def test_other_bytes_stay(name):
    data = BYTES[name]
    ((_path, before, after),) = plan(data, "8080", backlog=1000).files
    head = data.split(b"listen 8080;")
    place = PLACES.get(name, 0)
    assert before == data
    assert after == b"listen 8080;".join(head[: place + 1]) + b"listen 8080 backlog=1000;" + b"listen 8080;".join(head[place + 1 :])


# What a user may get wrong: (options, sentence)
BAD_INPUT = {
    "code in backlog": (
        {"listen": "8080", "backlog": "511; } server {"},
        "backlog must be a whole number from 1 to 2147483647, not '511; } server {'",
    ),
    "newline in backlog": ({"listen": "8080", "backlog": "5\n"}, "backlog must be a whole number from 1 to 2147483647, not '5\\n'"),
    "zero": ({"listen": "8080", "backlog": 0}, "backlog must be a whole number from 1 to 2147483647, not 0"),
    "negative": ({"listen": "8080", "backlog": -1}, "backlog must be a whole number from 1 to 2147483647, not -1"),
    "too large": ({"listen": "8080", "backlog": 2**31}, "backlog must be a whole number from 1 to 2147483647, not 2147483648"),
    "4k": ({"listen": "8080", "backlog": "4k"}, "backlog must be a whole number from 1 to 2147483647, not '4k'"),
    "variable": ({"listen": "8080", "backlog": "$x"}, "backlog must be a whole number from 1 to 2147483647, not '$x'"),
    "true": ({"listen": "8080", "backlog": True}, "backlog must be a whole number from 1 to 2147483647, not True"),
    "code in listen": (
        {"listen": "8080; } server { listen 6666"},
        "listen must be all or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not '8080; } server { listen 6666'",
    ),
    "newline in listen": (
        {"listen": "8080\n"},
        "listen must be all or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not '8080\\n'",
    ),
    "empty listen": ({"listen": ""}, "listen must be all or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not ''"),
    "listen a number": ({"listen": 8080}, "listen must be all or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not 8080"),
    "nothing wanted": ({"listen": "8080"}, "nothing is wanted of listen 8080; give backlog, reuseport or both"),
    "reuseport a word": ({"listen": "8080", "reuseport": "maybe"}, "reuseport must be true or false, not 'maybe'"),
    "state": ({"listen": "8080", "state": "gone"}, "state must be present or absent, not 'gone'"),
    "port": ({"listen": "*:99999", "backlog": 7}, "listen *:99999: invalid port"),
    "range": ({"listen": "81-80", "backlog": 7}, "listen 81-80: invalid port range"),
    "path": ({"listen": "../../etc", "backlog": 7}, "listen ../../etc: invalid host"),
}


@pytest.mark.parametrize("options, sentence", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(options, sentence):
    with pytest.raises(InputError) as caught:
        plan_listen(configuration(http("listen 8080;")), None, wanted_of(**options))
    assert str(caught.value) == sentence


def test_many_listens_are_not_all_named():
    (refusal,) = plan(http(*("listen 127.0.0.%d:80;" % number for number in range(1, 31))), "8080", backlog=7).refusals
    assert refusal.endswith("127.0.0.20:80 (%s:1) and 10 more" % F)
