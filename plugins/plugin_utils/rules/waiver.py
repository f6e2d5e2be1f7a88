# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: a finding somebody accepted, for a reason and until a day. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..plain import NotPlain, plain

REQUIRED = ("rule", "reason", "expires")
PATTERNS = ("rule", "host", "namespace", "listener")


class WaiverError(ValueError):
    """A waiver that cannot be used: which one, and what to change."""


class Waiver(NamedTuple):
    """Patterns know * (any text) and ? (one character) and nothing else, because brackets are part of IPv6 addresses."""

    document: dict[str, str]
    patterns: dict[str, re.Pattern[str]]
    expired: bool

    def covers(self, finding: Mapping[str, Any]) -> bool:
        """Whether every pattern fits. A finding without a listener (or namespace) fits only a pattern that was left out or is *."""
        return all(pattern.fullmatch(finding.get(key) or "") for key, pattern in self.patterns.items())


def compile_waivers(documents: Any, rules: Iterable[str], today: str) -> list[Waiver]:
    """Check waivers against the ids of `rules` and the day of the report (YYYY-MM-DD). A waiver counts through its last day."""
    if documents is None:
        return []
    if not isinstance(documents, (list, tuple)):
        raise WaiverError("backlog_audit_waivers must be a list of mappings with rule, reason and expires")
    ids = tuple(rules)
    waivers = []
    for index, document in enumerate(documents):
        try:
            waivers.append(_compiled(plain(document), ids, today))
        except (NotPlain, WaiverError) as error:
            raise WaiverError("backlog_audit_waivers[%d]: %s" % (index, error)) from error
    return waivers


def _compiled(document: Any, rules: tuple[str, ...], today: str) -> Waiver:
    if not isinstance(document, dict):
        raise WaiverError("a waiver must be a mapping with rule, reason and expires")
    missing = [key for key in REQUIRED if not str(document.get(key) or "").strip()]
    if missing:
        raise WaiverError("%s is required" % " and ".join(missing))
    surplus = sorted(set(document) - set(REQUIRED) - set(PATTERNS))
    if surplus:
        raise WaiverError("unknown key %s: a waiver has %s, reason and expires" % (", ".join(surplus), ", ".join(PATTERNS)))
    if not all(isinstance(value, str) for value in document.values()):
        raise WaiverError("every value must be text")
    patterns = {key: _pattern(document[key]) for key in PATTERNS if key in document}
    if not any(patterns["rule"].fullmatch(rule) for rule in rules):
        raise WaiverError("there is no rule %s: rules are %s" % (document["rule"], ", ".join(rules)))
    try:
        expires = datetime.datetime.strptime(document["expires"], "%Y-%m-%d").date().isoformat()
    except ValueError as error:
        raise WaiverError("expires must be a day such as 2026-12-31, not %s" % document["expires"]) from error
    return Waiver(document, patterns, expires < today)


def _pattern(text: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", text))
    return re.compile("".join(parts), re.DOTALL)
