# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of include, compared with glob(3) of the C library."""

import ctypes
import locale
import os
import re

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._nginx.glob import is_pattern, matcher, plain
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

NAMES = b"a b ab a-b .a . .. A 9 10 * a* ? [ ] [a] \\ a\\ ! ^ - \xc3\xa9 \xff".split()
PATTERNS = (
    b"* ? a* *b [ab] [a-b] [!a] [^a] []] [!]] []a] [ [a a[ [[] [a-] [-a] \\* a\\* \\a \\\\ .* \\.* [.]* ?a [[:digit:]]* [[:alpha:]] [[:upper:]a] [!*] "
    b"[\\]] [z-a] *\xa9 ?? *.* ** [a-b-z]"
).split()


class Glob(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("paths", ctypes.POINTER(ctypes.c_char_p)), ("rest", ctypes.c_char * 256)]


@pytest.fixture(scope="module", autouse=True)
def _c_locale():
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C")
    yield
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glob")
    for name in NAMES:
        if name not in (b".", b".."):
            (folder / os.fsdecode(name)).touch()
    return os.fsencode(folder)


def libc_glob(folder, pattern):
    libc, found = ctypes.CDLL(None), Glob()
    libc.glob(folder + b"/" + pattern, 0, None, ctypes.byref(found))
    names = [found.paths[index][len(folder) + 1 :] for index in range(found.count)]
    libc.globfree(ctypes.byref(found))
    return names


def our_glob(folder, pattern):
    match = matcher(pattern)
    names = [os.fsencode(name) for name in os.listdir(folder)]
    if match is None:
        return [pattern and plain(pattern)] if plain(pattern) in [*names, b""] else []
    return sorted(name for name in [*names, b".", b".."] if match(name))


@pytest.mark.parametrize("pattern", PATTERNS, ids=repr)
def test_like_the_c_library(folder, pattern):
    expected = libc_glob(folder, pattern)
    if matcher(pattern) is None and expected:
        expected = [plain(pattern)]  # glob(3) leaves the backslashes of a plain name to its caller on some versions
    assert our_glob(folder, pattern) == sorted(expected)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"*", b"?", b"[", b"]", b"!", b"^", b"-", b"a", b"b", b".", b"\\", b"\xc3"]), max_size=8).map(b"".join))
def test_any_pattern_is_like_the_c_library(folder, pattern):
    assume(not re.search(rb"\[.*\[[.=]", pattern))  # collating symbols are not modelled
    if matcher(pattern) is not None and not pattern.endswith(b"\\"):  # a backslash at the end is undefined
        assert our_glob(folder, pattern) == sorted(libc_glob(folder, pattern))


def test_many_stars_come_to_an_end():
    match = matcher(b"*a" * 40 + b"*b")
    assert not match(b"a" * 250)
    assert match(b"a" * 250 + b"b")


@pytest.mark.parametrize("pattern", [b"[[.]", b"[[.a.]]", b"[[=a=]]"])
def test_collating_symbols_match_nothing(pattern):
    assert [name for name in (b"[", b".", b"a", b"a]", b"=") if matcher(pattern)(name)] == []


@pytest.mark.parametrize("path, expected", [(b"/etc/nginx/*.conf", True), (b"/a[b/x", True), (b"/a?", True), (b"/a/b.conf", False), (b"", False)])
def test_what_nginx_takes_for_a_pattern(path, expected):
    assert is_pattern(path) is expected
