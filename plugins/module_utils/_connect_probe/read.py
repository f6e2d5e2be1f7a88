# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurement of connect_probe: options checked, the namespace entered, the attempts counted."""

import time

from .._errors import InputError
from .._listeners.read import chosen_namespace, inside
from .._namespaces.read import own_namespace
from .._probe.latency import summary
from .._probe.read import LOCAL, connect_often
from .._proc import ProcFS
from .._sockets.endpoint import parse_endpoint

# option: (smallest, largest)
LIMITS = {"port": (1, 65535), "count": (1, 10000), "timeout": (0.001, 60), "interval": (0, 60), "max_time": (0.001, 600)}


def probe(parameters, proc_root):
    """Return the values of the module connect_probe. Raises InputError, ReadError."""
    for option, (smallest, largest) in LIMITS.items():
        if not smallest <= parameters[option] <= largest:
            raise InputError("%s: %s is out of range; it takes %s to %s" % (option, parameters[option], smallest, largest))
    address = parameters["address"].strip("[]")
    endpoint = parse_endpoint(("[%s]:%d" if ":" in address else "%s:%d") % (address, parameters["port"]), "address")
    if endpoint.family == "unix":
        raise InputError("address: %r is no IP address" % parameters["address"])
    proc = ProcFS(proc_root)
    own = own_namespace(proc)
    namespace = chosen_namespace(proc, own, parameters["netns"])
    start = time.monotonic()
    with inside(proc, own, namespace):
        place = LOCAL.get(endpoint.address, endpoint.address), endpoint.port
        attempts = connect_often(endpoint.family, place, parameters["count"], parameters["timeout"], parameters["max_time"], parameters["interval"])
    return dict(summary(attempts), seconds=round(time.monotonic() - start, 6))
