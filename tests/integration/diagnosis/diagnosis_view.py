# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way to a verdict: facts over a window, then the judgement that playbooks/diagnose.yml prints."""

import json
from typing import NamedTuple

from ansible_collections.netops.listen_queue.plugins.plugin_utils.judge import judge
from kernel_view import facts, listeners_on

SAMPLE, INTERVAL = 1.5, 0.05  # seconds
HOST = "here"


class Seen(NamedTuple):
    """One window: the facts, and the report that was made of them."""

    facts: dict
    report: dict

    @property
    def namespace(self):
        return self.facts["namespaces"][0]

    def listeners(self, port):
        return listeners_on(self.namespace, port)

    def workers(self, port):
        """The processes that hold a socket of this port, each once."""
        pids = {pid for row in self.listeners(port) for pid in row["workers"]}
        return [worker for worker in self.facts["workers"] if worker["pid"] in pids]

    def counted(self, name, group="TcpExt"):
        """By how much a counter grew in the window."""
        return self.namespace["counters_sample"][group][name]["delta"]

    def diagnoses(self, port):
        """Those of one port, the worst first."""
        return [each for each in self.report["diagnoses"] if each["listener"].endswith(":%d" % port)]

    def expect(self, port, verdict, cause):
        """Return the worst diagnosis of a port, which must be this one, and certain."""
        found = self.diagnoses(port)[0]
        assert (found["verdict"], found["cause"]) == (verdict, cause), self.explain(port)
        assert found["confidence"] in ("high", "medium"), self.explain(port)
        return found

    def expect_healthy(self, *ports):
        """Nothing is wrong with any socket of these ports, and nothing may be."""
        for port in ports:
            assert {each["verdict"] for each in self.diagnoses(port)} == {"healthy"}, self.explain(port)

    def explain(self, port):
        """All that the judgement was made of."""
        parts = [*self.diagnoses(port), *self.listeners(port), *self.workers(port), *(self.facts.get(key) for key in ("cgroups", "pressure", "kernel_log"))]
        moved = {name: change["delta"] for name, change in self.namespace["counters_sample"]["TcpExt"].items() if change["delta"]}
        parts += [moved, self.namespace.get("conntrack"), self.namespace.get("nginx"), self.facts["problems"]]
        return "\n" + "\n".join(json.dumps(part) for part in parts)


def look():
    """Watch all listeners of this room, and judge."""
    seen = facts(sample=SAMPLE, sample_interval=INTERVAL, diagnose=True, nginx_status=True)
    return Seen(seen, judge({HOST: {"ansible_facts": {"listen_queue": seen}}}))
