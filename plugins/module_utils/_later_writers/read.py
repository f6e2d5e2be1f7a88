# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks inside a root for programs that set sysctls later than the loader does."""

import os

from .._errors import ReadError
from .programs import FIXED, WHEN, Claim, claims_on, cni_claims, mentions, networkd_claims, sysctl_claims, tuned_profile, tuned_when

MOST_BYTES = 1 << 20
MOST_INCLUDES = 20
TUNED = ("/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned")
CLOUD_FILES = ("/etc/cloud/cloud.cfg", "/var/lib/cloud/instance/user-data.txt", "/var/lib/cloud/instance/vendor-data.txt")
NETWORK_FOLDERS = ("/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network", "/usr/lib/systemd/network")


def later_writers(root, paths):
    """Return ``{path: [{program, path, line, value, note}]}`` for ``paths`` (below /proc/sys). What cannot be read says nothing."""
    claims = _tuned(root) + _ufw(root) + _fixed(root)
    for path, data in _files(root, "/etc/cni/net.d", (".conf", ".conflist", ".json")):
        claims += cni_claims(path, data)
    for folder in NETWORK_FOLDERS:
        for path, data in _files(root, folder, (".network",)):
            claims += networkd_claims(path, data)
    data = _read(root, "/etc/systemd/networkd.conf")
    claims += networkd_claims("/etc/systemd/networkd.conf", data or b"")
    clouds = [(path, _read(root, path)) for path in CLOUD_FILES] + _files(root, "/etc/cloud/cloud.cfg.d", (".cfg",))
    for path, data in clouds:
        claims += mentions("cloud-init", path, data or b"", paths)
    return {path: claims_on(claims, path) for path in paths}


def _read(root, path):
    try:
        return root.read(path, MOST_BYTES).data
    except (OSError, ReadError):
        return None


def _files(root, folder, endings):
    """Return ``[(path, bytes)]`` of the files in a folder that end so and can be read."""
    try:
        names = sorted(os.fsdecode(name) for name in root.names(folder))
    except (OSError, ReadError):
        return []
    found = [(folder + "/" + name, _read(root, folder + "/" + name)) for name in names if name.endswith(endings)]
    return [(path, data) for path, data in found if data is not None]


def _tuned(root):
    active = _read(root, "/etc/tuned/active_profile")
    if not active:
        return []
    when = tuned_when(_read(root, "/etc/tuned/tuned-main.conf"))
    left, seen, claims = active.decode("utf-8", "backslashreplace").split()[::-1], set(), []
    while left and len(seen) < MOST_INCLUDES:
        name = left.pop()
        if name in seen or "/" in name:
            continue
        seen.add(name)
        for folder in TUNED:
            path = "%s/%s/tuned.conf" % (folder, name)
            data = _read(root, path)
            if data is not None:
                included, found = tuned_profile(path, data, when)
                left += included
                claims += found
                break
    return claims


def _ufw(root):
    enabled = b"ENABLED=yes" in (_read(root, "/etc/ufw/ufw.conf") or b"").split()
    path = "/etc/ufw/sysctl.conf"
    return sysctl_claims("ufw", path, _read(root, path) or b"", WHEN["ufw"]) if enabled else []


def _fixed(root):
    claims = []
    for program, (places, keys) in FIXED.items():
        seen = next((place for place in places if _exists(root, place)), None)
        if seen:
            claims += [Claim(program, pattern, value, seen, None, WHEN[program]) for pattern, value in keys]
    return claims


def _exists(root, path):
    try:
        return root.exists(path)
    except OSError:
        return False
