# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks again and again until everything that is wanted holds at the same time, or the time is over."""

import time

from .._change import Answer
from .._listeners.read import chosen_namespace, holders, inside, look
from .._namespaces.read import own_namespace
from .._proc import ProcFS
from .._sockets.endpoint import matching
from .checks import Timeline, boot_check, drops_check, failure, limit_check, new_drops_check, probe_check, queue_check, sysctl_check, total_drops, url_check
from .options import checked

PROBE_SECONDS = 0.9  # the kernel sends a SYN that was dropped again after a second
URL_SECONDS = 5.0


def verify(parameters, is_check, proc_root):
    """Return the Answer of the module listen_queue_verify. Raises InputError, ReadError."""
    verification = Verification(ProcFS(proc_root), checked(parameters))
    return verification.look_once() if is_check else verification.run()


class Verification:
    """One run. The live sockets and sysctls are looked at in each round, all else only when these are as they should be."""

    def __init__(self, proc, wanted):
        self._proc = proc
        self._wanted = wanted
        self._own = own_namespace(proc)
        self._timeline = Timeline()
        self._start = time.monotonic()
        self._drops = {}  # listener -> {cookie: drops} of the look before
        self._rows = {}  # listener -> its ListenSockets now
        self._reached = {}  # listener -> (inode of the socket that was reached, Check)

    def look_once(self):
        """Return the Answer of one look, which never fails: nothing was changed before it."""
        checks = self._live_checks() + self._other_checks()
        return Answer(False, self._values(checks))

    def run(self):
        deadline, rounds = self._start + self._wanted.timeout, 0
        while True:
            rounds += 1
            is_last = time.monotonic() >= deadline
            checks = self._live_checks()
            if is_last or not _broken(checks):
                checks += self._other_checks()
            values = self._values(checks)
            # Whether something drops connections takes two looks, unless an earlier one is known.
            if not _broken(checks) and (rounds > 1 or is_last or all(listener.drops is not None for listener in self._wanted.listeners)):
                return Answer(False, values)
            if is_last:
                return Answer(False, values, failure=failure(checks, time.monotonic() - self._start))
            time.sleep(max(0.0, min(self._wanted.interval, deadline - time.monotonic())))

    def _values(self, checks):
        now = time.monotonic() - self._start
        return {
            "verified": not _broken(checks),
            "checks": self._timeline.rows(checks, now),
            "unknown": [check.sentence for check in checks if check.ok is None],
            "listeners": [
                {"listen": listener.endpoint.text, "limit": listener.limit, "netns": listener.netns, "drops": total_drops(rows)}
                for listener, rows in self._rows.items()
            ],
            "seconds": round(now, 3),
        }

    def _live_checks(self):
        checks = []
        for netns in dict.fromkeys(listener.netns for listener in self._wanted.listeners):
            mine = [listener for listener in self._wanted.listeners if listener.netns == netns]
            scene = look(self._proc, self._own, self._namespace(netns), {listener.endpoint.family for listener in mine})
            for listener in mine:
                checks += self._listener_checks(listener, matching(scene.listeners, listener.endpoint))
        if self._wanted.sysctls:
            with inside(self._proc, self._own, self._namespace(self._wanted.netns)):
                checks += [self._sysctl_check(key, value) for key, value in self._wanted.sysctls.items()]
        return checks

    def _namespace(self, netns):
        return chosen_namespace(self._proc, self._own, netns)

    def _listener_checks(self, listener, rows):
        text = listener.endpoint.text
        self._rows[listener] = rows
        checks = [limit_check(text, listener.limit, rows)]
        if rows:
            checks.append(queue_check(text, rows))
        if rows and listener.endpoint.family != "unix":
            is_first = listener.drops is None
            checks.append(drops_check(text, self._drops.get(listener), rows) if is_first else new_drops_check(text, listener.drops, rows))
            self._drops[listener] = {row.cookie: row.drops for row in rows}
        return checks

    def _sysctl_check(self, key, value):
        from .._sysctl_info.read import checked_path

        path = checked_path(key)
        try:
            raw = self._proc.read("sys/" + path, once=True)
        except OSError:
            raw = None
        return sysctl_check(key, path, value, None if raw is None else " ".join(raw.decode("utf-8", "backslashreplace").split()))

    def _other_checks(self):
        checks = []
        if self._wanted.boot_sysctls:
            checks += self._boot_checks()
        inodes = {row.inode for rows in self._rows.values() for row in rows}
        if inodes or self._wanted.config is not None:
            from .._verify_nginx.read import nginx_checks

            checks += nginx_checks(self._proc, inodes, self._wanted.config, self._wanted.root)
        if self._wanted.probe:
            checks += [self._probe_check(listener, rows[0]) for listener, rows in self._rows.items() if rows]
        if self._wanted.url is not None:
            checks.append(self._url_check())
        return checks

    def _boot_checks(self):
        from .._problems import Problems
        from .._sysctl.names import dotted
        from .._sysctl_info.read import boot_facts, checked_path

        wanted = self._wanted.boot_sysctls
        facts = boot_facts(self._proc, "/", list(wanted), "auto", Problems())
        paths = {key: checked_path(key) for key in wanted}
        return [boot_check(key, paths[key], value, facts["sysctls"][dotted(paths[key])], facts["loader"]) for key, value in wanted.items()]

    def _probe_check(self, listener, row):
        """A socket that was reached is not asked again: each connection waits in its queue, where the program does not accept it."""
        from .._probe.read import connect_once, place_of, unix_place_of

        text, known = listener.endpoint.text, self._reached.get(listener)
        if known is not None and known[0] == row.inode:
            return known[1]
        if row.family != "unix":
            place = place_of(row)
        else:
            pids = holders(self._proc, [row.inode])[0].get(row.inode)
            if not pids:
                return probe_check(text, None)
            place = unix_place_of(self._proc, pids[0], row.path)
        with inside(self._proc, self._own, self._namespace(listener.netns)):
            check = probe_check(text, connect_once(row.family, place, PROBE_SECONDS))
        if check.ok:
            self._reached[listener] = row.inode, check
        return check

    def _url_check(self):
        from .._probe.read import ask

        url = self._wanted.url
        with inside(self._proc, self._own, self._namespace(self._wanted.netns)):
            status, sentence = ask(url, URL_SECONDS, self._wanted.url_validate_certs)
        return url_check(url.text, self._wanted.url_status, status, sentence)


def _broken(checks):
    return any(check.ok is False for check in checks)
