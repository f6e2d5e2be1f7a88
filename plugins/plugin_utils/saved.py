# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved text -> facts and rules: what a file holds, decided from its bytes. Pure; the lookups read the files."""

from __future__ import annotations

import json
from typing import Any

import yaml

from .judgement.findings import find_facts

BUNDLE = "netops.listen_queue facts of an audit"


class SavedError(ValueError):
    """A file that cannot be used, as the rest of a sentence that starts with its name."""


def parse_facts(content: bytes, name: str) -> dict[str, Any]:
    """{host name: result} of one saved file.

    A file holds one host's result (as `ansible --tree` writes it), {"ansible_facts": ...} or bare facts, and then the host is `name`;
    or the facts of a whole audit (backlog_audit_save_facts). Raises SavedError.
    """
    document = parse_json(content)
    if not isinstance(document, dict):
        raise SavedError("holds no mapping")
    if document.get("kind") == BUNDLE:
        if not isinstance(document.get("hosts"), dict):
            raise SavedError("is a file of a whole audit without its mapping hosts")
        return dict(document["hosts"])
    if find_facts(document) is None and not any(key in document for key in ("unreachable", "failed", "msg")):
        raise SavedError("holds neither facts (listen_queue) nor the result of a failed task")
    return {name: document}


def parse_json(content: bytes) -> Any:
    """The document in a file. Raises SavedError."""
    try:
        return json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SavedError("is not UTF-8 text (byte %d)" % error.start) from error
    except (ValueError, RecursionError) as error:
        raise SavedError("is not JSON: %s" % error) from error


def bundle(results: dict[str, Any]) -> dict[str, Any]:
    """All results of an audit in one document that parse_facts() reads back."""
    return {"kind": BUNDLE, "schema": 1, "hosts": results}


def parse_rule(content: bytes, stem: str) -> Any:
    """The document in a rule file, whose id must be the file's name without .yml. Raises SavedError."""
    document = _yaml(content)
    if not isinstance(document, dict):
        raise SavedError("holds no mapping: a rule file holds one rule")
    if document.get("id") != stem:
        raise SavedError("holds rule %s: the id must be the name of the file without .yml" % document.get("id"))
    return document


def parse_list(content: bytes) -> list[Any]:
    """The list in a YAML file. Raises SavedError."""
    document = _yaml(content)
    if not isinstance(document, list):
        raise SavedError("holds no list")
    return document


def _yaml(content: bytes) -> Any:
    try:
        return yaml.load(content.decode("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe loader)
    except UnicodeDecodeError as error:
        raise SavedError("is not UTF-8 text (byte %d)" % error.start) from error
    except yaml.YAMLError as error:
        raise SavedError("is not YAML: %s" % " ".join(str(error).split())) from error
