# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users' plays, rules and dashboards rely on, as lines of text. contract.txt holds them as they were.

    python tests/unit/contract.py      writes contract.txt anew; refuses to drop a line that no changelog entry explains

A line that is gone needs an entry under deprecated_features, removed_features or breaking_changes, in a fragment or in the changelog,
that names both its owner and itself (for example "sysctl_dropin - the option ``loader`` is gone").
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).with_name("contract.txt")
SECTIONS = ("deprecated_features", "removed_features", "breaking_changes")
PLUGINS = ("modules", "filter", "lookup")


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _documents(path: Path) -> dict[str, Any]:
    """{"DOCUMENTATION": ..., "RETURN": ...} of a plugin."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    return {node.targets[0].id: yaml.safe_load(ast.literal_eval(node.value)) for node in found if node.targets[0].id in ("DOCUMENTATION", "RETURN")}


def _options(options: Mapping[str, Any] | None, prefix: str = "") -> Iterator[str]:
    for name, option in (options or {}).items():
        choices = " of " + "|".join(map(str, option["choices"])) if option.get("choices") else ""
        yield f"{prefix}{name}: {option.get('type', 'str')}{choices}{', required' if option.get('required') else ''}"
        yield from _options(option.get("suboptions") or option.get("options"), f"{prefix}{name}.")


def _returned(values: Mapping[str, Any] | None, prefix: str = "") -> Iterator[str]:
    for name, value in (values or {}).items():
        yield f"{prefix}{name}: {value['type']}"
        yield from _returned(value.get("contains"), f"{prefix}{name}.")


def lines() -> set[str]:
    """Everything that has a name users may write or read."""
    found = set()
    for kind in PLUGINS:
        for path in (ROOT / "plugins" / kind).glob("[a-z]*.py"):
            documents = _documents(path)
            found |= {f"{kind} {path.stem} option {each}" for each in _options(documents["DOCUMENTATION"].get("options"))}
            found |= {f"{kind} {path.stem} returns {each}" for each in _returned(documents.get("RETURN"))}
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry, spec in _yaml(path)["argument_specs"].items():
            found |= {f"role {path.parts[-3]} {entry} variable {each}" for each in _options(spec["options"])}
    for path in (ROOT / "roles").glob("*/handlers/main.yml"):
        topics = [task["listen"] for task in _yaml(path) if not task["listen"].startswith("__")]
        found |= {f"role {path.parts[-3]} topic {topic}" for topic in topics}
    found |= {f"rule {path.stem}" for path in (ROOT / "roles").glob("*/files/rules/*.yml")}
    found |= {f"verdict {path.stem}" for path in (ROOT / "roles").glob("*/files/verdicts/*.yml")}
    found |= {f"playbook {path.stem}" for path in (ROOT / "playbooks").glob("*.yml")}
    return found


def entries() -> list[str]:
    """The entries of changelog and fragments that may explain why something is gone."""
    documents = [_yaml(path) for path in (ROOT / "changelogs" / "fragments").glob("*.yml")]
    changelog = ROOT / "changelogs" / "changelog.yaml"
    if changelog.exists():
        documents += [release.get("changes", {}) for release in _yaml(changelog)["releases"].values()]
    return [entry for document in documents if document for section in SECTIONS for entry in document.get(section, ())]


def gone(before: set[str], now: set[str]) -> set[str]:
    """The lines of `before` that are not there now. That something is required no more breaks nobody."""
    return {line for line in before if not {line, line.removesuffix(", required")} & now}


def unexplained(gone: Iterable[str], explanations: Iterable[str]) -> list[str]:
    """The lines that are gone, or say something else now, without an entry that names them and what they belong to."""
    return sorted(line for line in gone if not any(all(_named(word, entry) for word in _words(line)) for entry in explanations))


def _words(line: str) -> list[str]:
    """Owner and own name: `modules sysctl_dropin option values.a: str` is known as sysctl_dropin and a."""
    head = line.split(":", maxsplit=1)[0].split(" ")
    return [head[1], *([re.split(r"[.]", head[-1])[-1]] if len(head) > 2 else [])]


def _named(word: str, entry: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", entry) is not None


def snapshot() -> set[str]:
    return set(SNAPSHOT.read_text(encoding="utf-8").splitlines())


def main() -> int:
    now = lines()
    left = unexplained(gone(snapshot(), now), entries()) if SNAPSHOT.exists() else []
    if left:
        print("Gone, and explained by no entry under %s:\n%s" % (", ".join(SECTIONS), "\n".join(left)), file=sys.stderr)
        return 1
    SNAPSHOT.write_text("".join(f"{line}\n" for line in sorted(now)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
