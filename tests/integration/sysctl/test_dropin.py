# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop-in on the real kernel, with the real loader as the judge. F numbers name the faults that a test is about."""

import os
import signal
import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._files import durable
from host import ETC, KEY, STATE, USR, after_reboot, drop_in, furnish, refusal, snapshot, value
from kernel_rooms import MS_BIND, Program, in_child, mount, new_netns, run, sysctl

SYN = "net.ipv4.tcp_max_syn_backlog"
MS_REMOUNT_RO_BIND = 0x1000 | 0x20 | 1


def test_value_now_and_after_a_reboot():
    furnish()
    answer = drop_in()
    assert (answer.changed, answer.failure) == (True, None)
    assert (value(), after_reboot()) == ("5000", "5000")
    row = answer.values["sysctls"][KEY]
    assert (row["before"], row["after"]) == ({"runtime": "4096", "boot": None}, {"runtime": "5000", "boot": "5000"})
    assert (answer.values["path"], answer.values["persists"]) == ("/etc/sysctl.d/99-listen-queue.conf", True)


def test_second_run_changes_nothing():
    furnish()
    drop_in()
    before = snapshot()
    answer = drop_in()
    assert (answer.changed, answer.plan.diff(), snapshot()) == (False, [], before)


def test_check_mode_predicts_and_touches_nothing():  # F52
    furnish()
    (ETC / "99-listen-queue.conf").write_text("# theirs\nx = 1\n")
    before = snapshot()
    predicted = drop_in(is_check=True, values={KEY: 5000, SYN: 333})
    assert snapshot() == before and not Path(STATE).exists()
    real = drop_in(values={KEY: 5000, SYN: 333})
    assert predicted.plan.diff() == real.plan.diff()
    assert {**predicted.values, "previous": 0} == {**real.values, "previous": 0}


def test_several_keys_are_one_file_and_other_lines_stay():  # F26
    furnish()
    text = b"# \xff\xfe theirs\r\n-net.ipv4.conf.*.rp_filter\nnet/ipv4/tcp_syncookies=1 ;x\n\tnet.core.somaxconn  =\t7\r\n; end"
    (ETC / "60-web.conf").write_bytes(text)
    drop_in(name="60-web", values={KEY: 5000, SYN: 333})
    expected = text.replace(b"\t7\r\n", b"\t5000\r\n") + b"\nnet.ipv4.tcp_max_syn_backlog = 333\n"
    assert (ETC / "60-web.conf").read_bytes() == expected
    assert (value(), value(SYN), after_reboot(), after_reboot(SYN)) == ("5000", "333", "5000", "333")


def test_later_file_of_a_vendor_is_refused_then_overridden():
    furnish()
    (USR / "99-vendor.conf").write_text(f"{KEY} = 512\nnet.ipv4.tcp_syncookies = 2\n")
    before = snapshot()
    sentence = refusal(name="60-web")
    assert sentence == (
        f"{KEY} = 5000 in /etc/sysctl.d/60-web.conf would not count at boot: overridden by /usr/lib/sysctl.d/99-vendor.conf:1; "
        "use another name, or say with on_conflict what to do"
    )
    assert snapshot() == before
    answer = drop_in(name="60-web", on_conflict="override")
    assert (answer.values["path"], after_reboot(), after_reboot("net.ipv4.tcp_syncookies")) == ("/etc/sysctl.d/99-zz-listen-queue.conf", "5000", "2")
    assert drop_in(name="60-web", on_conflict="override").changed is False
    assert sorted(path.name for path in ETC.iterdir()) == ["99-zz-listen-queue.conf"]


def test_override_moves_the_own_file_in_one_change():
    furnish()
    drop_in()
    with (ETC / "99-listen-queue.conf").open("a") as file:
        file.write(f"# mine\n{SYN} = 333\n")
    (USR / "99-vendor.conf").write_text(f"{KEY} = 512\n")
    answer = drop_in(on_conflict="override")
    assert (answer.values["path"], answer.values["removed_path"]) == ("/etc/sysctl.d/99-zz-listen-queue.conf", "/etc/sysctl.d/99-listen-queue.conf")
    assert [path.name for path in ETC.iterdir()] == ["99-zz-listen-queue.conf"]
    assert (ETC / "99-zz-listen-queue.conf").read_text().endswith(f"{KEY} = 5000\n# mine\n{SYN} = 333\n")
    assert (after_reboot(), after_reboot(SYN)) == ("5000", "333")


def test_report_says_that_it_will_not_last():  # F49
    furnish()
    (USR / "zz-vendor.conf").write_text(f"{KEY} = 512\n")
    answer = drop_in(name="60-web", on_conflict="report")
    assert (answer.values["persists"], answer.values["sysctls"][KEY]["after"]) == (False, {"runtime": "5000", "boot": "512"})
    assert list(answer.warnings) == answer.values["conflicts"]
    assert answer.values["conflicts"] == [
        f"{KEY} = 5000 in /etc/sysctl.d/60-web.conf would not count at boot: overridden by /usr/lib/sysctl.d/zz-vendor.conf:1"
    ]
    assert after_reboot() == "512"


def test_programs_that_write_later_are_named():  # F49
    furnish()
    for name, text in {"active_profile": "web", "web/tuned.conf": f"[sysctl]\n{KEY}=>2048\n"}.items():
        path = Path("/etc/tuned", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    predicted = drop_in(is_check=True)
    (writer,) = predicted.values["sysctls"][KEY]["later_writers"]
    assert (writer["program"], writer["path"], writer["line"], writer["value"]) == ("tuned", "/etc/tuned/web/tuned.conf", 2, "=>2048")
    assert predicted.warnings == ()  # it never lowers
    Path("/etc/tuned/web/tuned.conf").write_text(f"[sysctl]\n{KEY}=2048\n")
    assert drop_in().warnings == (f"{KEY} will be 2048 and not 5000 once tuned has set it (/etc/tuned/web/tuned.conf)",)


def test_at_least_raises_and_never_lowers():
    furnish()
    (USR / "60-vendor.conf").write_text(f"{KEY} = 9000\n")
    sysctl(KEY, 7000)
    answer = drop_in(at_least=True)
    assert (value(), after_reboot()) == ("9000", "9000")
    assert answer.values["sysctls"][KEY]["after"] == {"runtime": "9000", "boot": "9000"}
    sysctl(KEY, 10000)
    assert drop_in(at_least=True).changed is False
    assert value() == "10000"


def test_absent_restores_what_the_boot_will_set():
    furnish()
    (USR / "60-vendor.conf").write_text(f"{KEY} = 512\n")
    drop_in()
    answer = drop_in(state="absent", values=None)
    assert (answer.changed, value(), list(ETC.iterdir())) == (True, "512", [])
    assert drop_in(state="absent", values=None).changed is False


def test_absent_restores_the_default_of_the_kernel():
    furnish()
    drop_in(values={KEY: 5000, SYN: 333})
    answer = drop_in(state="absent", values=None)
    assert (value(), value(SYN)) == ("4096", "333")
    assert answer.values["unchanged"] == {SYN: "nothing else sets it at boot, and the kernel's default is not known"}


def test_absent_leaves_a_value_that_somebody_else_changed():  # F42
    furnish()
    drop_in()
    sysctl(KEY, 777)
    answer = drop_in(state="absent", values=None)
    assert (value(), answer.values["unchanged"]) == ("777", {KEY: "it is 777, which is not what the file had set"})


def test_value_that_only_the_kernel_knows_to_refuse_reaches_no_file():
    furnish()
    before = snapshot()
    sentence = refusal(values={KEY: 5000, "net.ipv4.tcp_congestion_control": "nosuch"})
    assert sentence == "values: the kernel refuses 'nosuch' for net.ipv4.tcp_congestion_control: No such file or directory; nothing was changed"
    assert snapshot() == before


def test_one_refused_value_puts_the_others_back(monkeypatch):
    from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin import control

    furnish()
    monkeypatch.setattr(control, "try_values", lambda proc, values: {})  # as where no namespace can be made
    before = snapshot()
    sentence = refusal(values={KEY: 5000, "net.ipv4.tcp_congestion_control": "nosuch"})
    assert sentence == "the kernel refuses 'nosuch' for /proc/sys/net/ipv4/tcp_congestion_control: No such file or directory; nothing was changed"
    assert snapshot() == before


def test_read_only_proc_sys_is_named_before_anything_is_written():  # F14
    furnish()
    mount("/proc/sys", "/proc/sys", "none", MS_BIND)
    mount("none", "/proc/sys", "none", MS_REMOUNT_RO_BIND)
    before = snapshot()
    assert refusal().startswith("/proc/sys is read-only here, as in containers without a /proc/sys of their own; nothing was changed. Set net.core.somaxconn")
    assert snapshot() == before
    assert drop_in(runtime=False).values["persists"] is True


def test_masked_proc_sys_is_named():  # F14
    furnish()
    mount("tmpfs", "/proc/sys", "tmpfs")
    assert refusal() == (
        "/proc/sys/net/core/somaxconn does not exist: /proc/sys is masked here, as in containers; set net.core.somaxconn where the container is started"
    )
    assert list(ETC.iterdir()) == []


def test_unknown_key():
    furnish()
    assert refusal(values={"net.core.nosuch": 1}, allow=["net.core.*"]).startswith("/proc/sys/net/core/nosuch does not exist: this kernel has no such sysctl")


def test_read_only_etc_fails_before_the_runtime_value():  # F13
    furnish()
    mount("none", "/etc", "none", 0x20 | 1)
    before = snapshot()
    assert refusal() == "/etc/sysctl.d/99-listen-queue.conf is on a read-only file system; nothing was changed"
    assert snapshot() == before


def test_full_disk_leaves_everything():  # F11
    furnish()
    filler = os.open("/etc/filler", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="No space left"):
        while True:
            os.write(filler, b"x" * 4096)
    before = snapshot()
    assert refusal() == "/etc/sysctl.d/99-listen-queue.conf: the new version cannot be written: No space left on device; nothing was changed"
    assert snapshot() == before


def test_hard_linked_and_linked_files():  # F16 F18
    furnish()
    (ETC / "60-web.conf").write_text("x=1\n")
    os.link(ETC / "60-web.conf", ETC / "other")
    assert "has 2 names (hard links)" in refusal(name="60-web")
    (ETC / "other").unlink()
    (ETC / "real").mkdir()
    (ETC / "60-web.conf").rename(ETC / "real/web")
    (ETC / "60-web.conf").symlink_to("/etc/sysctl.d/real/web")
    drop_in(name="60-web")
    assert (ETC / "60-web.conf").is_symlink()
    assert (ETC / "real/web").read_text() == f"x=1\n{KEY} = 5000\n"


def test_mode_and_owner_stay_and_umask_does_not_count():  # F19 F20
    furnish()
    os.umask(0o077)
    (ETC / "60-web.conf").write_text("x=1\n")
    os.chown(ETC / "60-web.conf", 12, 34)
    (ETC / "60-web.conf").chmod(0o640)
    drop_in(name="60-web")
    status = (ETC / "60-web.conf").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 12, 34)
    drop_in(values={SYN: 333})
    assert stat.S_IMODE((ETC / "99-listen-queue.conf").stat().st_mode) == 0o644


def test_editor_that_saves_meanwhile_wins(monkeypatch):  # F21 F48
    furnish()
    file = ETC / "60-web.conf"
    file.write_text("x=1\n")

    def save(act, name):
        if act == "sysctl" and file.read_text() == "x=1\n":
            file.write_text("x=2\n")

    monkeypatch.setattr(durable, "before_write", save)
    assert "was changed by somebody else meanwhile" in refusal(name="60-web")
    assert (file.read_text(), value()) == ("x=2\n", "4096")


def test_killed_at_any_act_the_next_run_converges(monkeypatch):  # F1
    furnish()
    (ETC / "60-web.conf").write_text("# theirs\nx=1\n")
    done, killed = False, 0
    while not done:
        done = in_child(lambda limit=killed: _run_until(limit, monkeypatch))
        text = (ETC / "60-web.conf").read_text()
        assert text in ("# theirs\nx=1\n", f"# theirs\nx=1\n{KEY} = 5000\n")
        answer = drop_in(name="60-web")
        assert (answer.failure, value(), after_reboot()) == (None, "5000", "5000")
        assert [path.name for path in ETC.iterdir()] == ["60-web.conf"]
        (ETC / "60-web.conf").write_text("# theirs\nx=1\n")
        sysctl(KEY, 4096)
        killed += 1
    assert killed > 5


def _run_until(limit, monkeypatch):
    """Run in a child that is killed before its act number ``limit``; return whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        acts = []

        def count(act, name):
            if len(acts) == limit:
                os.kill(os.getpid(), signal.SIGKILL)
            acts.append(act)

        monkeypatch.setattr(durable, "before_write", count)
        drop_in(name="60-web")
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def test_another_namespace_by_name_pid_and_inode():
    furnish()
    run("ip", "netns", "add", "shop")
    program = Program(new_netns)
    named = drop_in(netns="shop")
    assert named.values["persistence"] == "what makes the namespace shop when the system boots (its unit file, or the CNI plugin tuning)"
    assert (named.values["persists"], named.values["path"], list(ETC.iterdir())) == (False, None, [])
    assert run("ip", "netns", "exec", "shop", "cat", "/proc/sys/net/core/somaxconn") == "5000\n"
    drop_in(netns=str(program.pid), values={KEY: 6000})
    drop_in(netns=str(program.told), values={SYN: 333})
    inside = ["nsenter", "-t", str(program.pid), "-n", "cat"]
    assert run(*inside, "/proc/sys/net/core/somaxconn", "/proc/sys/net/ipv4/tcp_max_syn_backlog") == "6000\n333\n"
    assert value() == "4096"


def test_container_that_boots_with_systemd_keeps_its_own_file(tmp_path):
    furnish()
    root = tmp_path / "container"
    for folder in ("etc/sysctl.d", "run/systemd/system", "usr/lib/systemd"):
        (root / folder).mkdir(parents=True)
    (root / "usr/lib/systemd/systemd-sysctl").write_text("x")
    (root / "etc/sysctl.d/99-listen-queue.conf").symlink_to("/etc/real.conf")  # absolute: inside of the container
    (root / "etc/real.conf").write_text("# theirs\n")

    def start():
        inode = new_netns()
        os.chroot(root)
        return inode

    program = Program(start)
    answer = drop_in(netns=str(program.pid), name="99-listen-queue")
    assert (answer.values["persists"], list(ETC.iterdir())) == (True, [])
    assert (root / "etc/real.conf").read_text() == f"# theirs\n{KEY} = 5000\n"
    assert run("nsenter", "-t", str(program.pid), "-n", "cat", "/proc/sys/net/core/somaxconn") == "5000\n"


REFUSED = {
    "name_of_a_namespace_that_is_none": ({"netns": "../x"}, "netns: '../x' is no name, pid or inode of a network namespace; names are those of ip netns"),
    "namespace_that_does_not_exist": ({"netns": "nosuch"}, "netns: there is no nosuch here; give a name of ip netns, a pid, or an inode"),
    "image_without_a_loader": (
        {"root": "/run", "runtime": False},
        "root: nothing in /run applies files at boot (no init system that reads sysctl.d was found); say with loader which program will",
    ),
    "inode_that_nobody_has": ({"netns": "4026599999"}, "netns: no process, thread or mount shows a network namespace with the inode 4026599999"),
    "global_value_in_a_namespace": (
        {"values": {"net.core.wmem_max": 1}},
        "/proc/sys/net/core/wmem_max is read-only in this network namespace; it is one value for the whole machine, set it on the host",
    ),
}


@pytest.mark.parametrize("options, sentence", REFUSED.values(), ids=REFUSED)
def test_refused(options, sentence):
    furnish()
    before = snapshot()
    assert refusal(**options) == sentence
    assert snapshot() == before


def test_without_an_init_system_only_the_value_now_is_set():
    furnish(with_init=False)
    mount("tmpfs", "/usr/lib/systemd", "tmpfs")
    answer = drop_in()
    assert (answer.changed, value(), answer.values["persists"], answer.values["path"]) == (True, "5000", False, None)
    (warning,) = answer.warnings
    assert warning.startswith("the values do not persist, because no file of sysctl.d counts here (no init system that reads sysctl.d was found); set them in")
    assert answer.values["persistence"] and list(ETC.iterdir()) == []
    assert refusal(runtime=False).startswith("nothing here applies files at boot (")


def test_without_persistence_only_the_value_now_is_set():
    furnish()
    answer = drop_in(persist=False)
    assert (answer.changed, value(), after_reboot()) == (True, "5000", "4096")
    assert (answer.values["persists"], answer.values["path"]) == (False, None)
    assert answer.values["persistence"] == "a file of sysctl.d, with persist: true"
    assert list(ETC.iterdir()) == []


def test_unprivileged_user_is_told_so():
    furnish()

    def as_nobody():
        os.setresuid(65534, 65534, 65534)
        return refusal()

    assert in_child(as_nobody).endswith("may not be written; become root")
    assert list(ETC.iterdir()) == []


def test_check_mode_opens_nothing_for_writing(tmp_path):  # F52
    furnish(with_ansible=True)
    script = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from checkout import use_this_checkout; use_this_checkout()\n"
        "from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin.control import act\n"
        "from host import DEFAULTS, KEY\n"
        "print('looking', act({**DEFAULTS, 'values': {KEY: 5000}}, True, '/proc', None).changed)\n"
    )
    log = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(log), "-e", "trace=openat,open,creat,mkdir,rename,renameat2,unlink,unlinkat,unshare,setns"]
    here = Path(__file__).parent
    output = run(*command, sys.executable, "-B", "-c", script, *map(str, (here, here.parent / "kernel", here.parents[1])))
    assert output == "looking True\n"
    calls = log.read_text(encoding="utf-8", errors="backslashreplace").split("\n")
    assert any("/sys/net/core/somaxconn" in call for call in calls)
    assert [call for call in calls if any(word in call for word in ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir", "rename", "unlink", "unshare", "setns"))] == []
