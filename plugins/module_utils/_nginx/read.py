# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a configuration with all its includes, in the order and under the names that nginx gives them.

Source: src/core/ngx_conf_file.c ngx_conf_include() and ngx_conf_full_name(). Nothing that a configuration says can make
this block, or take more time and memory than the bounds below.
"""

import hashlib
import os
from typing import Dict, NamedTuple, Optional, Tuple

from .._errors import ConfigError, ReadError
from .._roots.read import Root
from .glob import is_pattern, matcher, plain
from .model import Configuration, Node
from .tree import DATA_BLOCKS, parse

WANTED = frozenset(
    b"http stream mail server listen server_name events stub_status pid error_log daemon master_process worker_processes "
    b"worker_connections worker_rlimit_nofile worker_shutdown_timeout proxy_pass fastcgi_pass uwsgi_pass scgi_pass grpc_pass memcached_pass".split()
)


# Blocks that hold listens: without its `{` nginx refuses one, and a server in an upstream is none.
BLOCKS: Dict[bytes, Tuple[Optional[bytes], ...]] = dict.fromkeys((b"http", b"stream", b"mail", b"events"), (None,))
BLOCKS[b"server"] = (b"http", b"stream", b"mail")


class Bounds(NamedTuple):
    """What is read at most. A file that is included twice counts twice among the inclusions."""

    inclusions: int = 20000
    depth: int = 100
    nodes: int = 1000000
    file_bytes: int = 64 << 20
    all_bytes: int = 128 << 20


def read_configuration(root, path, prefix, wanted=WANTED, strict=True, bounds=None):
    """Return the Configuration whose main file is ``path`` inside ``root`` (a directory, or /proc/<pid>/root).

    ``prefix`` is nginx's own (-p); a relative ``path`` belongs below it. Includes belong below the directory of the main
    file, which is the prefix of the result. ``wanted`` are the names of directives to keep; ``None`` keeps all.
    Raises ReadError when the main file cannot be read, ConfigError ("file:line: ...") for anything else that nginx would
    refuse or that is out of bounds; without ``strict`` the latter become problems, and the rest is read.
    """
    path = join(prefix, path)
    if not path.startswith("/"):
        raise ReadError("the configuration %s is not an absolute path; give the prefix that it belongs to" % path)
    with Root(root) as files:
        return _Reading(files, root, path, wanted, strict, bounds or Bounds()).run()


def join(prefix, path):
    """Return ``path`` where nginx looks for it: below ``prefix``, unless it is absolute."""
    return path if path.startswith("/") or not prefix else prefix.rstrip("/") + "/" + path


class Source(NamedTuple):
    """The bytes of one file, and what it really is: two paths with the same device and inode are one file."""

    data: bytes
    real_path: str  # inside the root, without symbolic links
    device: int
    inode: int


def read_source(configuration, path):
    """Return the Source of one file of a Configuration. Raises ReadError when it is not what was read before."""
    with Root(configuration.root) as files:
        try:
            found = files.read(path, Bounds().file_bytes)
        except OSError as error:
            raise ReadError("%s cannot be read any more: %s; run again" % (path, error.strerror))
        except ReadError as error:
            raise ReadError("%s cannot be read any more: %s; run again" % (path, error))
    if _digest(found.data) != configuration.files[path]:
        raise ReadError("%s was changed while it was looked at; run again" % path)
    return Source(*found)


def included_paths(configuration, path, directive):
    """Return the paths that an include Directive of the file ``path`` stands for, in nginx's order. Raises ConfigError, ReadError."""
    with Root(configuration.root) as files:
        reading = _Reading(files, configuration.root, configuration.path, None, True, Bounds())
        return reading.included(directive, "%s:%d" % (path, directive.line))


class _Reading:
    """One run over a main file and what it includes."""

    def __init__(self, files, root, path, wanted, strict, bounds):
        self._files = files
        self._root = root
        self._path = path
        self._prefix = path[: path.rindex("/") + 1]
        self._wanted = wanted
        self._strict = strict
        self._bounds = bounds
        self._parsed = {}  # path -> directives
        self._digests = {}
        self._nodes = []
        self._problems = []
        self._chain = []  # the files that are open, the main one first
        self._inclusions = self._bytes = 0

    def run(self):
        """Return the Configuration. Includes are generators on a stack of our own: their depth is not Python's."""
        stack = [self._file(self._path, -1, None)]
        while stack:
            inner = next(stack[-1], None)
            if inner is None:
                stack.pop()
            else:
                stack.append(inner)
        return Configuration(self._root, self._path, self._prefix, self._nodes, self._digests, self._problems)

    def _file(self, path, parent, where):
        """Add the nodes of one file below ``parent``; yield the generators of the files that it includes."""
        directives = self._directives(path, where)
        self._chain.append(path)
        numbers = []
        for directive in directives:
            above = parent if directive.parent < 0 else numbers[directive.parent]
            numbers.append(len(self._nodes))
            self._nodes.append(Node(path, directive, above))
            if directive.is_block:
                continue
            if directive.name in BLOCKS and self._name(above) in BLOCKS[directive.name]:
                self._fault('%s:%d: directive "%s" has no opening "{"' % (path, directive.line, directive.name.decode()))
            elif directive.name == b"include" and self._name(above) not in DATA_BLOCKS:
                here = "%s:%d" % (path, directive.line)
                for name in self.included(directive, here):
                    if self._may_enter(name, here):
                        yield self._file(name, above, here)
        if len(self._nodes) > self._bounds.nodes:
            raise ConfigError("%s: the configuration has more than %d directives; that is not read" % (where or path, self._bounds.nodes))
        self._chain.pop()

    def _name(self, number):
        return self._nodes[number].directive.name if number >= 0 else None

    def _fault(self, sentence):
        if self._strict:
            raise ConfigError(sentence)
        self._problems.append(sentence)

    def _directives(self, path, where):
        if path not in self._parsed:
            try:
                self._parsed[path] = self._parse(path)
            except OSError as error:
                self._unreadable(path, where, error.strerror)
            except ConfigError as error:
                if where is None:
                    raise
                self._fault(str(error))
            except ReadError as error:
                self._unreadable(path, where, str(error))
        return self._parsed.setdefault(path, [])

    def _unreadable(self, path, where, reason):
        if where is None:
            raise ReadError("the configuration %s cannot be read: %s; name the file that nginx uses, and become root" % (path, reason))
        self._fault("%s: the included file %s cannot be read: %s" % (where, path, reason))

    def _parse(self, path):
        found = self._files.read(path, self._bounds.file_bytes)
        self._bytes += len(found.data)
        if self._bytes > self._bounds.all_bytes:
            raise ReadError("the configuration has more than %d bytes" % self._bounds.all_bytes)
        self._digests[path] = _digest(found.data)
        return parse(found.data, path, self._wanted)

    def included(self, directive, here):
        """Return the paths that an include stands for, in nginx's order."""
        if len(directive.args) != 1:
            self._fault("%s: include takes one path, not %d" % (here, len(directive.args)))
            return []
        path = join(self._prefix, os.fsdecode(directive.args[0]))
        return self._expand(os.fsencode(path), here) if is_pattern(os.fsencode(path)) else [path]

    def _may_enter(self, path, here):
        self._inclusions += 1
        if self._inclusions > self._bounds.inclusions:
            raise ConfigError("%s: more than %d files are included; that is not read" % (here, self._bounds.inclusions))
        if path in self._chain:
            around = " -> ".join(self._chain[self._chain.index(path) :] + [path])
            self._fault("%s: the include goes in a circle, which nginx cannot load: %s; remove it" % (here, around))
            return False
        if len(self._chain) >= self._bounds.depth:
            self._fault("%s: includes are nested more than %d deep; that is not read" % (here, self._bounds.depth))
            return False
        return True

    def _expand(self, pattern, here):
        """Return the paths that match a pattern. Directories that do not exist match nothing."""
        *folders, last = pattern.split(b"/")[1:]
        found = [b""]
        for number, component in enumerate(folders + [last]):
            match = matcher(component)
            inner = []
            for folder in found:
                try:
                    inner += self._matches(folder, component, match, number < len(folders))
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    text = os.fsdecode(folder) or "/"
                    self._fault("%s: the directory %s cannot be listed: %s; become root" % (here, text, error.strerror))
            found = inner
            if len(found) > self._bounds.inclusions:
                raise ConfigError("%s: more than %d files match; that is not read" % (here, self._bounds.inclusions))
        return [os.fsdecode(path) for path in sorted(found)]

    def _matches(self, folder, component, match, is_folder):
        if match is None:
            path = folder + b"/" + plain(component)
            return [path] if is_folder or self._files.exists(os.fsdecode(path)) else []
        return [folder + b"/" + name for name in self._files.names(os.fsdecode(folder) + "/") if match(name)]


def _digest(data):
    return hashlib.sha256(data).hexdigest()
