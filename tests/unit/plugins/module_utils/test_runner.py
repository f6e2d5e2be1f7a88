# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters in, facts or one sentence out; what is no known error is not hidden."""

from types import SimpleNamespace

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils import _runner
from ansible_collections.netops.listen_queue.plugins.module_utils._change import Answer, Change, Plan
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerInterrupted, InputError, KernelRefused, NamespaceLost


class Exit(Exception):
    pass


@pytest.fixture
def module(monkeypatch):
    """The arguments of AnsibleModule and of the call that ends it."""
    calls = {}

    class Module:
        params = {"ports": [80]}  # noqa: RUF012 -- as in AnsibleModule
        check_mode = True

        def __init__(self, **arguments):
            calls.update(arguments)

        def fail_json(self, **answer):
            calls["failed"] = answer
            raise Exit

        def exit_json(self, **answer):
            calls["answer"] = answer
            raise Exit

    monkeypatch.setattr(_runner, "AnsibleModule", Module)
    monkeypatch.setattr(_runner, "gc", SimpleNamespace(disable=lambda: None), raising=False)
    return calls


def test_facts(module):
    with pytest.raises(Exit):
        _runner.run_facts({"ports": {}}, "listen_queue", lambda parameters: {"given": parameters})
    assert module["answer"] == {"changed": False, "ansible_facts": {"listen_queue": {"given": {"ports": [80]}}}}
    assert (module["argument_spec"], module["supports_check_mode"]) == ({"ports": {}}, True)


def test_an_answer_that_is_no_fact(module, monkeypatch):
    monkeypatch.setattr(_runner.AnsibleModule, "params", {"as_fact": False})
    with pytest.raises(Exit):
        _runner.run_facts({}, "listen_queue", lambda parameters: 7)
    assert module["answer"] == {"changed": False, "listen_queue": 7}


def test_an_answer_as_one_text(module, monkeypatch):
    monkeypatch.setattr(_runner.AnsibleModule, "params", {"as_fact": True, "as_json": True})
    with pytest.raises(Exit):
        _runner.run_facts({}, "listen_queue", lambda parameters: {"path": "\udcff\u2028", "unknown": None})
    assert module["answer"] == {"changed": False, "listen_queue_json": '{"path":"\\udcff\\u2028","unknown":null}'}


def test_info(module):
    with pytest.raises(Exit):
        _runner.run_info({"ports": {}}, lambda parameters: {"given": parameters}, required_together=[("a", "b")])
    assert module["answer"] == {"changed": False, "given": {"ports": [80]}}
    assert (module["argument_spec"], module["supports_check_mode"], module["required_together"]) == ({"ports": {}}, True, [("a", "b")])


@pytest.mark.parametrize("error", [InputError("a"), NamespaceLost("b"), AnswerInterrupted("c"), KernelRefused("d", 1)])
def test_known_error_is_one_sentence(module, error):
    def gather(_parameters):
        raise error

    with pytest.raises(Exit):
        _runner.run_facts({}, "listen_queue", gather)
    assert module["failed"] == {"msg": str(error)}


@pytest.mark.parametrize("run", [lambda act: _runner.run_facts({}, "x", act), lambda act: _runner.run_change({}, lambda given, _is_check: act(given))])
def test_error_of_the_system_is_a_sentence_and_keeps_its_traceback(module, run):
    def act(_parameters):
        raise OSError(24, "Too many open files", "/proc/7/stat")

    with pytest.raises(Exit):
        run(act)
    assert module["failed"]["msg"] == "the host could not be read: Too many open files (/proc/7/stat); correct that and run again"
    assert module["failed"]["exception"].startswith("Traceback (most recent call last):")


NUL = {"text": "a\0", "list": ["a", "\0"], "key": {"\0": 1}, "value": [{"a": {"b": "\0"}}]}


@pytest.mark.parametrize("value", NUL.values(), ids=NUL)
@pytest.mark.parametrize("run", [lambda act: _runner.run_facts({}, "x", act), lambda act: _runner.run_change({}, lambda given, _is_check: act(given))])
def test_nul_is_refused_before_anything_is_done(module, monkeypatch, run, value):
    monkeypatch.setattr(_runner.AnsibleModule, "params", {"port": 80, "a": "\\x00", "netns": value})
    with pytest.raises(Exit):
        run(pytest.fail)
    assert module["failed"] == {"msg": "netns: it holds a NUL character; remove that"}


def test_unknown_error_is_not_hidden(module):
    def gather(_parameters):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _runner.run_facts({}, "listen_queue", gather)


DIFF = [{"before_header": "net.core.somaxconn", "after_header": "net.core.somaxconn", "before": "1\n", "after": "2\n"}]
PLAN = Plan((Change("sysctl", "net.core.somaxconn", 1, 2),))
ANSWERS = {
    "changed": (Answer(True, {"needs": "none"}, PLAN), "answer", {"changed": True, "needs": "none", "diff": DIFF}),
    "without_plan": (Answer(False, {"needs": "none"}), "answer", {"changed": False, "needs": "none"}),
    "failed": (Answer(True, {"needs": "none"}, PLAN, "no"), "failed", {"changed": True, "needs": "none", "diff": DIFF, "msg": "no"}),
}


@pytest.mark.parametrize("answer, end, values", ANSWERS.values(), ids=ANSWERS)
def test_answer_of_a_change(module, answer, end, values):
    given = []
    with pytest.raises(Exit):
        _runner.run_change({"x": {}}, lambda parameters, is_check: given.append((parameters, is_check)) or answer, mutually_exclusive=[["a", "b"]])
    assert given == [({"ports": [80]}, True)]
    assert module[end] == values
    assert module["mutually_exclusive"] == [["a", "b"]]


def test_known_error_of_a_change_is_one_sentence(module):
    def act(_parameters, _is_check):
        raise InputError("a")

    with pytest.raises(Exit):
        _runner.run_change({}, act)
    assert module["failed"] == {"msg": "a"}


class Session:
    """What _checkpoint.session.Session is to the runner."""

    def __init__(self, told=(), error=None):
        self.told, self.error, self.begun = told, error, None

    def begin(self, identifier, module):
        self.begun = (identifier, module)

    def settle(self, is_check):
        if self.error:
            raise self.error
        return [*self.told, "check" if is_check else "real"]


@pytest.fixture
def in_checkpoint(module, monkeypatch):
    monkeypatch.setattr(_runner.AnsibleModule, "params", {"checkpoint": "x"})
    monkeypatch.setattr(_runner.AnsibleModule, "_name", "netops.listen_queue.y", raising=False)
    monkeypatch.setattr(_runner.AnsibleModule, "warn", lambda _self, text: module.setdefault("warned", []).append(text), raising=False)
    return module


def test_change_in_a_checkpoint_settles_before_it_acts(in_checkpoint):
    session, given = Session(["a run was interrupted"]), []
    with pytest.raises(Exit):
        _runner.run_journalled({}, lambda *arguments: given.append(arguments) or Answer(True, {}), session)
    assert session.begun == ("x", "netops.listen_queue.y")
    assert given == [({"checkpoint": "x"}, True, session)]
    assert (in_checkpoint["warned"], in_checkpoint["answer"]) == (["a run was interrupted", "check"], {"changed": True})


def test_checkpoint_of_somebody_else_ends_the_run_before_it_acts(in_checkpoint):
    with pytest.raises(Exit):
        _runner.run_journalled({}, lambda *_arguments: pytest.fail("it acted"), Session(error=InputError("it is open")))
    assert in_checkpoint["failed"] == {"msg": "it is open"}
