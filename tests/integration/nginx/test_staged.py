# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx tests what is not in place yet: it sees exactly that, names the real files, and leaves no trace."""

import os
import signal
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.control import (
    PRIVATE_MOUNTS,
    SHADOW_INCLUDES,
    installation_in,
    installation_of,
    sentence_of,
    try_configuration,
)
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from ansible_collections.netops.listen_queue.plugins.module_utils._reload.read import configuration_of, masters_of
from kernel_rooms import in_child, mount
from nginx_changes import change, tree, without_sys_admin
from nginx_server import Server, until

PROC = ProcFS("/proc")
SITE = "server { listen 8080; }\n"
MAIN = """pid '{folder}/run/nginx.pid';
error_log '{folder}/log/error.log';
user www-data;
events {{}}
http {{
  access_log '{folder}/log/access.log';
  client_body_temp_path '{folder}/temp/body';
  proxy_cache_path '{folder}/temp/cache' keys_zone=z:1m;
  include sites-enabled/*;
  server {{ listen 'unix:{folder}/run/web.sock'; }}
}}
"""


@pytest.fixture(params=[PRIVATE_MOUNTS, SHADOW_INCLUDES])
def method(request):
    return request.param


class Site:
    """A configuration of several files, whose nginx does not run."""

    def __init__(self, folder, main=MAIN):
        self.server = Server(folder / "nginx", main)
        self.folder = self.server.folder
        self.server.write("")
        for name in ("run", "log", "temp", "sites-available", "sites-enabled"):
            (self.folder / name).mkdir()
        self.site = self.server.write(SITE, "sites-available/shop")
        (self.folder / "sites-enabled/shop").symlink_to("../sites-available/shop")

    def ask(self, method, files, seconds=20):
        """The Verdict on the configuration with ``files`` ({name: text}) instead of those that are there."""

        def ask():
            installation = installation_in(PROC, "/", str(self.server.conf), str(self.folder) + "/")
            configuration = configuration_of("/", installation.config, installation.prefix)
            names = {str(self.folder / name): (str((self.folder / name).resolve()), text.encode()) for name, text in files.items()}
            return try_configuration(PROC, installation, configuration, names, seconds)

        verdict = in_child(ask, before=without_sys_admin if method == SHADOW_INCLUDES else None)
        assert verdict.method == method
        return verdict

    def tree(self):
        return tree(self.folder)


def test_result_is_seen_and_nothing_is_left(tmp_path):
    site = Site(tmp_path)
    before = site.tree()
    assert site.ask(PRIVATE_MOUNTS, {"sites-enabled/shop": "server { listen 8080 backlog=77; }"}).passed is True
    assert site.tree() == before


def test_shadow_leaves_no_pid_file_and_no_second_configuration(tmp_path):
    site = Site(tmp_path)
    before = set(site.tree())
    assert site.ask(SHADOW_INCLUDES, {"sites-enabled/shop": "server { listen 8080 backlog=77; }"}).passed is True
    made = {str(Path(path).relative_to(site.folder)) for path in set(site.tree()) - before}
    assert made <= {"log/error.log", "log/access.log", "temp/body", "temp/cache"}


def test_live_pid_file_and_socket_stay_as_they_are_m8(tmp_path, method):
    site = Site(tmp_path)
    site.server.start(workers=False, command=["nginx", "-p", str(site.folder), "-c", str(site.server.conf)], daemon=False)
    pid = site.folder / "run/nginx.pid"
    until(lambda: pid.exists() and pid.stat().st_size, "the start of nginx")
    before = tree(site.folder / "run")
    assert site.ask(method, {}).passed is True
    assert tree(site.folder / "run") == before
    os.kill(site.server.pid, signal.SIGKILL)


WRONG = {
    "in_the_edited_file": ({"sites-enabled/shop": "# one\nserver { listen 8080 backlog=0; }"}, 'invalid backlog "backlog=0" in {folder}/sites-enabled/shop:2'),
    "in_the_main_file": ({"nginx.conf": "\n\nnonsense;\nevents {}"}, 'unknown directive "nonsense" in {folder}/nginx.conf:3'),
    "duplicate_options": (
        {"sites-enabled/shop": "server { listen 8080 backlog=1; }\nserver { listen *:8080 backlog=2; }"},
        "duplicate listen options for 0.0.0.0:8080 in {folder}/sites-enabled/shop:2",
    ),
}


@pytest.mark.parametrize("files, sentence", WRONG.values(), ids=WRONG)
def test_errors_name_the_real_file_and_line(tmp_path, method, files, sentence):
    site = Site(tmp_path)
    before = set(site.tree())
    verdict = site.ask(method, files)
    assert (verdict.passed, sentence_of(verdict)) == (False, sentence.format(folder=site.folder))
    if method == PRIVATE_MOUNTS:
        assert set(site.tree()) == before
    assert not [name for name in site.tree() if "/." in name]


def test_what_is_wrong_elsewhere_is_named_where_it_is(tmp_path, method):
    site = Site(tmp_path)
    site.server.write("server {\n listen 8081;\n nonsense; }", "sites-enabled/other")
    verdict = site.ask(method, {"sites-enabled/shop": "server { listen 8080 backlog=77; }"})
    assert sentence_of(verdict) == f'unknown directive "nonsense" in {site.folder}/sites-enabled/other:3'


def test_includes_of_every_kind_lead_to_the_new_bytes(tmp_path, method):
    main = """events {{}} include "pid.inc" ; http {{ include a*.inc; types {{ include x; }} include
    inner/one.inc; }}"""
    site = Site(tmp_path, main)
    site.server.write(f"pid {site.folder}/run/nginx.pid;\n", "pid.inc")
    site.server.write("text/html html;", "x")
    site.server.write("", "a0.inc")
    site.server.write("include 'inner/two.inc'; server { listen 8090; }", "a1.inc")
    site.server.write("server { listen 8091; }", "a[2].inc")
    site.server.write("server { listen 8092; }", "inner/one.inc")
    site.server.write("server { listen 8093; }", "inner/two.inc")
    assert site.ask(method, {}).passed is True
    for name, line in (("inner/two.inc", 1), ("inner/one.inc", 1), ("a1.inc", 2), ("a[2].inc", 1)):
        text = "\n" * (line - 1) + "server { listen 8093 backlog=0; }" + (" include inner/two.inc;" if name == "a1.inc" else "")
        verdict = site.ask(method, {name: text})
        assert sentence_of(verdict) == f'invalid backlog "backlog=0" in {site.folder}/{name}:{line}'
    assert not list((site.folder / "run").iterdir())


def test_file_that_is_included_twice_is_seen_twice(tmp_path, method):
    both = "server {{ server_name %s; include both.inc; }} "
    site = Site(tmp_path, "events {{}} pid run/nginx.pid; http {{ " + both % "a" + both % "b" + "}}")
    site.server.write("listen 8090;", "both.inc")
    assert site.ask(method, {}).passed is True
    assert sentence_of(site.ask(method, {"both.inc": "\nlisten 8090 backlog=9;"})) == f"duplicate listen options for 0.0.0.0:8090 in {site.folder}/both.inc:2"


def test_test_that_hangs_ends_in_time_f30(tmp_path, method):
    site = Site(tmp_path)
    os.mkfifo(site.folder / "log/error.log")
    before = set(site.tree())
    verdict = site.ask(method, {}, seconds=1)
    assert verdict.passed is None
    made = {str(Path(path).relative_to(site.folder)) for path in set(site.tree()) - before}
    assert made <= (set() if method == PRIVATE_MOUNTS else {"temp/body", "temp/cache"})
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"nginx" in Path("/proc", pid, "cmdline").read_bytes().split(b"\0")[0]]


def test_mounts_below_a_covered_directory_are_still_there(tmp_path):
    site = Site(tmp_path)
    for name in ("log", "log/deep", "run"):
        (site.folder / name).mkdir(exist_ok=True)
        mount("tmpfs", site.folder / name, "tmpfs")
    (site.folder / "log/deep").mkdir(exist_ok=True)
    mount("tmpfs", site.folder / "log/deep", "tmpfs")
    (site.folder / "log/deep/key.inc").write_text("server { listen 8095; }")
    site.server.conf.write_text(site.server.conf.read_text().replace("include sites", "include log/deep/*.inc; include sites"))
    before = site.tree()
    verdict = site.ask(PRIVATE_MOUNTS, {"log/deep/key.inc": "server { listen 8095 backlog=0; }"})
    assert sentence_of(verdict) == f'invalid backlog "backlog=0" in {site.folder}/log/deep/key.inc:1'
    assert site.ask(PRIVATE_MOUNTS, {}).passed is True
    assert site.tree() == before


def test_folder_names_with_signs_of_the_mount_options(tmp_path):
    site = Site(tmp_path / "a:b c\\d")
    before = site.tree()
    assert site.ask(PRIVATE_MOUNTS, {"sites-enabled/shop": "server { listen 8080 backlog=77; }"}).passed is True
    assert site.tree() == before


NOBODY = 65534
REFUSED_TO_NOBODY = r"nginx refuses .*root\.conf. failed \(13: Permission denied\)"
OF_NOBODY = """worker_processes 1;
pid '{folder}/nginx.pid';
error_log '{folder}/error.log' info;
events {{ worker_connections 32; }}
http {{
  access_log off;
  client_body_temp_path '{folder}/t1';
  proxy_temp_path '{folder}/t2';
  fastcgi_temp_path '{folder}/t3';
  uwsgi_temp_path '{folder}/t4';
  scgi_temp_path '{folder}/t5';
  include more/*.conf;
  server {{ listen 8080; }}
}}
"""


@pytest.fixture
def of_nobody(nginx):
    """A function that starts an nginx as nobody, who chooses its binary, its environment and its command line."""

    def start():
        folder = nginx.folder / "nginx"
        for path in (folder, folder / "more"):
            path.mkdir()
            os.chown(path, NOBODY, NOBODY)
        for path in folder.parents:
            path.chmod(path.stat().st_mode | 0o011)
        return nginx("", main=OF_NOBODY, user=NOBODY, group=NOBODY, extra_groups=[])

    return start


def test_an_nginx_of_a_user_is_tested_with_the_rights_of_the_user(of_nobody):
    """A process that a user calls nginx must not run as root, because root wants to know what it thinks of a configuration."""
    server = of_nobody()
    assert change(server, listen="8080", backlog=1024).values["tested_by"] == PRIVATE_MOUNTS
    secret = server.write("server { listen 8081; } # secret", "more/root.conf")
    secret.chmod(0o600)
    with pytest.raises(WriteError, match=REFUSED_TO_NOBODY):
        change(server, listen="8080", backlog=2048)
    with pytest.raises(WriteError, match=REFUSED_TO_NOBODY):
        change(server, listen="8081", backlog=2048)
    assert "2048" not in server.conf.read_text() + secret.read_text()


def test_a_process_that_is_another_one_by_then_is_not_run(of_nobody):
    server = of_nobody()
    [master] = [each for each in masters_of(PROC) if each.pid == server.pid]
    installation = installation_of(PROC, master)
    another = installation._replace(view=installation.view._replace(credentials=installation.view.credentials._replace(uid=0)))
    with pytest.raises(WriteError, match="process %d ended meanwhile; run again" % server.pid):
        try_configuration(PROC, another, configuration_of("/", str(server.conf), str(server.folder)), {}, 20)
