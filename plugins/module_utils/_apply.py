# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of change: how it is now, and how to make it so; and effects. The runner and the undo program share it.

What a kind needs is imported when the first change of that kind comes.
"""

import errno
import os
import stat
from contextlib import suppress

from ._change import FILE, FOLDER, SOCKET, SYSCTL
from ._checkpoint.entry import ENDED, Unusual
from ._errors import InputError, ReadError, WriteError

RELOAD_SECONDS = 30
# What tells that something else is in the place of a file. Any other error tells nothing about it.
SOMETHING_ELSE = (errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV)


class Machine:
    """This machine, as changes see it that were made some time ago, perhaps before a boot.

    ``home`` is the inode that the network namespace of the modules had then: when it ended, the present one took its place.
    """

    def __init__(self, proc, home=None, has_booted=False):
        self._proc = proc
        self._home = home
        self._has_booted = has_booted
        self._found = {}

    # How it is now ------------------------------------------------------------------------------------------------------

    def now(self, kind, target):
        """Return what is there: FileState, mode, text or limit as in a Change, None for nothing, ENDED, or Unusual. Raises ReadError."""
        return {FILE: self._file, FOLDER: self._folder, SYSCTL: self._sysctl, SOCKET: self._socket}[kind](target)

    def _file(self, target):
        from ._files.read import see

        place = self._place(target)
        if place is None or isinstance(place, Unusual):
            return place
        with place:
            try:
                seen = see(place)
            except ReadError as error:
                return _unusual(error)
        return None if seen is None else seen.state

    def _folder(self, target):
        place = self._place(target, True)
        if place is None or isinstance(place, Unusual):
            return place
        with place:
            try:
                status = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise ReadError("%s: %s" % (target.path, error.strerror))
        return stat.S_IMODE(status.st_mode) if stat.S_ISDIR(status.st_mode) else Unusual("%s is no directory any more" % target.path)

    def _place(self, target, is_folder=False):
        from ._files.read import locate

        if not os.path.isdir(target.root):
            raise ReadError("%s, in which %s was changed, is not there any more" % (target.root, target.path))
        try:
            place = locate(target.root, target.path, is_folder)
        except ReadError as error:
            if isinstance(error.__context__, FileNotFoundError):  # its directory is gone
                return None
            return _unusual(error)
        if place.path != target.path:
            place.close()
            return Unusual("%s leads to %s now, because somebody made a symbolic link" % (target.path, place.path))
        return place

    def _sysctl(self, target):
        def read():
            raw = self._proc.read("sys/" + target.path, once=True)
            return None if raw is None else " ".join(raw.decode("utf-8", "backslashreplace").split())

        if self._namespace(target.netns) is None:
            return ENDED
        return self._inside(target.netns, read)

    def _socket(self, target):
        from ._sockets.write import limits_of

        if self._namespace(target.netns) is None or self.has_begun_anew(target.netns):
            return ENDED
        limit = limits_of(self._proc, [target])[target]
        return ENDED if limit is None else limit

    def has_begun_anew(self, inode):
        """True when the values of a network namespace are not those that a change left there: it took the place of one that ended."""
        return self._has_booted or self._namespace(inode) is None or self._namespace(inode).id.inode != inode

    def _namespace(self, inode):
        """Return the Namespace that had this inode when the change was made, or took its place; None when it ended."""
        from ._namespaces.process import Finder
        from ._namespaces.read import own_namespace
        from ._problems import Problems

        if inode not in self._found:
            own, found = own_namespace(self._proc), None
            if not self._has_booted and inode != own.id.inode:
                finder = Finder(self._proc, own, Problems())
                finder.find(self._proc.numbers(""))
                found = next((each for each in finder.namespaces() if each.id.inode == inode), None)
            self._found[inode] = found or (own if inode == self._home or (inode == own.id.inode and not self._has_booted) else None)
        return self._found[inode]

    def _inside(self, inode, function):
        from ._namespaces.read import entered, own_namespace

        try:
            with entered(self._proc, own_namespace(self._proc), self._namespace(inode)):
                return function()
        except OSError as error:
            raise WriteError("the network namespace %d cannot be entered: %s; become root on the host" % (inode, error.strerror))

    # How to make it so --------------------------------------------------------------------------------------------------

    def clean(self, kind, target):
        """Remove what a run that was killed left beside a file. The lock of the run has to be held."""
        from ._files.durable import remove_leftovers

        if kind == FILE and os.path.isdir(target.root):
            with suppress(OSError, ReadError):  # it is of no importance
                place = self._place(target)
                if place is not None and not isinstance(place, Unusual):
                    with place:
                        remove_leftovers(place.folder, ())

    def write_files(self, changes):
        """Make Changes of files and folders, all of them or none; ``before`` is what is there. Raises Conflict, WriteError, ReadError."""
        from ._files.write import apply_files

        apply_files(changes, self._proc)

    def write(self, change):
        """Make one Change of another kind; ``before`` is what is there. Raises Conflict, WriteError, ReadError."""
        {SYSCTL: self._write_sysctl, SOCKET: self._write_socket}[change.kind](change)

    def _write_sysctl(self, change):
        from ._sysctl.write import write_values

        path = change.target.path
        after = self._inside(change.target.netns, lambda: write_values(self._proc, {path: change.after}))
        if after[path] != change.after:
            raise WriteError("%s reads back as %r and not as %r; a program sets it too" % (change.target, after[path], change.after))

    def _write_socket(self, change):
        from ._sockets.write import set_limits

        set_limits(self._proc, [change])

    def reload_nginx(self, target):
        """Let the nginx of a NginxTarget read its configuration again; return its live sockets as limits_before() does, none when it does not run.

        Raises WriteError when it does not take it, ReadError.
        """
        from ._nginx_reload.control import reload_one, wanted_masters
        from ._reload.read import limits_before, masters_of

        masters = masters_of(self._proc)
        same = [_newest(masters, master) for master in masters if (master.pid, master.start_ticks) == (target.pid, target.start_ticks)]
        if not same:  # it was restarted meanwhile, or replaced by another one
            if target.config is None or not os.path.isdir(target.root or "/"):
                return ()
            try:
                same = wanted_masters(
                    [master for master in masters if master.newer is None], {"pid": None, "config": target.config, "root": target.root or "/"}
                )
            except InputError:  # no other one runs with this configuration
                return ()
        failures = [failure for failure in (reload_one(self._proc, master, RELOAD_SECONDS)[1] for master in same) if failure]
        if failures:
            raise WriteError("; ".join(failures))
        return tuple(change for master in same for change in limits_before(self._proc, master))


def _newest(masters, master):
    """Return the Master that took over from one in a binary upgrade: the older one reads its configuration no more, and HUP starts its workers again."""
    by_pid = {each.pid: each for each in masters}
    while master.newer in by_pid:
        master = by_pid[master.newer]
    return master


def _unusual(error):
    """Return the Unusual that a ReadError tells of. Raises it when what is there may be as usual, but cannot be read now."""
    cause = error.__context__
    if isinstance(cause, OSError) and cause.errno not in SOMETHING_ELSE:
        raise error
    return Unusual(str(error))
