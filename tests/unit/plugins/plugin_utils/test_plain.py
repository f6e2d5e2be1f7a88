# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import datetime
import json

import pytest
from ansible_collections.netops.listen_queue.plugins.plugin_utils.plain import NotPlain, plain


class UnsafeText(str):
    """Like AnsibleUnsafeText of core 2.16: a str that stays itself under str()."""

    __slots__ = ()


UnsafeText.__str__ = lambda self: self


class TaggedInt(int):
    pass


class Lazy(dict):
    """Like the containers of core 2.19: what iteration gives differs from what is stored."""

    def items(self):
        return ((key, "templated") for key in self)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": [1, 2.5, True, None, "x"]}, {"a": [1, 2.5, True, None, "x"]}, id="already_plain"),
        pytest.param(UnsafeText("{{ x }}"), "{{ x }}", id="unsafe_text_of_core_2_16"),
        pytest.param({UnsafeText("key"): (UnsafeText("a"),)}, {"key": ["a"]}, id="unsafe_key_and_tuple"),
        pytest.param(TaggedInt(7), 7, id="tagged_number"),
        pytest.param(Lazy(a=1), {"a": "templated"}, id="lazy_container"),
        pytest.param(datetime.date(2026, 12, 31), "2026-12-31", id="yaml_date"),
        pytest.param({2, 1}, [1, 2], id="set"),
        pytest.param({1: "x"}, {"1": "x"}, id="number_as_key"),
    ],
)
def test_plain(value, expected):
    assert plain(value) == expected
    assert exact_types(plain(value)) <= {dict, list, str, int, float, bool, type(None)}
    json.dumps(plain(value))


def exact_types(value):
    if value.__class__ is dict:
        return {dict}.union(*(exact_types(item) for pair in value.items() for item in pair))
    return {list}.union(*(exact_types(item) for item in value)) if value.__class__ is list else {type(value)}


def test_text_marked_by_the_installed_core():
    try:
        from ansible.template import trust_as_template as mark
    except ImportError:  # before core 2.19
        from ansible.utils.unsafe_proxy import wrap_var as mark
    assert mark("x").__class__ is not str
    assert exact_types(plain({"a": mark("x")})) == {dict, str}


def test_what_has_no_json_form_is_an_error():
    with pytest.raises(NotPlain, match=r"^a value of type object has no JSON form$"):
        plain({"a": [object()]})
