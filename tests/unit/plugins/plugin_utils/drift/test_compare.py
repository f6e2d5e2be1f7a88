# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.drift.compare import build_drift
from ansible_collections.netops.listen_queue.plugins.plugin_utils.drift.text import drift_markdown, drift_verdict
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.model import markdown_report
from ansible_collections.netops.listen_queue.plugins.plugin_utils.report.terminal import table
from ansible_collections.netops.listen_queue.plugins.plugin_utils.text import width
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.sample_reports import (
    DOWN,
    HOSTILE,
    RULES,
    THEN,
    boot,
    compared,
    facts,
    full_report,
    listener,
    namespace,
    report,
)

QUIET = facts(namespace(listener()))
DROPS = facts(namespace(listener(drops=3)))
FULL = facts(namespace(listener(accept_queue_full=True)))
UNKNOWN = facts(namespace(listener(drops=None)))
UNREAD = facts(namespace(listeners=None), complete=False)
SAMPLED = facts(namespace(listener(sample={"reads": 9, "drops": {"delta": 2}}), counters_sample={}), sample={"seconds": 1})
SAMPLED_QUIET = facts(namespace(listener(sample={"reads": 9, "drops": {"delta": 0}}), counters_sample={}), sample={"seconds": 1})
WAIVER = {"rule": "drops", "reason": "known", "expires": "2026-11-10"}
LONGER = {**WAIVER, "expires": "2027-01-01"}
NO_DROPS = [rule for rule in RULES if rule["id"] != "drops"]
WARNING_FULL = [{**rule, "severity": "warning"} if rule["id"] == "full" else rule for rule in RULES]


def pod(uid, *listeners, somaxconn=4096):
    return namespace(*listeners, names={"pod_uid": uid}, somaxconn=somaxconn, netns=2)


def summary(drift):
    """{list: what it holds, in short}, without the empty ones."""
    short = {
        "new": [(each["rule"], each["drift"]) for each in drift["new"]],
        "resolved": [each["rule"] for each in drift["resolved"]],
        "not_judged": [(each["rule"], each["drift"]) for each in drift["not_judged"]],
        "changed": [tuple(each[key] for key in ("namespace", "listener", "what", "before", "after")) for each in drift["changed"]],
        "hosts_gone": drift["hosts_gone"],
        "hosts_new": drift["hosts_new"],
        "hosts_not_compared": [(each["before"], each["after"]) for each in drift["hosts_not_compared"]],
    }
    return {key: value for key, value in short.items() if value}


# What the host's facts (or None: not in the audit) and the judgement were then and are now, and what became of it.
CASES = {
    "nothing": ({"a": QUIET}, {}, {"a": QUIET}, {}, {}),
    "the_same_finding": ({"a": DROPS}, {}, {"a": facts(namespace(listener(drops=999)))}, {}, {}),
    "appeared": ({"a": QUIET}, {}, {"a": DROPS}, {}, {"new": [("drops", "appeared")]}),
    "resolved": ({"a": DROPS}, {}, {"a": QUIET}, {}, {"resolved": ["drops"]}),
    "waived_both_times": ({"a": DROPS}, {"waivers": [LONGER]}, {"a": DROPS}, {"waivers": [LONGER]}, {}),
    "waiver_ended": ({"a": DROPS}, {"waivers": [WAIVER]}, {"a": DROPS}, {"waivers": [WAIVER]}, {"new": [("drops", "waiver_ended")]}),
    "waiver_taken_away": ({"a": DROPS}, {"waivers": [LONGER]}, {"a": DROPS}, {}, {"new": [("drops", "waiver_ended")]}),
    "waived_since": ({"a": DROPS}, {}, {"a": DROPS}, {"waivers": [LONGER]}, {"not_judged": [("drops", "waived")]}),
    "rule_added": ({"a": DROPS}, {"rules": NO_DROPS}, {"a": DROPS}, {}, {"new": [("drops", "rule_added")]}),
    "rule_removed": ({"a": DROPS}, {}, {"a": DROPS}, {"rules": NO_DROPS}, {"not_judged": [("drops", "rule_removed")]}),
    "more_severe": ({"a": FULL}, {"rules": WARNING_FULL}, {"a": FULL}, {}, {"new": [("full", "more_severe")]}),
    "less_severe": (
        {"a": FULL},
        {},
        {"a": FULL},
        {"rules": WARNING_FULL},
        {"changed": [("host", "0.0.0.0:80", "severity of full", "critical", "warning")]},
    ),
    "unknown_then": ({"a": UNKNOWN}, {}, {"a": DROPS}, {}, {"new": [("drops", "not_judged_before")]}),
    "unknown_now": ({"a": DROPS}, {}, {"a": UNKNOWN}, {}, {"not_judged": [("drops", "not_known")]}),
    "listeners_unreadable_now": ({"a": DROPS}, {}, {"a": UNREAD}, {}, {"not_judged": [("drops", "not_known")]}),
    "not_sampled_then": ({"a": QUIET}, {}, {"a": SAMPLED}, {}, {"new": [("window", "not_judged_before")]}),
    "not_sampled_now": ({"a": SAMPLED}, {}, {"a": QUIET}, {}, {"not_judged": [("window", "not_known")]}),
    "sampled_both_times": ({"a": SAMPLED}, {}, {"a": SAMPLED_QUIET}, {}, {"resolved": ["window"]}),
    "host_added": ({}, {}, {"a": DROPS}, {}, {"new": [("drops", "host_added")], "hosts_new": ["a"]}),
    "host_gone": ({"a": DROPS}, {}, {}, {}, {"hosts_gone": ["a"]}),
    "unreachable_then": ({"a": DOWN}, {}, {"a": DROPS}, {}, {"hosts_not_compared": [("unreachable", "audited")]}),
    "unreachable_now": ({"a": DROPS}, {}, {"a": DOWN}, {}, {"hosts_not_compared": [("audited", "unreachable")]}),
    "lost_both_times": ({"a": DOWN}, {}, {"a": None}, {}, {"hosts_not_compared": [("unreachable", "failed")]}),
    "kernel": ({"a": facts(kernel="6.1.0")}, {}, {"a": facts(kernel="6.12.0")}, {}, {"changed": [(None, None, "kernel", "6.1.0", "6.12.0")]}),
    "kernel_not_known": ({"a": facts(kernel=None)}, {}, {"a": facts(kernel="6.12.0")}, {}, {}),
    "sysctl": (
        {"a": facts(namespace(somaxconn=4096))},
        {},
        {"a": facts(namespace(somaxconn=8192))},
        {},
        {"changed": [("host", None, "net.core.somaxconn", 4096, 8192)]},
    ),
    "sysctl_not_known_now": ({"a": facts(namespace(somaxconn=4096))}, {}, {"a": facts(namespace(somaxconn=None))}, {}, {}),
    "boot_value": (
        {"a": facts(sysctl_boot=boot(net__core__somaxconn=512))},
        {},
        {"a": facts(sysctl_boot=boot(net__core__somaxconn=None))},
        {},
        {"changed": [(None, None, "net.core.somaxconn at boot", 512, None)]},
    ),
    "boot_not_gathered_then": ({"a": facts()}, {}, {"a": facts(sysctl_boot=boot(net__core__somaxconn=512))}, {}, {}),
    "boot_files_unreadable": (
        {"a": facts(sysctl_boot=boot(net__core__somaxconn=512))},
        {},
        {"a": facts(sysctl_boot={"sysctls": {"net.core.somaxconn": {"boot_value": None, "drift_reason": "who wins is not known: /etc/x"}}})},
        {},
        {},
    ),
    "limit": (
        {"a": QUIET},
        {},
        {"a": facts(namespace(listener(accept_queue_limit=128)))},
        {},
        {"changed": [("host", "0.0.0.0:80", "accept_queue_limit", 511, 128)]},
    ),
    "program": (
        {"a": QUIET},
        {},
        {"a": facts(namespace(listener(processes=[{"name": "caddy", "pid": 1}])))},
        {},
        {"changed": [("host", "0.0.0.0:80", "program", "nginx", "caddy")]},
    ),
    "length_is_of_the_moment": ({"a": QUIET}, {}, {"a": facts(namespace(listener(accept_queue_length=99)))}, {}, {}),
    "listener_came": ({"a": facts(namespace())}, {}, {"a": QUIET}, {}, {"changed": [("host", "0.0.0.0:80", "listener", None, "limit 511")]}),
    "listener_went": ({"a": QUIET}, {}, {"a": facts(namespace())}, {}, {"changed": [("host", "0.0.0.0:80", "listener", "limit 511", None)]}),
    "namespace_came": (
        {"a": QUIET},
        {},
        {"a": facts(namespace(listener()), pod("x", listener(8080)))},
        {},
        {"changed": [("pod x", None, "namespace", None, "1 listener")]},
    ),
    "namespace_went": (
        {"a": facts(namespace(listener()), pod("x", listener(8080), listener(8081)))},
        {},
        {"a": QUIET},
        {},
        {"changed": [("pod x", None, "namespace", "2 listeners", None)]},
    ),
    "pod_made_anew": (
        {"a": facts(pod("x", listener(8080, drops=3)))},
        {},
        {"a": facts(pod("y", listener(8080, drops=9), somaxconn=8192))},
        {},
        {"changed": [("pod y", None, "net.core.somaxconn", 4096, 8192)]},
    ),
    "pod_made_anew_and_better": ({"a": facts(pod("x", listener(8080, drops=3)))}, {}, {"a": facts(pod("y", listener(8080)))}, {}, {"resolved": ["drops"]}),
    "two_pods_alike_of_which_one_is_left": (
        {"a": facts(pod("x", listener(8080)), pod("y", listener(8080)))},
        {},
        {"a": facts(pod("z", listener(8080)))},
        {},
        {"changed": [("pod y", None, "namespace", "1 listener", None)]},
    ),
    "pod_not_seen_by_a_partial_audit": (
        {"a": facts(namespace(listener()), pod("x", listener(8080, drops=3)))},
        {},
        {"a": facts(namespace(listener()), complete=False)},
        {},
        {"not_judged": [("drops", "not_known")]},
    ),
    "pod_that_a_partial_audit_did_not_see_then": (
        {"a": facts(namespace(listener()), complete=False)},
        {},
        {"a": facts(namespace(listener()), pod("x", listener(8080, drops=3)))},
        {},
        {"new": [("drops", "not_judged_before")]},
    ),
}


@pytest.mark.parametrize("then, judged_then, now, judged_now, expected", CASES.values(), ids=CASES)
def test_what_became_of_it(then, judged_then, now, judged_now, expected):
    before, after = report(then, generated_at=THEN, **judged_then), report(now, **judged_now)
    drift = build_drift(after, before, "/srv/base.json")
    assert summary(drift) == expected
    assert drift["baseline"] == {"generated_at": THEN, "path": "/srv/base.json"}
    assert sum(drift["counts"]["new"].values()) == len(drift["new"]) and drift["counts"]["changed"] == len(drift["changed"])


def test_nothing_became_of_a_report_that_is_its_own_baseline():
    made = report({"a": DROPS, "b": SAMPLED, "c": DOWN, "d": UNREAD, "e": facts(pod("x", listener()), pod("x", listener()))})
    assert summary(build_drift(made, json.loads(json.dumps(made)), "x")) == {"hosts_not_compared": [("unreachable", "unreachable")]}


def test_verdicts_of_a_diagnosis_that_changed():
    place = {"host": "a", "namespace": "host", "listener": "0.0.0.0:80"}
    then, now = ({**report({"a": QUIET}), "diagnoses": [{**place, "verdict": verdict}]} for verdict in ("healthy", "burst"))
    assert summary(build_drift(now, then, "x")) == {"changed": [("host", "0.0.0.0:80", "diagnosis", "healthy", "burst")]}


START = "The audit fails (backlog_audit_fail_on_drift: %s), since the baseline of 2026-11-01T06:00:00Z: "
VERDICTS = {
    "never": ("never", {"a": QUIET}, {"a": FULL}, None),
    "nothing_new": ("warning", {"a": FULL}, {"a": FULL}, None),
    "resolved": ("warning", {"a": FULL}, {"a": QUIET}, None),
    "new_and_critical": ("critical", {"a": QUIET}, {"a": FULL}, "1 new critical finding."),
    "critical_counts_as_warning": ("warning", {"a": QUIET}, {"a": FULL}, "1 new critical finding."),
    "only_a_warning": ("critical", {"a": QUIET}, {"a": DROPS}, None),
    "changed_values_fail_nothing": ("warning", {"a": facts(namespace(), kernel="1")}, {"a": facts(namespace(), kernel="2")}, None),
    "lost_now": ("critical", {"a": QUIET}, {"a": DOWN}, "1 host not audited (a)."),
    "lost_then_and_fine": ("critical", {"a": DOWN}, {"a": QUIET}, None),
    "lost_then_and_not_fine": ("critical", {"a": DOWN}, {"a": FULL}, "1 finding on hosts that the baseline could not audit."),
    "lost_then_and_less_severe": ("critical", {"a": DOWN}, {"a": DROPS}, None),
    "not_known_now": ("warning", {"a": DROPS}, {"a": UNKNOWN}, "1 finding of the baseline without a result."),
    "all_of_it": (
        "warning",
        {"a": QUIET, "b": DOWN, "c": QUIET},
        {"a": DROPS, "b": FULL, "c": DOWN},
        "1 new warning finding, 1 finding on hosts that the baseline could not audit, 1 host not audited (c).",
    ),
}


@pytest.mark.parametrize("fail_on, then, now, reason", VERDICTS.values(), ids=VERDICTS)
def test_verdict(fail_on, then, now, reason):
    made = compared(report(now), report(then, generated_at=THEN))
    assert drift_verdict(made, fail_on) == ("" if reason is None else START % fail_on + reason)


def test_without_a_baseline_there_is_no_verdict():
    assert drift_verdict(report({"a": FULL}), "warning") == ""


def fleet():
    then = {"web%02d" % number: facts(namespace(listener()), kernel="6.1.0") for number in range(12)}
    now = {"web%02d" % number: facts(namespace(listener(drops=int(number == 3))), kernel="6.12.0") for number in range(12)}
    then["web11"] = DOWN
    return compared(report(now), report({**then, "old": QUIET}, generated_at=THEN), "/srv/<b>.json")


def test_terminal():
    lines = table(fleet())
    start = lines.index("SINCE THE BASELINE of 2026-11-01T06:00:00Z (/srv/<b>.json)")
    assert lines[start + 1 : start + 6] == [
        "  1 new finding, 0 resolved, 11 values changed, 1 host not compared, 1 host gone.",
        "  new       WARNING drops on web03: 0.0.0.0:80 of nginx dropped",
        "  changed   kernel: 6.1.0 -> 6.12.0 on web00, web01, web02, web03, web04 and 6 more",
        "  host      web11: unreachable then, audited now, so not compared",
        "  host      gone: old",
    ]


MARKDOWN = """## Since the baseline

2026-11-01T06:00:00Z, `/srv/<b>.json`. 1 new finding, 0 resolved, 11 values changed, 1 host not compared, 1 host gone.

### New

- `web03` drops: 0.0.0.0:80 of nginx dropped (warning)

### Changed

| what | before | after | hosts | where |
|---|---|---|---|---|
| `kernel` | `6.1.0` | `6.12.0` | 11 | `on web00, web01, web02, web03, web04, web05, web06, web07, web08, web09, web10` |

Not compared: `web11` was unreachable then and is audited now.

Gone hosts: `old`."""


def test_markdown():
    assert "\n".join(drift_markdown(fleet()["drift"])) == MARKDOWN
    assert MARKDOWN in markdown_report(fleet())


def test_long_lists_are_cut_in_the_terminal():
    then = report({"h%03d" % number: QUIET for number in range(50)}, generated_at=THEN)
    now = report({"h%03d" % number: facts(namespace(listener(drops=1, local_address="10.0.0.%d" % number))) for number in range(50)})
    lines = table(compared(now, then))
    assert "  new       ... and 38 more (see the report files)" in lines
    assert "  changed   listener of 0.0.0.0:80: limit 511 -> none on h000, h001, h002, h003, h004 and 45 more" in lines


def test_the_same_on_many_hosts_is_one_line():
    then = report({"h%03d" % number: QUIET for number in range(50)}, generated_at=THEN)
    lines = table(compared(report({"h%03d" % number: DROPS for number in range(50)}), then))
    assert "  new       WARNING drops on h000, h001, h002, h003, h004 and 45 more: 0.0.0.0:80 of nginx dropped" in lines


@pytest.mark.parametrize("columns", [40, 100])
def test_hostile_text_stays_text(columns):
    made = full_report(HOSTILE)
    lines = table(made, columns)
    assert all(line.isprintable() for line in lines) and max(width(line) for line in lines) <= columns
    text = "\n".join(drift_markdown(made["drift"]))
    assert all(line.isprintable() for line in text.split("\n"))
    outside = re.sub(r"\\`|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"(?<!\\)[<*\[]|`", outside), "only escaped text outside of code spans"
