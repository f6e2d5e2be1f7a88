# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's files: rules, saved facts and the parts of the page in, reports out. What a file holds is decided in saved.py."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .drift.baseline import Baseline, parse_baseline
from .saved import SavedError, parse_facts, parse_list, parse_rule

FILES = Path(__file__).parents[2] / "roles" / "backlog_audit" / "files"
BUILTIN_RULES = FILES / "rules"
BUILTIN_VERDICTS = FILES / "verdicts"
BUILTIN_FIXES = FILES / "fixes.yml"
PAGE = BUILTIN_RULES.with_name("page")


def read_rules(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """[{source: path, rule: document}] of all rule files of the folders, in order. Raises SavedError, a whole sentence."""
    return [{"source": str(path), "rule": _rule(path)} for folder in folders for path in _rule_files(folder)]


def read_page() -> dict[str, str]:
    """File name -> text of what the HTML report is made from. Raises OSError."""
    return {path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.is_file()}


def verdict_names() -> list[str]:
    """The ids of all verdicts, which are the names of their files, and of the one that is left when none holds."""
    return [*(path.stem for path in _rule_files(BUILTIN_VERDICTS)), "unknown"]


def read_fixes(path: Path) -> list[Any]:
    """The list in the file of fixes. Raises SavedError, a whole sentence."""
    try:
        return parse_list(path.read_bytes())
    except OSError as error:
        raise SavedError("the file of fixes %s cannot be read: %s" % (path, error.strerror)) from error
    except SavedError as error:
        raise SavedError("the file of fixes %s %s" % (path, error)) from error


def read_facts(places: Iterable[Path]) -> dict[str, Any]:
    """Host name -> result, from files or directories of saved facts. Raises SavedError, a whole sentence."""
    results: dict[str, Any] = {}
    for path in (path for place in places for path in _fact_files(place)):
        for host, result in _facts(path).items():
            if host in results:
                raise SavedError("the saved facts %s hold host %s a second time: remove one of the files" % (path, host))
            results[host] = result
    return results


def read_baseline(path: Path) -> Baseline:
    """The earlier audit at `path`. Raises SavedError, a whole sentence."""
    try:
        return parse_baseline(path.read_bytes())
    except FileNotFoundError as error:
        raise SavedError("there is no baseline %s: save one with backlog_audit_save_baseline first" % path) from error
    except OSError as error:
        raise SavedError("the baseline %s cannot be read: %s" % (path, error.strerror)) from error
    except SavedError as error:
        raise SavedError("the baseline %s %s" % (path, error)) from error


def write_report(folder: Path, texts: Mapping[str, str], mode: int) -> list[str]:
    """Write {file name: text} into `folder`, which is made; each file appears whole or not at all. Returns the paths. Raises OSError."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    for name, text in texts.items():
        handle, temporary = tempfile.mkstemp(prefix=".%s." % name, dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.write(text)
                os.fchmod(file.fileno(), mode)
            os.replace(temporary, folder / name)
        except BaseException:
            os.unlink(temporary)
            raise
    return [str(folder / name) for name in texts]


def _rule_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml") and not path.name.startswith("."))
    except OSError as error:
        raise SavedError("the rule directory %s cannot be read: %s" % (folder, error.strerror)) from error


def _rule(path: Path) -> Any:
    try:
        return parse_rule(path.read_bytes(), path.stem)
    except OSError as error:
        raise SavedError("the rule file %s cannot be read: %s" % (path, error.strerror)) from error
    except SavedError as error:
        raise SavedError("the rule file %s %s" % (path, error)) from error


def _fact_files(place: Path) -> list[Path]:
    """The file itself, or the files of a directory; a directory without any is a mistake."""
    try:
        if not place.is_dir():
            return [place]
        files = sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise SavedError("the saved facts %s cannot be read: %s" % (place, error.strerror)) from error
    if not files:
        raise SavedError("the saved facts %s hold no file: expected HOST.json for each host" % place)
    return files


def _facts(path: Path) -> dict[str, Any]:
    try:
        return parse_facts(path.read_bytes(), path.stem if path.suffix == ".json" else path.name)
    except OSError as error:
        raise SavedError("the saved facts %s cannot be read: %s" % (path, error.strerror)) from error
    except SavedError as error:
        raise SavedError("the saved facts %s: it %s" % (path, error)) from error
