# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's options, checked: nothing of them reaches a file or the kernel before it passed here."""

import re
from fnmatch import fnmatchcase
from typing import Dict, List, NamedTuple, Optional

from .._errors import InputError
from .._sysctl.catalog import CATALOG
from .._sysctl.conf_file import GLOB, simplified
from .._sysctl.names import dotted, path_of
from .._sysctl.values import FIRST_PORT, NUMBERS, kept
from .hazards import in_order, why_refused

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
LONGEST_NAME = 100
KEY = re.compile(r"[A-Za-z0-9_./:@%+-]+\Z")


class Wanted(NamedTuple):
    """``values`` maps paths below /proc/sys to the text that is to stand in the file; empty for an absent whole file."""

    name: Optional[str]
    values: Dict[str, str]
    is_present: bool
    at_least: bool
    runtime: bool
    on_conflict: str
    allow: Optional[List[str]] = None

    def keys(self):
        return tuple(self.values)


def checked(parameters):
    """Return what is Wanted. Raises InputError with one sentence."""
    name, values, is_present = parameters["name"], parameters["values"] or {}, parameters["state"] == "present"
    if is_present and not values:
        raise InputError("values: there is none to set; give at least one, as net.core.somaxconn: 4096")
    texts = {}
    for key, value in values.items():
        path = _checked_key(key, parameters["allow"])
        if path in texts:
            raise InputError("values: %s is given twice, in two spellings" % dotted(path))
        texts[path] = _checked_value(key, path, value, parameters["at_least"]) if is_present else ""
    for path in texts if is_present else ():
        why = why_refused(texts, path)
        if why:
            raise InputError("values: %s %s" % (dotted(path), why))
    if parameters["root"] != "/" and parameters["runtime"]:
        raise InputError("runtime: the running kernel does not belong to root %s; set runtime to false" % parameters["root"])
    if not parameters["persist"] and not (is_present and parameters["runtime"]):
        raise InputError("persist: with false only running values are set; leave state present and runtime true")
    texts = in_order(texts, str(FIRST_PORT)) if is_present else texts
    at_least = parameters["at_least"] and is_present
    return Wanted(_checked_name(name), texts, is_present, at_least, parameters["runtime"], parameters["on_conflict"], parameters["allow"])


def _checked_name(name):
    if name is None:
        return None
    base = name[: -len(".conf")] if name.endswith(".conf") else name
    if not NAME.match(base) or len(base) > LONGEST_NAME:
        raise InputError("name: %r is no base name of a file; use letters, digits, dots, dashes and underscores, as 60-web (at most %d)" % (name, LONGEST_NAME))
    return base


def _checked_key(key, allow):
    if not KEY.match(key) or GLOB.search(key):
        raise InputError("values: %r is no name of a sysctl; write it like net.core.somaxconn" % key)
    path = simplified(path_of(key))
    if not path or ".." in path.split("/"):
        raise InputError("values: %r is no name of a sysctl; write it like net.core.somaxconn" % key)
    if not is_allowed(path, allow):
        names = "the sysctls of listen queues" if allow is None else ", ".join(allow) or "nothing"
        raise InputError("values: %s is not among what may be set here (%s); name it in allow when it is meant" % (dotted(path), names))
    return path


def is_allowed(path, allow):
    """Whether a pattern of ``allow`` names the key; without patterns, whether the catalogue has it."""
    if allow is None:
        return any(path_of(row.key) == path for row in CATALOG)
    return any(fnmatchcase(dotted(path), dotted(simplified(path_of(pattern)))) for pattern in allow)


def _checked_value(key, path, value, at_least):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InputError("values: %s is %r, which is no number and no text; write the value as the kernel shows it" % (key, value))
    text = str(value)
    if any(ord(letter) < 32 and letter != "\t" or letter in "\x7f\x85\u2028\u2029" for letter in text):
        raise InputError("values: the value of %s contains a line break or another control character; a file could not hold it" % key)
    text = text.strip()
    refused = kept(path, text).refused
    if refused or not text:
        raise InputError("values: the kernel refuses %r for %s: %s" % (text, key, refused or "the value is empty"))
    count = NUMBERS[path][0] if path in NUMBERS else 0
    if count and len(text.split()) != count:
        raise InputError("values: %s is %r, and it takes %d number%s" % (key, text, count, "s" if count > 1 else ""))
    if at_least and number_of(path, text) is None:
        raise InputError("values: %s is %r, and at_least needs one whole number" % (key, text))
    return text


def number_of(path, text):
    """Return the one number that a text is for the kernel, or None."""
    try:
        return int(kept(path, text).value)
    except (TypeError, ValueError):
        return None
