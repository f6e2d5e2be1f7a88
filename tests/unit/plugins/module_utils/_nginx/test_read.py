# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations with their includes, read through a root; and everything that a hostile one can say."""

import hashlib
import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import ConfigError, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.read import Bounds, read_configuration, read_source

MAIN = "/etc/nginx/nginx.conf"


@pytest.fixture
def write(tmp_path):
    """Write files below a root; return the root. A value that is a list makes a symbolic link."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, list):
                path.symlink_to(content[0])
            else:
                path.write_bytes(content)
        return str(tmp_path)

    return write


def listens(configuration):
    """(file, line, arguments, the names of the enclosing blocks) of each listen, in order."""
    found = []
    for node in configuration.nodes:
        if node.directive.name == b"listen":
            parent, blocks = node.parent, []
            while parent >= 0:
                blocks.insert(0, configuration.nodes[parent].directive.name.decode())
                parent = configuration.nodes[parent].parent
            name = os.path.basename(node.path)
            found.append((name, node.directive.line, b" ".join(node.directive.args).decode(), " ".join(blocks)))
    return found


def server(port):
    return b"server { listen %d; }\n" % port


# what: (files below etc/nginx, the ports of the listens in order, the files in the order of reading)
ORDERS = {
    "no_include": ({"nginx.conf": b"http {\n%s}" % server(1)}, "1", "nginx.conf"),
    "plain": ({"nginx.conf": b"http { include a.conf; %s }" % server(2), "a.conf": server(1)}, "1 2", "nginx.conf a.conf"),
    "absolute": ({"nginx.conf": b"http { include /etc/nginx/a.conf; }", "a.conf": server(1)}, "1", "nginx.conf a.conf"),
    "byte_order": (
        {"nginx.conf": b"http { include c/*; }", "c/9": server(9), "c/10": server(10), "c/a": server(3), "c/Z": server(2), "c/\u00e9": server(4)},
        "10 9 2 3 4",
        "nginx.conf 10 9 Z a \u00e9",
    ),
    "no_hidden_files": ({"nginx.conf": b"http { include c/*; include c/*.conf; }", "c/.a.conf": server(1), "c/b.conf": server(2)}, "2 2", "nginx.conf b.conf"),
    "hidden_files_when_named": ({"nginx.conf": b"http { include c/.*.conf; }", "c/.a.conf": server(1), "c/b.conf": server(2)}, "1", "nginx.conf .a.conf"),
    "everything_in_sites_enabled": (
        {"nginx.conf": b"http { include s/*; }", "s/x": server(1), "s/x.bak": server(2), "s/x~": server(3)},
        "1 2 3",
        "nginx.conf x x.bak x~",
    ),
    "nothing_matches": ({"nginx.conf": b"http { include c/*.conf; include no/*/x; %s }" % server(1)}, "1", "nginx.conf"),
    "two_directories": (
        {"nginx.conf": b"http { include */c/x*.conf; }", "b/c/x1.conf": server(3), "a/c/x2.conf": server(2), "a/c/x1.conf": server(1), "a/y": b""},
        "1 2 3",
        "nginx.conf x1.conf x2.conf x1.conf",
    ),
    "pattern_in_a_directory_only": (
        {"nginx.conf": b"http { include */n.conf; }", "b/n.conf": server(2), "a/n.conf": server(1), "c/m.conf": b""},
        "1 2",
        "nginx.conf n.conf n.conf",
    ),
    "relative_to_the_main_file": (
        {"nginx.conf": b"http { include a/x.conf; }", "a/x.conf": b"include a/y.conf;", "a/y.conf": server(1)},
        "1",
        "nginx.conf x.conf y.conf",
    ),
    "quoted": ({"nginx.conf": b"http { include 'a b.conf'; }", "a b.conf": server(1)}, "1", "nginx.conf a b.conf"),
    "twice": ({"nginx.conf": b"http { include a.conf; include a.conf; }", "a.conf": server(1)}, "1 1", "nginx.conf a.conf"),
    "two_contexts": ({"nginx.conf": b"http { include a.conf; }\nstream { include a.conf; }", "a.conf": server(1)}, "1 1", "nginx.conf a.conf"),
    "inside_a_server": ({"nginx.conf": b"http { server { include a; } server { listen 2; include a; } }", "a": b"listen 1;"}, "1 2 1", "nginx.conf a"),
    "bracket_that_is_no_set": ({"nginx.conf": b"http { include a[; %s }" % server(1), "b": b""}, "1", "nginx.conf"),
    "file_without_anything": ({"nginx.conf": b"http { include a; %s }" % server(1), "a": b""}, "1", "nginx.conf a"),
    "data_of_a_map": (
        {"nginx.conf": b"http { map $a $b { include no; listen 3; } types { include no2; } geo $c { include no3; } %s }" % server(1)},
        "1",
        "nginx.conf",
    ),
}


@pytest.mark.parametrize("files, ports, order", ORDERS.values(), ids=ORDERS)
def test_order(write, files, ports, order):
    configuration = read_configuration(write({"etc/nginx/" + name: data for name, data in files.items()}), MAIN, "/")
    found = [port for _file, _line, port, blocks in listens(configuration) if "map" not in blocks]
    assert (" ".join(found), " ".join(os.path.basename(path) for path in configuration.files)) == (ports, order)
    assert (configuration.path, configuration.prefix, configuration.problems) == (MAIN, "/etc/nginx/", [])
    assert configuration.files[MAIN] == hashlib.sha256(files["nginx.conf"]).hexdigest()


def test_each_listen_knows_its_file_line_and_blocks(write):
    root = write(
        {"etc/nginx/nginx.conf": b"\nhttp {\n server {\n  include a;\n  listen 2; }\n}\nstream { server { include a; } }", "etc/nginx/a": b"\n\nlisten 1;"}
    )
    assert listens(read_configuration(root, MAIN, "/")) == [
        ("a", 3, "1", "http server"),
        ("nginx.conf", 5, "2", "http server"),
        ("a", 3, "1", "stream server"),
    ]


def test_links_stay_inside_the_root(write, tmp_path):
    (tmp_path.parent / "outside.conf").write_bytes(server(666))
    root = write(
        {
            "etc/nginx/nginx.conf": b"http { include sites-enabled/*; include ../../../../outside.conf; }",
            "etc/nginx/sites-available/a": server(1),
            "srv/b": server(2),
            "outside.conf": server(3),
            "etc/nginx/sites-enabled/a": ["../sites-available/a"],
            "etc/nginx/sites-enabled/b": ["/srv/b"],
        }
    )
    configuration = read_configuration(root, MAIN, "/")
    assert [row[:3] for row in listens(configuration)] == [("a", 1, "1"), ("b", 1, "2"), ("outside.conf", 1, "3")]
    source = read_source(configuration, "/etc/nginx/sites-enabled/b")
    status = os.stat(os.path.join(root, "srv/b"))
    assert source == (server(2), "/srv/b", status.st_dev, status.st_ino)


def test_one_file_by_two_names(write):
    root = write({"etc/nginx/nginx.conf": b"http { include a; include b; }", "etc/nginx/a": server(1), "etc/nginx/b": ["a"]})
    configuration = read_configuration(root, MAIN, "/")
    one, other = (read_source(configuration, "/etc/nginx/" + name) for name in "ab")
    assert (one, len(listens(configuration))) == (other, 2)


def test_name_that_is_no_utf_8(write):
    root = write({"etc/nginx/nginx.conf": b"http { include c/*; include c/\xff; }", os.fsdecode(b"etc/nginx/c/\xff"): server(1)})
    configuration = read_configuration(root, MAIN, "/")
    assert [os.fsencode(path) for path in configuration.files] == [b"/etc/nginx/nginx.conf", b"/etc/nginx/c/\xff"]
    assert len(listens(configuration)) == 2


PREFIXES = {
    "relative_path": ("conf/n.conf", "/srv/x/"),
    "prefix_without_slash": ("conf/n.conf", "/srv/x"),
    "absolute_path": ("/srv/x/conf/n.conf", "/elsewhere"),
}


@pytest.mark.parametrize("path, prefix", PREFIXES.values(), ids=PREFIXES)
def test_includes_belong_below_the_main_file(write, path, prefix):
    configuration = read_configuration(write({"srv/x/conf/n.conf": b"http { include a; }", "srv/x/conf/a": server(1)}), path, prefix)
    assert (configuration.path, configuration.prefix, len(listens(configuration))) == ("/srv/x/conf/n.conf", "/srv/x/conf/", 1)


def test_relative_path_without_prefix(write):
    with pytest.raises(ReadError, match=r"^the configuration nginx.conf is not an absolute path; give the prefix that it belongs to$"):
        read_configuration(write({}), "nginx.conf", "")


def test_only_what_is_wanted(write):
    root = write({"etc/nginx/nginx.conf": b"user x; http { gzip on; server { root /; listen 1; } }"})
    names = [node.directive.name for node in read_configuration(root, MAIN, "/").nodes]
    assert names == [b"http", b"server", b"listen"]
    assert b"root" in [node.directive.name for node in read_configuration(root, MAIN, "/", wanted=None).nodes]


def test_server_of_an_upstream_needs_no_brace(write):
    root = write({"etc/nginx/nginx.conf": b"http { upstream a { server 127.0.0.1:1; } map $x $y { server 1; stream 2; } server { listen 1; } }"})
    assert listens(read_configuration(root, MAIN, "/")) == [("nginx.conf", 1, "1", "http server")]


DIR = "/etc/nginx"
# what: (files, sentence)
FAULTS = {
    "include_of_nothing": (
        {"nginx.conf": b"http {\n include a.conf; }"},
        f"{DIR}/nginx.conf:2: the included file {DIR}/a.conf cannot be read: No such file or directory",
    ),
    "dangling_link": (
        {"nginx.conf": b"include s/*;", "s/a": ["/no"]},
        f"{DIR}/nginx.conf:1: the included file {DIR}/s/a cannot be read: No such file or directory",
    ),
    "directory": ({"nginx.conf": b"include s;", "s/a": b""}, f"{DIR}/nginx.conf:1: the included file {DIR}/s cannot be read: it is a directory, not a file"),
    "directory_that_matches": (
        {"nginx.conf": b"include s*;", "s/a": b""},
        f"{DIR}/nginx.conf:1: the included file {DIR}/s cannot be read: it is a directory, not a file",
    ),
    "itself": (
        {"nginx.conf": b"\ninclude nginx.conf;"},
        f"{DIR}/nginx.conf:2: the include goes in a circle, which nginx cannot load: {DIR}/nginx.conf -> {DIR}/nginx.conf; remove it",
    ),
    "each_other": (
        {"nginx.conf": b"include a;", "a": b"\ninclude b;", "b": b"include *;"},
        f"{DIR}/b:1: the include goes in a circle, which nginx cannot load: {DIR}/a -> {DIR}/b -> {DIR}/a; remove it",
    ),
    "server_without_brace": ({"nginx.conf": b"http {\nserver listen 80; }"}, f'{DIR}/nginx.conf:2: directive "server" has no opening "{{"'),
    "server_without_brace_in_an_include": (
        {"nginx.conf": b"stream { include a; }", "a": b"\nserver;"},
        f'{DIR}/a:2: directive "server" has no opening "{{"',
    ),
    "http_without_brace": ({"nginx.conf": b"http;"}, f'{DIR}/nginx.conf:1: directive "http" has no opening "{{"'),
    "two_arguments": ({"nginx.conf": b"include a b;"}, f"{DIR}/nginx.conf:1: include takes one path, not 2"),
    "no_argument": ({"nginx.conf": b"include;"}, f"{DIR}/nginx.conf:1: include takes one path, not 0"),
    "sparse_gigabyte": (
        {"nginx.conf": b"include big;"},
        f"{DIR}/nginx.conf:1: the included file {DIR}/big cannot be read: it has 1073741824 bytes, and more than 67108864 are not read",
    ),
    "fifo": ({"nginx.conf": b"include fifo;"}, f"{DIR}/nginx.conf:1: the included file {DIR}/fifo cannot be read: it is a FIFO, not a file"),
}


@pytest.mark.parametrize("files, sentence", FAULTS.values(), ids=FAULTS)
def test_what_nginx_refuses_too(write, files, sentence, tmp_path):
    root = write({"etc/nginx/" + name: data for name, data in files.items()})
    os.mkfifo(tmp_path / "etc/nginx/fifo") if b"fifo" in files["nginx.conf"] else None
    with (tmp_path / "etc/nginx/big").open("wb") as file:
        file.truncate(1 << 30 if b"big" in files["nginx.conf"] else 0)
    with pytest.raises(ConfigError) as caught:
        read_configuration(root, MAIN, "/")
    assert str(caught.value) == sentence
    problems = read_configuration(root, MAIN, "/", strict=False).problems
    assert sentence in problems


def test_without_strictness_the_rest_is_read(write):
    root = write({"etc/nginx/nginx.conf": b"http { include no.conf; include broken; %s }" % server(1), "etc/nginx/broken": b"\nserver { listen 2; "})
    configuration = read_configuration(root, MAIN, "/", strict=False)
    assert [row[2] for row in listens(configuration)] == ["1"]
    assert len(configuration.problems) == 2
    assert configuration.problems[1].startswith(f"{DIR}/broken:")


@pytest.mark.parametrize("strict", [True, False])
def test_main_file_that_cannot_be_read(write, strict):
    with pytest.raises(ReadError) as caught:
        read_configuration(write({"etc/x": b""}), MAIN, "/", strict=strict)
    assert str(caught.value) == f"the configuration {MAIN} cannot be read: No such file or directory; name the file that nginx uses, and become root"
    with pytest.raises(ConfigError, match=f"^{MAIN}:"):
        read_configuration(write({"etc/nginx/nginx.conf": b"http { "}), MAIN, "/", strict=strict)


BILLION = {"nginx.conf": b"include a;" * 10, **{"abcdefgh"[n]: b"include %s;" % b"bcdefghi"[n : n + 1] * 10 for n in range(8)}, "i": b"listen 1;"}
SMALL = Bounds(inclusions=500, depth=20, nodes=2000, file_bytes=1 << 20, all_bytes=2 << 20)
# what: (files, bounds, end of the sentence)
BOUNDS = {
    "billion_includes": (BILLION, SMALL, "more than 500 files are included; that is not read"),
    "deep": (
        {"nginx.conf": b"include f1;", **{f"f{n}": b"include f%d;" % (n + 1) for n in range(1, 30)}},
        SMALL,
        "includes are nested more than 20 deep; that is not read",
    ),
    "many_match": ({"nginx.conf": b"include d/*;", **{f"d/{n}": b"" for n in range(501)}}, SMALL, "more than 500 files match; that is not read"),
    "many_directives": ({"nginx.conf": b"include a;" * 3, "a": b"listen 1;" * 900}, SMALL, "the configuration has more than 2000 directives; that is not read"),
    "many_bytes": (
        {"nginx.conf": b"include a; include b; include c;", **dict.fromkeys("abc", b"\n" * 900000)},
        SMALL,
        "the configuration has more than 2097152 bytes",
    ),
}


@pytest.mark.parametrize("files, bounds, end", BOUNDS.values(), ids=BOUNDS)
def test_bounds(write, files, bounds, end):
    root = write({"etc/nginx/" + name: data for name, data in files.items()})
    with pytest.raises(ConfigError) as caught:
        read_configuration(root, MAIN, "/", bounds=bounds)
    assert str(caught.value).endswith(end)
    assert str(caught.value).startswith(f"{DIR}/")


def test_deep_includes_need_no_recursion(write):
    files = {"etc/nginx/nginx.conf": b"include f0;", **{f"etc/nginx/f{n}": b"include f%d;" % (n + 1) for n in range(90)}, "etc/nginx/f90": server(1)}
    assert len(read_configuration(write(files), MAIN, "/").files) == 92


def test_file_that_changed_since_it_was_read(write, tmp_path):
    root = write({"etc/nginx/nginx.conf": server(1)})
    configuration = read_configuration(root, MAIN, "/")
    (tmp_path / "etc/nginx/nginx.conf").write_bytes(server(2))
    with pytest.raises(ReadError, match=f"^{MAIN} was changed while it was looked at; run again$"):
        read_source(configuration, MAIN)
    (tmp_path / "etc/nginx/nginx.conf").unlink()
    with pytest.raises(ReadError, match=f"^{MAIN} cannot be read any more: No such file or directory; run again$"):
        read_source(configuration, MAIN)
    (tmp_path / "etc/nginx/nginx.conf").mkdir()
    with pytest.raises(ReadError, match=f"^{MAIN} cannot be read any more: it is a directory, not a file; run again$"):
        read_source(configuration, MAIN)
