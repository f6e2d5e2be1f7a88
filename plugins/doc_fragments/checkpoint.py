# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of every module that changes a host."""


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  checkpoint:
    description:
      - The id of the open checkpoint to which the changes belong, as M(netops.listen_queue.checkpoint) returned it. What was there before is written down,
        so that all of it can be taken back.
      - While a checkpoint is open, nothing is changed without naming it.
    type: str
seealso:
  - module: netops.listen_queue.checkpoint
"""
