# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each program of the table asks for when nothing is configured, as its sockets show it; and that it is recognised."""

import pytest
from kernel_rooms import run
from programs_cases import BY_ID, CASES, seen

case_by_name = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@case_by_name
def test_default(case, room):
    room.write(case.files)
    if case.program == "sshd":
        room.write({"key": host_key(room.folder)})
    found = room.wait_for(room.start(*case.command), case.limits)
    limits = {address: found[address][0] for address in case.limits}
    assert all(case.is_right(address, limit) for address, limit in limits.items()), limits
    assert [(address, program) for address, (_limit, program) in found.items() if program.get("id") != (case.found or case.program)] == []
    # Of all listeners that it opened, for its own use too: rule limit_below_program_default finds none.
    assert [address for address, (limit, program) in found.items() if limit < program.get("default_backlog", 0)] == []


def host_key(folder):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key"))
    return (folder / "host_key").read_text()


def test_the_table_says_what_was_run():
    assert {program.id for program in BY_ID.values() if program.checked == "run"} == seen()
