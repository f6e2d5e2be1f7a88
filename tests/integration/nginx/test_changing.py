# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx_listen on real files and a real nginx: the right bytes, nothing else, and the truth about what is left to do."""

import os
import signal
import stat

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import Busy, ConfigError, Conflict, InputError, ListenQueueError, WriteError
from ansible_collections.netops.listen_queue.plugins.module_utils._files import durable
from ansible_collections.netops.listen_queue.plugins.module_utils._files.store import opened
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_listen import control
from ansible_collections.netops.listen_queue.plugins.module_utils._proc import ProcFS
from kernel_rooms import MS_BIND, Program, in_child, mount, sysctl
from nginx_changes import Watch, change, reload, tree, without_sys_admin
from nginx_server import until

HTTP = "http {{ access_log off; include sites-enabled/*; }}"
SHOP = b'# caf\xe9\r\nserver {\r\n\tlisten  8080 ; # "listen 8080"\r\n\tserver_name a;}\r\nserver { listen 8081 backlog=20; auth_basic "secret"; }'


@pytest.fixture
def site(nginx):
    """A function that starts an nginx whose sites-enabled holds a link to SHOP."""

    def start(**options):
        folder = nginx.folder / "nginx"
        for name in ("sites-available", "sites-enabled"):
            (folder / name).mkdir(parents=True)
        (folder / "sites-available/shop").write_bytes(SHOP)
        (folder / "sites-enabled/shop").symlink_to("../sites-available/shop")
        sysctl("net.core.somaxconn", 4096)
        return nginx(HTTP.format(), **options)

    return start


def shop(server):
    return (server.folder / "sites-available/shop").read_bytes()


def left(server):
    """The names of all files below the server's directory that were not there before."""
    known = ("nginx.conf", "nginx.pid", "error.log", "output.log", "sites-available/shop", "sites-enabled/shop")
    return [
        str(path.relative_to(server.folder)) for path in server.folder.rglob("*") if not path.is_dir() and str(path.relative_to(server.folder)) not in known
    ]


def sentence(server, error=ListenQueueError, **given):
    """What a change that fails says; it must not have changed anything."""
    before = tree(server.folder)
    with pytest.raises(error) as failure:
        change(server, **given)
    assert {path: values for path, values in tree(server.folder).items() if values[6] is not None and not path.endswith(".log")} == {
        path: values for path, values in before.items() if values[6] is not None and not path.endswith(".log")
    }
    return str(failure.value)


def test_only_the_parameter_changes_f16_f23(site):
    server = site()
    answer = change(server, listen="8080", backlog=1000)
    assert shop(server) == SHOP.replace(b"listen  8080 ;", b"listen  8080 backlog=1000 ;")
    assert os.readlink(server.folder / "sites-enabled/shop") == "../sites-available/shop"
    assert left(server) == []
    values = dict(answer.values)
    (previous,) = values.pop("previous")
    assert values == {
        "config": str(server.conf),
        "files": [str(server.folder / "sites-available/shop")],
        "directive": {"file": str(server.folder / "sites-enabled/shop"), "line": 3},
        "directives": [{"file": str(server.folder / "sites-enabled/shop"), "line": 3, "listen": ["0.0.0.0:8080"], "listens_anew": True}],
        "tested_by": "private_mounts",
        "needs": "reload",
        "notes": [],
    }
    assert answer.changed and answer.failure is None
    with open(previous["copy"], "rb") as file:
        assert file.read() == SHOP
    status = os.stat(previous["copy"])
    assert (stat.S_IMODE(status.st_mode), stat.S_IMODE(os.stat(os.path.dirname(previous["copy"])).st_mode)) == (0o600, 0o700)
    assert server.limits(8080) == [511]


def test_second_run_changes_nothing_and_says_what_the_process_needs_n4(site):
    server = site()
    change(server, listen="8080", backlog=1000)
    before = tree(server.folder)
    again = change(server, listen="*:8080", backlog=1000)
    assert (again.changed, again.values["files"], again.values["tested_by"], again.values["needs"]) == (False, [], None, "reload")
    assert tree(server.folder) == before
    assert reload(config=str(server.conf)).values["needs"] == "none"
    assert (server.limits(8080), server.limits(8081)) == ([1000], [20])
    again = change(server, listen="8080", backlog=1000)
    assert (again.changed, again.values["needs"], again.values["notes"]) == (False, "none", [])


def test_check_mode_writes_nothing_and_predicts_the_diff_f52(site):
    server = site()
    watch = Watch(server.folder, server.folder / "sites-enabled", server.folder / "sites-available", server.folder.parent)
    until(lambda: len(server.workers()) == 2, "the start of both workers, which write to the error log")
    watch.events()
    before = tree(server.folder)
    predicted = change(server, is_check=True, listen="8081", backlog=1000, reuseport=True)
    assert (watch.events(), tree(server.folder)) == ([], before)
    real = change(server, listen="8081", backlog=1000, reuseport=True)
    assert watch.events() != []
    path = f"{server.folder}/sites-available/shop:5"
    assert (
        predicted.plan.diff()
        == real.plan.diff()
        == [
            {
                "before_header": path,
                "after_header": path,
                "before": "... listen 8081 backlog=20; ...\n",
                "after": "... listen 8081 backlog=1000 reuseport; ...\n",
            }
        ]
    )
    assert (predicted.changed, predicted.values["tested_by"], predicted.values["needs"]) == (True, None, "reload")


def test_absent_takes_it_away(site):
    server = site()
    answer = change(server, listen="8081", state="absent")
    assert shop(server) == SHOP.replace(b"listen 8081 backlog=20;", b"listen 8081;")
    assert (answer.changed, change(server, listen="8081", state="absent").changed) == (True, False)


def test_all_addresses_of_several_files_together(site):
    server = site()
    server.write("server { listen 127.0.0.1:8082; }\nserver { listen unix:/run/x.sock; }\n", "sites-enabled/blog")
    answer = change(server, listen="all", backlog=300)
    assert [each["listen"] for each in answer.values["directives"]] == [["127.0.0.1:8082"], ["unix:/run/x.sock"], ["0.0.0.0:8080"], ["0.0.0.0:8081"]]
    assert reload(config=str(server.conf)).values["needs"] == "none"
    assert [server.limits(port) for port in (8080, 8081, 8082)] == [[300], [300], [300]]
    assert left(server) == ["sites-enabled/blog"]


def test_several_files_or_none(site):
    """One of two files is on a read-only file system: the other stays as it is (F13)."""
    server = site()
    server.write("server { listen 8082; }", "more/blog")
    server.conf.write_text(server.conf.read_text().replace("include", "include more/*; include"))
    mount(server.folder / "more", server.folder / "more", "none", MS_BIND)
    mount("none", server.folder / "more", "none", 1 | 32 | MS_BIND)
    assert sentence(server, listen="all", backlog=300) == f"{server.folder}/more/blog is on a read-only file system; nothing was changed"


def test_link_from_two_names_is_one_file_f17(site):
    server = site()
    (server.folder / "sites-enabled/zzz").symlink_to("../sites-available/shop")
    server.write("server { listen 8082; }", "sites-enabled/blog")
    answer = change(server, listen="8082", backlog=300, validate=False)
    assert answer.values["files"] == [str(server.folder / "sites-enabled/blog")]
    assert "is read 2 times for 0.0.0.0:8080" in sentence(server, listen="8080", backlog=300)


REFUSED = {
    "no_such_listen": ({"listen": "9999"}, InputError, "{conf}: no server listens on 0.0.0.0:9999; there are 0.0.0.0:8080 ({shop}:3), 0.0.0.0:8081 ({shop}:5)"),
    "injection_f55": (
        {"listen": "8080; } server {"}, InputError,
        "listen must be all or an address as in nginx (8080, 127.0.0.1:8080, [::]:8080, unix:/path), not '8080; }} server {{'",
    ),
    "zero": ({"backlog": 0}, InputError, "backlog must be a whole number from 1 to 2147483647, not 0"),
    "negative": ({"backlog": -1}, InputError, "backlog must be a whole number from 1 to 2147483647, not -1"),
    "too_large": ({"backlog": 2**31}, InputError, "backlog must be a whole number from 1 to 2147483647, not 2147483648"),
    "nothing_wanted": ({"backlog": None}, InputError, "nothing is wanted of listen 8080; give backlog, reuseport or both"),
    "path_upwards_f56": (
        {"config": "/etc/../etc/nginx/nginx.conf"}, InputError,
        "config: '/etc/../etc/nginx/nginx.conf' is not an absolute path without `..`; name it as nginx inside root does",
    ),
    "root_of_the_working_directory_f56": ({"root": "etc"}, InputError, "root: 'etc' is not an absolute path"),
    "no_time_to_test": ({"validate_timeout": 0}, InputError, "validate_timeout must be at least 1 second, not 0"),
}  # fmt: skip


@pytest.mark.parametrize("given, error, text", REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_sentence(site, given, error, text):
    server = site()
    expected = text.format(conf=server.conf, shop=server.folder / "sites-enabled/shop")
    assert sentence(server, error, **{"listen": "8080", "backlog": 300, **given}) == expected


def test_options_that_would_never_be_applied_are_refused_m2(site):
    server = site()
    server.write("server { listen 127.0.0.1:8080; }", "sites-enabled/blog")
    text = sentence(server, listen="127.0.0.1:8080", backlog=300)
    assert "127.0.0.1:8080 has no socket of its own" in text and "name 0.0.0.0:8080 instead" in text
    assert change(server, listen="8080", backlog=300).values["directive"]["file"] == str(server.folder / "sites-enabled/shop")


def test_configuration_that_is_broken_already_f28(site):
    server = site()
    server.write("server { nonsense; }", "sites-enabled/wrong")
    assert sentence(server, WriteError, listen="8080", backlog=300) == (
        f'nginx refuses {server.conf} already as it is: unknown directive "nonsense" in {server.folder}/sites-enabled/wrong:1; '
        "correct that first, nothing was changed"
    )


def test_change_that_repairs_a_refused_configuration_is_made(site):
    server = site()
    shown = SHOP.replace(b"listen 8081 backlog=20;", b"listen 8081 backlog=20; location / { limit_rate 1; }")
    (server.folder / "sites-available/shop").write_bytes(shown)
    answer = change(server, listen="8081", backlog=30)
    assert answer.values["tested_by"] == "private_mounts"


def test_unreadable_configuration_names_file_and_line(site):
    server = site()
    server.write("server { listen 8082;\n", "sites-enabled/open")
    text = sentence(server, ConfigError, listen="8080", backlog=300)
    assert text == f'{server.folder}/sites-enabled/open:2: unexpected end of file, expecting "}}"'


def test_result_that_nginx_refuses_is_not_put_in_place_f29(site):
    server = site()
    real = control.plan_listen

    def wrong(*arguments):
        """A planner that is mistaken."""
        plan = real(*arguments)
        return plan._replace(files=[(path, before, after.replace(b"backlog=300", b"backlog=0")) for path, before, after in plan.files])

    control.plan_listen = wrong
    assert sentence(server, WriteError, listen="8080", backlog=300) == (
        f'nginx refuses the result: invalid backlog "backlog=0" in {server.folder}/sites-enabled/shop:3; nothing was changed'
    )


def test_test_that_takes_too_long_f30(site):
    server = site()
    os.mkfifo(server.folder / "fifo")
    server.conf.write_text(server.conf.read_text().replace("access_log off", f"access_log {server.folder}/fifo"))
    assert sentence(server, WriteError, listen="8080", backlog=300, validate_timeout=1) == (
        "nginx -t did not end within 1 seconds (a resolver, or a file that blocks?); nothing was changed"
    )
    assert change(server, listen="8080", backlog=300, validate=False).values["tested_by"] is None


def test_without_mount_namespaces_the_shadow_is_asked(site):
    server = site()
    answer = in_child(lambda: change(server, listen="8080", backlog=300).values, before=without_sys_admin)
    assert (answer["tested_by"], left(server)) == ("shadow_includes", [])
    assert shop(server) == SHOP.replace(b"8080 ;", b"8080 backlog=300 ;")


def test_human_edit_during_the_test_wins_f21(site):
    server = site()
    real = control.try_configuration

    def slow(*arguments):
        verdict = real(*arguments)
        (server.folder / "sites-available/shop").write_bytes(SHOP + b"\n# human\n")
        return verdict

    control.try_configuration = slow
    with pytest.raises(Conflict, match="sites-available/shop was changed by somebody else meanwhile; run again"):
        change(server, listen="8080", backlog=300)
    assert (shop(server), left(server)) == (SHOP + b"\n# human\n", [])
    control.try_configuration = real
    change(server, listen="8080", backlog=300)
    assert shop(server).endswith(b"\n# human\n")


def test_link_swapped_during_the_test_f21(site):
    server = site()
    other = server.write("server { listen 8080; }", "other")
    real = control.try_configuration

    def slow(*arguments):
        (server.folder / "sites-available/shop").unlink()
        (server.folder / "sites-available/shop").symlink_to(other)
        return real(*arguments)

    control.try_configuration = slow
    with pytest.raises(WriteError, match=r"made a symbolic link meanwhile|was changed by somebody else"):
        change(server, listen="8080", backlog=300)
    assert other.read_text() == "server { listen 8080; }"


def test_second_controller_fails_at_once_f47(site):
    server, held = site(), []

    def hold():
        held.append(opened(str(server.folder.parent / "state"), ProcFS("/proc")))
        held[0].__enter__()

    other = Program(hold)
    text = sentence(server, Busy, listen="8080", backlog=300)
    assert text.startswith(f"another run is changing this machine (process {other.pid}, ")
    other.kill()
    assert change(server, listen="8080", backlog=300).changed


def killer(countdown):
    """A hook that ends this process before the write of that number."""
    left = [countdown]

    def hook(_act, _name):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def test_killed_at_every_act_the_file_is_old_or_new_f1(site):
    """In the whole module, with the store and the lock, and with the test left out."""
    server = site()
    new = SHOP.replace(b"8080 ;", b"8080 backlog=300 ;")
    points, seen = 0, set()
    while True:
        points += 1

        pid = os.fork()
        if not pid:
            durable.before_write = killer(points)
            change(server, listen="8080", backlog=300, validate=False)
            os._exit(0)
        if os.WIFEXITED(os.waitpid(pid, 0)[1]):
            break
        assert shop(server) in (SHOP, new)
        seen.add(shop(server))
        again = change(server, listen="8080", backlog=300, validate=False)
        assert again.failure is None
        assert (shop(server), left(server) if again.changed else []) == (new, [])
        (server.folder / "sites-available/shop").write_bytes(SHOP)
        for name in os.listdir(server.folder / "sites-available"):
            if name.startswith("."):
                os.unlink(server.folder / "sites-available" / name)
    assert points > 10
    assert seen == {SHOP, new}


def test_several_nginx_have_to_be_told_apart_f33(nginx):
    one = nginx("http { server { listen 8080; } }", name="one")
    two = nginx("http { server { listen 8081; } }", name="two")
    text = f"several nginx run: {one.conf} (nginx {one.pid}), {two.conf} (nginx {two.pid}); say with config (and root) which one is meant"
    assert sentence(one, InputError, config=None, prefix=None, listen="8080", backlog=300) == text
    assert change(two, listen="8081", backlog=300).values["needs"] == "reload"


def test_running_nginx_is_found_without_being_named_f33(site):
    server = site()
    assert change(server, config=None, prefix=None, listen="8080", backlog=300).values["config"] == str(server.conf)


def test_nginx_that_does_not_run_needs_nothing_f33(nginx):
    from nginx_server import Server

    server = Server(nginx.folder / "nginx")
    server.write("http { server { listen 8080; } }")
    before = set(tree(server.folder))
    answer = change(server, listen="8080", backlog=300)
    assert (answer.values["tested_by"], answer.values["needs"]) == ("private_mounts", "none")
    assert set(tree(server.folder)) == before


def test_raised_somaxconn_needs_socket_backlog_case_ii(site):
    sysctl("net.core.somaxconn", 128)
    server = site()
    sysctl("net.core.somaxconn", 128)
    change(server, listen="8080", backlog=2048)
    server.reload()
    answer = change(server, listen="8080", backlog=2048)
    assert (answer.values["needs"], server.limits(8080)) == ("none", [128])
    assert "net.core.somaxconn allows 128" in answer.values["notes"][0]
    sysctl("net.core.somaxconn", 4096)
    answer = change(server, listen="8080", backlog=2048)
    assert (answer.changed, answer.values["needs"]) == (False, "socket_backlog")


def test_which_sockets_listen_anew_at_the_next_reload(site):
    """Port 8080 asks for the default of 511 and 8081 for 20."""
    server = site()

    def told(backlog, is_check=False):
        directives = change(server, is_check, listen="all", backlog=backlog).values["directives"]
        return {each["listen"][0].partition(":")[2]: each["listens_anew"] for each in directives}

    assert told(20, is_check=True) == {"8080": True, "8081": False}
    assert told(511, is_check=True) == told(511) == {"8080": False, "8081": True}
    assert told(511) == told(20) == {"8080": None, "8081": None}  # nginx has not read what is on disk
