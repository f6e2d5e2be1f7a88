# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the host: clients ask nginx, each request on a connection of its own, until a line or the end of input comes or the time is over.

Prints {"good": N, "failed": {reason: N}}.
"""

import collections
import http.client
import json
import select
import sys
import threading
import time

CLIENTS, MOST_SECONDS = 4, 120


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        return "" if answer.status == 200 else "status %d" % answer.status
    except Exception as error:
        return error.__class__.__name__
    finally:
        connection.close()


def client(port, over, counted):
    while not over.is_set():
        counted[ask(port)] += 1
        time.sleep(0.005)


def main():
    over, counts = threading.Event(), [collections.Counter() for number in range(CLIENTS)]
    threads = [threading.Thread(target=client, args=((8080, 9090)[number % 2], over, counts[number])) for number in range(CLIENTS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    while time.monotonic() - started < MOST_SECONDS and not select.select([sys.stdin], [], [], 0.5)[0]:
        pass
    over.set()
    for thread in threads:
        thread.join()
    total = sum(counts, collections.Counter())
    good = total.pop("", 0)
    print(json.dumps({"good": good, "failed": total}))


main()
