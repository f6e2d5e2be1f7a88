# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that must not be replaced or hidden, and values that would not come back. F numbers name the faults that a test is about."""

from pathlib import Path

import pytest
from host import ETC, USR, after_reboot, drop_in, furnish, refusal, snapshot, value
from kernel_rooms import MS_BIND, mount, run


@pytest.mark.parametrize("flag, name", [("i", "60-web.conf"), ("a", "60-web.conf"), ("i", "."), ("a", ".")])
def test_immutable_and_append_only_are_named(flag, name):  # F15
    furnish()
    (ETC / "60-web.conf").write_text("x=1\n")
    run("chattr", "+" + flag, str(ETC / name))
    before = snapshot()
    what = "the directory of /etc/sysctl.d/60-web.conf" if name == "." else "/etc/sysctl.d/60-web.conf"
    assert refusal(name="60-web") == f"{what} is immutable or append-only; take the flag away with chattr, or leave the file as it is"
    assert snapshot() == before


def test_file_that_is_a_mount_of_its_own():  # F15
    furnish()
    (ETC / "60-web.conf").write_text("x=1\n")
    Path("/run/web").write_text("x=2\n")
    mount("/run/web", str(ETC / "60-web.conf"), "none", MS_BIND)
    before = snapshot()
    assert refusal(name="60-web").startswith("/etc/sysctl.d/60-web.conf is a mount of its own and cannot be replaced from here")
    assert snapshot() == before


PORTS, FIRST = "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"


@pytest.mark.parametrize("order", [1, -1])
def test_keys_that_depend_on_each_other(order):  # F43
    furnish()
    drop_in(values=dict([(FIRST, 50000), (PORTS, "55000 60000")][::order]))
    assert (value(FIRST), value(PORTS), after_reboot(FIRST), after_reboot(PORTS)) == ("50000", "55000 60000") * 2
    answer = drop_in(values=dict([(FIRST, 1024), (PORTS, "32768 60999")][::order]))
    assert (answer.failure, value(FIRST), value(PORTS)) == (None, "1024", "32768 60999")


def test_of_two_keys_only_one_counts():  # F43
    furnish()
    vm = _fake("vm", {"dirty_bytes": "0", "dirty_ratio": "20"})
    sentence = refusal(values={"vm.dirty_bytes": 1 << 20}, allow=["vm.*"])
    assert sentence == (
        "values: vm.dirty_bytes is 0 because vm.dirty_ratio counts instead, and could not be set back to 0; "
        "set runtime to false to have it from the next boot on"
    )
    assert ((vm / "dirty_bytes").read_text(), list(ETC.iterdir())) == ("0\n", [])
    drop_in(values={"vm.dirty_bytes": 1 << 20}, allow=["vm.*"], runtime=False)
    assert (ETC / "99-listen-queue.conf").read_text().endswith("vm.dirty_bytes = 1048576\n")


def test_value_that_cannot_be_taken_back():  # F44
    furnish()
    kernel = _fake("kernel", {"modules_disabled": "0", "unprivileged_bpf_disabled": "2"})
    for key, text in (("kernel.modules_disabled", "1"), ("kernel.unprivileged_bpf_disabled", "1")):
        assert refusal(values={key: text}, allow=["kernel.*"]) == (
            f"values: {key} stays 1 until the next boot, so it could not be taken back; set runtime to false to have it from the next boot on"
        )
    assert ((kernel / "modules_disabled").read_text(), list(ETC.iterdir())) == ("0\n", [])
    (kernel / "modules_disabled").write_text("1\n")  # is so already: nothing to take back
    assert drop_in(values={"kernel.modules_disabled": 1}, allow=["kernel.*"]).failure is None


def _fake(folder, values):
    """Files instead of the machine's sysctls of one kind."""
    path = Path("/proc/sys", folder)
    mount("tmpfs", str(path), "tmpfs")
    for name, text in values.items():
        (path / name).write_text(text + "\n")
    return path


def test_name_of_a_vendors_file_would_hide_it():
    furnish()
    (USR / "50-default.conf").write_text("net.ipv4.tcp_syncookies = 2\n")
    before = snapshot()
    assert refusal(name="50-default") == (
        "name: a file 50-default.conf in /etc/sysctl.d would hide /usr/lib/sysctl.d/50-default.conf with all its keys; choose another name"
    )
    assert snapshot() == before


def test_absent_takes_keys_away_that_the_kernel_does_not_have_or_that_may_not_be_set():  # F59
    furnish()
    drop_in()
    with (ETC / "99-listen-queue.conf").open("a") as file:
        file.write("net.core.nosuch = 1\nkernel.core_pattern = core\n")
    kernel = _fake("kernel", {"core_pattern": "core"})
    (USR / "50-coredump.conf").write_text("kernel.core_pattern = |/bin/x\n")
    answer = drop_in(state="absent", values=None)
    assert (list(ETC.iterdir()), value(), (kernel / "core_pattern").read_text()) == ([], "4096", "core\n")
    assert answer.values["unchanged"] == {
        "net.core.nosuch": "there is no such sysctl here now",
        "kernel.core_pattern": "it is not among what may be set here; name it in allow when it is meant",
    }
