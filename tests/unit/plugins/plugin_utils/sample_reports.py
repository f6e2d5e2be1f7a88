# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports to render and to compare: a fleet with everything a report can hold, and texts that mean to break out of it."""

import copy

from ansible_collections.netops.listen_queue.plugins.plugin_utils.drift.compare import build_drift
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.findings import build_report, merged_thresholds
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.rule import compile_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.waiver import compile_waivers

THEN, NOW = "2026-11-01T06:00:00Z", "2026-11-20T22:00:00Z"
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1;=2",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\uff1d1",
    'a"b,c;d\ne',
    "]]></failure><script>alert(1)</script>&amp;",
    'x"} 1\nevil_metric 1\\',
    "\x00\x01\x1b[31m\x7f\x85\u2028\u202e",
    "\ud800\udcff\ufffe\uffff",
    "{{ lookup('pipe', 'id') }} `a` | **b**",
    "\U0001f600 \u7db2\u8def e\u0301",
    "",
    " ",
)
TEXTS = {"because": "of this", "fix": {"advice": "do that", "role": "backlog_sysctl"}, "references": ["a book"]}
RULES = (
    {"id": "full", "severity": "critical", "for_each": "listener", "expr": "listener.accept_queue_full", "summary": "{listener.address} is full"},
    {"id": "drops", "severity": "warning", "for_each": "listener", "expr": "listener.drops > `0`", "summary": "{listener.address} of {program.name} dropped"},
    {"id": "window", "severity": "warning", "for_each": "listener", "expr": "listener.drops_in_window > `0`", "summary": "{listener.address} drops now"},
    {
        "id": "cap",
        "severity": "info",
        "for_each": "namespace",
        "expr": 'namespace.sysctls."net.core.somaxconn" < `4096`',
        "summary": '{namespace.label}: {namespace.sysctls."net.core.somaxconn"}',
    },
)


def listener(port=80, **changes):
    return {
        "family": "inet",
        "local_address": "0.0.0.0",
        "local_port": port,
        "accept_queue_length": 0,
        "accept_queue_limit": 511,
        "accept_queue_full": False,
        "drops": 0,
        "processes": [{"pid": 812, "name": "nginx"}],
        **changes,
    }


def namespace(*listeners, names=None, somaxconn=4096, **changes):
    counters = {"TcpExt": {"ListenDrops": 1000000}}
    sysctls = {"net.core.somaxconn": somaxconn, "net.ipv4.tcp_syncookies": 1}
    return {"netns": 1, "names": names or {"host": True}, "sysctls": sysctls, "counters": counters, "listeners": list(listeners), **changes}


def facts(*namespaces, kernel="6.1.0", **changes):
    return {"schema": 1, "kernel": kernel, "boot_id": "b", "collected_at": THEN, "complete": True, "scope": "all", "namespaces": list(namespaces), **changes}


def boot(**values):
    return {"loader": {}, "sysctls": {key.replace("__", "."): {"boot_value": value, "drift_reason": None} for key, value in values.items()}}


DOWN = {"unreachable": True, "msg": "No route to host"}


def report(results, rules=RULES, waivers=(), generated_at=NOW, thresholds=None):
    limits = merged_thresholds(thresholds)
    compiled = compile_rules([{"source": "test", "rule": {**TEXTS, **rule}} for rule in rules], limits)
    accepted = compile_waivers(list(waivers), [rule.id for rule in compiled], generated_at[:10])
    return build_report(copy.deepcopy(results), compiled, accepted, limits, generated_at, "0.1.0")


def compared(now, then, path="/srv/base.json"):
    return {**now, "drift": build_drift(now, then, path)}


def full_report(texts=("plain",), diagnosed=False):
    """A report with every part; `texts` are names of processes, paths, namespaces, hosts, reasons and kernels."""
    then, now = {}, {}
    for index, text in enumerate(texts):
        name = "host %d %s" % (index, text)
        unix = listener(family="unix", path=text, processes=[{"pid": 1, "name": text}])
        del unix["drops"]
        other = namespace(listener(443, accept_queue_full=True), names={"netns": [text]}, somaxconn=128)
        then[name] = facts(namespace(listener(drops=3), listener(25, drops=4)), kernel=text, sysctl_boot=boot(net__core__somaxconn=text))
        now[name] = facts(namespace(listener(drops=3), unix, somaxconn=1024), other, sysctl_boot=boot(net__core__somaxconn=None))
        now["lost %s" % name] = {"unreachable": True, "msg": text}
        now["part %s" % name] = facts(namespace(listeners=None), complete=False, problems=[{"code": "x", "message": text}])
        then["part %s" % name] = DOWN
    waivers = [{"rule": "drops", "host": "host 0*", "listener": "0.0.0.0:80", "reason": "".join(texts), "expires": "2026-12-31"}]
    made = compared(report(now, waivers=waivers), report(then, generated_at=THEN))
    return {**made, **_diagnosis(texts)} if diagnosed else made


def _diagnosis(texts):
    worst = "".join(texts)
    name = "host 0 %s" % texts[0]
    place = {"host": name, "namespace": "host", "listener": "0.0.0.0:80", "program": worst}
    told = {"verdict": "burst", "cause": "burst", "severity": "warning", "confidence": "high", "summary": worst, "because": "b"}
    parts = {"evidence": {"a": worst}, "sources": [], "log": [worst], "also": [], "not_seen": [], "unknown": [], "size": None, "references": []}
    fixes = [{"id": "f", "advice": worst, "command": "true"}]
    healthy = {**place, **told, **parts, "listener": "0.0.0.0:81", "verdict": "healthy", "severity": "ok", "fixes": []}
    fleet = {"host": name, "metric": "drops", "program": None, "listener": None, "value": 3.5, "peers_median": 1.0, "peers": 3, "text": worst}
    return {"diagnoses": [{**place, **told, **parts, "fixes": fixes}, healthy], "diagnosis_counts": {"burst": 1, "healthy": 1}, "fleet": [fleet]}
