# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts module where Ansible itself gathers: as one of facts_modules, with a fact cache, with module_defaults of the action group."""

import json
import subprocess
import sys

import pytest
from own_ansible import environment_below

MODULE = "netops.listen_queue.listen_queue_facts"
SHOW = "{{ ansible_facts.listen_queue.gather_subset | default('none') | to_json }} {{ ansible_facts.listen_queue.scope | default('none') }}"


@pytest.fixture
def play(tmp_path):
    """Run one play on this machine with environment variables; return its output."""

    def run(content, **environment):
        (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "localhost", **content}]))
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
        variables = environment_below(tmp_path, ANSIBLE_PYTHON_INTERPRETER=sys.executable, **environment)
        result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    return run


def show(tasks=()):
    return [*tasks, {"ansible.builtin.debug": {"msg": SHOW}}]


def test_gathers_as_one_of_facts_modules_beside_setup(play):
    show_both = {"ansible.builtin.debug": {"msg": "{{ ansible_facts.system }} has schema {{ ansible_facts.listen_queue.schema }}"}}
    output = play({"gather_facts": True, "tasks": [show_both]}, ANSIBLE_FACTS_MODULES=f"ansible.builtin.setup,{MODULE}")
    assert "Linux has schema 1" in output


def test_facts_come_from_the_cache_in_the_next_play(play, tmp_path):
    cache = {"ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache")}
    play({"gather_facts": True, "tasks": []}, ANSIBLE_FACTS_MODULES=MODULE, **cache)
    output = play({"gather_facts": False, "tasks": show()}, **cache)
    assert '["counters", "nginx", "processes", "sockets", "syn_queue", "sysctl_boot", "sysctls", "unix"] own' in " ".join(output.replace('\\"', '"').split())


def test_a_second_call_replaces_the_whole_fact(play):
    calls = [{MODULE: {"gather_subset": ["all"]}}, {MODULE: {"gather_subset": ["!min", "sockets"]}}]
    output = play({"gather_facts": False, "tasks": show(calls)})
    assert '["sockets"] own' in output.replace('\\"', '"')


def test_module_defaults_reach_the_action_group(play):
    content = {
        "gather_facts": False,
        "module_defaults": {"group/netops.listen_queue.listen_queue": {"gather_subset": ["!min", "sysctls"], "namespaces": "all"}},
        "tasks": show([{MODULE: {}}]),
    }
    assert '["sysctls"] all' in play(content).replace('\\"', '"')


def test_check_mode_answers_the_same(play):
    output = play({"gather_facts": False, "check_mode": True, "tasks": show([{MODULE: {"gather_subset": ["min"]}}])})
    assert '["counters", "sockets", "sysctls"] own' in output.replace('\\"', '"')
    assert "changed=0" in output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gather_subset": ["bogus"]}, "gather_subset: there is no subset 'bogus'; use all, min, counters, nginx, processes,"),
        ({"sample": -1}, "sample: -1.0 seconds make no window; use 0 (no window) to 3600"),
        ({"ports": [80, 70000]}, "ports: 70000 is no TCP port; use 1 to 65535"),
        ({"sample": 1, "sample_interval": 0}, "sample_interval: 0.0 seconds is out of range; use 0.01 to 3600"),
    ],
    ids=["unknown_subset", "negative_sample", "port_70000", "interval_0"],
)
def test_bad_input_gets_one_sentence(tmp_path, options, sentence):
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", MODULE, "-a", json.dumps(options)]
    variables = environment_below(tmp_path, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode != 0
    assert sentence in result.stdout
    assert "Traceback" not in result.stdout
