# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of listen_queue_verify, and the sentences for those that make no sense."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets.endpoint import parse_endpoint
from ansible_collections.netops.listen_queue.plugins.module_utils._verify.options import Listener, checked

DEFAULTS = {
    "listeners": [], "sysctls": {}, "boot_sysctls": {}, "config": None, "root": "/", "probe": True, "url": None, "url_status": [], "url_validate_certs": True,
    "netns": None, "timeout": 30, "interval": 0.5,
}  # fmt: skip
URL = {"url": "http://h/"}
WRONG = {
    "nothing": ({}, "there is nothing to verify; give listeners, sysctls, boot_sysctls, config or url"),
    "timeout": ({**URL, "timeout": 3601}, "timeout: 3601 is out of range; it takes 0 to 3600 seconds"),
    "negative_timeout": ({**URL, "timeout": -1}, "timeout: -1 is out of range; it takes 0 to 3600 seconds"),
    "timeout_that_is_no_number": ({**URL, "timeout": float("nan")}, "timeout: nan is out of range; it takes 0 to 3600 seconds"),
    "interval": ({**URL, "interval": 0}, "interval: 0 is out of range; it takes 0.05 to 60 seconds"),
    "limit": ({"listeners": [{"listen": "80", "limit": -1, "netns": None}]}, "listeners: the limit -1 of 80 is out of range; it takes 0 to 2147483647"),
    "listen": ({"listeners": [{"listen": "h:80", "limit": 1, "netns": None}]}, "listeners: names are not looked up; write the address of h instead"),
    "url": ({"url": "h"}, "url: 'h' is no URL that can be asked; write it like http://127.0.0.1:8080/health"),
    "pattern": ({"sysctls": {"net.*": 1}}, "sysctls: net.* is a pattern; name each sysctl"),
    "yes_as_a_value": ({"sysctls": {"net.x": True}}, "sysctls: the value of net.x is neither a whole number nor a text"),
    "list_as_a_value": ({"boot_sysctls": {"net.x": [1]}}, "boot_sysctls: the value of net.x is neither a whole number nor a text"),
}


@pytest.mark.parametrize("given, sentence", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense(given, sentence):
    with pytest.raises(InputError) as raised:
        checked({**DEFAULTS, **given})
    assert str(raised.value) == sentence


def test_wanted():
    listeners = [{"listen": "80", "limit": 5, "netns": None}, {"listen": "/x", "limit": 6, "netns": "blue"}]
    wanted = checked({**DEFAULTS, "listeners": listeners, "netns": "red", "sysctls": {"a": 1, "b": "1 2"}, "url_status": [200]})
    assert wanted.listeners == (Listener(parse_endpoint("80"), 5, "red"), Listener(parse_endpoint("/x"), 6, "blue"))
    assert (wanted.sysctls, wanted.url, wanted.url_status) == ({"a": "1", "b": "1 2"}, None, (200,))
