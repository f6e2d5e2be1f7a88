# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import json

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.netops.listen_queue.plugins.lookup import rules, saved_facts

FACTS = {"schema": 1, "boot_id": "x", "namespaces": []}


def lookup(module, monkeypatch, terms, **options):
    plugin = module.LookupModule(loader=DataLoader())
    monkeypatch.setattr(plugin, "set_options", lambda var_options=None, direct=None: None)
    monkeypatch.setattr(plugin, "get_option", lambda name: options.get(name, True))
    (result,) = plugin.run([str(term) for term in terms])
    return result


def test_builtin_rules_come_first_and_directories_in_order(tmp_path, monkeypatch):
    for name in ("b", "a"):
        (tmp_path / ("%s.yml" % name)).write_text("id: %s\n" % name)
    (tmp_path / ".hidden.yml").write_text("id: x\n")
    (tmp_path / "README.md").write_text("# rules\n")
    found = [each["rule"]["id"] for each in lookup(rules, monkeypatch, [tmp_path])]
    assert found[-2:] == ["a", "b"]
    assert "accept_queue_full" in found[:-2]
    assert lookup(rules, monkeypatch, [tmp_path], builtin=False) == [
        {"source": str(tmp_path / "a.yml"), "rule": {"id": "a"}},
        {"source": str(tmp_path / "b.yml"), "rule": {"id": "b"}},
    ]


def test_saved_facts_of_a_directory_and_of_a_file(tmp_path, monkeypatch):
    (tmp_path / "web1.json").write_text(json.dumps(FACTS))
    (tmp_path / "web2.example.com").write_text(json.dumps({"ansible_facts": {"listen_queue": FACTS}}))
    assert sorted(lookup(saved_facts, monkeypatch, [tmp_path])) == ["web1", "web2.example.com"]
    assert lookup(saved_facts, monkeypatch, [tmp_path / "web1.json"]) == {"web1": FACTS}


@pytest.mark.parametrize(
    ("module", "files", "term", "message"),
    [
        (rules, {"x.yml": "a: ["}, "", "the rule file {}/x.yml is not YAML: "),
        (rules, {"x.yml": "id: y"}, "", "the rule file {}/x.yml holds rule y: the id must be the name of the file without .yml"),
        (rules, {}, "missing", "the rule directory {}/missing cannot be read: No such file or directory"),
        (saved_facts, {"web1.json": "{"}, "", "the saved facts {}/web1.json: it is not JSON: "),
        (saved_facts, {"web1.json": "{}"}, "", "the saved facts {}/web1.json: it holds neither facts (listen_queue) nor the result of a failed task"),
        (saved_facts, {}, "", "the saved facts {} hold no file: expected HOST.json for each host"),
        (saved_facts, {}, "missing", "the saved facts {}/missing cannot be read: No such file or directory"),
        (saved_facts, {"a": json.dumps(FACTS), "a.json": json.dumps(FACTS)}, "", "the saved facts {}/a.json hold host a a second time: remove one"),
    ],
)
def test_errors_name_the_file(tmp_path, monkeypatch, module, files, term, message):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(AnsibleError) as caught:
        lookup(module, monkeypatch, [tmp_path / term if term else tmp_path])
    assert caught.value.message.startswith(message.replace("{}", str(tmp_path), 1))
