# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.hosts import read_results

RESULT = {"changed": False, "invocation": {}, "ansible_facts": {"listen_queue": {"schema": 1}, "other": 2}}
KEPT = {"ansible_facts": {"listen_queue": {"schema": 1}}}


class HostVars(dict):
    """What a filter or an action gets: a mapping with raw_get, and the manager it asks."""

    asked = ()

    def raw_get(self, name):
        self.asked += (name,)
        return dict(self).get(name)


@pytest.mark.parametrize(
    ("cache", "asked"),
    [
        ({"web1": {"result": RESULT}}, ()),
        ({"web1": {"other": 1}}, ("web1",)),
        ({}, ("web1",)),
        ({"web1": ["not a mapping"]}, ("web1",)),
        (["not a mapping"], ("web1",)),
        (None, ("web1",)),
    ],
    ids=["where_core_keeps_it", "another_variable", "another_host", "strange_host", "strange_cache", "no_cache"],
)
def test_a_result_is_found_wherever_core_keeps_it(cache, asked):
    hostvars = HostVars(web1={"result": RESULT})
    hostvars._variable_manager = SimpleNamespace(_nonpersistent_fact_cache=cache)
    assert read_results(hostvars, ["web1"], "result") == {"web1": KEPT}
    assert hostvars.asked == asked


def test_an_answer_that_is_no_fact():
    assert read_results(HostVars(web1={"result": {"listen_queue": {"schema": 1}, "x": 1}}), ["web1"], "result") == {"web1": {"listen_queue": {"schema": 1}}}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"schema": 1}', {"listen_queue": {"schema": 1}}),
        ("{", {"failed": True, "msg": "the answer is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"}),
        (7, {"failed": True, "msg": "the answer is no JSON: the JSON object must be str, bytes or bytearray, not int"}),
    ],
    ids=["facts", "cut_short", "no_text"],
)
def test_an_answer_that_is_one_text(text, kept):
    assert read_results(HostVars(web1={"result": {"listen_queue_json": text}}), ["web1"], "result") == {"web1": kept}


def test_hosts_without_the_result_are_none():
    assert read_results(HostVars(web1={}), ["web1", "web2"], "result") == {"web1": None, "web2": None}
