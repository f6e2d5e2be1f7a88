# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest complaint about sysctls under Ansible: the play says ok, and after the next reboot the value is gone.

A vendor's file beats the administrator's. ansible.posix.sysctl writes its line all the same; our module refuses, or wins.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from host import ETC, KEY, USR, after_reboot, furnish, snapshot, value
from kernel_rooms import sysctl

ROOT = Path(__file__).parents[3]
SECONDS = 25
POSIX = ("ansible.posix.sysctl", {"name": KEY, "value": "4096", "state": "present", "sysctl_set": True, "reload": True})
OURS = ("netops.listen_queue.sysctl_dropin", {"values": {KEY: 4096}})
VENDOR = f"# more than enough\n{KEY} = 512\n"


def ansible(module, arguments, *options, collections=""):
    """Run one module on this machine; return (its result, the whole output)."""
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local", "-m", module, "-a", json.dumps(arguments), *options]
    environment = {
        **os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_HOME": "/run/ansible", "ANSIBLE_NOCOLOR": "1",
    }  # fmt: skip
    done = subprocess.run(command, env=environment, cwd="/run", capture_output=True, text=True, timeout=SECONDS, check=False)
    text = done.stdout
    assert "=> {" in text, text + done.stderr
    return json.loads(text[text.index("=> {") + 3 :]), text + done.stderr


@pytest.fixture
def vendor_wins():
    """Called inside of the room: a host whose vendor has the last word."""

    def host():
        furnish(with_ansible=True)
        sysctl(KEY, 128)
        (USR / "99-vendor.conf").write_text(VENDOR)

    return host


def test_the_line_of_ansible_posix_is_lost_at_the_next_boot(vendor_wins, posix):
    vendor_wins()
    module, arguments = POSIX
    result, _text = ansible(module, {**arguments, "sysctl_file": "/etc/sysctl.d/60-web.conf"}, collections=posix)
    assert result["changed"] is True
    assert (value(), after_reboot()) == ("4096", "512")


def test_our_line_is_refused_where_it_would_be_lost(vendor_wins):
    vendor_wins()
    before = snapshot()
    result, _text = ansible(OURS[0], {**OURS[1], "name": "60-web"})
    assert result["msg"] == (
        f"{KEY} = 4096 in /etc/sysctl.d/60-web.conf would not count at boot: overridden by /usr/lib/sysctl.d/99-vendor.conf:2; "
        "use another name, or say with on_conflict what to do"
    )
    assert snapshot() == before


def test_our_line_that_will_be_lost_is_a_warning(vendor_wins):
    vendor_wins()
    result, text = ansible(OURS[0], {**OURS[1], "name": "60-web", "on_conflict": "report"})
    lost = f"{KEY} = 4096 in /etc/sysctl.d/60-web.conf would not count at boot: overridden by /usr/lib/sysctl.d/99-vendor.conf:2"
    assert (result["conflicts"], f"[WARNING]: {lost}" in text, "DEPRECATION" in text) == ([lost], True, False)
    assert after_reboot() == "512"


def test_our_line_wins_where_the_name_is_ours_to_choose(vendor_wins):
    vendor_wins()
    predicted, text = ansible(*OURS, "--check", "--diff")
    assert "+net.core.somaxconn = 4096" in text
    assert (value(), list(ETC.iterdir())) == ("128", [])
    result, real_text = ansible(*OURS, "--diff")
    assert (result["changed"], predicted["sysctls"], predicted["path"]) == (True, result["sysctls"], result["path"])
    assert text[: text.index("localhost |")] == real_text[: real_text.index("localhost |")]
    assert (value(), after_reboot()) == ("4096", "4096")
    assert (USR / "99-vendor.conf").read_text() == VENDOR
    assert ansible(*OURS)[0]["changed"] is False


def test_info_tells_who_wins_and_why(vendor_wins):
    vendor_wins()
    (ETC / "60-web.conf").write_text(f"{KEY} = 4096\n")
    result, _text = ansible("netops.listen_queue.sysctl_boot_info", {"keys": [KEY]})
    facts = result["sysctls"][KEY]
    assert result["keys"] == result["sysctls"]
    assert (facts["runtime_value"], facts["boot_value"], facts["drift"]) == (128, 512, True)
    assert facts["boot_source"] == {"path": "/usr/lib/sysctl.d/99-vendor.conf", "line": 2}
    assert facts["assignments"][0]["why_not"] == "overridden by /usr/lib/sysctl.d/99-vendor.conf:2"
