# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one clear sentence, before anything is read or written."""

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import InputError
from ansible_collections.netops.listen_queue.plugins.module_utils._sysctl_dropin.options import checked

SOMAXCONN = "net.core.somaxconn"
DEFAULTS = {
    "name": None, "values": {SOMAXCONN: 4096}, "at_least": False, "state": "present", "runtime": True, "persist": True, "on_conflict": "fail", "allow": None,
    "root": "/",
}  # fmt: skip
NO_NAME = "is no base name of a file; use letters, digits, dots, dashes and underscores, as 60-web (at most 100)"
CONTROL = "contains a line break or another control character; a file could not hold it"
NOT_ALLOWED = "values: kernel.core_pattern is not among what may be set here (the sysctls of listen queues); name it in allow when it is meant"
REFUSED = {
    "nothing_to_set": ({"values": {}}, "values: there is none to set; give at least one, as net.core.somaxconn: 4096"),
    "newline_in_a_value": ({"values": {SOMAXCONN: "1\nkernel.core_pattern=|x"}}, f"values: the value of {SOMAXCONN} {CONTROL}"),
    "carriage_return_in_a_value": ({"values": {SOMAXCONN: "1\rx"}}, f"values: the value of {SOMAXCONN} {CONTROL}"),
    "nul_in_a_value": ({"values": {SOMAXCONN: "1\0"}}, f"values: the value of {SOMAXCONN} {CONTROL}"),
    "unicode_line_separator": ({"values": {SOMAXCONN: "1\u2028x"}}, f"values: the value of {SOMAXCONN} {CONTROL}"),
    "out_of_range": (
        {"values": {SOMAXCONN: -1}}, f"values: the kernel refuses '-1' for {SOMAXCONN}: -1 is out of range; it takes 0 to 2147483647",
    ),
    "word": ({"values": {SOMAXCONN: "many"}}, f"values: the kernel refuses 'many' for {SOMAXCONN}: 'many' is no whole number"),
    "empty_value": ({"values": {SOMAXCONN: " "}}, f"values: the kernel refuses '' for {SOMAXCONN}: the value is empty"),
    "comment_in_a_value": ({"values": {SOMAXCONN: "5 # why"}}, f"values: {SOMAXCONN} is '5 # why', and it takes 1 number"),
    "too_few_numbers": ({"values": {"net.ipv4.tcp_rmem": "1 2"}}, "values: net.ipv4.tcp_rmem is '1 2', and it takes 3 numbers"),
    "boolean": (
        {"values": {"net.ipv4.tcp_syncookies": True}},
        "values: net.ipv4.tcp_syncookies is True, which is no number and no text; write the value as the kernel shows it",
    ),
    "list": ({"values": {SOMAXCONN: [1]}}, f"values: {SOMAXCONN} is [1], which is no number and no text; write the value as the kernel shows it"),
    "key_outside_the_catalogue": ({"values": {"kernel.core_pattern": "x"}}, NOT_ALLOWED),
    "key_outside_with_slashes": ({"values": {"kernel/core_pattern": "x"}}, NOT_ALLOWED),
    "key_outside_allow": (
        {"allow": ["net.ipv4.*"]}, f"values: {SOMAXCONN} is not among what may be set here (net.ipv4.*); name it in allow when it is meant",
    ),
    "nothing_allowed": ({"allow": []}, f"values: {SOMAXCONN} is not among what may be set here (nothing); name it in allow when it is meant"),
    "two_keys_of_which_one_counts": (  # F43
        {"values": {"vm.dirty_bytes": 1, "vm.dirty_ratio": 1}, "allow": ["vm.*"]},
        "values: vm.dirty_bytes and vm.dirty_ratio set each other to 0; give one of them",
    ),
    "key_that_keeps_no_value": (  # F44
        {"values": {"vm.drop_caches": 3}, "allow": ["vm.*"]},
        "values: vm.drop_caches makes something happen and keeps no value, so it belongs into no file and cannot be taken back",
    ),
    "pattern_as_key": ({"values": {"net.core.*": 1}}, "values: 'net.core.*' is no name of a sysctl; write it like net.core.somaxconn"),
    "newline_in_a_key": ({"values": {"net.core\n": 1}}, "values: 'net.core\\n' is no name of a sysctl; write it like net.core.somaxconn"),
    "way_up_in_a_key": (
        {"values": {"net/../kernel/x": 1}, "allow": ["*"]}, "values: 'net/../kernel/x' is no name of a sysctl; write it like net.core.somaxconn",
    ),
    "equals_sign_in_a_key": ({"values": {"a=b": 1}}, "values: 'a=b' is no name of a sysctl; write it like net.core.somaxconn"),
    "empty_key": ({"values": {"": 1}}, "values: '' is no name of a sysctl; write it like net.core.somaxconn"),
    "one_key_in_two_spellings": ({"values": {SOMAXCONN: 1, "net/core/somaxconn": 2}}, f"values: {SOMAXCONN} is given twice, in two spellings"),
    "path_as_name": ({"name": "../../etc/cron.d/x"}, f"name: '../../etc/cron.d/x' {NO_NAME}"),
    "absolute_name": ({"name": "/etc/passwd"}, f"name: '/etc/passwd' {NO_NAME}"),
    "hidden_name": ({"name": ".x"}, f"name: '.x' {NO_NAME}"),
    "name_like_an_option": ({"name": "-x"}, f"name: '-x' {NO_NAME}"),
    "quoted_name": ({"name": "%2e%2e"}, f"name: '%2e%2e' {NO_NAME}"),
    "newline_in_a_name": ({"name": "x\n"}, f"name: 'x\\n' {NO_NAME}"),
    "empty_name": ({"name": ""}, f"name: '' {NO_NAME}"),
    "long_name": ({"name": "x" * 300}, f"name: '{'x' * 300}' {NO_NAME}"),
    "at_least_of_three_numbers": (
        {"values": {"net.ipv4.tcp_rmem": "1 2 3"}, "at_least": True}, "values: net.ipv4.tcp_rmem is '1 2 3', and at_least needs one whole number",
    ),
    "neither_file_nor_runtime": (
        {"persist": False, "runtime": False}, "persist: with false only running values are set; leave state present and runtime true",
    ),
    "absent_without_a_file": (
        {"persist": False, "state": "absent"}, "persist: with false only running values are set; leave state present and runtime true",
    ),
    "runtime_of_another_root": ({"root": "/srv/image"}, "runtime: the running kernel does not belong to root /srv/image; set runtime to false"),
}  # fmt: skip


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_refused(given, sentence):
    with pytest.raises(InputError) as caught:
        checked({**DEFAULTS, **given})
    assert str(caught.value) == sentence


ACCEPTED = {
    "number": ({}, {"net/core/somaxconn": "4096"}),
    "text_with_blanks": ({"values": {"net/core/somaxconn": " 5 "}}, {"net/core/somaxconn": "5"}),
    "hexadecimal": ({"values": {SOMAXCONN: "0x10"}}, {"net/core/somaxconn": "0x10"}),
    "dotted_device": ({"values": {"net.ipv4.conf.eth0/1.rp_filter": 2}, "allow": ["net.ipv4.conf.*"]}, {"net/ipv4/conf/eth0.1/rp_filter": "2"}),
    "allow_in_the_other_spelling": ({"allow": ["net/core/*"]}, {"net/core/somaxconn": "4096"}),
    "anything_that_is_named": ({"values": {"kernel.pid_max": 1}, "allow": ["kernel.pid_max"]}, {"kernel/pid_max": "1"}),
    "ports_in_the_order_of_the_boot": (  # F43
        {"values": {"net.ipv4.ip_unprivileged_port_start": 40000, SOMAXCONN: 1, "net.ipv4.ip_local_port_range": "45000 60000"}},
        {"net/ipv4/ip_local_port_range": "45000 60000", "net/ipv4/ip_unprivileged_port_start": "40000", "net/core/somaxconn": "1"},
    ),
    "absent_needs_no_values": ({"values": None, "state": "absent"}, {}),
    "absent_ignores_values": ({"values": {SOMAXCONN: None}, "state": "absent"}, {"net/core/somaxconn": ""}),
    "another_root_without_runtime": ({"root": "/srv/image", "runtime": False}, {"net/core/somaxconn": "4096"}),
}


@pytest.mark.parametrize("given, values", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(given, values):
    assert list(checked({**DEFAULTS, **given}).values.items()) == list(values.items())


@pytest.mark.parametrize("name, base", [("60-web", "60-web"), ("60-web.conf", "60-web"), ("a.b_c", "a.b_c")])
def test_name_with_or_without_suffix(name, base):
    assert checked({**DEFAULTS, "name": name}).name == base
