# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task sleeps in the kernel: the text of /proc/<pid>/wchan and /proc/<pid>/syscall (proc(5))."""


def parse_sleep(wchan, syscall):
    """Return the kernel function in which a task sleeps, or else ``syscall N``; ``None`` when neither file tells it.

    Both are bytes or ``None``. A task that runs has the wchan ``0`` and the syscall ``running``; who may not look sees ``0``, too.
    The numbers of system calls differ between architectures.
    """
    name = (wchan or b"").strip()
    if name and name != b"0":
        return name.decode("ascii", "backslashreplace")
    number = (syscall or b"").split()[:1]
    return "syscall %d" % int(number[0]) if number and number[0].isdigit() else None
