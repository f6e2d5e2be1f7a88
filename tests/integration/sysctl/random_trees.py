# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of sysctl.d files that try what loaders disagree about. The same seed makes the same tree."""

import random

DIRECTORIES = ("/etc/sysctl.d", "/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
NAMES = (
    "10-a.conf", "50-x.conf", "50-x.conf", "99-sysctl.conf", "99-z.conf", "99_z.conf", "99.conf", "100-b.conf", "9-c.conf", "Z.conf", "a.conf",
    "60-foo.conf", "60-foo-bar.conf", ".99-h.conf", ".conf", "no-suffix", "b.conf.bak", "ä.conf", "x y.conf",
)  # fmt: skip
SOMAXCONN, SYN, RANGE = "net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.ip_local_port_range"
KEYS = (
    SOMAXCONN, SOMAXCONN, SOMAXCONN, "net/core/somaxconn", "net.core/somaxconn", "net//core/somaxconn", "/net/core/somaxconn", "net/core/./somaxconn",
    ".net.core.somaxconn", "net..core.somaxconn", "net/core/somaxconn/", SYN, SYN, "net/ipv4/tcp_max_syn_backlog", RANGE, "net.core.nosuch", "net.core", "x",
    "net.ipv4.conf.lo.rp_filter", "net.ipv4.conf.v2.rp_filter", "net.ipv4.conf.v/1.rp_filter", "net/ipv4/conf/v.1/rp_filter", "net.ipv4.conf.all.rp_filter",
)  # fmt: skip
PATTERNS = (
    "net.ipv4.conf.*.rp_filter", "net.ipv4.conf.*.rp_filter", "net.ipv4.conf.v*.rp_filter", "net.ipv4.conf.?o.rp_filter", "net/ipv4/conf/[lv]*/rp_filter",
    "net.ipv4.conf.[!l]*.rp_filter", "net.core.soma*", "net.*.somaxconn", "net.core.somaxcon[n]", "net.core.[a-s]omaxconn", "net.*.conf.lo.rp_filter",
    "net.ipv4.conf.[^v]*.rp_filter", "*.core.somaxconn", "net.core.somaxconn*", "net.ipv4.tcp_max_syn_back*", "net.ipv4.conf.v[/]1.rp_filter",
    "net/ipv4/conf/[]l]o/rp_filter",
)  # fmt: skip
BAD = ("abc", "", "5#why", '"7"', "4_096", "-", "99999999999", "= 5", "0x", "08", "1e3")
ODD = ("%d # why", "%d ; why", "%d 7", "0x%x", "0%o", "  %d", "%d\t", "%d\v", "%d\f")
ENDS = ("\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n", "\0", "\n\r")
OTHER = ("# comment", "; comment", "", "   ", "net.core.somaxconn", "=5", "-", "--", "\ufeff", "x=1", "garbage", "a", "#", "=", "-=5", "\x0b# odd")


class Maker:
    """Makes one tree from a seed. Each assignment has a number of its own, so that a value tells who wrote it."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._number = 1000

    def tree(self):
        made = {}
        for _file in range(self._random.randint(1, 6)):
            path = self._random.choice(DIRECTORIES) + "/" + self._random.choice(NAMES)
            made[path] = self._content()
        if self._random.random() < 0.5:
            made["/etc/sysctl.conf"] = self._text()
            if self._random.random() < 0.5:
                made["/etc/sysctl.d/99-sysctl.conf"] = {"symlink": self._random.choice(("../sysctl.conf", "/etc/sysctl.conf"))}
        return made

    def _content(self):
        kind = self._random.random()
        if kind < 0.06:
            return {"symlink": self._random.choice(("/dev/null", "/nowhere", "loop.conf"))}
        if kind < 0.09:
            return {"dir": {"y.conf": self._text()}}
        return "" if kind < 0.12 else self._text()

    def _text(self):
        text = "".join(self._line() + self._random.choice(ENDS) for _line in range(self._random.randint(1, 6)))
        return text.rstrip("\n") if self._random.random() < 0.1 else text

    def _line(self):
        choose, chance = self._random.choice, self._random.random
        if chance() < 0.1:
            return choose(OTHER)
        key = choose(PATTERNS) if chance() < 0.35 else choose(KEYS)
        if chance() < 0.15:
            key = choose(("-", "-", "-", "- ", "--")) + key
            if chance() < 0.6:
                return choose(("", " ")) + key + choose(("", " "))
        return choose(("", "", "", " ", "\t")) + key + choose((" = ", "=", " =", "= ", "\t=\t")) + self._value()

    def _value(self):
        chance = self._random.random()
        if chance < 0.2:
            return self._random.choice(BAD)
        if chance < 0.3:
            return str(self._random.randint(1, 3))  # the same value in several places
        self._number += 1
        return (self._random.choice(ODD) if chance < 0.45 else "%d") % self._number
