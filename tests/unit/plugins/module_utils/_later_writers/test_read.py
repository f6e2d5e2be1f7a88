# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that set sysctls after the loader: which of them a system shows, and what they set."""

import json

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._later_writers.read import later_writers
from ansible_collections.netops.listen_queue.plugins.module_utils._roots.read import Root

KEY, RP_FILTER = "net/core/somaxconn", "net/ipv4/conf/eth0/rp_filter"
TUNED = {"/etc/tuned/active_profile": "web\n"}
UFW = {"/etc/ufw/ufw.conf": "ENABLED=yes\n", "/etc/ufw/sysctl.conf": "# x\nnet/core/somaxconn=7\n"}
CNI = json.dumps({"name": "x", "plugins": [{"type": "bridge"}, {"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}]})
# situation: (files, key, [(program, path, line, value)])
SEEN = {
    "nothing": ({}, KEY, []),
    "tuned": (
        {**TUNED, "/usr/lib/tuned/web/tuned.conf": "[main]\nsummary=x\n[sysctl]\nnet.core.somaxconn=>2048\n"}, KEY,
        [("tuned", "/usr/lib/tuned/web/tuned.conf", 4, "=>2048")],
    ),
    "tuned_includes": (
        {**TUNED, "/etc/tuned/web/tuned.conf": "[main]\ninclude=base\n", "/usr/lib/tuned/profiles/base/tuned.conf": "[sysctl]\nnet.core.somaxconn = 9\n"}, KEY,
        [("tuned", "/usr/lib/tuned/profiles/base/tuned.conf", 2, "9")],
    ),
    "tuned_includes_itself": ({**TUNED, "/etc/tuned/web/tuned.conf": "[main]\ninclude=web\n"}, KEY, []),
    "tuned_of_the_admin_hides_that_of_the_package": (
        {**TUNED, "/etc/tuned/web/tuned.conf": "[sysctl]\n", "/usr/lib/tuned/web/tuned.conf": "[sysctl]\nnet.core.somaxconn=9\n"}, KEY, [],
    ),
    "tuned_profile_with_a_path": ({"/etc/tuned/active_profile": "../../x"}, KEY, []),
    "ufw": (UFW, KEY, [("ufw", "/etc/ufw/sysctl.conf", 2, "7")]),
    "ufw_off": ({**UFW, "/etc/ufw/ufw.conf": "ENABLED=no\n"}, KEY, []),
    "cni": ({"/etc/cni/net.d/10-x.conflist": CNI}, KEY, [("cni", "/etc/cni/net.d/10-x.conflist", None, "500")]),
    "cni_that_is_no_json": ({"/etc/cni/net.d/10-x.conflist": "{", "/etc/cni/net.d/11.conf": "[]", "/etc/cni/net.d/12.conf": '{"plugins": 1}'}, KEY, []),
    "cilium": ({"/run/cilium/x": ""}, KEY, [("cilium", "/run/cilium", None, "4096")]),
    "calico": ({"/var/lib/calico/nodename": "x"}, "net/ipv4/ip_forward", [("calico", "/var/lib/calico", None, "1")]),
    "docker": ({"/etc/docker/daemon.json": "{}"}, "net/ipv4/ip_forward", [("docker", "/etc/docker", None, "1")]),
    "docker_and_another_key": ({"/etc/docker/daemon.json": "{}"}, KEY, []),
    "cloud_init": (
        {"/etc/cloud/cloud.cfg.d/99.cfg": "#cloud-config\n# net.core.somaxconn\nruncmd:\n - sysctl -w net/core/somaxconn=1\n"}, KEY,
        [("cloud-init", "/etc/cloud/cloud.cfg.d/99.cfg", 4, None)],
    ),
    "cloud_init_user_data": (
        {"/var/lib/cloud/instance/user-data.txt": "sysctl net.core.somaxconn=1"}, KEY, [("cloud-init", "/var/lib/cloud/instance/user-data.txt", 1, None)],
    ),
    "networkd": (
        {"/etc/systemd/network/10.network": "[Match]\nName=*\n[Network]\nIPv4ReversePathFilter=strict\n"}, RP_FILTER,
        [("networkd", "/etc/systemd/network/10.network", 4, "strict")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("files, key, expected", SEEN.values(), ids=SEEN)
def test_seen(tmp_path, files, key, expected):
    for name, text in files.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with Root(str(tmp_path)) as root:
        writers = later_writers(root, [key])
    assert [(row["program"], row["path"], row["line"], row["value"]) for row in writers[key]] == expected
    assert all(row["note"] for row in writers[key])


@pytest.mark.parametrize("text, ending", [("", "which then win"), ("reapply_sysctl = 0\n", "do not count after that")])
def test_tuned_says_whether_sysctl_d_wins_in_the_end(tmp_path, text, ending):
    (tmp_path / "etc/tuned/web").mkdir(parents=True)
    (tmp_path / "etc/tuned/active_profile").write_text("web")
    (tmp_path / "etc/tuned/tuned-main.conf").write_text(text)
    (tmp_path / "etc/tuned/web/tuned.conf").write_text("[sysctl]\nnet.core.somaxconn=1\n")
    with Root(str(tmp_path)) as root:
        assert later_writers(root, [KEY])[KEY][0]["note"].endswith(ending)
