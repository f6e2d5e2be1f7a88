# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a journal, and what follows from what is found on the machine."""

import json
from hashlib import sha256

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._change import (
    Change,
    Effect,
    FileState,
    FileTarget,
    NginxTarget,
    Plan,
    SocketTarget,
    SysctlTarget,
)
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint import entry
from ansible_collections.netops.listen_queue.plugins.module_utils._checkpoint.entry import ENDED, Clock, Head, Unusual
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import JournalError, JournalVersion
from hypothesis import given
from hypothesis import strategies as st

HEAD = Head("20260729T120000Z-4f2a", 'why "so"', "ä@controller", "2026-07-29T12:00:00Z", Clock("boot-1", 100.5), 600, "/usr/bin/python3", 4026531840)
FILE = FileTarget("/", "/etc/nginx/nginx.conf")
SYSCTL = SysctlTarget(4026531840, "net/core/somaxconn")
SOCKET = SocketTarget(4026531840, 77, "inet", "0.0.0.0", 80, None, 5)
NGINX = NginxTarget(812, 12345, "/", "/etc/nginx/nginx.conf")


def state(data, mode=0o640, uid=0, gid=4, xattrs=()):
    return FileState(data, mode, uid, gid, xattrs)


def saved(data, **values):
    return entry.digest_of(state(data, **values))


PLANS = {
    "file": Plan((Change("file", FILE, state(b"a\xff", xattrs=(("user.note", b"\0x"),)), state(b"b")),)),
    "file_made": Plan((Change("file", FileTarget("/proc/7/root", "/n\udcffw"), None, state(b"b")),)),
    "file_removed_and_folder": Plan((Change("file", FILE, state(b""), None), Change("folder", FileTarget("/", "/etc/d"), 0o755, None))),
    "sysctl_and_socket": Plan((Change("sysctl", SYSCTL, "128", "4096"), Change("socket", SOCKET, 128, None))),
    "reload": Plan((), (Effect("nginx_reload", NGINX),)),
    "nothing": Plan(()),
}


def digested(change):
    states = [each and entry.digest_of(each) if change.kind == "file" else each for each in change[2:]]
    return Change(change.kind, change.target, *states)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_entry_reads_back(plan):
    data = entry.pack_entry("netops.listen_queue.nginx_listen", "2026-07-29T12:00:03Z", plan)
    found = entry.unpack_entry(data, "/j/0001.prepared", 1, "prepared")
    assert found == (1, "prepared", "netops.listen_queue.nginx_listen", "2026-07-29T12:00:03Z", tuple(map(digested, plan.changes)), plan.effects)


def test_head_reads_back():
    assert entry.unpack_head(entry.pack_head(HEAD), "/j/head.open") == HEAD


WHOLE = {"head": (entry.pack_head(HEAD), entry.unpack_head), **{name: (entry.pack_entry("m", "t", plan), None) for name, plan in PLANS.items()}}


@pytest.mark.parametrize("data, read", WHOLE.values(), ids=WHOLE)
def test_torn_at_every_byte_is_noticed_f5(data, read):
    read = read or (lambda text, path: entry.unpack_entry(text, path, 1, "prepared"))
    for length in range(len(data)):
        with pytest.raises(JournalError, match=r"^/j/x is torn: its checksum is wrong; nothing was concluded from it"):
            read(data[:length], "/j/x")


@given(st.data())
def test_any_other_byte_is_noticed_f5(data):
    whole = entry.pack_entry("m", "t", PLANS["file"])
    position = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != whole[position]))
    with pytest.raises(JournalError):
        entry.unpack_entry(whole[:position] + bytes([other]) + whole[position + 1 :], "/j/x", 1, "prepared")


def signed(text):
    line = text.encode()
    return line + b"\n" + sha256(line).hexdigest().encode() + b"\n"


VERSIONS = {
    "newer": (signed('{"schema": 2}'), JournalVersion, "/j/x has the schema 2, and this version knows 1; use the version of the collection that made it"),
    "older": (signed('{"schema": 0}'), JournalVersion, "has the schema 0"),
    "none": (signed("{}"), JournalVersion, "has the schema None"),
    "no_mapping": (signed("[1]"), JournalVersion, "has the schema None"),
    "no_json": (signed("x"), JournalError, "/j/x is whole, but something in it is missing"),
    "fields_missing": (signed('{"schema": 1}'), JournalError, "/j/x is whole, but something in it is missing"),
    "unknown_kind": (signed('{"schema": 1, "module": "m", "at": "t", "changes": [{"kind": "x"}], "effects": []}'), JournalError, "something in it is missing"),
    "empty": (b"", JournalError, "/j/x is torn"),
}


@pytest.mark.parametrize("data, error, text", VERSIONS.values(), ids=VERSIONS)
def test_other_schema_and_nonsense_are_refused_f6(data, error, text):
    with pytest.raises(error, match=text.replace("(", r"\(")):
        entry.unpack_entry(data, "/j/x", 1, "prepared")
    with pytest.raises(JournalError):
        entry.unpack_head(data, "/j/x")


def test_journal_holds_no_bytes_of_files_f60():
    plan = Plan((Change("file", FILE, state(b"password hunter2"), state(b"password hunter3")),))
    assert b"hunter" not in entry.pack_entry("m", "t", plan)


def test_states_only_move_forward():
    assert {before: set(after) for before, after in entry.NEXT.items()} == {
        "open": {"committed", "rolling_back"},
        "committed": {"rolling_back"},
        "rolling_back": {"rolled_back", "rollback_failed"},
        "rollback_failed": {"rolling_back", "abandoned"},
        "rolled_back": set(),
        "abandoned": set(),
    }
    assert set(entry.UNRESOLVED) == {state for state, after in entry.NEXT.items() if after} - {"committed"}


EXPIRY = {
    "just_opened": (HEAD, Clock("boot-1", 100.5), False),
    "one_moment_before": (HEAD, Clock("boot-1", 700.4), False),
    "time_over": (HEAD, Clock("boot-1", 700.5), True),
    "booted_f9": (HEAD, Clock("boot-2", 1.0), True),
    "boot_that_is_not_shown": (HEAD, Clock("", 200.0), False),
    "boot_that_was_not_shown": (HEAD._replace(opened=Clock("", 100.5)), Clock("boot-1", 200.0), False),
    "booted_where_it_is_not_shown": (HEAD._replace(opened=Clock("", 100.5)), Clock("", 99.0), True),
    "no_deadline": (HEAD._replace(rollback_after=None), Clock("boot-1", 1e9), False),
    "no_deadline_and_booted": (HEAD._replace(rollback_after=None), Clock("boot-2", 1.0), True),
}


@pytest.mark.parametrize("head, now, is_expired", EXPIRY.values(), ids=EXPIRY)
def test_expiry_is_by_the_kernels_clock_f9(head, now, is_expired):
    assert head.is_expired(now) is is_expired


A, B, C, HUMAN = saved(b"a"), saved(b"b"), saved(b"c"), saved(b"human")


def change(before, after):
    return Change("file", FILE, before, after)


STATUSES = {
    "before": (change(A, B), state(b"a"), "before"),
    "after": (change(A, B), state(b"b"), "after"),
    "after_with_another_label": (change(A, B), state(b"b", xattrs=(("security.selinux", b"x"),)), "after"),
    "edited_f40": (change(A, B), state(b"human"), "other"),
    "edited_to_the_same_size": (change(A, B), state(b"z"), "other"),
    "other_mode": (change(A, B), state(b"b", mode=0o600), "other"),
    "other_owner": (change(A, B), state(b"b", uid=33), "other"),
    "deleted_f41": (change(A, B), None, "other"),
    "swapped_for_a_link": (change(A, B), Unusual("it is a link"), "other"),
    "made_and_there": (change(None, B), state(b"b"), "after"),
    "made_and_gone_again": (change(None, B), None, "before"),
    "removed_and_still_gone": (change(A, None), None, "after"),
    "sysctl_before": (Change("sysctl", SYSCTL, "128", "4096"), "128", "before"),
    "sysctl_after": (Change("sysctl", SYSCTL, "128", "4096"), "4096", "after"),
    "sysctl_of_somebody_else_f42": (Change("sysctl", SYSCTL, "128", "4096"), "999", "other"),
    "sysctl_whose_text_is_gone": (Change("sysctl", SYSCTL, "128", "gone"), "gone", "after"),
    "namespace_ended": (Change("sysctl", SYSCTL, "128", "4096"), ENDED, "gone"),
    "socket_whatever_it_became": (Change("socket", SOCKET, 128, None), 511, "after"),
    "folder_made": (Change("folder", FILE, None, 0o755), 0o755, "after"),
    "folder_made_and_mode_not_yet_set": (Change("folder", FILE, None, 0o755), 0o700, "after"),
    "folder_not_made": (Change("folder", FILE, None, 0o755), None, "before"),
    "folder_that_is_a_file_now": (Change("folder", FILE, None, 0o755), Unusual("it is a file"), "other"),
    "socket_as_before": (Change("socket", SOCKET, 128, None), 128, "before"),
}


@pytest.mark.parametrize("one, now, status", STATUSES.values(), ids=STATUSES)
def test_status_of_a_thing(one, now, status):
    assert entry.status_of(one, now) == status


def run_of(*statuses, unknown=()):
    changes = [Change("socket" if number in unknown else "sysctl", SYSCTL, 1, None if number in unknown else 2) for number in range(len(statuses))]
    return entry.Entry(1, "prepared", "m", "t", tuple(changes)), statuses


RESOLVED = {
    "nothing_done_f3": (run_of("before", "before"), "never"),
    "all_done": (run_of("after", "after"), "happened"),
    "half_done": (run_of("after", "before"), "half"),
    "half_done_other_way": (run_of("before", "after"), "half"),
    "somebody_else": (run_of("after", "other"), "contested"),
    "somebody_else_only": (run_of("other"), "contested"),
    "gone_and_done": (run_of("gone", "after"), "happened"),
    "gone_and_not_done": (run_of("gone", "before"), "never"),
    "all_gone": (run_of("gone"), "happened"),
    "effect_only": (run_of(), "happened"),
    "limits_that_a_program_sets_do_not_count": (run_of("before", "after", unknown=(0, 1)), "happened"),
    "limits_and_a_file": (run_of("after", "before", unknown=(0,)), "never"),
}


@pytest.mark.parametrize("run, became", RESOLVED.values(), ids=RESOLVED)
def test_what_became_of_an_interrupted_run_f1_f3(run, became):
    assert entry.resolved(*run) == became


AIMS = {
    "one_change": ([change(A, B)], state(b"b"), ("after", A, False)),
    "one_change_undone": ([change(A, B)], state(b"a"), ("before", A, False)),
    "one_change_edited": ([change(A, B)], state(b"human"), ("other", None, False)),
    "two_changes": ([change(A, B), change(B, C)], state(b"c"), ("after", A, False)),
    "two_changes_undone": ([change(A, B), change(B, C)], state(b"a"), ("before", A, False)),
    "two_changes_last_undone_by_hand": ([change(A, B), change(B, C)], state(b"b"), ("after", A, False)),
    "human_in_between": ([change(A, B), change(HUMAN, C)], state(b"c"), ("after", HUMAN, True)),
    "human_in_between_and_undone": ([change(A, B), change(HUMAN, C)], state(b"human"), ("before", HUMAN, True)),
    "human_undid_the_first": ([change(A, B), change(A, C)], state(b"c"), ("after", A, False)),
    "made_and_changed": ([change(None, B), change(B, C)], state(b"c"), ("after", None, False)),
    "there_and_back": ([change(A, B), change(B, A)], state(b"a"), ("before", A, False)),
    "label_differs_in_between": ([change(A, B), change(saved(b"b", xattrs=(("user.x", b"1"),)), C)], state(b"c"), ("after", A, False)),
    "socket_set_and_reloaded": ([Change("socket", SOCKET, 128, 511), Change("socket", SOCKET, 511, None)], 2000, ("after", 128, False)),
    "ended": ([change(A, B)], ENDED, ("gone", A, False)),
}


@pytest.mark.parametrize("changes, now, aim", AIMS.values(), ids=AIMS)
def test_what_a_thing_shall_be_again_f40(changes, now, aim):
    found = entry.aim_of(changes, now)
    assert (found.status, found.state, found.is_contested) == aim
    assert found.is_conflict == (found.is_contested or found.status == "other")


STEPS = {
    "file": (("file", FILE, A), "copy /j/bytes.%s to /etc/nginx/nginx.conf, with mode 0640, owner 0 and group 4" % A.digest),
    "file_that_was_not_there": (("file", FileTarget("/proc/7/root", "/etc/x"), None), "remove /proc/7/root/etc/x"),
    "folder": (("folder", FileTarget("/", "/etc/d"), None), "remove the directory /etc/d"),
    "folder_that_was_there": (("folder", FileTarget("/", "/etc/d"), 0o750), "make the directory /etc/d with mode 0750"),
    "sysctl": (("sysctl", SYSCTL, "128"), "write '128' to /proc/sys/net/core/somaxconn in the network namespace 4026531840"),
    "socket": (
        ("socket", SOCKET, 128),
        "roll back again once net.core.somaxconn allows it; or abandon the checkpoint, and let the module socket_backlog set the limit of 0.0.0.0:80 to 128",
    ),
}


@pytest.mark.parametrize("thing, step", STEPS.values(), ids=STEPS)
def test_steps_to_do_by_hand_f39(thing, step):
    assert entry.step_of(*thing, "/j") == step


SHOWN = {
    "file": (("file", A), {"sha256": A.digest, "size": 1, "mode": "0640", "uid": 0, "gid": 4}),
    "no_file": (("file", None), None),
    "folder": (("folder", 0o755), "0755"),
    "sysctl": (("sysctl", "128"), "128"),
    "socket": (("socket", 128), 128),
}


@pytest.mark.parametrize("given_state, shown", SHOWN.values(), ids=SHOWN)
def test_states_for_people_f60(given_state, shown):
    assert entry.shown(*given_state) == shown
    json.dumps(entry.shown(*given_state))


IDENTIFIERS = {
    "20260729T120000Z-4f2a": True,
    "CHG-17.2_b": True,
    "": False,
    "../x": False,
    ".new-1": False,
    "a/b": False,
    "-x": False,
    "x" * 65: False,
    "a\n": False,
}


@pytest.mark.parametrize("text, is_good", IDENTIFIERS.items(), ids=[repr(text)[:20] for text in IDENTIFIERS])
def test_ids_are_names_of_directories_and_nothing_else_f56(text, is_good):
    assert bool(entry.IDENTIFIER.match(text)) is is_good


def test_what_a_reload_made_of_sockets_is_shown():
    unknown = Change("socket", SOCKET, 128, None)
    whole = entry.Entry(3, "applied", "nginx_reload", "2026-07-29T12:00:00Z", (unknown, unknown._replace(after=7)))
    assert [change.after for change in entry.with_seen(whole, {"limits": [1000, 8]}).changes] == [1000, 7]
    for record in (None, {}, {"limits": [1000]}, {"limits": 5}):
        assert entry.with_seen(whole, record) == whole
