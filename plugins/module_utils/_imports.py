# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles each of our files once.

A module travels as a zip of sources and is compiled where it runs. Since Python 3.10 zipimport compiles every file twice: its
find_spec() calls spec_from_loader(), that asks get_filename(), and that compiles the file, only to throw the code away (CPython,
Lib/zipimport.py and Lib/importlib/_bootstrap.py). Measured, this is nearly half of what our modules cost above a ping.
"""

import sys
import zipimport
from importlib.machinery import ModuleSpec

BELOW = __name__.rpartition(".")[0] + "."  # names of what is shipped with this file


def compile_once():
    """Let what is imported from now on, below the package of this file, be compiled once. Does nothing outside of such a zip."""
    loader = globals().get("__loader__")
    if isinstance(loader, zipimport.zipimporter) and hasattr(loader, "find_spec") and not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder(loader))


class _Finder:
    """Finder and loader (PEP 451) of the files in the archive of ``zipimporter``."""

    def __init__(self, zipimporter):
        self._zip = zipimporter

    def find_spec(self, name, _path=None, _target=None):
        stem = "%s/%s" % (self._zip.archive, name.replace(".", "/"))
        for origin, places in ((stem + ".py", None), (stem + "/__init__.py", [stem])) if name.startswith(BELOW) else ():
            try:
                source = self._zip.get_data(origin)
            except OSError:  # there is no such file
                continue
            spec = ModuleSpec(name, self, origin=origin, loader_state=source)  # type: ignore[arg-type]  # it has what a loader needs
            spec.has_location, spec.submodule_search_locations = True, places
            return spec
        return None

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        spec = module.__spec__
        exec(compile(spec.loader_state, spec.origin, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (what every loader does)

    def get_source(self, name):
        """For tracebacks, and for the undo program, which is packed from the sources."""
        return self.find_spec(name).loader_state.decode("utf-8")
