# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the accept queue limit of live sockets, with listen(2) on a borrowed descriptor. No process is stopped or told."""

from contextlib import ExitStack, contextmanager

from .._descriptors.read import HolderGone, borrow_listener
from .._errors import Conflict, InputError, ReadError, WriteError
from .._listeners.read import holders, look, namespace_of_inode
from .._namespaces.read import own_namespace

ATTEMPTS = 5  # to borrow a socket: the workers of an nginx that was reloaded end one after the other


def limits_of(proc, targets):
    """Return ``{SocketTarget: its accept queue limit now}``; ``None`` for a socket that is not there any more. Raises ReadError."""
    own, limits = own_namespace(proc), {}
    for netns in sorted({target.netns for target in targets}):
        mine = [target for target in targets if target.netns == netns]
        limits.update(dict.fromkeys(mine))
        try:
            namespace = namespace_of_inode(proc, own, netns)
        except InputError:  # the namespace ended, and its sockets with it
            continue
        scene = look(proc, own, namespace, {target.family for target in mine})
        limits.update((target, row.accept_queue_limit) for target in mine for row in scene.listeners if target.is_of(row))
    return limits


def try_limits(proc, changes, pid=None, somaxconn=None):
    """Raise what set_limits() would raise before it changes anything: Conflict, WriteError, ReadError.

    ``somaxconn`` is what it will be by then; None means what it is.
    """
    with _borrowed(proc, changes, pid, somaxconn):
        pass


def set_limits(proc, changes, pid=None):
    """Make Changes of kind ``socket``, all of them or none. ``pid`` names the process to borrow from; by default any that holds the socket.

    Each has to be as ``before`` says (``None``: whatever it is), and somaxconn has to allow what ``after`` says. Raises Conflict, WriteError, ReadError.
    """
    with _borrowed(proc, changes, pid) as sockets:
        done = []
        for change, borrowed in zip(changes, sockets):
            try:
                borrowed.listen(change.after)
            except OSError as error:
                for earlier, other in reversed(done):
                    other.listen(earlier.before)
                raise WriteError("the kernel refuses the backlog of %s: %s; nothing was changed" % (change.target, error.strerror))
            done.append((change, borrowed))
    seen = limits_of(proc, [change.target for change in changes])
    for change in changes:
        limit = seen[change.target]
        if limit is not None and limit != change.after:
            raise WriteError(
                "the limit of %s is %d after listen(2) with %d: net.core.somaxconn was changed meanwhile; set that, and run again"
                % (change.target, limit, change.after)
            )


@contextmanager
def _borrowed(proc, changes, pid, somaxconn=None):
    own = own_namespace(proc)
    for netns in sorted({change.target.netns for change in changes}):
        mine = [change for change in changes if change.target.netns == netns]
        try:
            scene = look(proc, own, namespace_of_inode(proc, own, netns), {change.target.family for change in mine})
        except InputError as error:
            raise Conflict("%s; its listeners are gone" % error)
        for change in mine:
            _revalidate(change, scene if somaxconn is None else scene._replace(somaxconn=somaxconn))
    found, denied = holders(proc, [change.target.inode for change in changes], pid)
    with ExitStack() as stack:
        sockets = []
        for change in changes:
            pids = found.get(change.target.inode, [])
            if not pids and denied:
                raise ReadError(
                    "%s cannot be reached: the descriptors of some processes may not be read; become root (CAP_SYS_PTRACE) on the host" % str(change.target)
                )
            sockets.append(stack.enter_context(_borrow(proc, pids, change.target, pid)))
        yield sockets


def _borrow(proc, pids, target, pid):
    """Return a duplicate of a socket. When the process that was found first ends meanwhile, another one is looked for. Raises ReadError."""
    for _attempt in range(ATTEMPTS):
        try:
            return borrow_listener(proc, pids, target)
        except HolderGone as error:
            gone = error
            pids = holders(proc, [target.inode], pid)[0].get(target.inode, [])
        if not pids:
            break
    raise gone


def _revalidate(change, scene):
    target = change.target
    limit = next((row.accept_queue_limit for row in scene.listeners if target.is_of(row)), None)
    if limit is None:
        raise Conflict("%s does not listen any more; its program ended or made new sockets; run again" % str(target))
    if change.before not in (None, limit):
        raise Conflict("the limit of %s was changed to %d by somebody else meanwhile; run again" % (target, limit))
    check_cap(change.after, scene, target)


def check_cap(backlog, scene, where):
    """Raise WriteError when listen(2) in a Scene would not set ``backlog`` but what somaxconn allows."""
    if scene.somaxconn is None:
        raise WriteError("net.core.somaxconn of %s is not known, so listen(2) might lower the limit of %s; nothing was changed" % (scene.where, where))
    if backlog > scene.somaxconn:
        raise WriteError(
            "net.core.somaxconn of %s is %d, so listen(2) would set the limit of %s to that and not to %d; raise it first, nothing was changed"
            % (scene.where, scene.somaxconn, where, backlog)
        )
