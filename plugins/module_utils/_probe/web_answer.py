# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions over HTTP/1.1 and the first line of the answer; no more of it is read."""

import re
from typing import NamedTuple

from .._errors import InputError

URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(/[!-~]*)?\Z")
STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")
MOST_READ = 4096  # bytes


class Url(NamedTuple):
    """``host`` is without brackets; ``authority`` is what the Host header says."""

    is_tls: bool
    host: str
    port: int
    target: str
    authority: str

    @property
    def text(self):
        """For people and journals, so without the query, which may hold a token."""
        path, mark, _query = self.target.partition("?")
        return "%s://%s%s" % ("https" if self.is_tls else "http", self.authority, path + (mark and "?..."))


def parse_url(text, option="url"):
    """Return the Url. Raises InputError for what is no plain http or https URL."""
    match = URL.match(text)
    if not match and "@" in text:
        raise InputError("%s: what holds an @ is not asked; name a URL that needs neither user nor password, like http://127.0.0.1:8080/health" % option)
    if not match or (match.group(3) and not 1 <= int(match.group(3)) <= 65535):
        raise InputError("%s: %r is no URL that can be asked; write it like http://127.0.0.1:8080/health" % (option, text))
    scheme, host, port, target = match.groups()
    return Url(scheme == "https", host.strip("[]"), int(port or (443 if scheme == "https" else 80)), target or "/", host + (":" + port if port else ""))


def request(url):
    """Return the bytes of the question."""
    head = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: netops.listen_queue\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    return (head % (url.target, url.authority)).encode("ascii")


def status_of(answer):
    """Return the status of the first line of an answer (bytes), or None when it is none."""
    match = STATUS.match(answer)
    return int(match.group(1)) if match else None
