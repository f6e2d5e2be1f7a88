# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way to a verdict: facts over a window, then the judgement that playbooks/diagnose.yml prints."""

import json
from typing import NamedTuple

from ansible_collections.netops.listen_queue.plugins.plugin_utils.judge import judge
from kernel_view import facts

SAMPLE, INTERVAL = 1.5, 0.05  # seconds
HOST = "here"


class Seen(NamedTuple):
    """One window: the facts, and the report that was made of them."""

    facts: dict
    report: dict

    @property
    def namespace(self):
        return self.facts["namespaces"][0]

    def listeners(self, place):
        """The sockets on a port, or of a path."""
        return [row for row in self.namespace["listeners"] if place in (row.get("local_port"), row.get("path"))]

    def workers(self, place):
        """The processes that hold such a socket, each once."""
        pids = {pid for row in self.listeners(place) for pid in row["workers"]}
        return [worker for worker in self.facts["workers"] if worker["pid"] in pids]

    def counted(self, name, group="TcpExt"):
        """By how much a counter grew in the window."""
        return self.namespace["counters_sample"][group][name]["delta"]

    def diagnoses(self, place):
        """Those of one port or path, the worst first."""
        return [each for each in self.report["diagnoses"] if each["listener"] == place or each["listener"].endswith(":%s" % place)]

    def expect(self, place, verdict, cause, *confidences):
        """Return the worst diagnosis there, which must be this one, and certain enough (medium or high)."""
        found = self.diagnoses(place)[0]
        assert (found["verdict"], found["cause"]) == (verdict, cause), self.explain(place)
        assert found["confidence"] in (confidences or ("medium", "high")), self.explain(place)
        return found

    def expect_healthy(self, *places):
        """Nothing is wrong with any socket there, and nothing may be."""
        for place in places:
            assert {each["verdict"] for each in self.diagnoses(place)} == {"healthy"}, self.explain(place)

    def explain(self, place):
        """All that the judgement was made of."""
        parts = [*self.diagnoses(place), *self.listeners(place), *self.workers(place), *(self.facts.get(key) for key in ("cgroups", "pressure", "kernel_log"))]
        moved = {name: change["delta"] for name, change in self.namespace["counters_sample"]["TcpExt"].items() if change["delta"]}
        parts += [moved, self.namespace.get("conntrack"), self.namespace.get("nginx"), self.facts["problems"]]
        return "\n" + "\n".join(json.dumps(part) for part in parts)


def look():
    """Watch all listeners of this room, and judge."""
    seen = facts(sample=SAMPLE, sample_interval=INTERVAL, diagnose=True, nginx_status=True)
    return Seen(seen, judge({HOST: {"ansible_facts": {"listen_queue": seen}}}))
