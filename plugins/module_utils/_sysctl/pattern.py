# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of keys as glob(3) and fnmatch(3) of the C library read them.

Collating symbols and equivalence classes (``[[.a.]]``, ``[[=a=]]``) are not modelled. Whoever writes a file of sysctl.d in a
container chooses the patterns: each is matched in a time that grows with its length and not faster.
"""

import re

LONGEST = 1024  # no sysctl has a path that long
ONE = r"\[:[a-z]+:\]|\\.|\[(?!:[a-z]+:\])|[^][\\]"
TOKEN = re.compile(r"\[(?:([!^])|(?![!^]))((?:\]|%s)(?:%s)*)\]|\\?." % (ONE, ONE), re.DOTALL)
MEMBER = re.compile(r"\[:([a-z]+):\]|(\\?.)(?:-(\\?.))?", re.DOTALL)
# POSIX character classes in the C locale.
CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r" \t-\r",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9a-fA-F",
}
_COMPILED = {}


def matches(pattern, path, crossing=False):
    """Whether glob(3) finds ``path`` with ``pattern``: no wildcard matches a slash, nor a dot at the beginning of a name.

    ``crossing``: as fnmatch(3) without flags matches, where both may be.
    """
    if len(pattern) > LONGEST:
        return False
    if (pattern, crossing) not in _COMPILED:
        parts = [pattern] if crossing else [part for part in pattern.split("/") if part not in ("", ".")]
        _COMPILED[pattern, crossing] = re.compile(_regexp(parts, crossing) + r"\Z", re.DOTALL)
    return _COMPILED[pattern, crossing].match(path) is not None


def _regexp(parts, crossing):
    """What lies between two stars is looked for once, at its first place: a group that was found is not looked for again."""
    letter = "." if crossing else "[^/]"
    groups, components = 0, []
    for part in parts:
        first, *others = _between_stars(part, letter, crossing)
        regexp = ("" if crossing or part[0] not in "*?[" else "(?![.])") + first
        for text in others[:-1]:
            groups += 1
            regexp += r"(?=(%s*?%s))\%d(?:)" % (letter, text, groups)
        components.append(regexp + "".join(letter + "*" + text for text in others[-1:]))
    return "/".join(components)


def _between_stars(part, letter, crossing):
    texts = [""]
    for token in TOKEN.finditer(part):
        text = token.group()
        if text == "*":
            texts.append("")
        elif text == "?":
            texts[-1] += letter
        elif token.group(2) is not None:
            texts[-1] += _set(token.group(1), token.group(2), letter, crossing)
        else:
            texts[-1] += re.escape(text[-1])
    return texts


def _set(negation, members, letter, crossing):
    inside = ""
    for member in MEMBER.finditer(members):
        name, low, high = member.groups()
        if name:
            inside += CLASSES.get(name, "")
        elif (high or low)[-1] >= low[-1]:
            inside += re.escape(low[-1]) + "-" + re.escape((high or low)[-1])
    if not inside:
        return letter if negation else "(?!)"
    return "%s[%s%s]" % ("" if crossing else "(?!/)", "^" if negation else "", inside)
