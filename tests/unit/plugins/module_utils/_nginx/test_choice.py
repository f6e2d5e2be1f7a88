# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say which configuration is meant."""

import re

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.choice import chosen_path, seconds

GOOD = {
    "not_given": ({"config": None}, None),
    "absolute": ({"config": "/etc/nginx/nginx.conf"}, "/etc/nginx/nginx.conf"),
    "absolute_beside_a_prefix": ({"config": "/etc/nginx/nginx.conf", "prefix": "/opt"}, "/etc/nginx/nginx.conf"),
    "below_a_prefix": ({"config": "conf/nginx.conf", "prefix": "/opt/"}, "/opt/conf/nginx.conf"),
    "dots_in_a_name": ({"config": "/etc/..nginx/nginx..conf"}, "/etc/..nginx/nginx..conf"),
}
BAD = {
    "relative": ({"config": "nginx.conf"}, "config: 'nginx.conf' is not an absolute path without `..`; give the prefix that it belongs to"),
    "empty": ({"config": ""}, "config: '' is not an absolute path without `..`; give the prefix that it belongs to"),
    "empty_with_a_prefix": ({"config": "", "prefix": "/opt"}, "config: '' is not an absolute path without `..`; name it as nginx inside root does"),
    "relative_prefix": ({"config": "a", "prefix": "opt"}, "config: 'a' is not an absolute path without `..`; name it as nginx inside root does"),
    "up": ({"config": "/etc/../nginx.conf"}, "config: '/etc/../nginx.conf' is not an absolute path without `..`; name it as nginx inside root does"),
    "up_below_a_prefix": ({"config": "../a", "prefix": "/opt"}, "config: '../a' is not an absolute path without `..`; name it as nginx inside root does"),
    "nul": ({"config": "/etc/\0"}, "config: '/etc/\\x00' is not an absolute path without `..`; name it as nginx inside root does"),
    "relative_root": ({"config": None, "root": "srv/web"}, "root: 'srv/web' is not an absolute path"),
    "empty_root": ({"config": None, "root": ""}, "root: '' is not an absolute path"),
}


@pytest.mark.parametrize("given, path", GOOD.values(), ids=GOOD)
def test_path(given, path):
    assert chosen_path({"root": "/", "prefix": None, **given}) == path


@pytest.mark.parametrize("given, sentence", BAD.values(), ids=BAD)
def test_path_that_could_mean_several_files(given, sentence):
    with pytest.raises(InputError, match="^" + re.escape(sentence) + "$"):
        chosen_path({"root": "/", "prefix": None, **given})


def test_module_without_prefix_does_not_speak_of_one():
    with pytest.raises(InputError, match=r"; name it as nginx inside root does$"):
        chosen_path({"root": "/", "config": "nginx.conf"})


def test_time_limit():
    assert seconds({"timeout": 1}, "timeout") == 1
    for wrong in (0, -5):
        with pytest.raises(InputError, match=r"^timeout must be at least 1 second, not %d$" % wrong):
            seconds({"timeout": wrong}, "timeout")
