# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx processes in a procfs made of files."""

BINARY = (
    b"nginx version: nginx/1.22.1\n\0set prefix path (default: /usr/share/nginx/)\nset error log file (default: stderr)\n"
    b"set configuration file (default: /etc/nginx/nginx.conf)\n\0configure arguments: --pid-path=/run/nginx.pid\n\0"
)
MASTER, WORKER = b"nginx: master process /usr/sbin/nginx", b"nginx: worker process"
LIMITS = b"Limit  Soft  Hard  Units\nMax open files            %d                 524288               files     \n"


def add_nginx(tree, pid, cmdline=MASTER, parent=1, **values):
    """Add one process to a Tree. ``exe`` is a file, ``root`` a directory; the rest is bytes, or what Tree.process() takes."""
    tree.process(pid, name=b"nginx", parent=parent, **{key: values.pop(key) for key in ("fds", "netns", "mntns", "cgroup") if key in values})
    tree.file(f"{pid}/comm", b"nginx\n")
    tree.file(f"{pid}/cmdline", cmdline + b"\0")
    tree.file(f"{pid}/status", b"Name:\tnginx\nUid:\t0\t%d\t0\t0\nNSpid:\t%d\t%d\n" % (values.pop("uid", 0), pid, values.pop("inner", pid)))
    tree.file(f"{pid}/limits", LIMITS % values.pop("limit", 1024))
    tree.file(f"{pid}/wchan", values.pop("wchan", b"do_epoll_wait"))
    exe = values.pop("exe", tree.root / "binary")
    if exe:
        if exe == tree.root / "binary":
            tree.file("binary", BINARY)
        tree.link(f"{pid}/exe", exe)
    tree.link(f"{pid}/root", values.pop("root"))
    tree.link(f"{pid}/cwd", values.pop("cwd", "/"))
    assert not values
