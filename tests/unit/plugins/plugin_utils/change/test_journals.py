# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.netops.listen_queue.plugins.filter.checkpoint_table import checkpoint_table as table_filter
from ansible_collections.netops.listen_queue.plugins.filter.last_checkpoint import last_checkpoint as last_filter
from ansible_collections.netops.listen_queue.plugins.filter.mitigated_values import mitigated_values
from ansible_collections.netops.listen_queue.plugins.plugin_utils.change.journals import checkpoint_table, last_checkpoint, mitigated


def change(kind, target, before, after, state="applied"):
    return {"module": "m", "at": "t", "state": state, "kind": kind, "target": target, "before": before, "after": after}


def socket(listen, before, after):
    return {**change("socket", "the limit of " + listen, before, after), "listen": listen}


SYSCTL = change("sysctl", "/proc/sys/net/core/somaxconn", "128", "4096")
SHAPE = {"sha256": "ab", "size": 1, "mode": "0644", "uid": 0, "gid": 0}
FILE = change("file", "/etc/sysctl.d/99-listen-queue.conf", None, SHAPE)
RELOAD = change("nginx_reload", "nginx 12", None, None)
NGINX = [{"sockets": [{"local_address": "0.0.0.0", "local_port": 80}, {"local_address": "::", "local_port": 80}, {"path": "/run/x.sock"}]}, {"sockets": None}]


def row(name="tune-1", state="committed", changes=(SYSCTL,), opened_at="2026-07-29T12:00:00Z", **more):
    return {
        "id": name, "state": state, "reason": "the sale", "owner": "alice@desk, play Tune", "opened_at": opened_at, "rollback_after": 900,
        "seconds_left": None, "armed_by": "systemd", "after_boot": "unit", "undo_command": "python3 -I undo.pyz", "changes": list(changes),
        "result": None, "problem": None, **more,
    }  # fmt: skip


HEAD = ["tune-1  committed on web1", "  2026-07-29T12:00:00Z by alice@desk, play Tune: the sale"]
TABLES = {
    "no_checkpoint": ({"web1": [], "web2": []}, ["No checkpoint on 2 hosts"]),
    "no_checkpoint_on_one_host": ({"web1": []}, ["No checkpoint on 1 host"]),
    "one": ({"web1": [row(changes=[FILE, SYSCTL, RELOAD])]}, [*HEAD, "    /etc/sysctl.d/99-listen-queue.conf made", "    net.core.somaxconn 128 -> 4096"]),
    "files_and_folders": (
        {"web1": [row(changes=[change("folder", "/etc/a", None, SHAPE), change("file", "/etc/a/b", SHAPE, None), change("file", "/etc/c", SHAPE, SHAPE)])]},
        [*HEAD, "    /etc/a made", "    /etc/a/b removed", "    /etc/c changed"],
    ),
    "limit_that_was_only_noted_is_no_change": ({"web1": [row(changes=[socket("0.0.0.0:80", 511, None)])]}, HEAD),
    "limit_that_the_reload_left_as_it_was": ({"web1": [row(changes=[socket("0.0.0.0:80", 511, 511)])]}, HEAD),
    "limit_that_was_set": ({"web1": [row(changes=[socket("0.0.0.0:80", 511, 4096)])]}, [*HEAD, "    the limit of 0.0.0.0:80 511 -> 4096"]),
    "conflict": (
        {"web1": [row(changes=[change("sysctl", "/proc/sys/net/ipv4/conf/eth0.5/x", "1", "2", "conflict")])]},
        [*HEAD, "    net.ipv4.conf.eth0/5.x 1 -> 2 (conflict)"],
    ),
    "same_checkpoint_of_two_hosts_is_told_once": (
        {"web1": [row()], "web2": [row()]},
        ["tune-1  committed on web1, web2", "  2026-07-29T12:00:00Z by alice@desk, play Tune: the sale", "    net.core.somaxconn 128 -> 4096"],
    ),
    "open_one_with_its_undo_command": (
        {"web1": [row(state="open", changes=[], seconds_left=412)]},
        ["tune-1  open on web1", HEAD[1], "  web1: waits for another 412 s; to undo it there: python3 -I undo.pyz"],
    ),
    "open_one_without_a_deadline": (
        {"web1": [row(state="open", changes=[])]},
        ["tune-1  open on web1", HEAD[1], "  web1: waits without a deadline; to undo it there: python3 -I undo.pyz"],
    ),
    "rollback_that_failed_and_says_no_more": ({"web1": [row(state="rollback_failed", changes=[])]}, ["tune-1  rollback_failed on web1", HEAD[1]]),
    "rollback_that_failed_without_steps": (
        {"web1": [row(state="rollback_failed", changes=[], result={"steps": None})]}, ["tune-1  rollback_failed on web1", HEAD[1]],
    ),
    "rollback_that_failed_with_its_steps": (
        {"web1": [row(state="rollback_failed", changes=[], result={"steps": ["copy a to b"]})]},
        ["tune-1  rollback_failed on web1", HEAD[1], "  web1: copy a to b"],
    ),
    "journal_that_cannot_be_read": (
        {"web1": [row(changes=[], opened_at=None, owner=None, reason=None, problem="the journal is cut short")]},
        ["tune-1  committed on web1", "  None by None: None", "  web1: the journal is cut short"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("journals, lines", TABLES.values(), ids=TABLES)
def test_table(journals, lines):
    assert checkpoint_table(journals) == lines


def test_last_checkpoint_comes_first():
    lines = checkpoint_table({"web1": [row("old", opened_at="2026-01-01T00:00:00Z"), row("new", opened_at="2026-02-01T00:00:00Z")]})
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["new", "old"]


def test_journal_that_cannot_be_read_comes_last():
    lines = checkpoint_table({"web1": [row("torn", opened_at=None), row("new")]})
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["new", "torn"]


@pytest.mark.parametrize("number, hosts, last", [(8, "web6, web7", "    k7 1 -> 2"), (10, "web7 and 2 more hosts", "    and 2 more")])
def test_hosts_and_changes_beyond_the_first_eight_are_counted(number, hosts, last):
    many = [change("sysctl", "/proc/sys/k%d" % each, "1", "2") for each in range(number)]
    lines = checkpoint_table({"web%d" % each: [row(changes=many)] for each in range(number)})
    assert lines[0].startswith("tune-1  committed on web0, web1, ") and lines[0].endswith(hosts) and lines[-1] == last


def test_long_lines_are_wrapped_at_100_columns():
    journals = {
        "web%d.%s" % (number, "x" * 40): [row(reason="the sale " * 30, changes=[change("file", "/etc/" + "y " * 80, None, SHAPE)])] for number in (1, 2)
    }
    lines = checkpoint_table(journals)
    assert 95 < max(len(line) for line in lines) <= 100
    assert [line for line in lines if not re.match(r"tune-1 |    web2| {2}2026|    the sale|    sale|    /etc/y|      y", line)] == []


WRONG_ROWS = {
    "no_list": {"checkpoints": []}, "null": None, "text": "x", "row_that_is_none": ["x"], "id_is_a_number": [row(5)], "no_state": [{"id": "x"}],
    "time_is_a_number": [row(opened_at=7)], "changes_are_text": [row(changes="y")], "change_is_text": [row() | {"changes": ["y"]}],
    "change_without_after": [row(changes=[{"kind": "file", "target": "x", "state": "applied", "before": 1}])], "result_is_text": [row(result="x")],
    "steps_are_text": [row(result={"steps": "x"})], "no_owner": [{key: value for key, value in row().items() if key != "owner"}],
}  # fmt: skip


@pytest.mark.parametrize("journal", WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_journal_of_one_host_that_is_none_does_not_hide_the_others(journal):
    lines = checkpoint_table({"liar": journal, "web1": [row(changes=[])]})
    assert lines == [*HEAD, "liar: what it answered is no journal"]
    assert last_checkpoint({"liar": journal, "web1": [row()]})["hosts"] == ["web1"]


def test_a_host_tells_nothing_in_the_name_of_another():
    lines = checkpoint_table({"liar": [row(changes=[], reason="a lie")], "web1": [row(changes=[])]})
    assert lines == ["tune-1  committed on liar", "  2026-07-29T12:00:00Z by alice@desk, play Tune: a lie", *HEAD]


OLD, NEW = "2026-07-29T12:00:00Z", "2026-07-30T12:00:00Z"
LAST = {
    "none": ({"web1": []}, "", "", []),
    "the_same_on_all": ({"web1": [row("b", opened_at=NEW), row("a", opened_at=OLD)], "web2": [row("b", opened_at=NEW)]}, "", "b", ["web1", "web2"]),
    "host_that_does_not_have_it": ({"web1": [row("b", opened_at=NEW)], "web2": [row("a", opened_at=OLD)]}, "", "b", ["web1"]),
    "host_that_opened_another_one_later": (
        {"liar": [row("a", opened_at="9999-12-31T23:59:59Z")], "web1": [row("a", opened_at=OLD), row("b", opened_at=NEW)]}, "", "a", ["liar"],
    ),
    "rolled_back_ones_are_done": ({"web1": [row("b", "rolled_back", opened_at=NEW), row("a", opened_at=OLD)]}, "", "a", ["web1"]),
    "journal_that_is_torn": ({"web1": [row("b", opened_at=None, problem="torn"), row("a", opened_at=OLD)]}, "", "a", ["web1"]),
    "id_that_is_none": ({"liar": [row("{{ x }}", opened_at=NEW)], "web1": [row("a", opened_at=OLD)]}, "", "a", ["web1"]),
    "time_that_is_none": ({"liar": [row("b", opened_at="z")], "web1": [row("a", opened_at=OLD)]}, "", "a", ["web1"]),
    "by_name": ({"web1": [row("a", opened_at=None), row("b")], "web2": [row("b")]}, "a", "a", ["web1"]),
    "by_a_name_that_nobody_has": ({"web1": [row("b")]}, "a", "a", []),
}  # fmt: skip


@pytest.mark.parametrize(("journals", "name", "identifier", "hosts"), LAST.values(), ids=LAST)
def test_last_checkpoint(journals, name, identifier, hosts):
    found = last_checkpoint(journals, name)
    assert (found["id"], found["hosts"]) == (identifier, hosts)
    hostvars = {host: {"journal": {"checkpoints": rows}} for host, rows in journals.items()}
    assert last_filter({**hostvars, "lost": {}}, [*hostvars, "lost"], "journal", name) == found


def test_a_book_in_place_of_a_reason_is_cut():
    assert len("".join(checkpoint_table({"web1": [row(reason="x" * 100000)]}))) < 2500


def test_mitigation_is_what_was_set_last():
    untouched = [{**SYSCTL, "after": None}, {**socket("0.0.0.0:80", 511, None)}, change("file", "/etc/x", None, SHAPE)]
    changes = [
        SYSCTL,
        {**SYSCTL, "after": "8192"},
        *untouched,
        socket("0.0.0.0:80", 511, 4096),
        socket("[::]:80", 511, 4096),
        socket("127.0.0.1:6379", 128, 512),
        RELOAD,
        socket("[::1]:1", 9, None),
        socket("/run/x.sock", 128, 600),
    ]
    assert mitigated(changes, NGINX) == {
        "sysctls": {"net.core.somaxconn": "8192"},
        "sockets": [
            {"listen": "0.0.0.0:80", "backlog": 4096},
            {"listen": "[::]:80", "backlog": 4096},
            {"listen": "127.0.0.1:6379", "backlog": 512},
            {"listen": "/run/x.sock", "backlog": 600},
        ],
        "listens": [{"listen": "0.0.0.0:80", "backlog": 4096}, {"listen": "[::]:80", "backlog": 4096}, {"listen": "unix:/run/x.sock", "backlog": 600}],
        "others": [{"listen": "127.0.0.1:6379", "backlog": 512}],
    }


WRONG = {
    "no_changes": (lambda: mitigated_values({}), "mitigated_values: KeyError('changes') is missing or wrong in the checkpoint"),
    "changes_without_an_end": (lambda: mitigated_values({"changes": 7}), "mitigated_values: TypeError("),
    "limit_that_is_no_number": (lambda: mitigated_values({"changes": [socket("a", 1, "many")]}), "mitigated_values: ValueError("),
    "no_data": (lambda: mitigated_values({"changes": object()}), "mitigated_values: NotPlain("),
    "rows_that_are_no_data": (lambda: table_filter({"a": {"v": {"checkpoints": object()}}}, ["a"], "v"), "checkpoint_table: NotPlain("),
    "text_in_place_of_a_result": (lambda: table_filter({"a": {"v": "x"}}, ["a"], "v"), "checkpoint_table: AttributeError("),
}


@pytest.mark.parametrize("call, sentence", WRONG.values(), ids=WRONG)
def test_filters_say_what_is_wrong(call, sentence):
    with pytest.raises(AnsibleFilterError, match="^" + re.escape(sentence)):
        call()


def test_filters():
    assert mitigated_values({"changes": [SYSCTL]})["sysctls"] == {"net.core.somaxconn": "4096"}
    assert table_filter({"web1": {"journal": {"checkpoints": [row()]}}, "web2": {}}, ["web1", "web2"], "journal")[0] == "tune-1  committed on web1"
