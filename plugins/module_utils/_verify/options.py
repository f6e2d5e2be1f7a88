# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to hold, from the options of listen_queue_verify."""

from typing import Dict, NamedTuple, Optional, Tuple

from .._errors import InputError
from .._probe.web_answer import Url, parse_url
from .._sockets.endpoint import Endpoint, parse_endpoint
from .._sysctl.conf_file import GLOB

LONGEST_TIMEOUT = 3600
INTERVALS = (0.05, 60)
INT_MAX = 2147483647


class Listener(NamedTuple):
    """One address, the limit that all its sockets are to have, and the namespace as the user named it.

    ``drops`` is how many packets they had dropped before, None when that is not known.
    """

    endpoint: Endpoint
    limit: int
    netns: Optional[str]
    drops: Optional[int] = None


class Wanted(NamedTuple):
    """All options, checked. ``timeout`` and ``interval`` are seconds."""

    listeners: Tuple[Listener, ...]
    sysctls: Dict[str, str]
    boot_sysctls: Dict[str, str]
    netns: Optional[str]
    config: Optional[str]
    root: str
    probe: bool
    url: Optional[Url]
    url_status: Tuple[int, ...]
    url_validate_certs: bool
    timeout: float
    interval: float


def checked(parameters):
    """Return what is Wanted. Raises InputError."""
    timeout, interval = parameters["timeout"], parameters["interval"]
    if not 0 <= timeout <= LONGEST_TIMEOUT:
        raise InputError("timeout: %s is out of range; it takes 0 to %d seconds" % (timeout, LONGEST_TIMEOUT))
    if not INTERVALS[0] <= interval <= INTERVALS[1]:
        raise InputError("interval: %s is out of range; it takes %s to %s seconds" % ((interval,) + INTERVALS))
    if not any(parameters[option] for option in ("listeners", "sysctls", "boot_sysctls", "config", "url")):
        raise InputError("there is nothing to verify; give listeners, sysctls, boot_sysctls, config or url")
    return Wanted(
        tuple(_listener(row, parameters["netns"]) for row in parameters["listeners"] or ()),
        _texts(parameters["sysctls"], "sysctls"),
        _texts(parameters["boot_sysctls"], "boot_sysctls"),
        parameters["netns"],
        parameters["config"],
        parameters["root"],
        parameters["probe"],
        parse_url(parameters["url"]) if parameters["url"] is not None else None,
        tuple(parameters["url_status"]),
        parameters["url_validate_certs"],
        timeout,
        interval,
    )


def _listener(row, netns):
    limit, drops = row["limit"], row.get("drops")
    if not 0 <= limit <= INT_MAX:
        raise InputError("listeners: the limit %d of %s is out of range; it takes 0 to %d" % (limit, row["listen"], INT_MAX))
    return Listener(parse_endpoint(row["listen"], "listeners"), limit, row["netns"] or netns, drops)


def _texts(values, option):
    """Numbers and texts as the kernel shows them; nothing else can be compared."""
    texts = {}
    for key, value in (values or {}).items():
        if GLOB.search(key):
            raise InputError("%s: %s is a pattern; name each sysctl" % (option, key))
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise InputError("%s: the value of %s is neither a whole number nor a text" % (option, key))
        texts[key] = str(value)
    return texts
