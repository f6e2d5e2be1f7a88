# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import datetime

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.waiver import WaiverError, compile_waivers

RULES = ("drops_rate", "somaxconn_low")
WAIVER = {"rule": "drops_rate", "reason": "known, replaced in March", "expires": "2026-12-31"}
FINDING = {"rule": "drops_rate", "host": "web1", "namespace": "host", "listener": "[::]:80"}


def changed(**changes):
    return {key: value for key, value in {**WAIVER, **changes}.items() if value != "absent"}


@pytest.mark.parametrize(
    ("waivers", "message"),
    [
        ("all", "backlog_audit_waivers must be a list of mappings with rule, reason and expires"),
        (["all"], "backlog_audit_waivers[0]: a waiver must be a mapping with rule, reason and expires"),
        ([changed(), changed(reason="absent")], "backlog_audit_waivers[1]: reason is required"),
        ([changed(reason="  ", expires="absent")], "backlog_audit_waivers[0]: reason and expires is required"),
        ([changed(hosts="web1")], "backlog_audit_waivers[0]: unknown key hosts: a waiver has rule, host, namespace, listener, reason and expires"),
        ([changed(rule="drops")], "backlog_audit_waivers[0]: there is no rule drops: rules are drops_rate, somaxconn_low"),
        ([changed(expires="never")], "backlog_audit_waivers[0]: expires must be a day such as 2026-12-31, not never"),
        ([changed(host=7)], "backlog_audit_waivers[0]: every value must be text"),
    ],
)
def test_errors_name_the_waiver(waivers, message):
    with pytest.raises(WaiverError) as caught:
        compile_waivers(waivers, RULES, "2026-11-20")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("patterns", "covers"),
    [
        ({}, True),
        ({"rule": "drops_*"}, True),
        ({"host": "web?"}, True),
        ({"host": "WEB1"}, False),
        ({"host": "web"}, False),
        ({"listener": "[::]:80"}, True),
        ({"listener": "*:80"}, True),
        ({"listener": "[::]:*", "namespace": "host"}, True),
        ({"listener": "[a-z]*"}, False),
        ({"namespace": "netns *"}, False),
    ],
)
def test_patterns(patterns, covers):
    (waiver,) = compile_waivers([changed(**patterns)], RULES, "2026-11-20")
    assert waiver.covers(FINDING) is covers


def test_a_finding_without_a_listener_is_not_covered_by_a_listener_pattern():
    (waiver,) = compile_waivers([changed(listener="0.0.0.0:*")], RULES, "2026-11-20")
    assert not waiver.covers({"rule": "drops_rate", "host": "web1", "namespace": None, "listener": None})


@pytest.mark.parametrize(("today", "expired"), [("2026-12-30", False), ("2026-12-31", False), ("2027-01-01", True)])
def test_a_waiver_counts_through_its_last_day(today, expired):
    (as_text,) = compile_waivers([changed()], RULES, today)
    (as_yaml_date,) = compile_waivers([changed(expires=datetime.date(2026, 12, 31))], RULES, today)
    assert (as_text.expired, as_yaml_date.expired) == (expired, expired)
