# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts as they are gathered for a diagnosis: a healthy host with one listener of nginx, changed by each row where it matters."""

import copy

import made_up_facts
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judge import judge

SECONDS = 10.0
READS = 101
NOW = "2026-11-20T22:00:00Z"
COUNTERS = {
    "TcpExt": ("ListenOverflows ListenDrops TCPReqQFullDrop TCPReqQFullDoCookies SyncookiesSent SyncookiesRecv TCPSynRetrans IPReversePathFilter".split()),
    "Tcp": ["PassiveOpens"],
}
MASTER, WORKER = 812, 813


def moved(delta):
    return {"delta": delta, "per_second": None if delta is None else delta / SECONDS}


def sample(**changes):
    given = {"reads": READS, "max": 3, "mean": 0.2, "share_half_full": 0.0, "share_full": 0.0, "drops": 0, "longest_stall": 0.1, "arrivals_seen": 40}
    given.update(changes)
    if given["drops"] == "absent":
        del given["drops"]
    else:
        given["drops"] = moved(given["drops"])
    return given


def worker(pid=WORKER, **changes):
    given = {"pid": pid, "name": "nginx", "role": "worker", "state": "S", "states": {"S": 0.95, "R": 0.05}, "reads": 50, "cpu": 0.05, "wchan": None}
    return {**given, "threads": 1, "threads_blocked": 0, "open_files": 40, "open_files_limit": 1024, "cgroup": "/nginx.service", **changes}


def listener(sampled=None, **changes):
    watched = {"syn_queue_length": 0, "workers": [MASTER, WORKER], "sample": sample(**(sampled or {}))}
    return made_up_facts.listener(**{"processes": [{"pid": MASTER, "name": "nginx"}], **watched, **changes})


def namespace(listeners, counted=None, **changes):
    counters = {group: {name: moved((counted or {}).get(name, 500 if name == "PassiveOpens" else 0)) for name in names} for group, names in COUNTERS.items()}
    log = {"paths": ["/var/log/nginx/error.log"], "lines": [], "counts": {"worker_connections": 0, "too_many_open_files": 0}}
    watched = {
        "names": {"host": True},
        "sysctls": {"net.core.somaxconn": 4096, "net.ipv4.tcp_syncookies": 1, "net.ipv4.tcp_max_syn_backlog": 2048},
        "counters": {"TcpExt": {"ListenOverflows": 0, "ListenDrops": 1000000}},
        "counters_sample": counters,
        "nginx": [{"pid": MASTER, "workers": 1, "worker_connections": 512, "error_log": log, "file_systems": []}],
    }
    return made_up_facts.namespace(*listeners, **{**watched, **changes})


def facts(namespaces, workers=None, **changes):
    watched = {
        "sample": {"seconds": SECONDS, "interval": 0.1, "reads": READS},
        "workers": [worker(MASTER, role="master", children=1, cpu=0.0), *(workers or [worker()])],
        "cgroups": [cgroup()],
        "pressure": {"cpu": {"some": 0.01, "full": 0.0}, "io": {"some": 0.0, "full": 0.0}, "memory": {"some": 0.0, "full": 0.0}},
        "softnet": {"dropped": moved(0), "time_squeeze": moved(0)},
        "kernel_log": {"syn_flooding": [], "conntrack_full": {"in_window": 0, "before": 0}, "tcp_out_of_memory": {"in_window": 0, "before": 0}},
    }
    return made_up_facts.facts(*namespaces, **{**watched, **changes})


def cgroup(**changes):
    given = {"path": "/nginx.service", "version": 2, "cpu_quota": None, "periods": 0, "throttled_periods": 0, "throttled_seconds": 0.0}
    return {**given, "throttled_share": None, "cpu_pressure": 0.0, **changes}


def situation(**changes):
    """Facts by parts: `sample` and `listener` of one or `listeners`, `worker` or `workers`, `counted`, `sysctls`, `namespace`, `log` (counts), `nginx`.

    What is left are keys of the facts themselves.
    """
    given = copy.deepcopy(changes)
    one = listener(given.pop("sample", {}), **given.pop("listener", {}))
    listeners = given.pop("listeners", [one])
    space = namespace(listeners, given.pop("counted", {}), **given.pop("namespace", {}))
    space["sysctls"].update(given.pop("sysctls", {}))
    for each in space.get("nginx", ()):
        each["error_log"]["counts"].update(given.pop("log", {}))
        each.update(given.pop("nginx", {}))
    workers = given.pop("workers", None) or [worker(**given.pop("worker", {}))]
    return facts([space], workers, **given)


def diagnosed(*hosts, **thresholds):
    """The report of facts, on hosts web1, web2, ..."""
    results = {"web%d" % number: each for number, each in enumerate(hosts, 1)}
    return judge(copy.deepcopy(results), thresholds=thresholds, generated_at=NOW)


def diagnosis(**changes):
    """The diagnosis of the only listener of situation()."""
    (found,) = diagnosed(situation(**changes))["diagnoses"]
    return found
