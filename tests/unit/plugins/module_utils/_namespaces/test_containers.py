# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroup paths as docker, podman, containerd, CRI-O, LXC, nspawn and systemd make them."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._namespaces.containers import NOBODY, Owner, owner_of, owner_of_path
from hypothesis import given
from hypothesis import strategies as st

ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
OUTER = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
POD = "019c1fe8-0d92-4aa0-b61c-4df58bdde71c"
POD_IN_SLICE = POD.replace("-", "_")
STATIC = "0123456789abcdef0123456789abcdef"
SLICES = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod%s.slice" % POD_IN_SLICE
USER = "/user.slice/user-1000.slice/user@1000.service"
KIND = "/docker/%s/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod%s.slice" % (OUTER, POD_IN_SLICE)


def unit(name):
    return Owner(name, None, None, None)


def container(runtime, name=ID, pod=None):
    return Owner(None, name, runtime, pod)


PATHS = {
    "root": ("/", NOBODY),
    "service": ("/system.slice/nginx.service", unit("nginx.service")),
    "instance_of_a_template": ("/system.slice/system-php\\x2dfpm.slice/php-fpm@8.2.service", unit("php-fpm@8.2.service")),
    "service_in_its_own_slice": ("/web.slice/web-front.slice/nginx.service", unit("nginx.service")),
    "service_with_delegated_groups": ("/system.slice/app.service/workers/1", unit("app.service")),
    "ssh_session": ("/user.slice/user-0.slice/session-3.scope", unit("session-3.scope")),
    "user_service": (USER + "/app.slice/web.service", unit("web.service")),
    "user_manager": (USER + "/init.scope", unit("init.scope")),
    "systemd": ("/init.scope", unit("init.scope")),
    "slice_alone": ("/system.slice", NOBODY),
    "no_systemd": ("/process_api/4dfd6fe8754bd95e907ffc4294e190fe", NOBODY),
    "docker_systemd": (f"/system.slice/docker-{ID}.scope", container("docker")),
    "docker_cgroupfs": (f"/docker/{ID}", container("docker")),
    "docker_rootless": (f"{USER}/user.slice/docker-{ID}.scope", container("docker")),
    "docker_with_systemd_inside": (f"/system.slice/docker-{ID}.scope/system.slice/nginx.service", container("docker")),
    "docker_daemon": ("/system.slice/docker.service", unit("docker.service")),
    "docker_in_a_pod": (f"{SLICES}/docker-{ID}.scope", container("docker", pod=POD)),
    "docker_in_docker": (f"/docker/{OUTER}/docker/{ID}", container("docker")),
    "podman": (f"/machine.slice/libpod-{ID}.scope", container("podman")),
    "podman_crun": (f"/machine.slice/libpod-{ID}.scope/container", container("podman")),
    "podman_pod": (f"/machine.slice/machine-libpod_pod_{OUTER}.slice/libpod-{ID}.scope", container("podman")),
    "podman_rootless": (f"{USER}/user.slice/libpod-{ID}.scope/container", container("podman")),
    "podman_cgroupfs": (f"/libpod_parent/libpod-{ID}", container("podman")),
    "podman_monitor": (f"/machine.slice/libpod-conmon-{ID}.scope", unit(f"libpod-conmon-{ID}.scope")),
    "podman_monitor_cgroupfs": ("/libpod_parent/conmon", NOBODY),
    "containerd_in_a_pod": (f"{SLICES}/cri-containerd-{ID}.scope", container("containerd", pod=POD)),
    "containerd_guaranteed_pod": (
        f"/kubepods.slice/kubepods-pod{POD_IN_SLICE}.slice/cri-containerd-{ID}.scope", container("containerd", pod=POD),
    ),
    "containerd_static_pod": (
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{STATIC}.slice/cri-containerd-{ID}.scope",
        container("containerd", pod=STATIC),
    ),
    "containerd_without_kubernetes": (f"/k8s.io/{ID}", container("containerd")),
    "containerd_default_namespace": (f"/default/{ID}", container("containerd")),
    "nerdctl": (f"/system.slice/nerdctl-{ID}.scope", container("containerd")),
    "sidecar_in_a_cgroup_namespace": (f"/../cri-containerd-{ID}.scope", container("containerd")),
    "crio": (f"{SLICES}/crio-{ID}.scope", container("crio", pod=POD)),
    "crio_crun": (f"{SLICES}/crio-{ID}.scope/container", container("crio", pod=POD)),
    "crio_cgroupfs": (f"/kubepods/besteffort/pod{POD}/crio-{ID}", container("crio", pod=POD)),
    "crio_monitor": (f"{SLICES}/crio-conmon-{ID}.scope", Owner(f"crio-conmon-{ID}.scope", None, None, POD)),
    "kubelet": ("/system.slice/kubelet.service", unit("kubelet.service")),
    "pod_without_container": (SLICES, Owner(None, None, None, POD)),
    "kind": (f"{KIND}/cri-containerd-{ID}.scope", container("containerd", pod=POD)),
    "kind_kubelet": (f"/docker/{OUTER}/kubelet.slice/kubelet.service", container("docker", OUTER)),
    "lxc_4": ("/lxc.payload.web/system.slice/nginx.service", container("lxc", "web")),
    "lxc_4_monitor": ("/lxc.monitor.web", NOBODY),
    "lxc_older": ("/lxc/web/system.slice/nginx.service", container("lxc", "web")),
    "lxc_of_proxmox": ("/lxc/100/ns/system.slice/nginx.service", container("lxc", "100")),
    "docker_in_lxc": (f"/lxc.payload.web/system.slice/docker-{ID}.scope", container("docker")),
    "nspawn_unit": ("/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", container("nspawn", "web")),
    "nspawn_scope": ("/machine.slice/machine-web.scope/payload/init.scope", container("nspawn", "web")),
    "id_in_a_strange_place": (f"/custom/{ID}", NOBODY),
    "id_too_short": (f"/docker/{ID[:-1]}", NOBODY),
    "id_not_hexadecimal": (f"/docker/{ID[:-1]}g", NOBODY),
    "scope_with_a_line_after_it": (f"/system.slice/docker-{ID}.scope\n", NOBODY),
    "service_that_looks_like_a_container": ("/system.slice/docker-web.service", unit("docker-web.service")),
    "pod_name_that_is_none": ("/kubepods.slice/kubepods-podfoo.slice", NOBODY),
}  # fmt: skip


@pytest.mark.parametrize("path, owner", PATHS.values(), ids=PATHS)
def test_path(path, owner):
    assert owner_of_path(path) == owner


def test_pod_of_a_kubelet_without_systemd():
    """Its layout does not name the runtime."""
    found = owner_of_path(f"/kubepods/burstable/pod{POD}/{ID}")
    assert (found.unit, found.container, found.pod_uid) == (None, ID, POD)


DOCKER_V1 = "".join(f"{n}:{name}:/docker/{ID}\n" for n, name in enumerate(("cpu,cpuacct", "memory", "name=systemd"), 2))
FILES = {
    "empty": ("", NOBODY),
    "v2": ("0::/system.slice/nginx.service\n", unit("nginx.service")),
    "v2_root": ("0::/\n", NOBODY),
    "v1": ("3:cpu,cpuacct:/system.slice/nginx.service\n1:name=systemd:/system.slice/nginx.service\n", unit("nginx.service")),
    "v1_docker": (DOCKER_V1 + "0::/\n", container("docker")),
    "hybrid_names_in_one_hierarchy_only": ("4:memory:/\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/nginx.service\n", unit("nginx.service")),
    "hybrid_container_beats_unit": (f"1:name=systemd:/system.slice/containerd.service\n4:memory:/k8s.io/{ID}\n0::/system.slice/containerd.service\n",
                                    container("containerd")),
    "container_in_a_pod_beats_container": (f"4:memory:/docker/{ID}\n3:cpu:{SLICES}/docker-{ID}.scope\n", container("docker", pod=POD)),
    "lxc_with_mixed_depth": ("9:hugetlb:/lxc/x1\n1:name=systemd:/lxc/x1/system.slice/snapd.service\n", container("lxc", "x1")),
    "own_cgroup_namespace": ("0::/../../nginx.service\n", unit("nginx.service")),
    "colon_in_a_name": ("0::/system.slice/a:b.service\n", unit("a:b.service")),
    "deleted_cgroup": ("0::/system.slice/nginx.service (deleted)\n", NOBODY),
    "without_newline": ("0::/system.slice/nginx.service", unit("nginx.service")),
    "line_that_is_none": ("garbage\n", NOBODY),
}  # fmt: skip


@pytest.mark.parametrize("text, owner", FILES.values(), ids=FILES)
def test_file(text, owner):
    assert owner_of(text.encode()) == owner


def test_name_that_is_no_utf8():
    assert owner_of(b"0::/system.slice/caf\xe9.service\n") == unit("caf\\xe9.service")


@given(st.binary(max_size=200))
def test_random_bytes_do_no_harm(data):
    assert isinstance(owner_of(data), Owner)
