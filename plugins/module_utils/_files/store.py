# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection keeps on a machine: previous versions of what it changed, for root alone, and the lock of a run."""

import os
from contextlib import contextmanager

from .durable import keep, private_folder, prune, remove_leftovers
from .lock import locked

PREVIOUS = "previous"
MOST_PREVIOUS = 50  # files; a checkpoint keeps its own


class Store:
    """An open state directory."""

    def __init__(self, path):
        self._path = path

    def keep_previous(self, state):
        """Keep the bytes of a FileState and return the path of the copy. It is named after its digest: equal bytes are kept once."""
        path = os.path.join(self._path, PREVIOUS)
        folder = private_folder(path)
        try:
            remove_leftovers(folder, ())
            keep(folder, state.digest, state.data)
            prune(folder, MOST_PREVIOUS)
        finally:
            os.close(folder)
        return os.path.join(path, state.digest)


@contextmanager
def opened(path, proc):
    """Make the state directory when it does not exist, and run the body, which gets the Store, as the only run on this machine.

    Raises Busy, WriteError.
    """
    folder = private_folder(path)
    try:
        with locked(folder, proc):
            yield Store(path)
    finally:
        os.close(folder)
