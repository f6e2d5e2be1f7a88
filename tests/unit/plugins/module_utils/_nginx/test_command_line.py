# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Titles and command lines of nginx processes, as they are found in /proc."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.command_line import (
    HELPER,
    MASTER,
    PLAIN,
    WORKER,
    Options,
    Title,
    is_cut,
    options_of_arguments,
    options_of_line,
    title_of,
)

TITLES = {
    "debian": (
        b"nginx: master process /usr/sbin/nginx -g daemon on; master_process on;\0\0\0",
        Title(MASTER, b"/usr/sbin/nginx -g daemon on; master_process on;", False),
    ),
    "docker": (b"nginx: master process nginx -g daemon off;\0", Title(MASTER, b"nginx -g daemon off;", False)),
    "openresty": (b"nginx: master process openresty\0", Title(MASTER, b"openresty", False)),
    "angie": (
        b"angie: master process v1.11.5 PRO #1 [/usr/sbin/angie -c /etc/angie/angie.conf]\0",
        Title(MASTER, b"v1.11.5 PRO #1 [/usr/sbin/angie -c /etc/angie/angie.conf]", False),
    ),
    "worker": (b"nginx: worker process\0\0\0\0", Title(WORKER, None, False)),
    "angie_worker": (b"angie: worker process #1\0", Title(WORKER, None, False)),
    "worker_that_ends": (b"nginx: worker process is shutting down\0", Title(WORKER, None, True)),
    "cache_manager": (b"nginx: cache manager process\0", Title(HELPER, None, False)),
    "cache_loader_that_ends": (b"nginx: cache loader process is shutting down\0", Title(HELPER, None, True)),
    "master_cut_in_the_title": (b"nginx: master p\0", Title(MASTER, None, False)),
    "worker_cut_in_the_title": (b"nginx: w\0", Title(WORKER, None, False)),
    "helper_cut_in_the_title": (b"nginx: cache\0", Title(HELPER, None, False)),
    "master_cut_before_its_arguments": (b"nginx: master process \0", Title(MASTER, None, False)),
    "cut_behind_the_colon": (b"nginx:\0", Title(PLAIN, None, False)),
    "master_process_off": (b"/usr/sbin/nginx\0-c\0/etc/x.conf\0", Title(PLAIN, None, False)),
    "a_test_run": (b"nginx\0-t\0", Title(PLAIN, None, False)),
    "zombie": (b"", None),
    "exporter": (b"/bin/nginx-prometheus-exporter\0--web.listen-address=:9113\0", None),
    "shell_script_of_that_name": (b"/bin/sh\0/usr/sbin/nginx\0", None),
    "editor": (b"vi\0nginx: master process\0", None),
    "other_title": (b"nginx: frobnicating\0", None),
    "other_program": (b"php-fpm: master process (/etc/php-fpm.conf)\0", None),
    "no_text": (b"\xff\xfe: master process x\0", None),
}


@pytest.mark.parametrize("cmdline, expected", TITLES.values(), ids=TITLES)
def test_title(cmdline, expected):
    assert title_of(cmdline) == expected


NOTHING = Options(None, None, None, None, False)
LINES = {
    "nothing": (b"nginx", NOTHING),
    "directives": (b"/usr/sbin/nginx -g daemon on; master_process on;", NOTHING._replace(directives=b"daemon on; master_process on;")),
    "all": (
        b"nginx -p /srv/a -c conf/n.conf -e /var/log/e -g pid /x; user a;",
        Options(b"/srv/a", b"conf/n.conf", b"pid /x; user a;", b"/var/log/e", False),
    ),
    "value_sticks_to_its_letter": (b"nginx -c/etc/n.conf -p/srv", NOTHING._replace(config=b"/etc/n.conf", prefix=b"/srv")),
    "flags_together": (b"nginx -qc /etc/n.conf", NOTHING._replace(config=b"/etc/n.conf")),
    "blank_in_a_path": (b"nginx -c /srv/my site/n.conf -q", NOTHING._replace(config=b"/srv/my site/n.conf")),
    "dash_in_a_path": (b"nginx -c /srv/a -b/n.conf", NOTHING._replace(config=b"/srv/a -b/n.conf")),
    "angie": (b"v1.7.0 #6 [/usr/sbin/angie -c /etc/angie/angie.conf]", NOTHING._replace(config=b"/etc/angie/angie.conf")),
    "angie_pro": (b"v1.11.5 PRO #1 [angie -p /x]", NOTHING._replace(prefix=b"/x")),
    "no_utf_8": (b"nginx -c /etc/\xff.conf", NOTHING._replace(config=b"/etc/\xff.conf")),
    "value_missing": (b"nginx -c", NOTHING),
    "last_of_two_counts": (b"nginx -c /a -c /b", NOTHING._replace(config=b"/b")),
}


@pytest.mark.parametrize("line, expected", LINES.values(), ids=LINES)
def test_options_of_a_title(line, expected):
    assert options_of_line(line, False) == expected


CUT = {
    "in_the_only_value": (b"nginx -c /etc/ngi", NOTHING),
    "behind_a_value": (b"nginx -c /etc/n.conf -g daem", NOTHING._replace(config=b"/etc/n.conf")),
    "in_the_program": (b"ngi", NOTHING),
    "angie": (b"v1.7.0 #1 [/usr/sbin/angie -p /x -c /et", NOTHING._replace(prefix=b"/x")),
}


@pytest.mark.parametrize("line, expected", CUT.values(), ids=CUT)
def test_options_of_a_cut_title(line, expected):
    assert options_of_line(line, True) == expected


def test_every_cut_of_a_title_is_a_master_or_unknown():
    whole = b"nginx: master process /usr/sbin/nginx -p /srv -c /etc/n.conf -g daemon on;"
    for end in range(len(b"nginx:"), len(whole)):
        title = title_of(whole[:end])
        assert title.role == (MASTER if end > len(b"nginx: ") else PLAIN)
        options = options_of_line(title.line or b"", True)
        assert options.config in (None, b"/etc/n.conf")
        assert options.prefix in (None, b"/srv")


ARGUMENTS = {
    "nothing": (b"nginx\0", NOTHING),
    "separate": (
        b"nginx\0-c\0/a b/n.conf\0-g\0daemon off; master_process off;\0",
        NOTHING._replace(config=b"/a b/n.conf", directives=b"daemon off; master_process off;"),
    ),
    "together": (b"nginx\0-qc/a\0-p/b\0-e/c\0", NOTHING._replace(config=b"/a", prefix=b"/b", error_log=b"/c")),
    "value_that_looks_like_an_option": (b"nginx\0-g\0-t\0", NOTHING._replace(directives=b"-t")),
    "test": (b"nginx\0-t\0", NOTHING._replace(is_command=True)),
    "test_with_others": (b"nginx\0-qtc\0/a\0", NOTHING._replace(config=b"/a", is_command=True)),
    "signal": (b"nginx\0-s\0reload\0", NOTHING._replace(is_command=True)),
    "version": (b"nginx\0-V\0", NOTHING._replace(is_command=True)),
    "empty": (b"", NOTHING),
}


@pytest.mark.parametrize("cmdline, expected", ARGUMENTS.values(), ids=ARGUMENTS)
def test_options_of_arguments(cmdline, expected):
    assert options_of_arguments(cmdline) == expected


@pytest.mark.parametrize("size, area, expected", [(20, 22, True), (20, 23, False), (20, 21, True), (20, 0, None)])
def test_title_that_fills_its_area_may_be_cut(size, area, expected):
    assert is_cut(b"x" * size + b"\0\0\0", area) is expected
