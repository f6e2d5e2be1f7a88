# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ansible_collections.netops.listen_queue mean this checkout, whatever its folder is called.

Under ansible-test the collection is in its place and Ansible's own loader finds it: then there is nothing to do. A link in
.venv would also be found, but it may belong to another clone, and its file names would not be those of this checkout.
"""

import importlib
import sys
import types
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLLECTION = "ansible_collections.netops.listen_queue"


def use_this_checkout():
    """Call it before anything of the collection is imported."""
    if not _is_found_here():
        _point_here()


def _is_found_here():
    try:
        package = importlib.import_module(COLLECTION)
    except ImportError:
        return False
    return [Path(path) for path in package.__path__] == [ROOT]


def _point_here():
    for name in [name for name in sys.modules if name == COLLECTION or name.startswith(COLLECTION + ".")]:
        del sys.modules[name]
    top = _package("ansible_collections", None)
    top.netops = _package("ansible_collections.netops", None)
    top.netops.listen_queue = _package(COLLECTION, ROOT)


def _package(name, path):
    """Import the package, or make one in memory; `path` given means: make one in any case."""
    if path is None:
        try:
            return importlib.import_module(name)
        except ImportError:
            pass
    package = types.ModuleType(name)
    package.__path__ = [] if path is None else [str(path)]
    sys.modules[name] = package
    return package
