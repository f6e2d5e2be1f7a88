# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.judgement.fleet import Fleet
from ansible_collections.netops.listen_queue.tests.unit.plugins.plugin_utils.situations import diagnosed, situation


def row(value, port=80, program="nginx", field="drops_per_second", part="listener"):
    made = {"listener": {"port": port, "address": "0.0.0.0:%s" % port}, "program": {"id": program}, "workers": {}}
    made[part][field] = value
    return made


def outliers(values, **changes):
    fleet = Fleet(5.0)
    for number, value in enumerate(values):
        fleet.add("web%d" % number, [row(value, **changes)])
    return fleet.outliers()


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        pytest.param([0, 0, 0, 0, 30.0], ["web4"], id="one_drops_and_the_others_do_not"),
        pytest.param([30.0, 31.0, 29.0, 30.0, 28.0], [], id="all_drop_alike"),
        pytest.param([0, 0, 0, 0, 0.9], [], id="too_little_to_stand_out"),
        pytest.param([10.0, 11.0, 9.0, 10.0, 90.0, 95.0], ["web5", "web4"], id="two_of_six_the_worst_first"),
        pytest.param([0, 0, 0, 30.0], [], id="too_few_peers"),
        pytest.param([0, 0, 0, 0, None, 30.0], ["web5"], id="unknown_is_no_peer"),
        pytest.param([0, None, None, None, 30.0], [], id="too_few_known"),
        pytest.param([], [], id="nobody"),
    ],
)
def test_outliers(values, hosts):
    assert [each["host"] for each in outliers(values)] == hosts


def test_an_outlier_says_how_far():
    (found,) = outliers([0, 0, 0, 0, 30.0])
    assert found == {
        "host": "web4",
        "metric": "drops_per_second",
        "program": "nginx",
        "listener": "80",
        "value": 30.0,
        "peers_median": 0,
        "peers": 4,
        "text": "web4: nginx on 80 drops 30.0 packets per second, the median of 5 hosts is 0.00",
    }


def test_groups_are_those_of_a_program_and_a_port():
    fleet = Fleet(5.0)
    for number in range(5):
        fleet.add("web%d" % number, [row(0.0), row(30.0 if number == 4 else 0.0, port=81), row(50.0, port=82, program="redis")])
    assert [(each["host"], each["listener"]) for each in fleet.outliers()] == [("web4", "81")]


def test_a_host_counts_with_its_worst_socket():
    fleet = Fleet(5.0)
    for number in range(5):
        fleet.add("web%d" % number, [row(0.0), row(40.0 if number == 2 else 0.0), row(0.0)])
    assert [(each["host"], each["value"], each["peers"]) for each in fleet.outliers()] == [("web2", 40.0, 4)]


def test_in_a_report():
    """One host of six is busy, and the report says so although its queue is well."""
    busy = situation(worker={"cpu": 0.9})
    made = diagnosed(*[situation() for _turn in range(5)], busy)
    assert [(each["host"], each["metric"]) for each in made["fleet"]] == [("web6", "worker_cpu")]
