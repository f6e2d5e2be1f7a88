# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of made-up fleets: facts as the module returns them, judged by the collection's own rules.

The same size gives the same fleet. Most hosts are well; some have old defaults, some a burst, one is stuck, some do not answer.
"""

import random

from ansible_collections.netops.listen_queue.plugins.plugin_utils.files import BUILTIN_RULES, read_rules
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judge import judge

NOW = "2026-11-21T03:09:52Z"
KINDS = ("web", "web", "web", "app", "app", "db", "cache", "lb", "node")
PROGRAMS = {
    "web": (("nginx", 80, 511), ("nginx", 443, 511), ("sshd", 22, 128)),
    "app": (("gunicorn", 8000, 2048), ("node", 3000, 511), ("sshd", 22, 128)),
    "db": (("postgres", 5432, 200), ("sshd", 22, 128)),
    "cache": (("redis-server", 6379, 511), ("memcached", 11211, 1024), ("sshd", 22, 128)),
    "lb": (("haproxy", 80, 4096), ("haproxy", 443, 4096), ("sshd", 22, 128)),
    "node": (("kubelet", 10250, 4096), ("sshd", 22, 128)),
}
NO_ROUTE = "No route to host"
ADDRESSES = ({"family": "inet", "local_address": "0.0.0.0"}, {"family": "inet6", "local_address": "::"})
WAIVERS = [
    {"rule": "drops_lifetime", "host": "*-?0?", "reason": "known burst of the 14th; the sale is over", "expires": "2026-12-31"},
    {"rule": "somaxconn_low", "host": "lb-*", "reason": "new image in October", "expires": "2026-10-31"},
    {"rule": "syncookies_off", "host": "old-*", "reason": "behind the SYN proxy", "expires": "2027-03-31"},
]


def fleet_report(hosts):
    """The report of `hosts` hosts."""
    return judged(fleet(hosts), WAIVERS)


def judged(results, waivers=()):
    return judge(results, read_rules([BUILTIN_RULES]), waivers=waivers, generated_at=NOW)


def fleet(hosts):
    """Host name -> result of listen_queue_facts."""
    chance = random.Random(hosts)
    if hosts == 1:
        return {"web-001": {"ansible_facts": {"listen_queue": facts(chance, "web", 128, 0.9)}}}
    results = {}
    for number in range(hosts):
        kind = KINDS[number % len(KINDS)]
        name = "%s-%03d" % (kind, number + 1)
        luck = chance.random()
        if luck < 0.01:
            results[name] = {
                "unreachable": True,
                "msg": "Failed to connect to the host via ssh: connect to host 10.20.%d.%d port 22: %s" % (*divmod(number, 250), NO_ROUTE),
            }
        elif luck < 0.015:
            results[name] = {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "/bin/sh: 1: /usr/bin/python3: not found"}
        else:
            old = chance.random() < 0.12
            results[name] = {"ansible_facts": {"listen_queue": facts(chance, kind, 128 if old else 4096, chance.random())}}
    return results


def facts(chance, kind, somaxconn, pressure):
    partial = chance.random() < 0.03
    namespaces = [namespace(chance, {"host": True, "own": True}, 4026531840, PROGRAMS[kind], somaxconn, pressure)]
    if kind == "node":
        for number in range(chance.randint(2, 5)):
            names = {"pod_uid": "8f14e45f-ceea-467f-a0e6-%012x" % chance.getrandbits(48), "container": "%064x" % chance.getrandbits(256)}
            program = chance.choice([("nginx", 8080, 511), ("java", 8443, 100), ("uvicorn", 8000, 2048)])
            namespaces.append(namespace(chance, names, 4026532100 + number, [program], 4096 if chance.random() < 0.8 else 128, chance.random()))
    if partial:
        for each in namespaces[0]["listeners"]:
            each["processes"] = None
    problem = {"code": "owners_denied", "message": "the owners of some listeners are unknown; become root (CAP_SYS_PTRACE) on the host", "count": 2}
    return {
        "schema": 1,
        "kernel": chance.choice(["6.18.44", "6.12.30-amd64", "5.14.0-503.el9.x86_64", "4.18.0-553.el8.x86_64"]),
        "boot_id": "3b0c8f0e-0000-0000-0000-000000000000",
        "collected_at": NOW,
        "collected_by": {"version": "0.1.0", "uid": 1000 if partial else 0, "capabilities": []},
        "complete": not partial,
        "gather_subset": ["sockets", "processes", "sysctls", "counters"],
        "scope": "all",
        "problems": [problem] if partial else [],
        "sample": {"seconds": 5.02},
        "namespaces": namespaces,
    }


def namespace(chance, names, netns, programs, somaxconn, pressure):
    listeners = [listener(chance, program, port, backlog, somaxconn, pressure) for program, port, backlog in programs]
    drops = sum(each["drops"] for each in listeners)
    window = sum(each["sample"]["drops"]["delta"] for each in listeners)
    return {
        "netns": netns,
        "names": names,
        "sysctls": {
            "net.core.somaxconn": somaxconn,
            "net.ipv4.tcp_syncookies": 0 if chance.random() < 0.02 else 1,
            "net.ipv4.tcp_abort_on_overflow": 1 if chance.random() < 0.03 else 0,
        },
        "counters": {"TcpExt": {"ListenOverflows": drops, "ListenDrops": drops}},
        "counters_sample": {"TcpExt": {name: {"delta": window, "per_second": window / 5} for name in ("ListenOverflows", "ListenDrops")}},
        "listeners": listeners,
    }


def listener(chance, program, port, backlog, somaxconn, pressure):
    limit = min(backlog, somaxconn)
    is_busy = pressure > 0.93 and port not in (22, 10250)
    length = limit + 1 if is_busy and chance.random() < 0.4 else int(limit * chance.random()) if is_busy else 0
    recent = chance.randint(1, 60) if length > limit else 0
    drops = recent + (int(10 ** chance.uniform(0, 6)) if pressure > 0.9 else 0)
    share = chance.random() if is_busy else 0.0
    started = "2026-11-%02dT06:22:42Z" % chance.randint(1, 20)
    owner = {"pid": chance.randint(700, 60000), "name": program[:15], "unit": program + ".service", "started_at": started}
    return {
        **chance.choice(ADDRESSES),
        "local_port": port,
        "accept_queue_length": length,
        "accept_queue_limit": limit,
        "accept_queue_full": length > limit,
        "drops": drops,
        "limited_by": "somaxconn" if limit < backlog and program == "nginx" else "unknown",
        "at_cap": limit == somaxconn,
        "stale_limit": None if chance.random() < 0.97 else True,
        "processes": [owner],
        "sample": {
            "reads": 50,
            "max": length,
            "mean": length * 0.7,
            "share_half_full": share,
            "share_full": share / 3,
            "drops": {"delta": recent, "per_second": recent / 5},
        },
    }


def everything(report):
    """The report with all that may be in one: diagnoses, outliers, and what changed since a baseline."""
    findings = report["findings"]
    diagnoses = [_diagnosis(each, *SITUATIONS[index % len(SITUATIONS)]) for index, each in enumerate(findings) if each["listener"]]
    quiet = [each for each in report["queues"] if not each.get("drops") and not each.get("accept_queue_length")]
    diagnoses += [{**_place(each), "program": each["program"], **HEALTHY} for each in quiet]
    counts = {verdict: [each["verdict"] for each in diagnoses].count(verdict) for verdict in dict.fromkeys(each["verdict"] for each in diagnoses)}
    return {**report, "diagnoses": diagnoses, "diagnosis_counts": counts, "fleet": OUTLIERS, "drift": _drift(report)}


HEALTHY = {
    "verdict": "healthy",
    "cause": "healthy",
    "severity": "ok",
    "confidence": "high",
    "summary": "busy, accepts at once: the queue was never half full in 100 reads",
    "because": "The queue was looked at often enough.",
    "evidence": {"listener.sample_max": 2},
    "fixes": [],
    "not_seen": [],
}
FASTER = {"id": "more_workers", "advice": "Let more run at once: `worker_processes auto` in nginx, pm.max_children in php-fpm, while CPU and memory are left."}
LEAVE = {"id": "do_not_raise", "do_not_raise": True, "advice": "Leave the limit as it is: a longer queue does not make the program accept faster."}
RAISE = {
    "id": "set_limit",
    "advice": "Set backlog=4096 in the one listen directive that carries the options of this address, and net.core.somaxconn to at least that, first.",
    "role": "backlog_tune",
    "variables": {"backlog_tune_sysctls": {"net.core.somaxconn": 4096}, "backlog_tune_listens": [{"listen": "0.0.0.0:80", "backlog": 4096}]},
}
CONTINUE = {"id": "continue_stopped", "advice": "Find out who stopped these processes and let them go on.", "command": "kill -CONT 812 813"}
SIZE = {"limit": 4096, "arrivals_per_second": 812.5, "longest_stall": 1.2, "memory_bytes": 1048576, "added_wait_seconds": 1.2}
SITUATIONS = (
    ("limit_too_small", "capped_by_somaxconn", "critical", "high", "the queue of 128 was full in 62 % of the reads", [FASTER, RAISE], SIZE),
    ("application_too_slow", "workers_cpu_saturated", "warning", "medium", "4 of 4 workers used a whole CPU each (0.97 to 1.00)", [FASTER, LEAVE], None),
    ("application_too_slow", "workers_stopped", "critical", "high", "both workers are stopped (state T)", [CONTINUE, LEAVE], None),
    ("syn_queue", "syn_flood", "warning", "low", "SYN cookies were sent 4,120 times in the window", [FASTER], None),
)
NOT_SEEN = [
    {"cause": "conntrack_full", "text": "No connection was refused by the connection tracking table."},
    {"cause": "rp_filter", "text": "IPReversePathFilter did not move."},
    {"cause": "softnet_drops", "text": "No packet was dropped before TCP (softnet)."},
]
OUTLIER = {"program": "nginx", "listener": "80", "peers": 11}
OUTLIERS = [
    {
        **OUTLIER,
        "host": "web-012",
        "metric": "drops_per_second",
        "value": 12.4,
        "peers_median": 0.1,
        "text": "web-012: nginx on 80 drops 12.4 packets per second",
    },
    {**OUTLIER, "host": "app-004", "metric": "worker_cpu", "value": 0.98, "peers_median": 0.31, "text": "app-004: nginx on 80 uses 0.98 of one CPU"},
]


def _place(row):
    return {key: row[key] for key in ("host", "namespace", "listener")}


def _diagnosis(finding, verdict, cause, severity, confidence, summary, fixes, size):
    return {
        **_place(finding),
        "program": "nginx",
        "verdict": verdict,
        "cause": cause,
        "severity": severity,
        "confidence": confidence,
        "summary": summary,
        "because": "A queue that stays full turns new connections away, and each that is turned away comes again after a second.",
        "evidence": {"listener.accept_queue_limit": 128, "listener.share_full": 0.62, "listener.longest_stall": 1.2, "workers.cpu": [0.97, 1.0]},
        "sources": ["sock_diag of its network namespace", "listen of nginx: /etc/nginx/sites-enabled/shop.conf:14"],
        "log": ["2026/11/21 03:09:48 [alert] 812#812: 512 worker_connections are not enough"] if cause == "workers_cpu_saturated" else [],
        "also": [{"cause": "burst", "summary": "short bursts of up to 140 connections"}],
        "not_seen": NOT_SEEN,
        "unknown": [{"cause": "cgroup_throttled", "missing": ["workers.throttled_share"]}],
        "fixes": fixes,
        "size": size and {**size, "text": "limit 4096: 812.5 arrivals per second x 1.2 s without an accept = 975"},
        "references": ["Linux __sys_listen(), net/socket.c", "https://docs.kernel.org/networking/ip-sysctl.html (somaxconn)"],
    }


def _drift(report):
    changed = [
        *({"host": "web-%03d" % number, "namespace": "host", "what": "net.core.somaxconn", "before": 128, "after": 4096} for number in range(1, 12)),
        {"host": "web-002", "namespace": "host", "listener": "0.0.0.0:80", "what": "accept_queue_limit", "before": 511, "after": None},
    ]
    return {
        "baseline": {"generated_at": "2026-10-21T03:10:02Z", "path": "reports/baseline.json"},
        "new": [{**each, "drift": reason} for each, reason in zip(report["findings"], ("appeared", "waiver_ended", "host_added"), strict=False)],
        "resolved": report["findings"][3:8],
        "changed": changed,
        "not_judged": [{**each, "drift": "not_known"} for each in report["findings"][8:10]],
        "hosts_not_compared": [{"host": "web-031", "before": "audited", "after": "unreachable"}],
        "hosts_gone": ["web-900", "web-901"],
        "hosts_new": ["web-030"],
    }
