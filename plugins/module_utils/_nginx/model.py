# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a read nginx configuration is: flat lists with the index of the parent, so that no depth of nesting needs recursion."""

from typing import Dict, List, NamedTuple, Tuple


class Directive(NamedTuple):
    """One directive of one file."""

    name: bytes  # as nginx sees it: quotes and escapes resolved
    args: Tuple[bytes, ...]  # likewise
    line: int  # of the name, from 1
    start: int  # offset of the first byte of the name
    end: int  # offset after the `;`, or after the `{` of a block
    parent: int  # index of the enclosing block in the list of the same file; -1 at the file's top
    is_block: bool


class Node(NamedTuple):
    """One directive where it takes effect. A file that is included twice gives its directives twice, with other parents."""

    path: str  # as nginx names the file, inside the root
    directive: Directive
    parent: int  # index in Configuration.nodes; -1 in the main context


class Configuration(NamedTuple):
    """A configuration with all its includes."""

    root: str  # the directory that nginx sees as `/`
    path: str  # of the main file, inside root
    prefix: str  # inside root, with a slash at its end
    nodes: List[Node]
    files: Dict[str, str]  # path -> sha256 (hex) of the bytes that were read, in the order of reading
    problems: List[str]
