# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a module in a process of its own, to be killed from outside: matrix_victim.py FOLDER ID ACT. See test_matrix.py."""

import sys
from pathlib import Path


def main(folder, identifier, act):
    here = Path(__file__).parent
    sys.path[:0] = [str(path) for path in (here, here.parent / "kernel", here.parent / "nginx", here.parents[1])]
    from checkout import use_this_checkout

    use_this_checkout()
    from checkpoint_host import Host
    from nginx_server import Server

    host = Host(Path(folder))
    host.id = identifier
    host.server = Server(Path(folder) / "nginx")
    acts = {
        "two_sysctls_and_a_file": host.sysctl,
        "three_listens": lambda: host.listen(validate=False),
        "reload": host.reload,
        "backlog": lambda: host.backlog("0.0.0.0:8083", 400),
        "rollback": lambda: host.checkpoint("rolled_back"),
        "commit": lambda: host.checkpoint("committed"),
        "recovery": host.settle,
        "opening": lambda: host.open(id=identifier, rollback_after=0),
        "opening_with_deadline": lambda: host.open(id=identifier, rollback_after=600),
        "abandoning": lambda: host.checkpoint("abandoned"),
    }
    acts[act]()


if __name__ == "__main__":
    main(*sys.argv[1:])
