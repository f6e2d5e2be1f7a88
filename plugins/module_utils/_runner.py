# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows AnsibleModule: parameters in, facts or one sentence out."""

import gc

from ansible.module_utils.basic import AnsibleModule

from ._errors import ListenQueueError


def run_facts(argument_spec, name, gather):
    """Run a read-only module: ``gather(parameters)`` returns the facts that become ``ansible_facts.<name>``."""
    # A run is short and makes no cycles worth collecting, but the collector would walk the growing facts again and again.
    gc.disable()
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    try:
        facts = gather(module.params)
    except ListenQueueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, ansible_facts={name: facts})
