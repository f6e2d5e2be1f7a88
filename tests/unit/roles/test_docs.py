# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides name everything there is: rules, thresholds, fields and variables; and their example of a rule works."""

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.netops.listen_queue.plugins.plugin_utils.fields import FIELDS, THRESHOLDS

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
ROLE = ROOT / "roles" / "backlog_audit"
NAMES = {
    "rules": [path.stem for path in (ROLE / "files" / "rules").glob("*.yml")],
    "thresholds": list(THRESHOLDS),
    "fields": [f"{part}.{name}" for part, fields in FIELDS.items() for name in fields],
}


@pytest.mark.parametrize("kind", NAMES)
def test_rules_guide_names(kind):
    assert NAMES[kind]
    assert [name for name in NAMES[kind] if f"| `{name}` |" not in RULES] == []


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
