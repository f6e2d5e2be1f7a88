# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.programs.match import FIELD_NAMES, PROGRAMS, find_program, program_fields

BY_ID = {program.id: program for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS, ids=BY_ID)
def test_every_row_has_a_source_and_what_an_operator_needs(program):
    assert re.fullmatch(r"[a-z0-9.-]+", program.id)
    assert program.source.startswith("https://")
    assert program.setting and program.applied_by and program.families and program.asks_for
    assert program.default_backlog is None or program.default_backlog > 0
    assert program.applied in {"reload", "restart", "none"}
    assert (program.applied == "none") == program.setting.startswith("none (compiled in)")
    assert program.checked in {"run", "once", "read"}
    assert not re.search(r"[|\n]", program.setting + program.asks_for + program.applied_by + program.quirk), "the page is a table"


def test_no_row_is_there_twice():
    assert len(BY_ID) == len(PROGRAMS) >= 45


def test_a_number_from_a_manual_is_no_default_of_every_listener():
    """Rule limit_below_program_default compares with it: so only where a socket was looked at, or nothing else can be."""
    assert {program.id for program in PROGRAMS if program.checked == "read" and "default_backlog" in program_fields(program, "inet")} == {
        "nginx-unit",
        "undertow",  # never found: it has no name
    }


@pytest.mark.parametrize(
    ("names", "units", "found"),
    [
        (["nginx"], [], "nginx"),
        (["openresty"], [], "nginx"),
        (["redis-server"], [], "redis"),
        (["haproxy"], [], "haproxy"),
        (["sshd"], ["ssh.service"], "sshd"),
        (["php-fpm"], [], "php-fpm"),
        (["php-fpm8.2"], [], "php-fpm"),
        (["php-fpm8.1"], [], "php-fpm-before-8.2"),
        (["php-fpm5.6"], [], "php-fpm-before-8.2"),
        (["systemd", "sshd"], ["init.scope", "ssh.service"], "systemd"),
        (["sshd", "systemd"], [], "systemd"),
        (["gunicorn"], [], "gunicorn"),
        (["gunicorn: maste"], [], "gunicorn"),
        (["python3.11"], ["gunicorn-shop.service"], "gunicorn"),
        (["python3"], ["shop.service"], "python"),
        (["python3"], [], "python"),
        (["java"], ["tomcat9.service"], "tomcat"),
        (["java"], ["confluent-kafka.service"], "kafka"),
        (["java"], ["shop.service"], "java"),
        (["java"], ["tomcat9.scope"], "java"),
        (["nginx"], ["tomcat9.service"], "nginx"),
        (["beam.smp"], ["rabbitmq-server.service"], "rabbitmq"),
        (["beam.smp"], [], None),
        (["dotnet"], [], "dotnet"),
        (["node-MainThread"], [], "node"),
        (["kube-controller"], [], "go"),
        (["my-nginx"], [], None),
        (["java", "x"], [None, "tomcat9.service"], "java"),
        (["x", "java"], [None, "tomcat9.service"], "tomcat"),
        (["nginx\n"], [], None),
        (["unknown", "memcached"], [], "memcached"),
        ([], [], None),
        ([], ["nginx.service"], None),
    ],
)
def test_find(names, units, found):
    program = find_program(names, units)
    assert (program.id if program else None) == found
    assert find_program(iter(names), iter(units)) == program, "what is known does not depend on what was asked before"


def test_units_may_be_left_out():
    assert find_program(["nginx"]) == BY_ID["nginx"]


@pytest.mark.parametrize(
    ("program", "family", "number"),
    [
        ("nginx", "inet", 511),
        ("nginx", "unix", 511),
        ("apache", "inet6", 511),
        ("apache", "unix", None),
        ("gunicorn", "inet", None),
        ("haproxy", "inet", None),
    ],
)
def test_number_that_rules_compare_with(program, family, number):
    fields = program_fields(BY_ID[program], family)
    assert fields.get("default_backlog") == number
    assert fields["default"]
    assert set(FIELD_NAMES) - set(fields) <= {"default_backlog"}


def test_family_that_nobody_knows():
    assert program_fields(BY_ID["nginx"], None) == program_fields(BY_ID["nginx"], "vsock") == {}


def test_many_names_do_not_grow_without_bound():
    for number in range(25_000):
        assert find_program([f"name{number}"]) is None
    assert find_program(["nginx"]) == BY_ID["nginx"]
