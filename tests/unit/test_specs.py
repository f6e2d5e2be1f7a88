# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down twice says the same: documentation and argument specs, role defaults and role specs, versions, lists."""

import ast
import importlib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.parent.name for path in (ROOT / "roles").glob("*/meta"))
COMPARED = {"type": "str", "elements": None, "required": False, "default": None, "choices": None, "aliases": []}


def load_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def written(module, name):
    """The YAML document that a module assigns to DOCUMENTATION, EXAMPLES or RETURN."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


def compared(options):
    """{option: its type, default ...}, what is not said being Ansible's default; suboptions likewise."""
    result = {}
    for name, option in options.items():
        result[name] = {key: option.get(key, default) for key, default in COMPARED.items()}
        if result[name]["choices"] is not None:
            result[name]["choices"] = list(result[name]["choices"])
        result[name]["options"] = compared(option.get("suboptions", option.get("options")) or {})
    return result


def test_there_are_modules_and_roles():
    assert MODULES and ROLES


@pytest.mark.parametrize("module", MODULES)
def test_documented_options_are_the_argument_spec(module):
    code = importlib.import_module(f"ansible_collections.netops.listen_queue.plugins.modules.{module}")
    if not hasattr(code, "ARGUMENT_SPEC"):  # the module of an action that does all of it holds nothing but the documentation
        code = importlib.import_module(f"ansible_collections.netops.listen_queue.plugins.action.{module}")
    documentation = written(module, "DOCUMENTATION")
    assert compared({**shared_options(documentation), **(documentation.get("options") or {})}) == compared(code.ARGUMENT_SPEC)


def shared_options(documentation):
    """The options of the fragments that a documentation extends."""
    options = {}
    for name in documentation.get("extends_documentation_fragment") or ():
        file, _dot, part = name.removeprefix("netops.listen_queue.").partition(".")
        fragment = importlib.import_module(f"ansible_collections.netops.listen_queue.plugins.doc_fragments.{file}").ModuleDocFragment
        options.update(yaml.safe_load(getattr(fragment, part.upper() or "DOCUMENTATION")).get("options") or {})
    return options


@pytest.mark.parametrize("module", MODULES)
def test_module_documents_itself(module):
    documentation = written(module, "DOCUMENTATION")
    assert documentation["module"] == module
    assert documentation["short_description"] and documentation["description"]
    assert any(f"netops.listen_queue.{module}" in task for task in written(module, "EXAMPLES"))


def undescribed(values, path=""):
    for name, value in (values or {}).items():
        if not value.get("description") or not value.get("type"):
            yield path + name
        yield from undescribed(value.get("contains"), f"{path}{name}.")


@pytest.mark.parametrize("module", MODULES)
def test_every_returned_value_is_described(module):
    returned = written(module, "RETURN")
    assert returned
    assert list(undescribed(returned)) == []


def test_action_group_lists_every_module():
    assert sorted(load_yaml(ROOT / "meta" / "runtime.yml")["action_groups"]["listen_queue"]) == MODULES


def test_versions_agree():
    version = importlib.import_module("ansible_collections.netops.listen_queue.plugins.module_utils._version").VERSION
    assert version == load_yaml(ROOT / "galaxy.yml")["version"]


def options_of(role):
    """(name, option) of all entry points. A required text has the default "", so that a play that leaves it out gets the role's own sentence."""
    specs = load_yaml(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return [item for spec in specs.values() for item in spec["options"].items()]


@pytest.mark.parametrize("role", ROLES)
def test_role_defaults_are_its_argument_spec(role):
    defaults = load_yaml(ROOT / "roles" / role / "defaults" / "main.yml")
    specified = {name: option.get("default", "" if option["type"] == "str" else None) for name, option in options_of(role)}
    assert specified == defaults


@pytest.mark.parametrize("role", ROLES)
def test_role_variables_carry_the_role_name(role):
    assert [name for name, _option in options_of(role) if not name.startswith(f"{role}_")] == []
    assert [name for name, option in options_of(role) if not option.get("description")] == []


@pytest.mark.parametrize("spec, documentation", [({"a": {"default": 1}}, {"a": {}}), ({"a": {}}, {}), ({"a": {"type": "int"}}, {"a": {}})])
def test_a_difference_is_noticed(spec, documentation):
    assert compared(spec) != compared(documentation)
