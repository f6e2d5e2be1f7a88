# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.programs import PROGRAMS, find_program


def test_every_row_has_a_source_and_what_an_operator_needs():
    for program in PROGRAMS:
        assert program.source.startswith("https://"), program.id
        assert program.setting and program.applied_by and program.families and program.default_backlog > 0, program.id
    assert len({program.id for program in PROGRAMS}) == len(PROGRAMS)
    assert {"nginx", "redis", "haproxy", "sshd", "php-fpm"} <= {program.id for program in PROGRAMS}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["nginx"], "nginx"),
        (["openresty"], "nginx"),
        (["redis-server"], "redis"),
        (["haproxy"], "haproxy"),
        (["sshd"], "sshd"),
        (["php-fpm"], "php-fpm"),
        (["php-fpm8.2"], "php-fpm"),
        (["systemd", "sshd"], "sshd"),
        (["my-nginx"], None),
        (["nginx\n"], None),
        ([], None),
    ],
)
def test_find(names, found):
    program = find_program(names)
    assert (program.id if program else None) == found
