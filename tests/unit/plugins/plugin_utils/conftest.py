# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts to start from, as fixtures; see made_up_facts.py."""

import made_up_facts
import pytest


@pytest.fixture
def make_listener():
    """make_listener(key=value, ...); the value "absent" leaves a key out."""
    return made_up_facts.listener


@pytest.fixture
def make_namespace():
    return made_up_facts.namespace


@pytest.fixture
def make_facts():
    return made_up_facts.facts
