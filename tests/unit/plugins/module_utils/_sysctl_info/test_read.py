# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer about a key: runtime, boot, drift, and the reasons."""

import os

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_info.read import boot_facts, checked_path
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import Tree

KEY = "net.core.somaxconn"
A, B = "/etc/sysctl.d/10-a.conf", "/etc/sysctl.d/99-z.conf"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A procfs and a root of files; ``answer(tree, keys, ...)`` is what is said about them."""
    tree = Tree(tmp_path / "proc")
    (tmp_path / "root").mkdir()
    tree.link("self/root", str(tmp_path / "root"))
    tree.file("sys/net/core/somaxconn", b"4096\n")
    tree.file("sys/net/core/netdev_max_backlog", b"1000\n")
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "x", "6.1.0", "", "")))

    def answer(files, keys=(KEY,), loader="systemd-sysctl", root=None):
        for name, text in files.items():
            path = tmp_path / ("proc" if name.startswith("/proc/") else "root") / name.replace("/proc/", "").lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        problems = Problems()
        facts = boot_facts(tree.proc, str(root or tmp_path / "root"), list(keys), loader, problems)
        facts["problems"] = problems.as_list()
        return facts

    return answer


SAID = {
    "wins_and_agrees": (
        {A: f"{KEY} = 4096\n"}, {"runtime_value": 4096, "boot_value": 4096, "boot_source": {"path": A, "line": 1}, "drift": False, "drift_reason": None},
    ),
    "octal_is_the_same_value": ({A: f"{KEY} = 010000\n"}, {"boot_value": 4096, "drift": False}),
    "another_value_at_boot": (
        {A: f"{KEY} = 4096\n", B: f"# vendor\n{KEY} = 512\n"},
        {"boot_value": 512, "boot_source": {"path": B, "line": 2}, "drift": True, "drift_reason": "it is 4096 now and will be 512 after the next boot"},
    ),
    "nothing_sets_it_and_it_is_the_default": ({}, {"boot_value": None, "boot_source": None, "drift": False, "assignments": []}),
    "nothing_sets_it_and_it_was_changed": (
        {"/proc/sys/net/core/somaxconn": "9000\n"},
        {"boot_value": None, "drift": True, "drift_reason": "it is 9000 now; nothing sets it at boot, and the kernel's default is 4096"},
    ),
    "loaders_disagree": (
        {A: f"{KEY} = 4096\n", "/etc/sysctl.conf": f"{KEY} = 1100\n"},
        {"boot_value": 4096, "drift": True, "drift_reason": "the loaders disagree: systemd-sysctl would set 4096, procps would set 1100"},
    ),
    "kernel_command_line": ({"/proc/cmdline": f"quiet sysctl.{KEY}=4096"}, {"boot_value": 4096, "boot_source": {"path": "/proc/cmdline", "line": 1}}),
    "refused_value": ({A: f"{KEY} = many\n"}, {"boot_value": None, "boot_source": None, "drift": False}),
}  # fmt: skip


@pytest.mark.parametrize("files, expected", SAID.values(), ids=SAID)
def test_what_is_said_of_a_key(machine, files, expected):
    facts = machine(files)["sysctls"][KEY]
    assert {name: facts[name] for name in expected} == expected
    assert facts["per_namespace"] is True and facts["later_writers"] == []


def test_file_that_cannot_be_read_leaves_the_winner_unknown(machine, tmp_path):
    machine({A: f"{KEY} = 4096\n", B: ""})
    os.truncate(str(tmp_path / "root") + B, 1 << 30)
    answer = machine({})
    facts, sentence = answer["sysctls"][KEY], f"{B} cannot be used: it has 1073741824 bytes, and more than 4194304 are not read"
    assert [problem["message"] for problem in answer["problems"]] == [sentence]
    assert [facts[name] for name in ("boot_value", "boot_source", "drift", "drift_reason")] == [None, None, None, "who wins is not known: " + sentence]
    assert [(row["wins"], row["why_not"]) for row in facts["assignments"]] == [(False, "who wins is not known: " + sentence)]


def test_nothing_applies_the_files(machine):
    answer = machine({A: f"{KEY} = 1\n"}, loader="auto")
    assert answer["loader"] == {"name": None, "why": "no init system that reads sysctl.d was found"}
    why = "nothing applies it at boot: no init system that reads sysctl.d was found"
    assert answer["sysctls"][KEY]["assignments"] == [{"path": A, "line": 1, "value": "1", "wins": False, "why_not": why}]
    assert answer["sysctls"][KEY]["boot_value"] is None


def test_another_root_has_no_runtime_values(machine, tmp_path):
    (tmp_path / "image/etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "image/etc/sysctl.d/1.conf").write_text(f"{KEY}=5\n")
    facts = machine({"/proc/cmdline": f"sysctl.{KEY}=7"}, root=tmp_path / "image")["sysctls"][KEY]
    assert (facts["runtime_value"], facts["boot_value"], facts["drift"], facts["drift_reason"]) == (None, 5, None, "the value now is not known")
    assert len(facts["assignments"]) == 1


def test_patterns_stand_for_what_files_name_and_the_kernel_has(machine):
    answer = machine({A: "net.core.named = 1\n", "/proc/sys/net/core/wmem_max": "1\n"}, keys=["net.core.*"])
    assert {"net.core.named", "net.core.somaxconn", "net.core.wmem_max", "net.core.netdev_max_backlog"} <= set(answer["sysctls"])


def test_without_keys_those_of_the_listen_queue(machine):
    assert set(machine({}, keys=[])["sysctls"]) >= {KEY, "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_syncookies"}


@pytest.mark.parametrize("key, expected", [("net.ipv4.conf.eth0/1.rp_filter", True), ("kernel.pid_max", False), ("net.unknown", None)])
def test_per_namespace_of_keys_outside_the_catalogue(machine, key, expected):
    assert machine({}, keys=[key])["sysctls"][key]["per_namespace"] is expected


@pytest.mark.parametrize("key", ["", "/", "net/../kernel/x", "net.core.x\n", "net/./..", "a\0b"])
def test_names_that_are_none(key):
    with pytest.raises(InputError) as caught:
        checked_path(key)
    assert str(caught.value) == f"keys: {key!r} is no name of a sysctl; write it like net.core.somaxconn"


def test_missing_key_is_null_with_a_problem(machine):
    answer = machine({}, keys=["net.core.nosuch"])
    assert answer["sysctls"]["net.core.nosuch"]["runtime_value"] is None
    assert [problem["code"] for problem in answer["problems"]] == ["sysctl_missing"]


def test_programs_that_write_later_are_named(machine):
    files = {"/etc/tuned/active_profile": "web\n", "/etc/tuned/web/tuned.conf": f"[sysctl]\n{KEY}=>2048\n"}
    (writer,) = machine(files)["sysctls"][KEY]["later_writers"]
    assert (writer["program"], writer["path"], writer["line"], writer["value"]) == ("tuned", "/etc/tuned/web/tuned.conf", 2, "=>2048")
