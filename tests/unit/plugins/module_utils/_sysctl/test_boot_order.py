# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wins at boot, against what the real loaders did with the same files, and the reason that is given to each loser."""

import json
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._problems import Problems
from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import Root
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.boot_order import BootFile, BootOrder
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.conf_file import PROCPS, PROCPS_3, PROCPS_5, SYSTEMD
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl.values import kept
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_boot.read import boot_files

RECORDED = json.loads((Path(__file__).parents[4] / "fixtures" / "sysctl_boot" / "cases.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in RECORDED["cases"]}
KEY = "net.core.somaxconn"


def lay(root, tree):
    """Make the files of a recorded tree below ``root``."""
    for name, content in tree.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_bytes(content.encode())
        elif "symlink" in content:
            path.symlink_to(content["symlink"])
        else:
            path.mkdir()
            for inner, text in content["dir"].items():
                (path / inner).write_text(text, encoding="utf-8")


def initial(path):
    return "0" if path.endswith("/rp_filter") else RECORDED["initial_values"][path]


def compared(order, values):
    """The values that the kernel has after ``order``, for the keys of ``values``."""
    found = {}
    for path in values:
        winner = order.winner(path)
        found[path] = initial(path) if winner is None else kept(path, winner.value).value
    return found


@pytest.mark.parametrize("loader, program", [(SYSTEMD, "systemd-sysctl"), (PROCPS, "procps --system"), (PROCPS_3, "procps --system")])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_recorded_tree(tmp_path, case, loader, program):
    lay(tmp_path, case["files"])
    problems = Problems()
    with Root(str(tmp_path)) as root:
        order = BootOrder(boot_files(root, problems), loader)
    expected = case["expected"][program]
    old = expected.get("differs_on", {}).get("deb11") if loader == PROCPS_3 else None
    assert compared(order, expected["values"]) == (old or expected)["values"]
    if old is None:
        for path, file in expected["winner"].items():
            if file is not None:
                assert order.winner(path).path == file
    assert problems.as_list() == []


def files(**texts):
    """BootFiles of /etc/sysctl.d: a_10="..." is 10-a.conf."""
    return [BootFile("/etc/sysctl.d", name, "/etc/sysctl.d/" + name, text.encode()) for name, text in texts.items()]


def etc(name, text, directory="/etc/sysctl.d", real=None):
    path = directory + "/" + name
    return BootFile(directory, name, real or path, None if text is None else text.encode(), None if text is not None else "it is a device, not a file")


def say(order, key=KEY):
    return [(assignment.path + ":%d" % assignment.line, assignment.value, assignment.why_not) for assignment in order.assignments(key)]


A, B = "/etc/sysctl.d/10-a.conf", "/etc/sysctl.d/20-b.conf"
REASONS = {
    "later_file": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=1"), etc("20-b.conf", f"{KEY}=2")], "",
        [(A + ":1", "1", f"overridden by {B}:1"), (B + ":1", "2", None)],
    ),
    "masked_by_a_file_of_the_same_name": (
        SYSTEMD, [etc("10-a.conf", None), etc("10-a.conf", f"{KEY}=2", "/usr/lib/sysctl.d")], "",
        [("/usr/lib/sysctl.d/10-a.conf:1", "2", f"masked by {A}, a file of the same name")],
    ),
    "glob_and_key": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=1"), etc("20-b.conf", "net.core.*=2")], "",
        [(A + ":1", "1", None), (B + ":1", "2", f"a pattern does not override {A}:1, which names the key")],
    ),
    "later_glob": (
        PROCPS, [etc("10-a.conf", "net.core.soma*=1"), etc("20-b.conf", "net.core.*=2")], "",
        [(A + ":1", "1", f"overridden by {B}:1"), (B + ":1", "2", None)],
    ),
    "repeated_glob_keeps_its_place": (
        SYSTEMD, [etc("10-a.conf", "net.core.soma*=1\nnet.core.*=2\nnet.core.soma*=1")], "",
        [(A + ":1", "1", f"overridden by {A}:2"), (A + ":2", "2", None), (A + ":3", "1", f"it repeats {A}:1")],
    ),
    "exclusion_after_the_key": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=1\n-{KEY}")], "",
        [(A + ":1", "1", f"excluded by {A}:2"), (A + ":2", None, "it excludes the key from patterns")],
    ),
    "exclusion_under_procps": (
        PROCPS, [etc("10-a.conf", f"{KEY}=1\n-{KEY}\nnet.core.*=3")], "",
        [
            (A + ":1", "1", None), (A + ":2", None, "it excludes the key from patterns"),
            (A + ":3", "3", f"a pattern does not override {A}:1, which names the key"),
        ],
    ),
    "pattern_excluded_by_a_key": (
        PROCPS, [etc("10-a.conf", f"-{KEY}\nnet.core.*=3")], "",
        [(A + ":1", None, "it excludes the key from patterns"), (A + ":2", "3", f"excluded by {A}:1")],
    ),
    "pattern_excluded_by_a_pattern": (
        PROCPS_5, [etc("10-a.conf", "-net.*conn\nnet.core.*=3")], "",
        [(A + ":1", None, "it excludes the key from patterns"), (A + ":2", "3", f"excluded by {A}:1")],
    ),
    "invalid_value_last_under_systemd": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=1"), etc("20-b.conf", f"{KEY}=abc")], "",
        [(A + ":1", "1", f"overridden by {B}:1"), (B + ":1", "abc", "the kernel refuses it: 'abc' is no whole number")],
    ),
    "invalid_value_last_under_procps": (
        PROCPS, [etc("10-a.conf", f"{KEY}=1"), etc("20-b.conf", f"{KEY}=abc")], "",
        [(A + ":1", "1", None), (B + ":1", "abc", "the kernel refuses it: 'abc' is no whole number")],
    ),
    "pattern_under_procps_3_3": (
        PROCPS_3, [etc("10-a.conf", "net.core.*=1")], "", [(A + ":1", "1", "procps 3.3 does not know patterns")],
    ),
    "sysctl_conf_under_systemd": (
        SYSTEMD, [etc("sysctl.conf", f"{KEY}=1", "/etc")], "",
        [("/etc/sysctl.conf:1", "1", "systemd-sysctl does not read /etc/sysctl.conf itself, only links to it in /etc/sysctl.d")],
    ),
    "sysctl_conf_under_procps": (
        PROCPS, [etc("zz.conf", f"{KEY}=2"), etc("sysctl.conf", f"{KEY}=1", "/etc")], "",
        [("/etc/sysctl.d/zz.conf:1", "2", "overridden by /etc/sysctl.conf:1"), ("/etc/sysctl.conf:1", "1", None)],
    ),
    "hidden_file_under_systemd": (
        SYSTEMD, [etc(".99.conf", f"{KEY}=1")], "", [("/etc/sysctl.d/.99.conf:1", "1", "systemd-sysctl does not read hidden files")],
    ),
    "name_without_suffix": (
        PROCPS, [etc("99-web", f"{KEY}=1")], "", [("/etc/sysctl.d/99-web:1", "1", "no loader reads /etc/sysctl.d/99-web: its name does not end in .conf")],
    ),
    "kernel_command_line_alone": (SYSTEMD, [], f"quiet sysctl.{KEY}=5", [("/proc/cmdline:1", "5", None)]),
    "kernel_command_line_and_a_file": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=1")], f"sysctl.{KEY}=5", [("/proc/cmdline:1", "5", f"overridden by {A}:1"), (A + ":1", "1", None)],
    ),
    "kernel_command_line_and_an_invalid_file": (
        SYSTEMD, [etc("10-a.conf", f"{KEY}=x")], f"sysctl.{KEY}=5",
        [("/proc/cmdline:1", "5", None), (A + ":1", "x", "the kernel refuses it: 'x' is no whole number")],
    ),
    "kernel_command_line_and_a_pattern": (
        PROCPS, [etc("10-a.conf", "net.core.*=1")], f"sysctl.{KEY}=5", [("/proc/cmdline:1", "5", f"overridden by {A}:1"), (A + ":1", "1", None)],
    ),
    "kernel_command_line_twice_slashes_quotes": (
        SYSTEMD, [], f'sysctl/net/core/somaxconn=5 "sysctl.{KEY}=6" a="b sysctl.{KEY}=7" sysctl.{KEY}="8" -- sysctl.{KEY}=9',
        [
            ("/proc/cmdline:1", "5", "overridden by /proc/cmdline:1"), ("/proc/cmdline:1", "6", "overridden by /proc/cmdline:1"),
            ("/proc/cmdline:1", "8", None),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("loader, found, command_line, expected", REASONS.values(), ids=REASONS)
def test_each_loser_is_told_why(loader, found, command_line, expected):
    assert say(BootOrder(found, loader, command_line)) == expected


def test_a_link_is_named_beside_its_file():
    order = BootOrder([etc("99-sysctl.conf", f"{KEY}=1", real="/etc/sysctl.conf"), etc("sysctl.conf", f"{KEY}=1", "/etc")], SYSTEMD)
    assert [(row.path, row.via, row.wins) for row in order.assignments(KEY)] == [
        ("/etc/sysctl.conf", None, False),
        ("/etc/sysctl.conf", "/etc/sysctl.d/99-sysctl.conf", True),
    ]


def test_keys_may_be_spelled_in_any_way_and_are_told_with_dots():
    order = BootOrder([etc("10-a.conf", "net/ipv4/conf/eth0.1/rp_filter = 1\nnet.core.* = 2")], SYSTEMD)
    assert [row.key for row in order.assignments("net.ipv4.conf.eth0/1.rp_filter")] == ["net.ipv4.conf.eth0/1.rp_filter"]
    assert order.paths() == ["net/ipv4/conf/eth0.1/rp_filter"]
    assert order.winner("net.core.nosuch").value == "2"
    assert order.winner("net.ipv4.tcp_rmem") is None


@pytest.mark.parametrize("line", [f"{KEY}=5", "net.core.soma*=5"])
def test_the_same_twice_on_a_line_with_a_carriage_return(line):
    order = BootOrder([etc("10-a.conf", f"{line}\r{line}\n")], SYSTEMD)
    assert [row.wins for row in order.assignments(KEY)] == ([False, True] if line.startswith(KEY) else [True, False])


def test_name_of_a_file_that_is_no_text_is_told_as_text():
    order = BootOrder([etc("\udcff.conf", f"{KEY}=5"), etc("\udcff.bak", f"{KEY}=6"), etc("z.conf", f"{KEY}=4")], SYSTEMD)
    texts = [text for row in order.assignments(KEY) for text in (row.path, row.why_not or "")]
    assert "/etc/sysctl.d/\\xff.conf" in texts and "overridden by /etc/sysctl.d/\\xff.conf:1" in texts
    assert "\udcff" not in "".join(texts)
