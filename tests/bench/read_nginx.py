# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one nginx configuration with its includes and prints how many servers and listens it has.

python read_nginx.py ours|crossplane COLLECTIONS nginx.conf         COLLECTIONS is the parent of ansible_collections
python read_nginx.py edit COLLECTIONS nginx.conf LISTEN BACKLOG     also plans the change of one listen
"""

import importlib
import os
import sys
from collections import Counter


def ours(path):
    configuration = part("read").read_configuration("/", path, os.path.dirname(path) + "/")
    return configuration, Counter(node.directive.name.decode() for node in configuration.nodes)


def edit(path, listen, backlog):
    configuration, counts = ours(path)
    planner = part("edit")
    plan = planner.plan_listen(configuration, lambda name: part("read").read_source(configuration, name).data, planner.wanted_of(listen, int(backlog)))
    if plan.refusals or len(plan.files) != 1:
        raise SystemExit(str(plan.refusals))
    return plan, counts


def crossplane(path):
    parsed = importlib.import_module("crossplane").parse(path)
    if parsed["status"] != "ok":
        raise SystemExit(str(parsed["errors"]))
    blocks = [file["parsed"] for file in parsed["config"]]
    counts = Counter()
    for block in blocks:
        counts.update(directive["directive"] for directive in block)
        blocks += [directive["block"] for directive in block if "block" in directive]
    return parsed, counts


def part(name):
    return importlib.import_module("ansible_collections.netops.listen_queue.plugins.module_utils._nginx." + name)


def main():
    how, collections, *arguments = sys.argv[1:]
    sys.path.insert(0, collections)
    sys.dont_write_bytecode = True  # Ansible compiles a module's code on every run, too
    _kept, counts = {"ours": ours, "edit": edit, "crossplane": crossplane}[how](*arguments)
    print("%d servers, %d listens" % (counts["server"], counts["listen"]))


if __name__ == "__main__":
    main()
