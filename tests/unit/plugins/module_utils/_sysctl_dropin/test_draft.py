# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file is written, under which name, and when that is refused."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.boot_order import BootFile, BootOrder
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.conf_file import PROCPS, SYSTEMD
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin.draft import drafted, files_after, marked_name, marker
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin.options import Wanted

KEY, PATH = "net.core.somaxconn", "net/core/somaxconn"
ETC, USR = "/etc/sysctl.d/", "/usr/lib/sysctl.d/"
MINE = marker(None).decode()
WEB = marker("50-web").decode()


def boot(path, text, real=None):
    directory, _slash, name = path.rpartition("/")
    return BootFile(directory, name, real or path, None if text is None else text.encode(), None if text is not None else "it is a device, not a file")


def wanted(name=None, values=None, state="present", at_least=False, on_conflict="fail"):
    return Wanted(name, {PATH: "5"} if values is None else values, state == "present", at_least, False, on_conflict)


def draft_of(files, loader=SYSTEMD, **options):
    return drafted([boot(path, text) for path, text in files.items()], loader, wanted(**options))


# situation: (files, options, path of the file, its text, path of the file to remove)
DRAFTS = {
    "no_file_at_all": ({}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "name_that_is_asked_for": ({}, {"name": "50-web"}, "50-web.conf", WEB + f"{KEY} = 5\n", None),
    "earlier_vendor_file": ({USR + "50-default.conf": f"{KEY}=1"}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "later_vendor_file": ({USR + "99-vendor.conf": f"{KEY}=1"}, {}, "99-zz-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "vendor_file_with_z": ({USR + "z.conf": f"{KEY}=1"}, {}, "zz-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "vendor_file_with_many_z": ({USR + "zzzz.conf": f"{KEY}=1"}, {}, "zzzzz-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "vendor_file_after_all_letters": ({USR + "\xe4.conf": f"{KEY}=1"}, {"on_conflict": "report"}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "later_file_without_the_key": ({USR + "zz.conf": "x=1"}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "later_file_with_the_same_value": ({USR + "zz.conf": f"{KEY}=0x5"}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "name_taken_by_somebody_else": ({ETC + "99-listen-queue.conf": "x=1\n"}, {}, "99-zz-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "sysctl_conf_does_not_count_under_systemd": ({"/etc/sysctl.conf": f"{KEY}=1"}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "name_that_a_vendor_has": ({USR + "99-listen-queue.conf": "x=1\n"}, {}, "99-zz-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "files_of_others_stay_where_no_name_wins": (
        {ETC + "99-listen-queue.conf": "x=1\n", USR + "\xe4.conf": f"{KEY}=1"}, {"on_conflict": "report"},
        "99-zz-listen-queue.conf", MINE + f"{KEY} = 5\n", None,
    ),
    "own_file_is_found_by_its_first_line": (
        {ETC + "zz-mine.conf": MINE + "# mine\nx=1\n"}, {}, "zz-mine.conf", MINE + f"# mine\nx=1\n{KEY} = 5\n", None,
    ),
    "own_file_of_another_name_is_left_alone": ({ETC + "50-web.conf": WEB}, {}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "named_file_of_somebody_else_is_edited": (
        {ETC + "50-web.conf": f"# theirs\n{KEY}=1\nx=2\n"}, {"name": "50-web"}, "50-web.conf", f"# theirs\n{KEY}=5\nx=2\n", None,
    ),
    "moved_file_is_found_again": ({ETC + "zz-a.conf": WEB + f"{KEY} = 1\n"}, {"name": "50-web"}, "zz-a.conf", WEB + f"{KEY} = 5\n", None),
    "override_takes_a_later_name": (
        {ETC + "50-web.conf": WEB + "# mine\n", USR + "60-x.conf": f"{KEY}=1"}, {"name": "50-web", "on_conflict": "override"},
        "99-listen-queue.conf", WEB + f"# mine\n{KEY} = 5\n", ETC + "50-web.conf",
    ),
    "override_of_an_exclusion": (
        {USR + "60-x.conf": f"-{KEY}"}, {"name": "50-web", "on_conflict": "override"}, "99-listen-queue.conf", WEB + f"{KEY} = 5\n", None,
    ),
    "report_writes_all_the_same": (
        {USR + "60-x.conf": f"{KEY}=1"}, {"name": "50-web", "on_conflict": "report"}, "50-web.conf", WEB + f"{KEY} = 5\n", None,
    ),
    "at_least_takes_the_larger_value_of_the_boot": ({USR + "60-x.conf": f"{KEY}=9"}, {"at_least": True}, "99-listen-queue.conf", MINE + f"{KEY} = 9\n", None),
    "at_least_is_larger": ({USR + "60-x.conf": f"{KEY}=3"}, {"at_least": True}, "99-listen-queue.conf", MINE + f"{KEY} = 5\n", None),
    "at_least_keeps_the_larger_value_of_the_own_file": (
        {ETC + "99-listen-queue.conf": MINE + f"{KEY} = 9\n"}, {"at_least": True}, "99-listen-queue.conf", MINE + f"{KEY} = 9\n", None,
    ),
    "absent_takes_the_whole_file": ({ETC + "zz.conf": MINE + f"{KEY} = 5\nx=1\n"}, {"state": "absent", "values": {}}, "zz.conf", None, None),
    "absent_takes_a_key": (
        {ETC + "zz.conf": MINE + f"{KEY} = 5\nx=1\n"}, {"state": "absent"}, "zz.conf", MINE + "x=1\n", None,
    ),
    "absent_takes_the_file_with_its_last_key": ({ETC + "zz.conf": MINE + f"{KEY} = 5\n"}, {"state": "absent"}, "zz.conf", None, None),
    "absent_leaves_the_file_of_somebody_else": ({ETC + "50-web.conf": f"{KEY} = 5\n"}, {"state": "absent", "name": "50-web"}, "50-web.conf", "", None),
    "absent_without_a_file": ({}, {"state": "absent"}, None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("files, options, path, text, removed", DRAFTS.values(), ids=DRAFTS)
def test_draft(files, options, path, text, removed):
    draft = draft_of(files, **options)
    assert (draft.file.path if draft.file else None) == (path and ETC + path)
    assert draft.data == (None if text is None else text.encode())
    assert (draft.old.path if draft.old else None) == removed


@pytest.mark.parametrize("case", ["no_file_at_all", "later_vendor_file", "override_takes_a_later_name", "at_least_takes_the_larger_value_of_the_boot"])
def test_second_draft_changes_nothing(case):
    files, options, _path, _text, removed = DRAFTS[case]
    first = draft_of(files, **options)
    kept = {path: text for path, text in files.items() if path != removed}
    second = draft_of({**kept, first.file.path: first.data.decode()}, **options)
    assert (second.file.path, second.data, second.old) == (first.file.path, first.data, None)


LOSES = f"{KEY} = 5 in /etc/sysctl.d/50-web.conf would not count at boot: "
USE = "; use another name, or say with on_conflict what to do"
LAST = "; sysctl --system reads /etc/sysctl.conf last, so no other file wins: change or remove the line there"
REFUSED = {
    "later_file": ({USR + "60-x.conf": f"{KEY}=1"}, SYSTEMD, {"name": "50-web"}, LOSES + f"overridden by {USR}60-x.conf:1" + USE),
    "without_a_name": (
        {ETC + "99-listen-queue.conf": MINE, USR + "99-x.conf": f"{KEY}=1"}, SYSTEMD, {},
        LOSES.replace("50-web", "99-listen-queue") + f"overridden by {USR}99-x.conf:1; with on_conflict=override the file takes a later name",
    ),
    "name_of_a_vendors_file": (
        {USR + "50-web.conf": "x=1\n"}, SYSTEMD, {"name": "50-web", "on_conflict": "override"},
        "name: a file 50-web.conf in /etc/sysctl.d would hide /usr/lib/sysctl.d/50-web.conf with all its keys; choose another name",
    ),
    "exclusion": ({USR + "60-x.conf": f"x=1\n-{KEY}"}, SYSTEMD, {"name": "50-web"}, LOSES + f"excluded by {USR}60-x.conf:2" + USE),
    "sysctl_conf_under_procps": ({"/etc/sysctl.conf": f"{KEY}=1"}, PROCPS, {"name": "50-web"}, LOSES + "overridden by /etc/sysctl.conf:1" + LAST),
    "sysctl_conf_cannot_be_overridden": (
        {"/etc/sysctl.conf": f"{KEY}=1"}, PROCPS, {"name": "50-web", "on_conflict": "override"}, LOSES + "overridden by /etc/sysctl.conf:1" + LAST,
    ),
    "file_of_somebody_else_is_not_moved": (
        {ETC + "50-web.conf": "x=1\n", USR + "60-x.conf": f"{KEY}=1"}, SYSTEMD, {"name": "50-web", "on_conflict": "override"},
        LOSES + f"overridden by {USR}60-x.conf:1; /etc/sysctl.d/50-web.conf was not made by this module and is not moved: choose another name",
    ),
    "mask_of_the_admin": (
        {ETC + "50-web.conf": None}, SYSTEMD, {"name": "50-web"},
        "name: /etc/sysctl.d/50-web.conf cannot be used: it is a device, not a file; choose another name",
    ),
    "absent_of_somebody_elses_whole_file": (
        {ETC + "50-web.conf": "x=1\n"}, SYSTEMD, {"name": "50-web", "state": "absent", "values": {}},
        "name: /etc/sysctl.d/50-web.conf was not made by this module; say with values which keys to remove from it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("files, loader, options, sentence", REFUSED.values(), ids=REFUSED)
def test_refused(files, loader, options, sentence):
    with pytest.raises(InputError) as caught:
        draft_of(files, loader, **options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("loader", [SYSTEMD, PROCPS])
@pytest.mark.parametrize("other", ["10-a.conf", "99-listen-queue.conf", "99-zz-x.conf", "zz.conf", "zzz-z.conf", "~.conf", "a b.conf", "99-sysctl.conf"])
def test_a_name_of_our_own_wins_over_any_file_it_can(loader, other):
    files = {USR + other: f"{KEY}=1"}
    try:
        draft = draft_of(files, loader)
    except InputError as error:
        assert other == "~.conf" and "overridden" in str(error)  # sorts after every name that we would give
        return
    order = BootOrder([draft.file, boot(USR + other, f"{KEY}=1")], loader)
    assert order.winner(KEY).path == draft.file.path


def test_name_in_the_first_line():
    assert [marked_name(marker(name)) for name in (None, "50-web")] == ["", "50-web"]
    assert marked_name(b"# x\n" + marker(None)) is None


@pytest.mark.parametrize("loader, other", [(SYSTEMD, ETC + "60-same.conf"), (PROCPS, "/etc/sysctl.conf")])
def test_file_that_is_reached_by_two_links_is_the_same_under_both(loader, other):
    real = "/etc/sysctl.conf"
    files = [boot(ETC + "50-web.conf", f"{KEY}=1\n", real), boot(other, f"{KEY}=1\n", real)]
    draft = drafted(files, loader, wanted("50-web"))
    assert (draft.data, draft.conflicts) == (f"{KEY}=5\n".encode(), ())
    assert [file.data for file in files_after(files, draft)] == [draft.data] * 2
