# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows AnsibleModule: parameters in; facts, an answer or one sentence out."""

import gc
import json
from traceback import format_exc

from ansible.module_utils.basic import AnsibleModule

from ._errors import InputError, ListenQueueError, sentence_of
from ._imports import compile_once

UNEXPECTED = "the host could not be read: %s; correct that and run again"  # too many open files, a bad disk, no memory


def run_facts(argument_spec, name, gather):
    """Run a read-only module: ``gather(parameters)`` returns what becomes ``ansible_facts.<name>``.

    It is just ``<name>`` without ``as_fact``, and one text, ``<name>_json``, with ``as_json``.
    """

    def gathered(parameters):
        facts = gather(parameters)
        if parameters.get("as_json"):
            return {name + "_json": json.dumps(facts, separators=(",", ":"))}
        return {"ansible_facts": {name: facts}} if parameters.get("as_fact", True) else {name: facts}

    run_info(argument_spec, gathered)


def run_info(argument_spec, gather, **limits):
    """Run a read-only module: ``gather(parameters)`` returns its result (dict). ``limits`` are AnsibleModule's, as mutually_exclusive."""
    # A run is short and makes no cycles worth collecting, but the collector would walk the growing facts again and again.
    gc.disable()
    compile_once()
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **limits)
    try:
        _refuse_nul(module.params)
        result = gather(module.params)
    except ListenQueueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=UNEXPECTED % sentence_of(error), exception=format_exc())
    module.exit_json(changed=False, **result)


def run_journalled(argument_spec, act, session, **constraints):
    """Run a module that changes something: ``act(parameters, is_check, session)`` returns its Answer (_change.py).

    What it changes belongs to the checkpoint that its option ``checkpoint`` names: it takes the lock by ``session.opened()``,
    and makes its changes inside ``journalled(plan)`` of what that gives. In check mode it has to stop after planning.
    ``constraints`` are those of AnsibleModule, as ``mutually_exclusive``.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints)

    def acted(parameters, is_check):
        session.begin(parameters["checkpoint"], getattr(module, "_name", "a module"))
        for sentence in session.settle(is_check):
            module.warn(sentence)
        return act(parameters, is_check, session)

    _end(module, acted)


def run_change(argument_spec, act, **constraints):
    """Run a module that changes something that belongs to no checkpoint: ``act(parameters, is_check)`` returns its Answer."""
    _end(AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **constraints), act)


def _end(module, act):
    compile_once()
    try:
        _refuse_nul(module.params)
        answer = act(module.params, module.check_mode)
    except ListenQueueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=UNEXPECTED % sentence_of(error), exception=format_exc())
    for sentence in answer.warnings:
        module.warn(sentence)
    if answer.plan is not None:
        answer.values["diff"] = answer.plan.diff()
    if answer.failure is not None:
        module.fail_json(msg=answer.failure, changed=answer.changed, **answer.values)
    module.exit_json(changed=answer.changed, **answer.values)


def _refuse_nul(parameters):
    """No path, name or value can hold a NUL, and Python says so in its own words."""
    for option, value in parameters.items():
        if _holds_nul(value):
            raise InputError("%s: it holds a NUL character; remove that" % option)


def _holds_nul(value):
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value
