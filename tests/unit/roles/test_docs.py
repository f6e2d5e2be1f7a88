# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides name everything there is: rules, thresholds, fields and variables; and their example of a rule works."""

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.fields import FIELDS, THRESHOLDS
from ansible_collections.netops.listen_queue.plugins.plugin_utils.rules.verdict import VERDICTS

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
DIAGNOSE = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8")
ROLE = ROOT / "roles" / "backlog_audit"
FIXES = yaml.safe_load((ROLE / "files" / "fixes.yml").read_text(encoding="utf-8"))
NAMES = {
    "rules": [path.stem for path in (ROLE / "files" / "rules").glob("*.yml")],
    "thresholds": list(THRESHOLDS),
    "fields": [f"{part}.{name}" for part, fields in FIELDS.items() for name in fields],
}


IN_DIAGNOSES = {
    "verdicts": [*VERDICTS, *(path.stem for path in (ROLE / "files" / "verdicts").glob("*.yml"))],
    "fixes": [fix["id"] for fix in FIXES],
}


@pytest.mark.parametrize("kind", NAMES)
def test_guides_name_what_rules_see(kind):
    assert NAMES[kind]
    guides = RULES if kind == "rules" else RULES + DIAGNOSE
    assert [name for name in NAMES[kind] if f"| `{name}` |" not in guides] == []


@pytest.mark.parametrize("kind", IN_DIAGNOSES)
def test_diagnose_guide_names(kind):
    assert IN_DIAGNOSES[kind]
    assert [name for name in IN_DIAGNOSES[kind] if f"| `{name}` |" not in DIAGNOSE] == []


@pytest.mark.parametrize("path", sorted((ROLE / "files" / "verdicts").glob("*.yml")), ids=lambda path: path.stem)
def test_diagnose_guide_says_when_a_cause_holds(path):
    verdict = yaml.safe_load(path.read_text(encoding="utf-8"))
    expression = " ".join(verdict["expr"].split()).replace("|", r"\|").replace("`", "'")
    assert "\n| `%s` | %s | %s | `%s` | " % (verdict["id"], verdict["verdict"], verdict["severity"], expression) in DIAGNOSE


def test_guides_give_the_defaults_of_thresholds():
    wrong = [name for name, each in THRESHOLDS.items() if f"| `{name}` | {each.value:g} | {each.meaning} | {each.source} |" not in RULES + DIAGNOSE]
    assert wrong == []


def test_audit_guide_names_every_variable():
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    assert [name for name in options if f"| `{name}` |" not in AUDIT] == []


def test_links_between_the_guides_lead_somewhere():
    broken = [
        (path.name, target)
        for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []
