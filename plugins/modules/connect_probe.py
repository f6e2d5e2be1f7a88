#!/usr/bin/python
# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: connect_probe
version_added: 0.2.0
short_description: Measure how a listener answers new connections
description:
  - Opens and closes TCP connections, one after the other, and returns how long they took and how many timed out, were refused or reset.
  - A full accept queue shows as timeouts, because the kernel drops the SYN without a word. With C(net.ipv4.tcp_abort_on_overflow) some connections
    are reset right after they were made. These count as resets.
  - Sends no data. Most programs take such a connection for a client that changed its mind.
author:
  - netops.listen_queue authors (@netops)
extends_documentation_fragment:
  - netops.listen_queue.attributes
  - netops.listen_queue.attributes.info
options:
  address:
    description:
      - IPv4 or IPv6 address. Names are not looked up, as their lookup would be measured too.
    type: str
    default: 127.0.0.1
  port:
    description:
      - TCP port.
    type: int
    required: true
  netns:
    description:
      - The network namespace to connect in, as a name of C(ip netns), a path, a process id or an inode. By default that of the module.
    type: str
  count:
    description:
      - Number of connections, 1 to 10000.
    type: int
    default: 20
  timeout:
    description:
      - Seconds to wait for each connection. The kernel sends a SYN that was dropped again after one second, so shorter times tell a dropped SYN
        from a slow one.
    type: float
    default: 0.9
  interval:
    description:
      - Seconds between two connections.
    type: float
    default: 0
  max_time:
    description:
      - Seconds for all connections together, up to 600. When they are over, RV(attempts) is smaller than O(count).
    type: float
    default: 30
seealso:
  - module: netops.listen_queue.listen_queue_verify
"""

EXAMPLES = r"""
- name: Try the new limit with a canary
  netops.listen_queue.connect_probe:
    port: 8080
    count: 100
  register: probe
  failed_when: probe.timeouts or probe.resets or probe.latency.p99 > 0.05
"""

RETURN = r"""
attempts:
  description: Connections that were tried.
  returned: success
  type: int
  sample: 20
connected:
  description: Those that were made.
  returned: success
  type: int
  sample: 20
timeouts:
  description: Those that got no answer in time.
  returned: success
  type: int
  sample: 0
resets:
  description: Those that were reset, at once or right after they were made.
  returned: success
  type: int
  sample: 0
refused:
  description: Those that were refused, which is what a port without a listener does.
  returned: success
  type: int
  sample: 0
errors:
  description: Those that failed otherwise. RV(reasons) has the system's words.
  returned: success
  type: int
  sample: 0
reasons:
  description: Why connections failed otherwise.
  returned: success
  type: list
  elements: str
  sample: []
latency:
  description: How long the connections that were made took, in seconds, as C(min), C(mean), C(p50), C(p90), C(p95), C(p99) and C(max). C(null) without any.
  returned: success
  type: dict
  sample: {min: 0.000021, mean: 0.000042, p50: 0.00004, p90: 0.00006, p95: 0.00007, p99: 0.0001, max: 0.0001}
seconds:
  description: How long it took altogether.
  returned: success
  type: float
  sample: 0.012
"""

from ..module_utils._runner import run_info

ARGUMENT_SPEC = {
    "address": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int", "required": True},
    "netns": {"type": "str"},
    "count": {"type": "int", "default": 20},
    "timeout": {"type": "float", "default": 0.9},
    "interval": {"type": "float", "default": 0},
    "max_time": {"type": "float", "default": 30},
}


def gather(parameters):
    """Return the module's result."""
    from ..module_utils._connect_probe.read import probe

    return probe(parameters, "/proc")


def main():
    run_info(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
