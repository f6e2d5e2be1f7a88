# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.saved import SavedError, bundle, parse_facts, parse_rule

FACTS = {"schema": 1, "boot_id": "x", "namespaces": []}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(FACTS, {"web1": FACTS}, id="bare_facts"),
        pytest.param({"ansible_facts": {"listen_queue": FACTS}, "changed": False}, None, id="result_as_the_tree_option_writes_it"),
        pytest.param({"listen_queue": FACTS}, None, id="one_key"),
        pytest.param({"unreachable": True, "msg": "down", "changed": False}, None, id="unreachable_host_of_the_tree_option"),
        pytest.param(
            bundle({"db1": {"ansible_facts": {"listen_queue": FACTS}}, "db2": None}),
            {"db1": {"ansible_facts": {"listen_queue": FACTS}}, "db2": None},
            id="audit",
        ),
    ],
)
def test_shapes(document, expected):
    assert parse_facts(json.dumps(document).encode(), "web1") == (expected or {"web1": document})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"schema": 1,', "is not JSON: Expecting property name enclosed in double quotes: line 1 column 14 (char 13)"),
        (b"\xff{}", "is not UTF-8 text (byte 0)"),
        (b"[" * 100_000, "is not JSON: "),
        (b"[]", "holds no mapping"),
        (b'{"a": 1}', "holds neither facts (listen_queue) nor the result of a failed task"),
        (b'{"kind": "netops.listen_queue facts of an audit"}', "is a file of a whole audit without its mapping hosts"),
    ],
)
def test_broken_facts(content, message):
    with pytest.raises(SavedError) as caught:
        parse_facts(content, "web1")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "is not UTF-8 text (byte 0)"),
        (b"a: [", "is not YAML: while parsing a flow node"),
        (b"- a", "holds no mapping: a rule file holds one rule"),
        (b"id: other", "holds rule other: the id must be the name of the file without .yml"),
        (b"!!python/object/apply:os.system [id]", "is not YAML: could not determine a constructor for the tag"),
    ],
)
def test_broken_rule_files(content, message):
    with pytest.raises(SavedError) as caught:
        parse_rule(content, "drops")
    assert str(caught.value).startswith(message)


def test_rule_file():
    assert parse_rule(b"id: drops\nseverity: info\n", "drops") == {"id": "drops", "severity": "info"}
